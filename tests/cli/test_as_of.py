"""--as-of on every question, and diff."""

from __future__ import annotations

import json

import pytest

from analytics_es import AnalyticsService
from tests.cli.conftest import FIRST, LAST, NOON, WEEK, Cli, fixed_events

SIXTH = str(FIRST + 5)  # the last of the first half
QUESTIONS = [("usage",), ("performance",), ("cost",), ("summary", "usage.events"), ("report",)]


@pytest.fixture
def store(cli: Cli) -> str:
    """Return a store whose second half was recorded two days after its first."""
    for days, events in ((7, fixed_events()[:6]), (9, fixed_events()[6:])):
        now = NOON.replace(day=NOON.day + days)
        with AnalyticsService.open("two.db", follow=False, clock=lambda now=now: now) as service:
            service.record_events(events).unwrap()
    return "two.db"


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_every_question_is_answered_as_of_a_position_or_a_time(cli: Cli, store: str, question: tuple[str, ...]) -> None:
    by_position = cli(*question, *WEEK, "--db", store, "--as-of", SIXTH, "--json")
    by_time = cli(*question, *WEEK, "--db", store, "--as-of", "2024-03-12", "--json")
    today = cli(*question, *WEEK, "--db", store, "--json")

    assert (by_position.exit_code, by_position.stderr) == (0, "")
    assert by_position.stdout == by_time.stdout != today.stdout


def test_people_are_told_as_of_what(cli: Cli, store: str) -> None:
    assert f"as of position {SIXTH} · up to date" in cli("usage", *WEEK, "--db", store, "--as-of", SIXTH).stdout


def test_without_a_period_now_was_then(cli: Cli, store: str) -> None:
    period = json.loads(cli("usage", "--db", store, "--as-of", SIXTH, "--json").stdout)["period"]

    assert period["end"] == "2024-03-11T12:00:00+00:00"


def test_a_place_that_is_none_is_told_in_one_line(cli: Cli, store: str) -> None:
    beyond = cli("usage", "--db", store, "--as-of", "99")
    nonsense = cli("usage", "--db", store, "--as-of", "yesterday")

    assert (beyond.exit_code, beyond.stderr) == (1, f"error: There is no position 99: this log has 0 to {LAST}.\n")
    assert (nonsense.exit_code, "is not a date or time" in nonsense.stderr) == (2, True)


@pytest.mark.parametrize("command", [("aggregate",), ("export", "csv")], ids=" ".join)
def test_what_is_no_question_takes_no_as_of(cli: Cli, store: str, command: tuple[str, ...]) -> None:
    done = cli(*command, "--db", store, "--as-of", SIXTH)

    assert (done.exit_code, "No such option" in done.stderr) == (2, True)


def test_diff_tells_what_came_in_and_what_it_did(cli: Cli, store: str) -> None:
    found = json.loads(cli("diff", *WEEK, "--db", store, "--before", SIXTH, "--json").stdout)
    told = cli("diff", *WEEK, "--db", store, "--before", "2024-03-12", "--after", str(LAST))

    assert [each["kind"] for each in found["kinds"]] == ["late"]
    assert (found["before"], found["after"], len(found["events"])) == (FIRST + 5, LAST, 7)
    assert {"usage.events", "performance.calls"} <= {each["metric"] for each in found["metrics"]}
    assert (told.exit_code, told.stderr) == (0, "")
    assert f"from position {SIXTH} to {LAST}" in told.stdout
    assert "usage.events" in told.stdout


def test_diff_of_nothing_says_so(cli: Cli, store: str) -> None:
    assert "Nothing changed" in cli("diff", *WEEK, "--db", store, "--before", str(LAST)).stdout


def test_diff_needs_a_before(cli: Cli, store: str) -> None:
    done = cli("diff", "--db", store)

    assert (done.exit_code, "--before" in done.stderr) == (2, True)
