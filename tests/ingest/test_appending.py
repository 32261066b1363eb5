"""Many batches on a server: each is appended while the next is let in, and nobody can tell from what is recorded."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import RefusedBatch, StoreUnavailable
from analytics_es.ingest.appending import Appending
from analytics_es.log.postgres import PostgresLog
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.testing import cost_corrected, provider_call, tool_call
from tests.stores import eventually

pytestmark = [pytest.mark.store("postgres"), pytest.mark.usefixtures("full_privacy")]


def calls(count: int) -> list[dict[str, Any]]:
    return [{**tool_call(), "id": str(number)} for number in range(count)]


def ids(analytics: AnalyticsService) -> list[str]:
    rows = analytics.store.log.scan(after=0, limit=1000).to_pylist()
    return [row["key"] for row in rows]


class Log:
    """Stands in for who appends: says in which thread that was, and can be told to wait or to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
        self.threads: list[str] = []
        self.failing: set[int] = set()
        self.go_on = threading.Event()
        self.go_on.set()
        append = kind.append

        def appended(log: Any, entries: Any, **more: Any) -> Any:
            self.threads.append(threading.current_thread().name)
            assert self.go_on.wait(10)
            if len(self.threads) - 1 in self.failing:
                raise StoreUnavailable(problem="it is gone")
            return append(log, entries, **more)

        monkeypatch.setattr(kind, "append", appended)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch, PostgresLog)


def test_the_next_batch_is_let_in_while_one_is_appended(analytics: AnalyticsService, log: Log) -> None:
    log.go_on.clear()

    def events() -> Iterator[dict[str, Any]]:
        for number, call in enumerate(calls(6)):
            if number == 3:  # of the second batch, while the first is still waited for
                eventually(lambda: len(log.threads) == 1)
                log.go_on.set()
            yield call

    receipt = analytics.record_events(events(), batch_size=2).unwrap()

    assert (receipt.recorded, receipt.last_position, len(log.threads)) == (6, 6, 3)
    assert "MainThread" not in log.threads


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 20])
def test_positions_and_receipt_do_not_depend_on_the_size_of_batches(analytics: AnalyticsService, size: int) -> None:
    events = [*calls(7), *calls(3), {**tool_call(tool="other"), "id": "2"}]

    receipt = analytics.record_events(events, batch_size=size).unwrap()

    assert (receipt.recorded, receipt.duplicates, receipt.differing, receipt.last_position) == (7, 4, 1, 7)
    assert len(set(ids(analytics))) == 7


@pytest.mark.parametrize("size", [1, 3])
def test_a_correction_waits_for_the_call_of_the_batch_before_it(
    analytics: AnalyticsService, log: Log, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    wait = Appending.wait
    log.go_on.clear()  # so that the call is appended when it is waited for, and not before
    monkeypatch.setattr(Appending, "wait", lambda appending: (log.go_on.set(), wait(appending)))
    events = [
        {**provider_call(), "source": "platform", "id": "call-1"},
        cost_corrected(),
        {**tool_call(), "id": "last"},
    ]

    receipt = analytics.record_events(events, batch_size=size).unwrap()

    assert (receipt.recorded, receipt.waiting, receipt.refused) == (3, 0, 0)


def test_what_was_refused_of_a_batch_is_told_after_those_before_it_are_recorded(analytics: AnalyticsService) -> None:
    refused = {**tool_call(), "id": "wrong", "event_type": "Not A Type"}

    with pytest.raises(RefusedBatch) as told:
        analytics.record_events([*calls(4), refused, *calls(9)[5:]], batch_size=2).unwrap()

    assert (told.value.details["recorded"], told.value.details["index"]) == (4, 4)
    assert len(ids(analytics)) == 4


def test_a_batch_that_was_not_recorded_is_the_last_one_and_is_told_first(analytics: AnalyticsService, log: Log) -> None:
    log.failing = {1}
    refused = {**tool_call(), "id": "wrong", "event_type": "Not A Type"}

    with pytest.raises(StoreUnavailable):
        analytics.record_events([*calls(4), refused, *calls(9)[5:]], batch_size=2).unwrap()

    assert len(ids(analytics)) == len(log.threads) == 2


def test_what_ends_the_events_comes_after_what_was_read_of_them_is_recorded(analytics: AnalyticsService) -> None:
    def events() -> Iterator[dict[str, Any]]:
        yield from calls(4)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        analytics.record_events(events(), batch_size=2)

    assert len(ids(analytics)) == 4


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # beside threads, of Python 3.12 on
@pytest.mark.parametrize("then", ["more", "end", "raise"])
def test_a_process_that_is_forked_by_the_events_does_not_wait_for_a_batch_of_its_parent(
    analytics: AnalyticsService, log: Log, then: str
) -> None:
    children: list[int] = []

    def events() -> Iterator[dict[str, Any]]:
        yield from calls(2)
        eventually(lambda: len(log.threads) == 1)  # and does not go on before the fork
        children.append(os.fork())
        if children[0]:
            log.go_on.set()
        elif then == "raise":
            raise ZeroDivisionError
        yield from calls(4)[2:] if then == "more" else []

    def told() -> str:
        try:
            result = analytics.record_events(events(), batch_size=2)
        except ZeroDivisionError:
            return "raised"
        return "recorded" if result.ok else result.failure.code

    log.go_on.clear()
    result = told()
    if not children[0]:
        os._exit(0 if result == ("raised" if then == "raise" else "forked") else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    assert (result, len(ids(analytics))) == ("recorded", 4 if then == "more" else 2)


def test_who_is_told_of_every_event_is_told_batch_by_batch(analytics: AnalyticsService, log: Log) -> None:
    analytics.record_events(calls(2)).unwrap()
    told: list[Any] = []

    analytics.record_events(calls(6), batch_size=2, on_duplicate=told.append).unwrap()

    assert ([duplicate.position for duplicate in told], set(log.threads)) == ([1, 2], {"MainThread"})


@pytest.mark.store("sqlite")
def test_a_file_is_appended_to_by_who_records(analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(monkeypatch, SQLiteLog)

    assert analytics.record_events(calls(6), batch_size=2).unwrap().recorded == 6
    assert log.threads == ["MainThread"] * 3
