"""Buffered recording: what is accepted is recorded once and in order, whatever fills, fails, ends or closes."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.errors import AnalyticsError, BufferFull, EventsLost, RefusedEvent, StoreFailed
from analytics_es.ingest.buffer import Buffer
from analytics_es.ingest.door import Door
from analytics_es.log import Appended, Entry
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.log.sqlite import database as datastore
from analytics_es.testing import NOON, provider_call, tool_call
from analytics_es.types import OperationResult
from tests.children import in_a_child
from tests.stores import PATIENCE, eventually, log_of, nth, opened, recorded

NEVER = 3600.0


def call(id: object, **changes: Any) -> dict[str, Any]:
    """Return a call of a tool that has an id."""
    return {**tool_call(**changes), "id": str(id), "source": "test"}


def ids(log: Any) -> list[str]:
    """Return the ids of the events of a log, in order."""
    return [orjson.loads(state)["id"] for state in log.scan(after=0, limit=10**6).column("state").to_pylist()]


@define
class Store:
    """A log that takes events only while it is open, and fails or waits when told to."""

    log: SQLiteLog
    fails: int = 0
    groups: list[int] = field(factory=list)
    gate: threading.Event = field(factory=threading.Event)

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        assert self.gate.wait(PATIENCE)
        if self.fails:
            self.fails -= 1
            raise StoreFailed(problem="no")
        self.groups.append(len(entries))
        return self.log.append(entries)


@pytest.fixture
def store() -> Iterator[Store]:
    with log_of() as log:
        store = Store(log)
        store.gate.set()
        yield store


@contextmanager
def buffer_of(store: Store, **options: Any) -> Iterator[Buffer]:
    given = {"max_events": 100, "max_delay": 0.001, "when_full": "block", "on_sigterm": False, **options}
    buffer = Buffer(lambda: Door(lambda: NOON), store.append, **given)
    try:
        yield buffer
    finally:
        buffer.close()


@contextmanager
def full(store: Store, **options: Any) -> Iterator[Buffer]:
    """Return a buffer of two events that holds two, which nobody commits as long as the store's gate is shut."""
    store.gate.clear()
    try:
        with buffer_of(store, max_events=2, **options) as buffer:
            assert [buffer.record_event(**call(n)).ok for n in range(2)] == [True, True]
            yield buffer
            store.gate.set()
    finally:
        store.gate.set()


# ── what it takes ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_accepted_is_in_the_log_after_a_flush_in_order(store: Store) -> None:
    with buffer_of(store, max_delay=NEVER) as buffer:
        results = [buffer.record_event(**call(n)) for n in range(20)]
        buffer.flush().unwrap()

        assert all(result.ok for result in results)
        assert ids(store.log) == [str(n) for n in range(20)]


def test_an_event_is_recorded_as_record_event_would(store: Store) -> None:
    with opened(clock=lambda: NOON, privacy="full") as analytics:
        analytics.record_event(**{**provider_call(), "id": "1", "source": "gateway"}).unwrap()
        with buffer_of(store) as buffer:
            buffer.record_event(**{**provider_call(), "id": "1", "source": "gateway"}).unwrap()

        assert store.log.scan(after=0, limit=9) == analytics.store.log.scan(after=0, limit=9)


def test_nobody_has_to_ask_for_an_event_to_be_committed(store: Store) -> None:
    with buffer_of(store) as buffer:
        for n in range(3):  # the writer sleeps in between
            buffer.record_event(**call(n)).unwrap()
            eventually(lambda: store.log.head() == n + 1)  # noqa: B023


def test_half_a_buffer_of_events_does_not_wait_for_the_delay(store: Store) -> None:
    with buffer_of(store, max_events=10, max_delay=NEVER) as buffer:
        for n in range(5):
            buffer.record_event(**call(n)).unwrap()
        eventually(lambda: store.log.head() == 5)


def test_a_refused_event_is_refused_to_the_caller(store: Store) -> None:
    with buffer_of(store) as buffer:
        failure = buffer.record_event("job.failed", {"status": "fine"}).failure

        assert failure is not None
        assert failure.code == "bad_field"
        assert (buffer.stats().refused, buffer.stats().accepted) == (1, 0)


def test_what_the_caller_does_to_the_data_afterwards_changes_nothing(store: Store) -> None:
    data = {"tool": "bash", "attributes": {"lines": 1}}
    with buffer_of(store, max_delay=NEVER) as buffer:
        buffer.record_event("tool.call.completed", data).unwrap()
        data["attributes"]["lines"] = 2  # type: ignore[index]
        data.clear()

    (state,) = store.log.scan(after=0, limit=9).column("state").to_pylist()
    assert orjson.loads(state)["data"] == {"tool": "bash", "attributes": {"lines": 1}}


def test_duplicates_are_counted_and_so_are_those_that_tell_something_else(store: Store) -> None:
    with buffer_of(store) as buffer:
        failed = {**call(1), "event_type": "tool.call.failed"}
        for each in (call(1), call(1), call(1, tool="edit"), call(2), failed):
            buffer.record_event(**each).unwrap()
        buffer.flush().unwrap()
        stats = buffer.stats()

    assert (stats.accepted, stats.recorded, stats.duplicates, stats.differing, stats.buffered) == (5, 2, 3, 2, 0)


def test_stats_say_what_is_waiting_and_since_when(store: Store) -> None:
    with full(store) as buffer:
        one = buffer.stats()
        other = buffer.stats()

        assert (one.buffered, one.recorded) == (2, 0)
        assert 0 < one.oldest_seconds < other.oldest_seconds
    assert (buffer.stats().buffered, buffer.stats().oldest_seconds) == (0, 0.0)


@pytest.mark.parametrize("options", [{"max_events": 0}, {"max_delay": -1}, {"when_full": "explode"}])
def test_a_buffer_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with AnalyticsService.open(":memory:", follow=False) as analytics, pytest.raises(ValueError, match=" must be "):
        analytics.buffered(**options)


# ── when it is full ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_full_buffer_blocks_until_there_is_room(store: Store) -> None:
    with full(store) as buffer:
        third = threading.Thread(target=lambda: buffer.record_event(**call(2)).unwrap())
        third.start()
        eventually(lambda: buffer._writer.moved._waiters)  # type: ignore[attr-defined]  # it waits

        assert buffer.stats().accepted == 2
        store.gate.set()
        third.join()
        buffer.flush().unwrap()

    assert ids(store.log) == ["0", "1", "2"]


def test_a_full_buffer_blocks_no_longer_than_it_may(store: Store) -> None:
    with full(store, max_wait=0.01) as buffer:
        failure = buffer.record_event(**call(2)).failure

        assert failure is not None
        assert failure.code == "buffer_full"
        assert buffer.stats().dropped == 1


def test_a_full_buffer_drops_the_new_event_counts_it_and_says_so_to_the_caller(store: Store) -> None:
    told: list[AnalyticsError] = []
    with full(store, when_full="drop", on_failure=told.append) as buffer:
        results = [buffer.record_event(**call(n)) for n in range(2, 5)]

        assert [result.failure.code for result in results if result.failure] == ["buffer_full"] * 3
        assert (buffer.stats().accepted, buffer.stats().dropped) == (2, 3)

    assert ids(store.log) == ["0", "1"]
    assert [each.details["dropped"] for each in told] == [3]  # once, not three times


def test_drops_are_told_again_when_the_buffer_is_closed(store: Store) -> None:
    told: list[AnalyticsError] = []
    with full(store, when_full="drop", on_failure=told.append) as buffer:
        buffer.record_event(**call(2))
        store.gate.set()
        buffer.flush().unwrap()
        eventually(lambda: len(told) == 1)
        store.gate.clear()
        for n in range(3, 6):
            buffer.record_event(**call(n))

    assert [each.details["dropped"] for each in told] == [1, 2]


def test_a_full_buffer_raises_where_that_was_chosen(store: Store) -> None:
    with full(store, when_full="raise") as buffer:
        with pytest.raises(BufferFull, match="holds 2 events that are not stored yet"):
            buffer.record_event(**call(2))

        assert (buffer.stats().accepted, buffer.stats().dropped) == (2, 0)


# ── when the store fails ────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_commit_is_told_counted_and_tried_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    told: list[AnalyticsError] = []
    store.fails = 2
    with caplog.at_level(logging.ERROR), buffer_of(store, on_failure=told.append) as buffer:
        for n in range(3):
            buffer.record_event(**call(n)).unwrap()
        buffer.flush().unwrap()
        stats = buffer.stats()

    assert ids(store.log) == ["0", "1", "2"]
    assert [each.code for each in told] == ["store_failed"] * 2
    assert (stats.failed_commits, stats.recorded, stats.lost) == (2, 3, 0)
    assert stats.last_failure is not None
    assert stats.last_failure.message == "The database reports: no."
    assert [record.getMessage() for record in caplog.records] == [
        "Buffered events: The database reports: no. It is tried again."
    ]


def test_a_callback_that_fails_stops_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.fails = 1
    with caplog.at_level(logging.ERROR), buffer_of(store, on_failure=lambda error: 1 / 0) as buffer:
        buffer.record_event(**call(1)).unwrap()
        buffer.flush().unwrap()

    assert ids(store.log) == ["1"]
    assert "on_failure of a buffer failed" in caplog.text


def test_a_callback_may_look_flush_and_close(store: Store) -> None:
    seen: list[Any] = []

    def look(error: AnalyticsError) -> None:
        seen.append((buffer.stats().buffered, buffer.flush().ok))
        buffer.close()

    store.fails = 1
    with buffer_of(store, on_failure=look) as buffer:
        buffer.record_event(**call(1)).unwrap()
        eventually(lambda: store.log.head() == 1)

        assert buffer.closed
    assert (seen, buffer.stats().lost) == ([(1, False)], 0)


def test_an_error_that_nobody_foresaw_is_a_failed_commit(store: Store) -> None:
    def broken(entries: Sequence[Entry]) -> list[Appended]:
        if not store.fails:
            store.fails += 1
            raise MemoryError("none left")
        return store.log.append(entries)

    with closing(Buffer(lambda: Door(lambda: NOON), broken, max_events=9, max_delay=0, when_full="drop")) as buffer:
        buffer.record_event(**call(1)).unwrap()
        buffer.flush().unwrap()
        stats = buffer.stats()

    assert stats.recorded == 1
    assert stats.last_failure is not None
    assert stats.last_failure.message == "The database reports: MemoryError: none left."


def test_a_flush_that_takes_too_long_says_so_and_loses_nothing(store: Store) -> None:
    with full(store) as buffer:
        failure = buffer.flush(timeout=0.01).failure

        assert failure is not None
        assert (failure.code, failure.details["count"]) == ("not_flushed", 2)
    assert ids(store.log) == ["0", "1"]


def test_what_a_closed_buffer_could_not_store_is_counted_told_logged_and_a_failure(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[AnalyticsError] = []
    store.fails = 10**6
    with buffer_of(store, on_failure=told.append) as buffer:
        for n in range(3):
            buffer.record_event(**call(n)).unwrap()
        with caplog.at_level(logging.ERROR):
            end = buffer.close(timeout=0.2)

    assert end.failure is not None
    assert (end.failure.code, end.failure.details["count"]) == ("events_lost", 3)
    assert (buffer.stats().lost, buffer.stats().buffered) == (3, 0)
    assert told[-1].code == "events_lost"
    assert str(told[-1]) in caplog.text
    assert buffer.close() == end
    assert buffer.flush() == end


def test_closing_tries_again_at_once(store: Store) -> None:
    store.fails = 1
    with buffer_of(store, max_delay=NEVER) as buffer:
        buffer.record_event(**call(1)).unwrap()

    assert (ids(store.log), buffer.stats().failed_commits) == (["1"], 1)


def test_leaving_the_block_raises_what_was_lost_unless_something_else_is_being_raised(store: Store) -> None:
    store.fails = 10**6
    for error, raised in ((None, EventsLost), (KeyError("mine"), KeyError)):
        buffer = Buffer(lambda: Door(lambda: NOON), store.append, max_events=9, max_delay=NEVER, when_full="drop")
        buffer.close = lambda close=buffer.close: close(0)  # type: ignore[method-assign,misc,assignment]
        with pytest.raises(raised), buffer:
            buffer.record_event(**call(1)).unwrap()
            if error:
                raise error


# ── with a service ──────────────────────────────────────────────────────────────────────────────────────────────


def retaining() -> AnalyticsService:
    """Return a store that takes in nothing of NOON any more."""
    service = AnalyticsService.open(":memory:", follow=False)
    service.record_event(**tool_call(occurred_at=NOON)).unwrap()
    service.retain({"events": "1d"}).unwrap()
    return service


def lost(result: OperationResult[None]) -> tuple[int, str] | None:
    """Return how many events a result says were lost, and what of the reason tells which it is."""
    if result.failure is None:
        return None
    assert result.failure.code == "events_lost"
    return result.failure.details["count"], " ".join(str(result.failure.details["problem"]).split()[:3])


TOO_OLD = "Events of before"


def test_what_is_older_than_events_are_kept_is_told_and_counted_as_lost_and_nothing_else_is() -> None:
    told: list[AnalyticsError] = []
    with pytest.raises(EventsLost, match="3 buffered"), retaining() as service:
        buffer = service.buffered(max_delay=NEVER, on_failure=told.append)
        for number in range(9):
            buffer.record_event(**tool_call(occurred_at=None if number % 4 else NOON))
        assert lost(buffer.flush()) == (3, TOO_OLD)
        stats = buffer.stats()

        assert (stats.accepted, stats.recorded, stats.lost, stats.buffered) == (9, 6, 3, 0)
        assert service.store.log.head() == nth(2 + 6)
    assert [each.code for each in told] == ["before_horizon"] * 3  # closed, the buffer has told of everything


def test_a_flush_says_what_was_lost_since_the_one_before_and_the_end_says_all() -> None:
    with suppress(EventsLost), closing(retaining()) as service:
        buffer = service.buffered(max_delay=0)
        assert lost(buffer.flush()) is None
        for losses in (2, 1, 0):
            for _ in range(losses):
                buffer.record_event(**tool_call(occurred_at=NOON)).unwrap()
            buffer.record_event(**tool_call(occurred_at=None)).unwrap()
            assert lost(buffer.flush()) == ((losses, TOO_OLD) if losses else None)
        assert lost(buffer.close()) == lost(buffer.close()) == lost(buffer.flush()) == (3, TOO_OLD)
        with pytest.raises(EventsLost, match="3 buffered events could not be stored, and are lost"):
            service.close()


def test_the_reason_of_the_first_that_was_lost_is_said() -> None:
    refusals = [RefusedEvent(), None]

    def append(entries: Sequence[Entry]) -> list[Appended]:
        if refusals and (error := refusals.pop(0)):
            raise error
        raise StoreFailed(problem="later")

    buffer = Buffer(lambda: Door(lambda: NOON), append, max_events=9, max_delay=0, when_full="drop")
    buffer.record_event(**call(1)).unwrap()
    assert lost(buffer.flush()) == (1, "The event was")
    buffer.record_event(**call(2)).unwrap()
    assert lost(buffer.close(timeout=0)) == (2, "The event was")


def test_two_who_flush_at_once_are_both_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with suppress(EventsLost), closing(retaining()) as service:
        buffer = service.buffered(max_delay=NEVER)
        gate, entered, take = threading.Event(), threading.Event(), service.store.recorder.log.append

        def held(*arguments: Any, **options: Any) -> Any:
            entered.set()
            assert gate.wait(PATIENCE)
            return take(*arguments, **options)

        monkeypatch.setattr(service.store.recorder.log, "append", held)
        buffer.record_event(**tool_call(occurred_at=NOON)).unwrap()
        results: list[Any] = []
        threads = [threading.Thread(target=lambda: results.append(lost(buffer.flush()))) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert entered.wait(PATIENCE)
        eventually(lambda: len(buffer._writer.moved._waiters) == 2)  # type: ignore[attr-defined]
        gate.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert results == [(1, TOO_OLD)] * 2


@pytest.mark.parametrize("holder", ["buffer", "service"])
def test_what_was_lost_never_hides_an_error_of_the_block(holder: str) -> None:
    for error, raised in ((None, EventsLost), (KeyError("mine"), KeyError)):
        service = retaining()
        buffer = service.buffered(max_delay=NEVER)
        with pytest.raises(raised) as caught, buffer if holder == "buffer" else service:
            buffer.record_event(**tool_call(occurred_at=NOON)).unwrap()
            if error:
                raise error
        notes = getattr(caught.value, "__notes__", [])
        assert [("1 buffered events could not be stored" in note) for note in notes] == ([True] if error else [])
        with suppress(EventsLost):
            service.close()


def test_a_service_says_what_all_its_buffers_have_lost() -> None:
    service = retaining()
    for losses in (1, 2):
        buffer = service.buffered(max_delay=NEVER)
        for _ in range(losses):
            buffer.record_event(**tool_call(occurred_at=NOON)).unwrap()
    with pytest.raises(EventsLost, match="3 buffered events"):
        service.close()


def test_a_fork_tells_of_its_own_losses_only() -> None:
    def refuse(entries: Sequence[Entry]) -> list[Appended]:
        raise RefusedEvent

    buffer = Buffer(lambda: Door(lambda: NOON), refuse, max_events=9, max_delay=0, when_full="drop", on_sigterm=False)
    buffer.record_event(**call(1)).unwrap()
    assert lost(buffer.flush()) == (1, "The event was")

    def child() -> None:
        assert lost(buffer.flush()) is None
        for n in range(2):
            buffer.record_event(**call(n)).unwrap()
        assert lost(buffer.close()) == (2, "The event was")

    assert in_a_child(child) == 0
    assert lost(buffer.close()) == (1, "The event was")


def test_a_service_closes_its_buffers_first(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
        buffer = analytics.buffered(max_delay=NEVER)
        for n in range(10):
            buffer.record_event(**call(n)).unwrap()

    with opened(tmp_path / "a.db") as analytics:
        assert [event.id for event in recorded(analytics)] == [str(n) for n in range(10)]


def test_a_closed_buffer_takes_nothing(store: Store) -> None:
    with AnalyticsService.open(":memory:", follow=False) as analytics:
        buffer = analytics.buffered()
        buffer.close().unwrap()
        failure = buffer.record_event(**call(1)).failure

    assert failure is not None
    assert (failure.code, buffer.closed) == ("buffer_closed", True)


def test_a_blocked_caller_is_let_go_when_the_buffer_is_closed(store: Store) -> None:
    results: list[Any] = []
    with full(store) as buffer:
        third = threading.Thread(target=lambda: results.append(buffer.record_event(**call(2))))
        third.start()
        eventually(lambda: buffer._writer.moved._waiters)  # type: ignore[attr-defined]  # it waits
        closing_it = threading.Thread(target=buffer.close)
        closing_it.start()
        third.join()
        store.gate.set()
        closing_it.join()

    assert [result.failure.code for result in results] == ["buffer_closed"]


def test_a_follower_folds_what_a_buffer_commits() -> None:
    with AnalyticsService.open(":memory:") as analytics, analytics.buffered() as buffer:
        for n in range(100):
            buffer.record_event(**call(n)).unwrap()
        buffer.flush().unwrap()

        assert analytics.wait_until_caught_up() == nth(100)


def test_a_store_that_is_locked_for_a_while_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datastore, "LOCK_TIMEOUT", 0.05)
    with (
        AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics,
        closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other,
        analytics.buffered(max_delay=0) as buffer,
    ):
        other.execute("BEGIN IMMEDIATE")
        for n in range(10):
            buffer.record_event(**call(n)).unwrap()
        eventually(lambda: buffer.stats().failed_commits)
        other.execute("ROLLBACK")
        buffer.flush().unwrap()
        failure = buffer.stats().last_failure

        assert failure is not None
        assert failure.code == "store_busy"
        assert [event.id for event in recorded(analytics)] == [str(n) for n in range(10)]


def test_a_service_whose_buffer_lost_events_says_so_when_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    analytics = AnalyticsService.open(":memory:", follow=False)
    buffer = analytics.buffered(max_delay=NEVER)
    buffer.record_event(**call(1)).unwrap()
    monkeypatch.setattr(analytics.store.recorder.log, "append", lambda entries: 1 / 0)
    buffer.close(timeout=0)

    with pytest.raises(EventsLost, match="1 buffered events"):
        analytics.close()
    assert analytics.record_event(**call(2)).failure is not None


# ── the law ─────────────────────────────────────────────────────────────────────────────────────────────────────

producers = st.lists(st.lists(st.integers(0, 30), max_size=40), min_size=1, max_size=4)


@settings(max_examples=40)
@given(
    plans=producers,
    max_events=st.integers(1, 30),
    max_delay=st.sampled_from([0.0, 0.0005, 0.005]),
    when_full=st.sampled_from(["block", "drop", "raise"]),
    fails=st.integers(0, 2),
)
def test_what_is_accepted_is_recorded_once_and_in_the_order_of_each_producer(
    plans: list[list[int]], max_events: int, max_delay: float, when_full: str, fails: int
) -> None:
    accepted: dict[int, list[int]] = defaultdict(list)

    def produce(producer: int) -> None:
        for n in plans[producer]:
            event = {**call(n, occurred_at=NOON + timedelta(seconds=n)), "source": f"producer-{producer}"}
            try:
                taken = buffer.record_event(**event).ok
            except BufferFull:
                taken = False
            if taken:
                accepted[producer].append(n)

    with log_of() as log:
        store = Store(log, fails=fails)
        store.gate.set()
        with buffer_of(store, max_events=max_events, max_delay=max_delay, when_full=when_full) as buffer:
            threads = [threading.Thread(target=produce, args=(n,)) for n in range(len(plans))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            buffer.flush().unwrap()
            stats = buffer.stats()
        found: dict[int, list[int]] = defaultdict(list)
        for state in map(orjson.loads, log.scan(after=0, limit=10**6).column("state").to_pylist()):
            found[int(state["source"].removeprefix("producer-"))].append(int(state["id"]))

    assert stats.accepted == stats.recorded + stats.duplicates == sum(map(len, accepted.values()))
    assert stats.accepted + stats.dropped <= sum(map(len, plans))
    assert found == {producer: list(dict.fromkeys(numbers)) for producer, numbers in accepted.items()}
