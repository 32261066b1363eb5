import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import WEEK, Cli


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_an_export_writes_the_events_of_the_period_and_says_what(cli: Cli, own: str, form: str) -> None:
    result = json.loads(cli("export", form, *WEEK, "--db", own, "-o", "out", "--json").stdout)

    assert (result["format"], result["rows"], result["first_position"], result["last_position"]) == (form, 13, 1, 13)
    assert result["sha256"] == hashlib.sha256(Path("out").read_bytes()).hexdigest()
    if form == "parquet":
        assert pq.read_table("out").num_rows == 13


def test_an_export_of_metrics_is_told_in_one_line(cli: Cli, db: str) -> None:
    result = cli(
        "export", "csv", *WEEK, "--db", db, "--metric", "usage.events", "--metric", "cost.calls", "-o", "m.csv"
    )

    assert result.exit_code == 0
    assert result.stdout.startswith("wrote ")
    assert "m.csv: " in result.stdout
    assert result.stdout.count("\n") == 1


def test_an_export_never_replaces_a_file(cli: Cli, db: str) -> None:
    Path("mine.csv").write_text("mine")

    result = cli("export", "csv", *WEEK, "--db", db, "-o", "mine.csv")

    assert result.exit_code == 1
    assert "is never overwritten" in result.stderr
    assert Path("mine.csv").read_text() == "mine"


def test_an_aggregation_changes_no_answer(cli: Cli, db: str) -> None:
    before = cli("report", *WEEK, "--db", db, "--json").stdout

    told = cli("aggregate", *WEEK, "--db", db)
    found = json.loads(cli("aggregate", *WEEK, "--db", db, "--json").stdout)

    assert told.stdout.startswith("derived ")
    assert (found["events"], found["position"]) == (13, 13)
    assert cli("report", *WEEK, "--db", db, "--json").stdout == before


def test_projections_are_listed(cli: Cli, db: str) -> None:
    cli("usage", "--db", db)

    lines = cli("projections", "list", "--db", db).stdout.splitlines()

    assert lines[0].split() == ["projection", "version", "rows"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["budgets", "1"],
        ["cost", "2"],
        ["performance", "1"],
        ["usage", "1"],
    ]


def test_a_status_tells_the_lag_and_does_not_catch_up(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}")

    for _ in range(2):
        output = cli("projections", "status").stdout
        assert "behind" in output
        assert "any question catches up" in output
    cli("usage")

    assert "any question" not in cli("projections", "status").stdout


def test_a_status_lists_what_could_not_be_read(cli: Cli) -> None:
    cli("record", "provider.call.completed", "--data", '{"cost": 1e12, "currency": "USD"}')
    cli("usage")

    found = json.loads(cli("projections", "status", "--json").stdout)

    assert found["unreadable_values"] == [{"projection": "cost", "position": 1, "field": "reported_cost"}]
    assert [each["unreadable"] for each in found["projections"]] == [0, 1, 0, 0]
    assert "cost               1  reported_cost" in cli("projections", "status").stdout


def test_metrics_are_listed_with_their_keys(cli: Cli) -> None:
    output = cli("metrics").stdout

    assert "  performance.duration             histogram  ms\n" in output
    assert "  keys: operation, subject\n" in output


def test_a_backup_is_told_in_one_line_or_as_json(cli: Cli, own: str) -> None:
    told = cli("backup", "one.db", "--db", own)
    found = json.loads(cli("backup", "two.db", "--db", own, "--json").stdout)

    assert told.stdout.startswith("wrote ")
    assert "one.db: the log up to position 13, " in told.stdout
    assert found == {
        "path": str(Path("two.db").absolute()),
        "last_position": 14,  # the first backup is told in the log
        "bytes": Path("two.db").stat().st_size,
    }
    assert cli("usage", *WEEK, "--db", "two.db", "--json").exit_code == 0


def test_a_backup_never_replaces_a_file(cli: Cli, db: str) -> None:
    Path("mine.db").write_text("mine")

    result = cli("backup", "mine.db", "--db", db)

    assert result.exit_code == 1
    assert "is never overwritten" in result.stderr
    assert Path("mine.db").read_text() == "mine"
