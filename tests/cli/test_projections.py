import json
from datetime import UTC, datetime, timedelta

import pytest

from analytics_es import AnalyticsService
from analytics_es.projection import count, key, projection
from analytics_es.testing import cost_corrected, tool_call
from tests.cli.conftest import FIRST, Cli
from tests.stores import opened


def test_projections_are_listed(cli: Cli, db: str) -> None:
    cli("usage", "--db", db)

    lines = cli("projections", "list", "--db", db).stdout.splitlines()

    assert lines[0].split() == ["projection", "version", "rows"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["budgets", "3"],
        ["cost", "4"],
        ["performance", "3"],
        ["usage", "4"],
    ]


def test_a_status_tells_the_lag_and_does_not_catch_up(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}")

    for _ in range(2):
        output = cli("projections", "status").stdout
        assert "behind" in output
        assert "any question catches up" in output
    cli("usage")

    assert "any question" not in cli("projections", "status").stdout


@pytest.mark.parametrize(
    ("limit", "exit_code"), [("0", 1), ("1", 1), ("2", 0), ("1000", 0), ("0s", 1), ("48h", 0), ("90m", 1), ("1d", 1)]
)
def test_a_status_that_is_too_far_behind_ends_with_1(cli: Cli, limit: str, exit_code: int) -> None:
    with opened("analytics.db", clock=lambda: datetime.now(UTC) - timedelta(hours=30), privacy="full") as analytics:
        analytics.record_events([tool_call(), tool_call()]).unwrap()

    told = cli("projections", "status", "--max-lag", limit)

    assert told.exit_code == exit_code
    assert "behind" in told.stdout
    assert ("above --max-lag" in told.stderr) is (exit_code == 1)


def test_a_status_that_is_up_to_date_is_within_every_limit(cli: Cli, own: str) -> None:
    cli("usage", "--db", own)

    told = cli("projections", "status", "--max-lag", "0", "--json", "--db", own)

    assert (told.exit_code, json.loads(told.stdout)["projections"][0]["lag_events"]) == (0, 0)


@pytest.mark.parametrize("limit", ["", "-1", "1.5", "ten", "5 s", "s"])
def test_a_limit_is_events_or_a_time(cli: Cli, own: str, limit: str) -> None:
    told = cli("projections", "status", "--max-lag", limit, "--db", own)

    assert told.exit_code == 2
    assert "write 1000 events, or 30s, 5m, 2h" in told.stderr


def test_a_status_lists_what_could_not_be_read(cli: Cli) -> None:
    cli("record", "shop.order.placed", "--data", '{"input_tokens": "many"}')
    cli("usage")

    found = json.loads(cli("projections", "status", "--json").stdout)

    assert found["unreadable_values"] == [{"projection": "usage", "position": FIRST, "field": "input_tokens"}]
    assert [each["unreadable"] for each in found["projections"]] == [0, 0, 0, 1]
    assert f"usage              {FIRST}  input_tokens" in cli("projections", "status").stdout


def test_what_only_looks_as_if_this_package_had_said_it_is_listed(cli: Cli) -> None:
    with opened("analytics.db") as service:
        service.store.recorder.announce("analytics.tags.declared", {"tags": 7})
        service.store.recorder.announce("analytics.tags.declared", {"teams": []})

    shown, told = cli("projections", "status"), cli("projections", "status", "--json")

    assert "Not said by this package, and ignored" in shown.stdout
    assert json.loads(told.stdout)["unread_announcements"] == [
        {"position": 1, "type": "analytics.tags.declared", "problem": "tags is no list of texts"},
        {"position": 2, "type": "analytics.tags.declared", "problem": "it has no 'tags'"},
    ]


def test_corrections_that_fit_no_call_are_listed_unless_nothing_is_checked(cli: Cli) -> None:
    with opened("analytics.db") as service:
        service.record_event(**cost_corrected()).unwrap()

    shown, unchecked = cli("projections", "status"), cli("projections", "status", "--no-check", "--json")
    (listed,) = json.loads(cli("projections", "status", "--json").stdout)["doubtful_corrections"]

    assert "Corrections that fit no call" in shown.stdout
    assert (listed["id"], listed["counted"]) == ("call-1:correction:1", False)
    assert json.loads(unchecked.stdout)["doubtful_corrections"] is None


@projection(version=1, consumes=(">",))
class OfEngine:
    """A projection of which DuckDB alone computes a key."""

    vendor: str = key("regexp_extract(model, '^[a-z]+')")
    events: int = count()


@projection(version=1, consumes=(">",))
class OfPython:
    """A projection of which Python computes everything."""

    region: str = key("attributes.region")
    events: int = count()


@pytest.mark.store(projections=(OfEngine, OfPython))
def test_the_status_says_by_what_a_few_events_are_folded_and_why(analytics: AnalyticsService) -> None:
    assert {status.name: status.few_events for status in analytics.projections().unwrap()} == {
        "of_engine": "duckdb: the key vendor: the function regexp_extract()",
        "of_python": "python",
    }
