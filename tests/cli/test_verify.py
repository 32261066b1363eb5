"""`projections verify` and the check of `projections status`: what they say, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import FIRST, LAST, Cli
from tests.stores import sql

NOON = "bucket = 1709553600"  # of the fixed events


@pytest.fixture
def read_models(cli: Cli, own: str) -> Path:
    """Return the read models of a store of one's read_models, caught up."""
    cli("usage")
    return Path("analytics.views.db")


def test_what_is_identical_ends_with_0(cli: Cli, read_models: Path) -> None:
    result = cli("projections", "verify")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith("verified 14 events folded again in ")
    assert [line.split()[0] for line in lines[2:]] == ["projection", "budgets", "cost", "performance", "usage"]
    assert all(line.endswith("identical") for line in lines[3:])


def test_what_differs_is_told_and_ends_with_1(cli: Cli, read_models: Path) -> None:
    sql(
        read_models, f"UPDATE performance_v3 SET calls = calls + 4 WHERE grain = 'hour' AND {NOON} AND subject = 'bash'"
    )

    result = cli("projections", "verify", "performance")

    assert result.exit_code == 1
    assert result.stderr == ""
    assert "1 entry differs" in result.stdout
    assert "hour 2024-03-04 12:00+0000" in result.stdout
    assert "operation=tool.call subject=bash" in result.stdout
    assert "calls 5, should be 1 (+4)" in result.stdout


def test_as_json_it_is_told_in_full(cli: Cli, read_models: Path) -> None:
    sql(read_models, f"UPDATE cost_v4 SET reported_cost = 7 WHERE grain = 'hour' AND {NOON} AND entity_type = 'user'")
    sql(read_models, f"DELETE FROM performance_v3 WHERE grain = 'hour' AND {NOON} AND subject = 'bash'")

    result = cli("projections", "verify", "--json", "--workers", "2")
    found = json.loads(result.stdout)
    _, cost, performance, _ = found["projections"]

    assert result.exit_code == 1
    assert (found["identical"], found["period"], found["sampled"], found["events"]) == (False, None, None, LAST)
    assert cost["divergences"][0]["differences"][0]["live"] == "0.000000000000000007"
    (missing,) = performance["divergences"][:1]
    assert (missing["kind"], missing["positions"]) == ("missing", [FIRST + 6])


def test_a_period_and_a_sample_are_verified(cli: Cli, read_models: Path) -> None:
    sql(read_models, f"UPDATE performance_v3 SET calls = 0 WHERE {NOON}")

    right = cli("projections", "verify", "--from", "2024-03-05", "--to", "2024-03-06")
    wrong = cli("projections", "verify", "--to", "2024-03-05T00:00")
    sample = cli("projections", "verify", "--sample", "1", "--seed", "3", "--json")

    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert "verified from 2024-03-05 00:00:00+00:00 to 2024-03-06 00:00:00+00:00, 4 events" in right.stdout
    assert (json.loads(sample.stdout)["seed"], len(json.loads(sample.stdout)["sampled"])) == (3, 1)
    assert "(--seed 3)" in cli("projections", "verify", "--sample", "1", "--seed", "3").stdout


@pytest.mark.parametrize(
    "wrong",
    [
        ("--sample", "1", "--from", "2024-03-05"),
        ("--seed", "1"),
        ("--sample", "0"),
        ("--from", "2024-03-05", "--to", "2024-03-05"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(cli: Cli, read_models: Path, wrong: tuple[str, ...]) -> None:
    assert cli("projections", "verify", *wrong).exit_code == 2


def test_an_unknown_projection_is_told_in_one_line(cli: Cli, read_models: Path) -> None:
    result = cli("projections", "verify", "nobody")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_unreadable_values_that_differ_are_told(cli: Cli, read_models: Path) -> None:
    sql(read_models, "INSERT INTO unreadable VALUES ('cost_v4', 1709553600, 3, 'calls')")

    output = cli("projections", "verify", "cost").stdout

    assert "Unreadable values of cost" in output
    assert "calls  extra" in output


def test_a_status_says_that_the_ledger_agrees_with_the_log(cli: Cli, read_models: Path) -> None:
    assert "ledger agrees with the log (3 days)" in cli("projections", "status").stdout
    assert [each["identical"] for each in json.loads(cli("projections", "status", "--json").stdout)["ledger"]] == [
        True
    ] * 4


def test_a_status_lists_the_days_that_differ(cli: Cli, read_models: Path) -> None:
    sql(read_models, "UPDATE ledger SET events = events + 1 WHERE read_model = 'cost_v4' AND day = 1709510400")
    sql(read_models, "UPDATE ledger SET checksum = checksum + 1 WHERE read_model = 'usage_v4' AND day = 1709510400")

    result = cli("projections", "status")

    assert result.exit_code == 0
    assert "cost: 15 events were taken in, but the log holds 14 up to checkpoint 14" in result.stdout
    assert "cost        Mon 2024-03-04        10           9" in result.stdout
    assert "usage       Mon 2024-03-04         9    9 others" in result.stdout


def test_a_status_without_the_check_says_nothing_of_it(cli: Cli, read_models: Path) -> None:
    sql(read_models, "DELETE FROM ledger")

    assert "log" not in cli("projections", "status", "--no-check").stdout
    assert json.loads(cli("projections", "status", "--no-check", "--json").stdout)["ledger"] is None


def test_a_status_says_how_a_definition_changed(cli: Cli, read_models: Path) -> None:
    ((definition,),) = sql(read_models, "SELECT definition FROM registry WHERE projection = 'performance'")
    told = json.loads(definition)
    told["measures"] = [each for each in told["measures"] if each["name"] != "failures"]
    sql(read_models, "UPDATE registry SET definition = ? WHERE projection = 'performance'", json.dumps(told))
    # The table of that definition never had the column: with it, it would be damaged.
    for (view,) in sql(read_models, "SELECT name FROM sqlite_master WHERE type = 'view' AND sql LIKE '%performance%'"):
        sql(read_models, f"DROP VIEW {view}")
    sql(read_models, "ALTER TABLE performance_v3 DROP COLUMN failures")

    output = cli("projections", "status").stdout

    assert "stale: definition changed (added measure failures)" in output
