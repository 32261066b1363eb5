"""budgets: what is spent, what is not known, thresholds and credits, on the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.testing import NOON, provider_call
from tests.cli.conftest import FIRST, Cli
from tests.cost.budgets.test_budgets import ACME, allocated, granted, spent


@pytest.fixture
def store() -> str:
    """Return a store with a budget of a tenant, one that is overspent, and credits."""
    with AnalyticsService.open("budgets.db", follow=False, clock=lambda: NOON + timedelta(hours=12)) as analytics:
        events = [
            allocated(amount="10", **ACME),
            granted("welcome", "1", effective_at=NOON),
            provider_call(cost="6"),
            provider_call(cost=None, model="house-model"),
            provider_call(cost="3", currency="EUR"),
            allocated(budget_id="small", amount="1", currency="EUR"),
            spent("2", budget_id="small", currency="EUR"),
        ]
        analytics.record_events(events).unwrap()
        analytics.catch_up()
    return "budgets.db"


def test_budgets_are_told_the_fullest_first_and_what_is_not_known_apart(cli: Cli, store: str) -> None:
    told = cli("budgets", "--at", "2026-03-02T23:00", "--db", store).stdout

    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert lines[2:6] == [
        "Budgets",
        "budget of allocated spent remaining used",
        "small – 1.0000 EUR 2.0000 EUR -1.0000 EUR 200.0 %",
        "acme-march tenant acme 10.0000 USD 6.0000 USD 4.0000 USD 60.0 %",
    ]
    assert "acme-march: 1 call of unknown cost; at least this much is spent" in lines
    assert "acme-march: not in USD, and in no sum: 3.0000 EUR" in lines
    assert f"acme-march 50 % 2026-03-02 12:00:00 {FIRST + 2}" in lines
    assert "welcome 1.0000 USD 0.0000 USD 2026-03-02 12:00" in lines
    assert "beyond all credits: 5.0000 USD" in lines


def test_one_is_asked_for_and_told_as_json(cli: Cli, store: str) -> None:
    found = json.loads(cli("budgets", "acme-march", "--db", store, "--json").stdout)

    assert [(each["budget_id"], each["spent"], each["remaining"]) for each in found["budgets"]] == [
        ("acme-march", "6", "4")
    ]


def test_as_of_a_position_it_is_what_it_was(cli: Cli, store: str) -> None:
    found = json.loads(cli("budgets", "acme-march", "--as-of", str(FIRST + 1), "--db", store, "--json").stdout)

    assert [each["spent"] for each in found["budgets"]] == ["0"]


AT = ("--at", "2031-01-01")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("none",), "There is no budget 'none': `analytics-es budgets --db budgets.db` lists those of now"),
        (("none", *AT), "There is no budget 'none': `analytics-es budgets --db budgets.db` lists those of now"),
        (("",), "There is no budget '': `analytics-es budgets --db budgets.db` lists those of now"),
        (
            ("acme-march", *AT),
            "The budget 'acme-march' has no period that holds this time: "
            "`analytics-es budgets acme-march --db budgets.db` lists all it has.",
        ),
    ],
)
def test_what_is_not_there_is_told_as_it_was_asked(cli: Cli, store: str, asked: tuple[str, ...], told: str) -> None:
    shown = cli("budgets", *asked, "--db", store).stdout

    assert told in shown
    assert "name a budget" not in shown


def test_a_time_without_budgets_is_told_as_such(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}")

    for asked in ((), AT):
        assert "No budget has a period that holds this time: try another one, with --at, or name a budget." in (
            cli("budgets", *asked).stdout
        )


def test_a_question_tells_the_log_of_nothing(cli: Cli, tmp_path: Path) -> None:
    data = json.dumps({"budget_id": "a", "amount": 1, "currency": "USD"})
    cli("record", "budget.allocated", "--data", data)
    cli("record", "budget.spent", "--data", data)

    before = json.loads(cli("budgets", "--json").stdout)
    cli("projections", "rebuild", "--yes")
    after = json.loads(cli("budgets", "--json").stdout)

    reached = [[each["position"] for each in found["budgets"][0]["thresholds"]] for found in (before, after)]
    assert reached == [[None] * 3, [None] * 3]


def test_a_problem_is_told_in_a_line_of_its_own(cli: Cli) -> None:
    data = {"budget_id": "odd", "amount": 1, "currency": "USD", "scope": "all", "starts_at": "2026-01-01T00:00:00Z"}
    cli("record", "budget.allocated", "--tz", "Asia/Kolkata", "--data", json.dumps(data))

    assert "odd: spent is not known: The hours of this store" in cli("budgets").stdout
