"""--as-of on every question, and diff."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cli import main
from analytics_es.testing import budget_allocated, provider_call
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

    assert (period["start"], period["end"]) == ("2024-03-05T00:00:00+00:00", "2024-03-12T00:00:00+00:00")


def test_a_place_that_is_none_is_told_in_one_line(cli: Cli, store: str) -> None:
    beyond = cli("usage", "--db", store, "--as-of", "99")
    nonsense = cli("usage", "--db", store, "--as-of", "yesterday")

    assert (beyond.exit_code, beyond.stderr) == (1, f"error: There is no position 99: this log has 0 to {LAST}.\n")
    assert (nonsense.exit_code, "is not a position, a date or a time" in nonsense.stderr) == (2, True)


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


# ── every command and every method ──────────────────────────────────────────────────────────────────────────────

# Of every command with --as-of, what it is asked about; a new command is added here.
ASKED: dict[str, tuple[str, ...]] = {
    "budgets": (),
    "cost": (),
    "explain": ("cost.cost",),
    "performance": (),
    "prices diff": ("contract.json",),
    "report": (),
    "summary": ("usage.events",),
    "unit-costs": (),
    "usage": (),
}
MORE = [("explain", "usage.events"), ("explain", "cost.calls", "--largest"), ("cost", "--by", "user", "--by", "tenant")]
COMMANDS = [*((*name.split(), *words) for name, words in ASKED.items()), *MORE]


def commands_with(option: str, group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Walk all commands, and name those that take an option."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_with(option, command, (*path, name))
        elif any(option in parameter.opts for parameter in command.params):
            yield " ".join((*path, name))


def told_of_budgets_and_unreported_calls(when: datetime) -> list[dict[str, Any]]:
    return [
        provider_call(occurred_at=NOON, cost=None, currency=None),
        budget_allocated(occurred_at=NOON, amount="10", budget_id=f"b-{when:%d}"),
        *(event for event in fixed_events() if event["event_type"].startswith(("task", "tool", "job"))),
    ]


@pytest.fixture
def halves(tmp_path: Path) -> tuple[Path, Path, int]:
    """Return a store that holds the first half, one that holds both, and the last position of the first half."""
    (tmp_path / "contract.json").write_text(
        '[{"model": "claude-sonnet-4-5", "effective_from": "2020-01-01T00:00:00Z", "multiplier": "0.5"}]'
    )
    first, both, clock = tmp_path / "first.db", tmp_path / "both.db", NOON.replace(day=11)
    with AnalyticsService.open(first, follow=False, privacy="full", clock=lambda: clock) as service:
        service.price("anthropic", "claude-sonnet-4-5").unwrap()
        service.record_events(told_of_budgets_and_unreported_calls(clock)).unwrap()
        service.get_cost_breakdown(TimePeriod.parse("2024-03-01/2024-03-08")).unwrap()
        position = service.store.log.head()
    shutil.copy(first, both)
    clock = NOON.replace(day=13)
    with AnalyticsService.open(both, follow=False, privacy="full", clock=lambda: clock) as service:
        service.record_events(told_of_budgets_and_unreported_calls(clock)).unwrap()
    return first, both, position


def test_no_command_that_takes_an_as_of_is_left_out() -> None:
    assert sorted(commands_with("--as-of")) == sorted(ASKED)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_answers_as_of_a_position_what_it_answered_then(
    cli: Cli, halves: tuple[Path, Path, int], command: tuple[str, ...]
) -> None:
    first, both, position = halves
    asked = (*command, *(() if command[0] == "budgets" else WEEK), "--json")

    then = cli(*asked, "--db", both, "--as-of", position)

    assert (then.exit_code, then.stderr) == (0, "")
    assert then.stdout == cli(*asked, "--db", first, "--as-of", position).stdout
    assert then.stdout != cli(*asked, "--db", both).stdout, "what was recorded later matters"
