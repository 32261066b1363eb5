"""Few events that hold something are read by the index of times: the same ones, in the same order, as of many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.events.event import microseconds
from analytics_es.log import EventLog, Holding, Horizon, LogSlice
from analytics_es.testing import NOON
from tests.examples import examples
from tests.stores import log_of, stored

TYPES = ("tool.call.completed", "task.completed", "custom.thing.happened")
TEXTS = ("ada", "a*b", "a[d]a", "a?b", "a'b", "{a}", "a\\b", "ünï", "a b-c_d", "x" * 300)
WEEK = (microseconds(NOON), microseconds(NOON + timedelta(days=7)))
DAY_4 = microseconds(NOON + timedelta(days=4)) // 1_000_000

EVENTS = st.lists(
    st.builds(
        lambda kind, hour, text: stored(kind, occurred_at=(NOON + timedelta(hours=hour)).isoformat(), model=text),
        st.sampled_from(TYPES),
        st.integers(-12, 200),
        st.sampled_from(TEXTS),
    ),
    max_size=20,
)
HOLDING = st.builds(
    Holding,
    st.lists(st.sampled_from([text.encode() for text in TEXTS]), max_size=2),
    st.lists(st.sampled_from(["tool.", "task.completed", "custom."]), max_size=2, unique=True),
)


@contextmanager
def at_once(events: int, size: int = 2**24) -> Iterator[None]:
    """Let no more events than these, and of what they give no more bytes, be read by the index of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analytics_es.log.sqlite.log.FEW", events)
        patch.setattr("analytics_es.log.sqlite.log.GROUP_BYTES", size)
        yield


def scanned(log: EventLog, holding: Holding, **options: Any) -> list[tuple[Any, ...]]:
    tables = log.scan_period(*WEEK, holding=holding, **options)
    names = ["position", "type", "state"]
    return [tuple(row.values()) for table in tables for row in table.select(names).to_pylist()]


@examples(60)
@given(EVENTS, HOLDING, st.integers(0, 12), st.integers(5, 25), st.booleans(), st.booleans())
def test_what_is_read_by_the_index_of_times_is_what_is_read_in_the_order_of_the_log(
    events: list[Any], holding: Holding, after: int, upto: int, is_sealed: bool, is_part: bool
) -> None:
    with log_of(events) as whole:
        if is_sealed:
            whole.seals.advance(Horizon(refused={"": DAY_4}, sealed={"": DAY_4}, clean=False, seal=1))
        log = LogSlice(whole, upto=18, of_types=lambda kind: kind != "task.completed") if is_part else whole
        with at_once(1_000):
            few = scanned(log, holding, after=after, upto=upto)
        with at_once(-1), pytest.MonkeyPatch.context() as patch:
            patch.setattr("analytics_es.log.sqlite.log.PLAIN", NOTHING)
            many = scanned(log, holding, after=after, upto=upto)

    assert few == many


class _Nothing:
    def fullmatch(self, _: bytes) -> None:
        """Match nothing, so that states are searched byte by byte."""


NOTHING = _Nothing()


@pytest.mark.parametrize("bounds", [(3, 2**24), (1_000, 1)])
def test_of_more_events_than_are_few_none_is_left_out(bounds: tuple[int, int]) -> None:
    events = [stored(TYPES[0], occurred_at=(NOON + timedelta(hours=5 - n)).isoformat(), model="ada") for n in range(5)]
    with log_of(events) as log, at_once(*bounds):
        assert log._few_in_time(("0", "g"), 0, 9, " AND true") is None
        assert [row[0] for row in scanned(log, Holding((b"ada",)))] == [1, 2, 3, 4, 5]


def test_what_holds_none_of_it_is_not_read() -> None:
    with log_of([stored(model="ada"), stored(model="bob"), stored(model="a*d")]) as log:
        assert [row[0] for row in scanned(log, Holding((b"bob",)))] == [2]
        assert [row[0] for row in scanned(log, Holding((b"a*d",)))] == [3]
        assert scanned(log, Holding((b"eve",))) == []
