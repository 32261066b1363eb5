"""Read models that went back are those that the log gives up to there, byte for byte, wherever hours are taken from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.budgets.drafts import EVER
from analytics_es.log import Entry, LogSlice
from analytics_es.read_models import Tiling
from analytics_es.read_models.copying import copying
from analytics_es.read_models.rewound import _Rewinding, rewound
from analytics_es.read_models.temporary import derive
from analytics_es.testing import NOON, budget_allocated, event, provider_call, task_completed, tool_call
from tests.contracts.test_rollups import UsageOfBefore
from tests.examples import examples
from tests.stores import _place, append, contents, opened, record, stored

PERIOD = TimePeriod(NOON - timedelta(hours=30), NOON + timedelta(hours=20), "hour")
NAMES = ("cost", "performance", "usage")

EVENTS = st.builds(
    lambda make, hours, duration, user: make(
        occurred_at=NOON + timedelta(hours=hours), duration_ms=duration, user_id=user, task_id=f"task-{hours}"
    ),
    st.sampled_from([provider_call, tool_call, task_completed]),
    st.sampled_from([-60.0, -31.0, -13.5, -12.0, -0.001, 0.0, 0.5, 11.99, 12.0, 19.0, 21.0, 40.0]),
    st.sampled_from([0, 5, 7.25, 10**9]),
    st.sampled_from(["ada", "bob", None]),
)


def both(
    analytics: AnalyticsService, position: int, period: TimePeriod = PERIOD, names: Sequence[str] = NAMES
) -> tuple[Any, Any]:
    """Return what is held when going back, and what the log up to there gives, of the days of the period."""
    store = analytics.store
    tiling = Tiling.of(store.calendar, period).with_before()
    declarations = [store.read_models.declarations[name] for name in names]
    then = rewound(store.log, store.read_models, store.fold, tiling, position, dict.fromkeys(names))
    assert then is not None
    whole = tiling.part(*tiling.whole_days())
    derived = derive(LogSlice(store.log, upto=position), declarations, store.fold.of(declarations), whole)
    with closing(then), closing(derived):
        return contents(then), contents(derived)  # type: ignore[arg-type]


@examples(6)
@given(st.lists(EVENTS, min_size=2, max_size=14), st.integers(0, 14), st.sampled_from(["UTC", "Asia/Kolkata"]))
@example([tool_call(), tool_call(occurred_at=NOON + timedelta(minutes=30))], 2, "UTC")
def test_going_back_is_deriving(events: list[dict[str, Any]], back: int, zone: str) -> None:
    with opened(privacy="full", timezone=zone) as analytics:
        record(analytics, *events)
        now, then = both(analytics, max(analytics.store.log.head() - back, 0))

    assert now == then


@pytest.mark.store("sqlite", "postgres", privacy="full")
def test_on_both_databases_and_of_read_models_that_are_behind(analytics: AnalyticsService) -> None:
    late = tool_call(occurred_at=NOON - timedelta(hours=20), duration_ms=3)
    of_no_field = provider_call(occurred_at=NOON - timedelta(hours=20), surprise=1)
    record(analytics, provider_call(), tool_call(duration_ms=1), late, of_no_field, task_completed(duration_ms=1.5))
    analytics.record_events([tool_call(duration_ms=9), provider_call(user_id="bob")]).unwrap()
    head = analytics.store.log.head()

    for position in (head, head - 1, head - 3, 1, 0):
        now, then = both(analytics, position)
        assert now == then


LONG = TimePeriod(NOON - timedelta(days=25 * 365), NOON + timedelta(days=25 * 365), "total")


@examples(4)
@given(st.integers(0, 6), st.sampled_from([EVER, LONG]), st.sampled_from(["UTC", "Asia/Kolkata"]))
@example(1, EVER, "UTC")
@example(1, LONG, "UTC")
def test_of_all_time_as_budgets_are_asked_for(back: int, period: TimePeriod, zone: str) -> None:
    """With the period before, a long one begins before 1970: nobody has said that it is no longer kept."""
    about: dict[str, Any] = {"budget_id": "b", "currency": "USD", "amount": 1}
    spent = [event("budget.spent", occurred_at=NOON + timedelta(hours=hours), **about) for hours in (-2_000, -1, 0)]
    with opened(privacy="full", timezone=zone) as analytics:
        record(analytics, budget_allocated(occurred_at=NOON - timedelta(days=90)), *spent, provider_call())
        record(analytics, budget_allocated(), tool_call())
        now, then = both(analytics, analytics.store.log.head() - back, period, ("budgets", "usage"))

    assert now == then
    assert now["budgets"]


@pytest.mark.store("sqlite", privacy="full")
def test_rows_of_a_file_are_copied_but_where_somebody_writes_at_this_moment(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [
        provider_call(occurred_at=NOON + timedelta(hours=n), duration_ms=n + 3, user_id="ada") for n in range(-3, 3)
    ]
    record(analytics, *events, tool_call(duration_ms=1))
    live, head = analytics.store.read_models, analytics.store.log.head()
    copied = []

    def at_hand(live: Any, memory: Any) -> Any:
        @contextmanager
        def noted() -> Iterator[Any]:
            with copying(live, memory) as (snapshot, cursor):
                copied.append(cursor is not None)
                yield snapshot, cursor

        return noted()

    def written(*, long: bool = False) -> Any:
        live.discard([("usage", 1, f"{len(copied)}")])
        return type(live).read(live, long=long)

    monkeypatch.setattr("analytics_es.read_models.rewound.copying", at_hand)
    now, then = both(analytics, head - 1)
    monkeypatch.setattr(live, "read", written)
    again, _ = both(analytics, head - 1)

    assert copied == [True, False]
    assert now == then == again
    assert now["usage"]


def test_sealed_rows_are_taken_as_they_are() -> None:
    days = [NOON + timedelta(days=n) for n in (-1, 0, 400)]
    with opened(privacy="full", clock=lambda: NOON + timedelta(days=401)) as store:
        record(store, *(tool_call(occurred_at=day, duration_ms=n) for n, day in enumerate(days)))
        store.retain({"events": "90d"}).unwrap()
        record(store, provider_call(occurred_at=days[2]))
        now, then = both(store, store.store.log.head() - 1)

    assert now == then
    assert now["usage"]


def back(analytics: AnalyticsService, position: int) -> Any:
    """Return read models of the period that went back, if it is sure what they hold."""
    of, tiling = analytics.store, Tiling.of(analytics.store.calendar, PERIOD)
    then = rewound(of.log, of.read_models, of.fold, tiling, position, {"usage": None})
    if then:
        then.close()
    return then


def test_a_value_that_was_unreadable_later_is_not_listed_of_before() -> None:
    odd = stored("tool.call.completed", duration_ms=-1)
    with opened(privacy="full") as analytics:
        append(analytics.store.log, odd)
        record(analytics, tool_call(duration_ms=1))
        append(analytics.store.log, odd, odd)
        analytics.catch_up()
        head = analytics.store.log.head()

        for position in (head, head - 1, head - 3, 0):
            now, then = both(analytics, position)
            assert now == then
        assert len(both(analytics, head)[0]["unreadable"]) > len(both(analytics, head - 3)[0]["unreadable"]) > 0


@pytest.mark.parametrize("caught_up", [True, False])
def test_an_event_of_which_nobody_can_tell_its_hour_leaves_it_to_the_log(caught_up: bool) -> None:
    with opened(privacy="full") as analytics:
        record(analytics, tool_call())
        event_type, state = stored("tool.call.completed")
        timeless = state.replace(b'"2026-03-02T12:00:00Z"', b'"soon"', 1)
        analytics.store.log.append([Entry(f"{_place(state)}{7:020x}", event_type, timeless)])
        if caught_up:
            analytics.catch_up()

        assert back(analytics, analytics.store.log.head()) is None


def test_a_slot_that_ends_as_an_hour_begins_lies_in_that_hour_too() -> None:
    hour = int(NOON.timestamp())
    days = (hour - 12 * 3600, hour + 12 * 3600)
    with opened(privacy="full") as analytics:
        calendar, live = analytics.store.calendar, analytics.store.read_models
        rewinding = _Rewinding(live, [], {}, calendar, days)  # type: ignore[arg-type]
        rewinding._touch([(hour * 1000 - 60_000, hour * 1000)])

    assert (rewinding.hours, rewinding.derived_days) == ({hour - 3600, hour}, {days[0]})


def test_where_hours_are_no_longer_kept_it_is_left_to_the_log() -> None:
    with opened(privacy="full", clock=lambda: NOON + timedelta(days=401)) as analytics:
        record(analytics, tool_call(), tool_call(occurred_at=NOON + timedelta(days=400)))
        analytics.retain({"events": "90d", "hourly": "90d"}).unwrap()

        assert back(analytics, analytics.store.log.head()) is None


def test_what_was_sealed_before_an_earlier_position_is_left_to_the_log() -> None:
    with opened(privacy="full", clock=lambda: NOON + timedelta(days=401)) as analytics:
        record(analytics, tool_call(), tool_call(occurred_at=NOON + timedelta(days=400)))
        analytics.retain({"events": "90d"}).unwrap()
        assert not analytics.store.log.seals.horizon().hours

        assert back(analytics, analytics.store.log.seals.horizon().position) is not None
        assert back(analytics, 1) is None


def test_what_is_sealed_meanwhile_is_left_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    fill = _Rewinding.fill
    with opened(privacy="full", clock=lambda: NOON + timedelta(days=401)) as analytics:
        record(analytics, tool_call(), tool_call(occurred_at=NOON + timedelta(days=400)))

        def filled(self: _Rewinding, *parts: Any) -> None:
            fill(self, *parts)
            analytics.retain({"events": "90d"}).unwrap()

        monkeypatch.setattr(_Rewinding, "fill", filled)
        assert back(analytics, 1) is None


def test_rows_of_another_definition_are_left_to_the_log(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db", privacy="full", projections=[UsageOfBefore]) as before:
        record(before, tool_call())
    with opened(tmp_path / "a.db", privacy="full") as analytics:
        assert back(analytics, 1) is None


def test_what_lies_in_a_period_that_is_no_longer_sure_is_left_to_the_log() -> None:
    with opened(privacy="full", clock=lambda: NOON + timedelta(days=401)) as store:
        record(store, tool_call(), tool_call(occurred_at=NOON + timedelta(days=400)))
        store.retain({"events": "90d"}).unwrap()
        tiling = Tiling.of(store.store.calendar, PERIOD)
        of = store.store

        assert rewound(of.log, of.read_models, of.fold, tiling, 1, {"usage": None}) is None
