"""Reports: what is asked for together, and kept for the SQL view, is what asking for each by itself says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost import view_budgets
from analytics_es.cost.budgets import together
from analytics_es.projections import Budgets, Cost
from analytics_es.queries import QuestionContext
from analytics_es.testing import budget_allocated, tool_call
from analytics_es.testing.examples import event
from tests.cost.budgets.test_looks import (
    ALL,
    ALLOCATED,
    BARE,
    CALLS,
    MONTHS,
    OTHERS,
    PRICES,
    SPENT,
    Step,
    call,
    in_month,
    numbered,
    play,
    published,
)
from tests.cost.budgets.test_looks import record as recorded
from tests.examples import examples
from tests.stores import opened

OWN = [Budgets, Cost]

pytestmark = pytest.mark.usefixtures("full_privacy")


@examples(6, phases=[Phase.reuse, Phase.generate])
@given(st.lists(ALLOCATED | ALLOCATED | CALLS | CALLS | SPENT | PRICES, min_size=6, max_size=16))
def test_budgets_of_one_period_are_what_each_is_by_itself(steps: list[Step]) -> None:
    with opened(projections=[Budgets, Cost], privacy="full", clock=lambda: MONTHS[3]) as service:
        every = [*(("record", event) for event in ALL), *steps]
        play(service, [numbered(number, step) for number, step in enumerate(every)], every_one=False)
        for at in (None, *MONTHS):
            answer = service.get_budgets(at=at).unwrap()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(together, "SEVERAL", 2**62)
                assert service.get_budgets(at=at).unwrap() == answer


def test_they_are_asked_for_in_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    answer = QuestionContext.answer

    def counted(self: Any, *about: Any, **how: Any) -> Any:
        asked.append(about)
        return answer(self, *about, **how)

    with opened(projections=[Budgets, Cost], privacy="full", clock=lambda: MONTHS[2]) as analytics:
        recorded(analytics, *ALL, *(call(2, tenant_id=name, cost="2") for name in ("acme", "birch")))
        monkeypatch.setattr(QuestionContext, "answer", counted)
        report = analytics.get_budgets().unwrap()

    assert [budget.spent for budget in report.budgets] == [2, 2]
    assert len(asked) == 1


# ── what the SQL view of them shows ─────────────────────────────────────────────────────────────────────────────


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def check_shown(service: AnalyticsService) -> None:
    """Assert that what is shown is the answer, as the log is now."""
    columns = "budget_id, currency, scope, scope_id, starts_at, ends_at, allocated, spent, remaining, overage"
    with service.store.read_models.reading() as cursor:
        cursor.execute(f"SELECT {columns}, unknown_calls, problem, position FROM budgets_shown")
        rows = [tuple(row) for row in cursor.fetchall()]
    money = slice(6, 10)  # amounts are compared as numbers
    shown = [(*row[:6], *(None if cell is None else Decimal(cell) for cell in row[money]), *row[10:]) for row in rows]
    report = service.get_budgets().unwrap()
    answer = [
        (
            *(budget.budget_id, budget.currency, budget.scope, budget.scope_id),
            *(None if time is None else int(time.timestamp()) for time in (budget.starts_at, budget.ends_at)),
            *(budget.allocated, budget.spent, budget.remaining, budget.overage),
            *(budget.unknown_calls, budget.problem, report.completeness.position),
        )
        for budget in report.budgets
    ]
    assert sorted(shown, key=_name) == sorted(answer, key=_name)


def _name(row: Sequence[Any]) -> str:
    return repr(row[:6])


GRANTED = st.builds(
    lambda budget_id, day, amount, **how: (
        "record",
        event("budget.credit.granted", budget_id=budget_id, amount=amount, occurred_at=in_month(2, day), **how),
    ),
    st.sampled_from(["tenant acme", "own"]),
    st.integers(0, 12),
    st.sampled_from(["1", "6"]),
    grant_id=st.sampled_from(["first", "second"]),
    currency=st.just("USD"),
)
VOIDED = ("record", event("budget.credit.voided", grant_id="first", budget_id="tenant acme", currency="USD"))
SOON = {"starts_at": in_month(2, 9) + timedelta(hours=1), "ends_at": in_month(2, 9) + timedelta(hours=2)}
BEGINS_SOON = ("record", budget_allocated(budget_id="soon", scope="tenant", tenant_id="acme", amount="5", **SOON))
MORE = st.sampled_from([VOIDED, BEGINS_SOON, *(("tick", minutes) for minutes in (1, 20, 61, 8 * 1_440))])


ZONE = st.sampled_from(["UTC", "Asia/Kolkata"])  # of hours in the midst of which budgets begin


@examples(8, phases=[Phase.reuse, Phase.generate])
@given(
    st.lists(ALLOCATED | CALLS | CALLS | SPENT | PRICES | GRANTED | OTHERS | MORE | MORE, min_size=8, max_size=18), ZONE
)
def test_what_is_shown_is_the_answer_whatever_comes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step], zone: str
) -> None:
    clock = Clock(in_month(2, 9))
    path, how = tmp_path_factory.mktemp("shown") / "a.db", dict[str, Any](timezone=zone, projections=OWN)
    with opened(path, privacy="full", clock=clock, **how) as service:
        recorded(service, *ALL)
        for number, step in enumerate(steps):
            if step[0] == "tick":
                clock.now += timedelta(minutes=step[1])
            play(service, [numbered(number, step)], every_one=False)
            if step[0] == "tick":  # time alone changes nothing that is shown within an hour
                recorded(service, tool_call())
            check_shown(service)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The budgets that are asked for to be shown, look by look."""
    looks: list[list[str]] = []
    statuses = view_budgets.statuses

    def noted(opened: Any, own: Any, when: Any) -> Any:
        looks.append([draft.account.budget_id for draft in own])
        return statuses(opened, own, when)

    monkeypatch.setattr(view_budgets, "statuses", noted)
    return looks


NOW = pytest.mark.store("sqlite", "postgres", privacy="full", clock=lambda: in_month(2, 12))


@NOW
def test_only_those_that_what_came_is_about_are_asked_for(analytics: AnalyticsService, asked: list[list[str]]) -> None:
    def after(*events: Any) -> list[str]:
        asked.clear()
        recorded(analytics, *events)
        check_shown(analytics)
        return sorted(name for look in asked for name in look)

    assert after(call(1), *ALL) == ["tenant acme", "tenant birch"]
    assert after(call(2, tenant_id="acme", cost="1")) == ["tenant acme"]
    assert after(call(0, tenant_id="acme", cost="1"), call(2, tenant_id="oak"), tool_call()) == []  # has ended
    assert after(event("budget.spent", budget_id="own", amount="1", currency="USD")) == ["own"]
    assert after(call(2, tenant_id="birch", **{**BARE, "input_tokens": 1_000_000})) == ["tenant birch"]
    analytics.publish_prices([published("2026-01-01T00:00:00Z", "1")]).unwrap()
    assert after() == ["tenant acme", "tenant birch"]
    analytics.rebuild().unwrap()
    assert after(tool_call()) == []  # the rebuild showed them anew
    analytics.run_aggregation(TimePeriod(MONTHS[0], MONTHS[3])).unwrap()
    assert after() == []
    assert after(call(2, tenant_id="acme", cost="1")) == ["tenant acme"]


@pytest.mark.parametrize("before", [[], [call(2, tenant_id=None, cost="1")]])
def test_calls_of_which_it_was_not_stored_whose_they_are_may_be_those_of_any_budget(
    tmp_path: Path, before: list[dict[str, Any]]
) -> None:
    clock, dropping = Clock(in_month(2, 12)), {"preset": "full", "rules": {"tenant_id": "drop"}}
    with opened(tmp_path / "a.db", privacy="full", clock=clock, projections=OWN) as analytics:
        recorded(analytics, *ALL, call(2, tenant_id="acme", cost="1"), *before)
        check_shown(analytics)
        with opened(tmp_path / "a.db", privacy=dropping, clock=clock, projections=OWN) as other:
            other.record_event(**tool_call()).unwrap()
            clock.now += timedelta(hours=1)
            analytics.sql_views().unwrap()  # looks, and knows of a policy that read models have not come to
            analytics.catch_up()
            check_shown(analytics)
            other.record_event(**call(2, tenant_id="birch", cost="1")).unwrap()
            analytics.catch_up()
            check_shown(analytics)
        assert {budget.problem is None for budget in analytics.get_budgets().unwrap().budgets} == {False}


def test_one_that_begins_in_the_midst_of_an_hour_is_shown_then(tmp_path: Path) -> None:
    clock = Clock(SOON["starts_at"] - timedelta(minutes=10))
    with opened(tmp_path / "a.db", timezone="Asia/Kolkata", clock=clock, projections=OWN) as analytics:
        recorded(analytics, call(1), *ALL, BEGINS_SOON[1])
        for minutes in (5, 10, 55, 10):
            clock.now += timedelta(minutes=minutes)
            recorded(analytics, tool_call())
            check_shown(analytics)


def test_rows_that_go_while_some_are_asked_for_are_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = view_budgets.statuses
    with opened(tmp_path / "a.db", privacy="full", clock=Clock(in_month(2, 12)), projections=OWN) as analytics:

        def begun_again(*about: Any) -> Any:
            with analytics.store.read_models.writing() as cursor:
                analytics.store.read_models.shown.begin_again(cursor)
            return statuses(*about)

        recorded(analytics, call(1), *ALL)
        monkeypatch.setattr(view_budgets, "statuses", begun_again)
        recorded(analytics, call(2, tenant_id="acme", cost="1"))
        check_shown(analytics)


def test_what_another_process_showed_is_shown_anew(tmp_path: Path) -> None:
    def clock() -> datetime:
        return in_month(2, 12)

    with opened(tmp_path / "a.db", privacy="full", clock=clock) as one, opened(tmp_path / "a.db", clock=clock) as other:
        for service in (one, other, one, one, other):
            recorded(service, *ALL, call(2, tenant_id="acme", cost="1"))
            check_shown(one)
            check_shown(other)
