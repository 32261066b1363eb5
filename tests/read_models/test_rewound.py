"""Read models that went back are those that the log gives up to there, byte for byte, wherever hours are taken from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.log import LogSlice
from analytics_es.read_models import Tiling
from analytics_es.read_models.copying import copying
from analytics_es.read_models.rewound import rewound
from analytics_es.read_models.temporary import derive
from analytics_es.testing import NOON, provider_call, task_completed, tool_call
from tests.examples import examples
from tests.stores import contents, opened, record

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


def both(analytics: AnalyticsService, position: int) -> tuple[Any, Any]:
    """Return what is held when going back, and what the log up to there gives, of the days of the period."""
    store = analytics.store
    tiling = Tiling.of(store.calendar, PERIOD)
    declarations = [store.read_models.declarations[name] for name in NAMES]
    then = rewound(store.log, store.read_models, store.fold, tiling, position, dict.fromkeys(NAMES))
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
    record(analytics, provider_call(), tool_call(duration_ms=1), late, task_completed(duration_ms=1.5))
    analytics.record_events([tool_call(duration_ms=9), provider_call(user_id="bob")]).unwrap()
    head = analytics.store.log.head()

    for position in (head, head - 1, head - 3, 1, 0):
        now, then = both(analytics, position)
        assert now == then


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


def test_what_lies_in_a_period_that_is_no_longer_sure_is_left_to_the_log() -> None:
    with opened(privacy="full", clock=lambda: NOON + timedelta(days=401)) as store:
        record(store, tool_call(), tool_call(occurred_at=NOON + timedelta(days=400)))
        store.retain({"events": "90d"}).unwrap()
        tiling = Tiling.of(store.store.calendar, PERIOD)
        of = store.store

        assert rewound(of.log, of.read_models, of.fold, tiling, 1, {"usage": None}) is None
