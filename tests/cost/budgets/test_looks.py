"""Looks: what came since says which budgets are looked at; what is told is what looking at all of them tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.budgets import thresholds as looking
from analytics_es.cost.budgets.changes import REACHED, Changes
from analytics_es.cost.budgets.first_reached import BudgetHistory
from analytics_es.cost.budgets.spending import between, spending, spendings
from analytics_es.cost.budgets.thresholds import Thresholds
from analytics_es.errors import StoreBusy
from analytics_es.projections import Budgets, Cost
from analytics_es.queries import QuestionContext
from analytics_es.testing import budget_allocated, price, provider_call, tool_call
from analytics_es.testing.examples import event
from tests.examples import examples
from tests.stores import append, opened, recorded, replace, stored

pytestmark = pytest.mark.usefixtures("full_privacy")

MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
SCOPES = {"tenant": "tenant_id", "user": "user_id", "model": "model", "all": None}
BARE = dict.fromkeys(("cost", "currency", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"))

Step = tuple[Any, ...]


def in_month(month: int, day: int = 10) -> datetime:
    return MONTHS[month] + timedelta(days=day, hours=12)


def allocated(scope: str = "", which: str = "", month: int | None = None, **changes: Any) -> dict[str, Any]:
    named = {SCOPES[scope]: which} if SCOPES.get(scope) else {}
    dated = {} if month is None else {"starts_at": MONTHS[month].isoformat(), "ends_at": MONTHS[month + 1].isoformat()}
    about = {"scope": scope} if scope else {}
    at = in_month(month or 0, 0)
    return budget_allocated(occurred_at=at, budget_id=f"{scope} {which}", **{**about, **named, **dated, **changes})


def published(since: str, per_mtok: str) -> dict[str, Any]:
    about = {"provider": "acme", "model": "*", "currency": "USD", "effective_from": since}
    return price(**about, per_mtok={"input_tokens": per_mtok, "output_tokens": "0"})


def told(service: AnalyticsService) -> list[Any]:
    """Return what the log was told, where, and of which position."""
    return [(each.position, each.data) for each in recorded(service, REACHED)]


@contextmanager
def looked_at(service: AnalyticsService) -> Iterator[list[str]]:
    """Give the list of the budgets that are looked at meanwhile."""
    names: list[str] = []
    of = BudgetHistory.of.__func__  # type: ignore[attr-defined]

    def history(cls: type[BudgetHistory], **parts: Any) -> BudgetHistory:
        names.append(f"{parts['account'].budget_id} {parts['account'].starts_at[:7]}".strip())
        return of(cls, **parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BudgetHistory, "of", classmethod(history))
        yield names


# ── the same as if all were looked at ───────────────────────────────────────────────────────────────────────────


class EveryOne(Thresholds):
    """Looks at all budgets whenever anything has moved: the reference."""

    def _changes(self, *_: Any) -> Changes | None:
        return None


def look_at_every_one(service: AnalyticsService) -> None:
    parts = service._parts
    replace(service, thresholds=EveryOne(parts.store, parts.context, parts.prices))


WHO = {"tenant": ["acme", "birch"], "user": ["ada"], "model": ["m1", "m2"], "all": [""]}
MONTH = st.integers(0, 2)
ALLOCATED = st.sampled_from([(scope, which) for scope, names in WHO.items() for which in names]).flatmap(
    lambda whose: st.builds(
        lambda month, amount, **how: ("record", allocated(*whose, month, amount=amount, **how)),
        st.none() | MONTH,
        st.sampled_from(["4", "10", "30"]),
        currency=st.sampled_from(["USD", "EUR"]),
        thresholds=st.sampled_from([[50], [20, 90]]),
    )
)
CALLS = st.builds(
    lambda month, day, told, **who: (
        "record",
        provider_call(occurred_at=in_month(month, day), provider="acme", **told, **who),
    ),
    MONTH,
    st.sampled_from([0, 10, 20]),
    st.sampled_from([{**BARE, "input_tokens": 2_000_000}, {"cost": "3"}, {"cost": "2", "currency": "EUR"}]),
    tenant_id=st.sampled_from(["acme", "birch", None]),
    user_id=st.sampled_from(["ada", None]),
    model=st.sampled_from(["m1", "m2"]),
)
SPENT = st.builds(
    lambda name, month, amount: (
        "record",
        event("budget.spent", occurred_at=in_month(month), budget_id=name, amount=amount, currency="USD"),
    ),
    st.sampled_from(["tenant acme", "all", "own"]),
    MONTH,
    st.sampled_from(["1", "6"]),
)
OTHERS = st.sampled_from(
    [("record", tool_call()), ("look",), ("look",), ("restart",), ("rebuild",), ("correct", "0.5"), ("correct", "9")]
)
PRICES = st.builds(
    lambda month, per: ("publish", MONTHS[month].isoformat(), per), MONTH, st.sampled_from(["0.5", "2", "7"])
)


def play(service: AnalyticsService, steps: list[Step], every_one: bool) -> None:
    if every_one:
        look_at_every_one(service)
    for step, *about in steps:
        if step == "record":
            service.record_event(**about[0]).unwrap()
        elif step == "publish":
            service.publish_prices([published(*about)]).unwrap()
        elif step == "correct":
            for call in [each for each in recorded(service, "provider.call.completed") if "cost" in each.data][-1:]:
                service.correct_cost(call.position, about[0], note="again")
        elif step == "rebuild":
            service.rebuild().unwrap()
        else:
            if step == "restart" and not every_one:
                parts = service._parts
                replace(service, thresholds=Thresholds(parts.store, parts.context, parts.prices))
            service.catch_up()
    service.catch_up()


@examples(6, phases=[Phase.reuse, Phase.generate])
@given(st.lists(ALLOCATED | CALLS | CALLS | SPENT | PRICES | OTHERS, min_size=4, max_size=14))
def test_the_same_is_told_at_the_same_places_as_if_all_budgets_were_looked_at(steps: list[Step]) -> None:
    steps = [numbered(number, step) for number, step in enumerate(steps)]
    logs = []
    for every_one in (True, False):
        with opened(projections=[Budgets, Cost], privacy="full", clock=lambda: MONTHS[3]) as service:
            play(service, steps, every_one)
            logs.append(told(service))

    assert logs[0] == logs[1]


def numbered(number: int, step: Step) -> Step:
    """Give an event an identity that it has in every store."""
    return (step[0], {**step[1], "source": "test", "id": str(number)}) if step[0] == "record" else step


# ── what is looked at ───────────────────────────────────────────────────────────────────────────────────────────


ALL = [allocated("tenant", name, month, amount="10") for name in ("acme", "birch") for month in (0, 1, 2)]
both = pytest.mark.store("memory", "postgres")


def record(service: AnalyticsService, *events: dict[str, Any]) -> list[str]:
    """Record events and look; returns the budgets that were looked at."""
    service.record_events(events).unwrap()
    with looked_at(service) as names:
        service.catch_up()
    return names


def call(month: int, **changes: Any) -> dict[str, Any]:
    return provider_call(occurred_at=in_month(month), provider="acme", **changes)


@both
def test_at_first_all_are_looked_at_and_then_those_that_what_came_is_about(analytics: AnalyticsService) -> None:
    everyone = [f"tenant {name} 2026-0{month}" for name in ("acme", "birch") for month in (1, 2, 3)]

    assert record(analytics, *ALL) == everyone
    assert record(analytics, tool_call()) == []
    assert record(analytics, call(2, tenant_id="acme")) == ["tenant acme 2026-03"]
    assert record(analytics, call(2, tenant_id="cedar"), call(1, tenant_id=None)) == []
    assert record(analytics, call(0, tenant_id="birch")) == ["tenant birch 2026-01"]  # late
    assert record(analytics, allocated("tenant", "oak", 1, amount="3")) == ["tenant oak 2026-02"]
    assert record(analytics, allocated("user", "ada", amount="3")) == ["user ada"]
    assert record(analytics, call(1, tenant_id="oak", user_id="ada")) == ["tenant oak 2026-02", "user ada"]
    analytics.publish_prices([published("2026-01-01T00:00:00Z", "1")]).unwrap()
    assert record(analytics) == [*everyone, "tenant oak 2026-02", "user ada"]


@both
def test_what_came_late_to_a_period_that_ended_is_told_where_it_is(analytics: AnalyticsService) -> None:
    record(analytics, *ALL, call(0, tenant_id="acme", cost="4"))
    record(analytics, *(tool_call() for _ in range(5)))
    record(analytics, call(2, tenant_id="birch", cost="1"))

    record(analytics, tool_call(), call(0, tenant_id="acme", cost="1"), call(2, tenant_id="acme", cost="1"))

    (reached,) = recorded(analytics, REACHED)
    assert (reached.data["starts_at"], reached.data["spent"]) == ("2026-01-01T00:00:00Z", "5")
    assert reached.data["at_position"] == analytics.store.log.head() - 2


@pytest.mark.parametrize("whose", ["acme", "acme" * 200], ids=["short", "long"])
@pytest.mark.parametrize("months", [(0, 2), (2, 0)])
def test_in_whatever_order_calls_come_each_is_looked_at_where_it_is(whose: str, months: tuple[int, ...]) -> None:
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        record(analytics, *(allocated("tenant", whose, month, amount="10") for month in (0, 2)))
        record(analytics, call(2, tenant_id="birch", cost="1"))

        record(analytics, *(call(month, tenant_id=whose, cost="6") for month in months))

        assert sorted(data["starts_at"] for _, data in told(analytics)) == [
            "2026-01-01T00:00:00Z",
            "2026-03-01T00:00:00Z",
        ]


@pytest.mark.parametrize("late", [timedelta(minutes=-1), timedelta(minutes=29)])
def test_what_was_spent_in_the_hour_that_a_period_ends_in_counts_where_hours_begin_at_half_past(
    late: timedelta,
) -> None:
    with opened(projections=[Budgets, Cost], privacy="full", timezone="Asia/Kolkata") as analytics:
        record(analytics, allocated("", "own", 0, amount="10"))
        about = {"budget_id": " own", "amount": "6", "currency": "USD"}
        record(analytics, event("budget.spent", occurred_at=MONTHS[1] + late, **about))

        assert [data["threshold"] for _, data in told(analytics)] == ["50"]


@both
def test_a_price_of_the_past_that_is_published_now_reaches_what_has_ended(analytics: AnalyticsService) -> None:
    record(analytics, *ALL, call(0, tenant_id="acme", **{**BARE, "input_tokens": 1_000_000}))
    record(analytics, call(2, tenant_id="birch", cost="1"))
    analytics.publish_prices([published("2026-01-01T00:00:00Z", "6")]).unwrap()
    place = analytics.store.log.head()

    record(analytics, tool_call())

    (reached,) = recorded(analytics, REACHED)
    assert (reached.data["at_position"], reached.data["spent"]) == (place, "6")


def test_a_correction_upwards_reaches_what_has_ended() -> None:
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        record(analytics, *ALL)
        place = analytics.record_event(**call(0, tenant_id="acme", cost="4")).unwrap().position
        record(analytics, call(2, tenant_id="acme", cost="1"))
        corrected = analytics.correct_cost(place, "5.5", note="the bill").unwrap().position

        record(analytics, tool_call())

        (reached,) = recorded(analytics, REACHED)
    assert (reached.data["at_position"], reached.data["spent"]) == (corrected, "5.5")


def test_rows_that_were_put_in_the_place_of_others_are_looked_at_when_anything_comes() -> None:
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        record(analytics, *ALL)
        record(analytics, call(2, tenant_id="birch", cost="1"))
        analytics.record_event(**call(0, tenant_id="acme", cost="8")).unwrap()
        analytics.catch_up(thresholds=False)
        read_models = analytics.store.read_models
        with read_models.writing() as cursor:  # as if it could not be read
            cursor.execute(f"DELETE FROM {read_models.declarations['cost'].table} WHERE model <> ''")
        assert record(analytics, tool_call()) == ["tenant acme 2026-01"]
        assert told(analytics) == []

        analytics.run_aggregation(TimePeriod(MONTHS[0], MONTHS[3])).unwrap()

        assert len(record(analytics, tool_call())) == len(ALL)
        assert [data["threshold"] for _, data in told(analytics)] == ["50", "80"]


def test_one_that_fails_is_looked_at_again_until_it_does_not_and_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = BudgetHistory.first

    def failing(self: BudgetHistory, percent: Any) -> Any:
        if self.account.scope_id == "birch" and self.account.starts_at.startswith("2026-01"):
            raise StoreBusy(seconds=5)
        return first(self, percent)

    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        monkeypatch.setattr(BudgetHistory, "first", failing)
        record(analytics, *ALL)

        assert record(analytics, tool_call()) == ["tenant birch 2026-01"]
        assert record(analytics, call(0, tenant_id="birch", cost="9")) == ["tenant birch 2026-01"]
        assert record(analytics, call(2, tenant_id="acme")) == ["tenant acme 2026-03", "tenant birch 2026-01"]
        monkeypatch.undo()
        assert record(analytics) == ["tenant birch 2026-01"]
        assert [data["at_position"] for _, data in told(analytics)] == [len(ALL) + 2] * 2
        assert record(analytics) == []


@pytest.mark.parametrize(
    "odd",
    [
        stored("provider.call.completed", tenant_id=5, cost="1", currency="USD"),
        ("provider.call.completed", b"no JSON"),
        stored("provider.call.completed", occurred_at="some day"),
    ],
)
def test_of_what_nobody_can_tell_whom_it_is_about_all_are_looked_at(odd: tuple[str, bytes]) -> None:
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        record(analytics, *ALL)
        append(analytics.store.log, odd)

        assert len(record(analytics)) == len(ALL)


def test_of_very_much_all_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics_es.cost.budgets.changes.MANY", 3)
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        record(analytics, *ALL)

        assert record(analytics, *(tool_call() for _ in range(3))) == []
        assert len(record(analytics, *(tool_call() for _ in range(4)))) == len(ALL)


def test_read_models_that_move_on_while_the_log_is_read_are_looked_at_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        record(analytics, *ALL)
        analytics.record_event(**call(2, tenant_id="birch", cost="1")).unwrap()
        analytics.store.runner.bring_up()
        between, left = Changes.between, [1, 1]

        def moving(*arguments: Any) -> Changes | None:
            changes = between(*arguments)
            if left:
                left.pop()
                analytics.record_event(**call(0, tenant_id="acme", cost="3")).unwrap()
                analytics.store.runner.bring_up()
            return changes

        monkeypatch.setattr(looking.Changes, "between", moving)
        analytics.catch_up()

        assert [data["spent"] for _, data in told(analytics)] == ["6"]


# ── those of one period in one question ─────────────────────────────────────────────────────────────────────────


@both
def test_what_several_of_a_scope_spent_is_what_each_of_them_did(analytics: AnalyticsService) -> None:
    analytics.publish_prices([published("2026-01-01T00:00:00Z", "2"), published("2026-01-11T12:20:00Z", "3")]).unwrap()
    used = {**BARE, "input_tokens": 1_000_000}
    calls = [
        provider_call(occurred_at=in_month(0) + timedelta(minutes=10 * n), provider="acme", **who, **how)
        for n, (who, how) in enumerate(
            ({"tenant_id": tenant, "user_id": user, "model": model}, how)
            for tenant in ("acme", "birch", None)
            for user, model in (("ada", "m1"), (None, "m2"))
            for how in (used, {"cost": "0.5", "currency": "EUR"})
        )
    ]
    record(analytics, *calls)
    period, context = between(MONTHS[0], MONTHS[1]), analytics._parts.context

    for scope, names in (
        ("tenant", ["acme", "birch", "oak"]),
        ("user", ["ada"]),
        ("model", ["m1", "m2"]),
        ("all", [""]),
    ):
        each = {name: spending(context, scope, name, period) for name in names}
        assert spendings(context, scope, names, period) == each
        assert any(own.amounts for own in each.values())


def test_of_many_more_than_are_asked_for_each_is_asked_for_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics_es.cost.budgets.spending.OTHERS", 1)
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        record(analytics, *(call(0, tenant_id=name, cost="6") for name in ("acme", "birch", "oak")))
        period = between(MONTHS[0], MONTHS[1])

        assert spendings(analytics._parts.context, "tenant", ["acme", "birch"], period) == {}
        record(analytics, *ALL)
        assert [(data["tenant_id"], data["threshold"]) for _, data in told(analytics)] == [
            ("acme", "50"),
            ("birch", "50"),
        ]


def test_budgets_of_one_period_are_looked_at_in_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    answer = QuestionContext.answer

    def counted(self: Any, *about: Any, **how: Any) -> Any:
        asked.append(about)
        return answer(self, *about, **how)

    monkeypatch.setattr(QuestionContext, "answer", counted)
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        record(analytics, *ALL, *(call(month, tenant_id=name) for month in (0, 1, 2) for name in ("acme", "birch")))

    assert len(asked) == 3
