import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import FIRST, LAST, WEEK, Cli


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_an_export_writes_the_events_of_the_period_and_says_what(cli: Cli, own: str, form: str) -> None:
    result = json.loads(cli("export", form, *WEEK, "--db", own, "-o", "out", "--json").stdout)

    assert (result["format"], result["rows"]) == (form, 13)
    assert (result["first_position"], result["last_position"]) == (FIRST, LAST)
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
