"""Recording: receipts, batches, duplicates, and what holds when threads, processes and crashes meet."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from collections import UserDict
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import RefusedBatch
from analytics_es.ingest.batch import Before
from analytics_es.log import Entry
from analytics_es.log.sqlite import database as datastore
from analytics_es.testing import NOON, job_failed, provider_call, tool_call
from analytics_es.types import BatchReceipt, Receipt, Refusal
from tests.children import joined
from tests.stores import in_full, nth, recorded

SECOND = timedelta(seconds=1)


def call(id: object, **changes: Any) -> dict[str, Any]:
    """Return a call of a tool that has an id."""
    return {**tool_call(**changes), "id": str(id), "source": "test"}


def calls(*ids: object) -> list[dict[str, Any]]:
    return [call(id) for id in ids]


BAD = tool_call(status="fine")
BAD_TOLD = "status: must be one of ok, error, cancelled, not 'fine'."


def ids(analytics: AnalyticsService) -> list[str]:
    return [event.id for event in recorded(analytics)]


# ── one event ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_receipt_says_where_the_event_is(analytics: AnalyticsService) -> None:
    receipts = [analytics.record_event(**tool_call()).unwrap() for _ in range(3)]

    assert receipts == [Receipt(position=nth(1)), Receipt(position=nth(2)), Receipt(position=nth(3))]


@in_full
def test_the_log_holds_what_was_recorded(analytics: AnalyticsService) -> None:
    event = {**provider_call(), "id": "call-1", "source": "gateway"}

    analytics.record_event(**event)

    (found,) = recorded(analytics)
    assert (found.source, found.id, found.type) == ("gateway", "call-1", "provider.call.completed")
    assert (found.occurred_at, found.data, found.position) == (NOON, event["data"], 1)


def test_the_clock_says_when_an_event_was_recorded() -> None:
    with AnalyticsService.open(":memory:", follow=False, clock=lambda: NOON) as analytics:
        analytics.record_event("job.failed", {})
        analytics.record_event(**job_failed(occurred_at=NOON - SECOND))

        times = [(event.occurred_at, event.recorded_at) for event in recorded(analytics)]

    assert times == [(NOON, NOON), (NOON - SECOND, NOON)]


def test_the_same_event_again_changes_nothing(analytics: AnalyticsService) -> None:
    first = analytics.record_event(**call(1)).unwrap()
    again = analytics.record_event(**call(1)).unwrap()

    assert (first, again) == (Receipt(position=nth(1)), Receipt(position=nth(1), duplicate=True))
    assert ids(analytics) == ["1"]


def test_a_duplicate_that_tells_something_else_is_said_to_and_changes_nothing(analytics: AnalyticsService) -> None:
    analytics.record_event(**call(1, tool="bash"))
    again = analytics.record_event(**call(1, tool="edit")).unwrap()

    assert again == Receipt(position=nth(1), duplicate=True, differs=True)
    assert [event.data["tool"] for event in recorded(analytics)] == ["bash"]


def test_a_duplicate_that_tells_only_another_time_is_a_quiet_one(analytics: AnalyticsService) -> None:
    analytics.record_event(**call(1))
    again = analytics.record_event(**call(1, occurred_at=NOON + timedelta(microseconds=999))).unwrap()

    assert again == Receipt(position=nth(1), duplicate=True)


def test_another_type_under_one_identity_differs_and_is_counted(analytics: AnalyticsService) -> None:
    other = {**call(1), "event_type": "tool.call.failed"}
    analytics.record_event(**call(1))

    again = analytics.record_event(**other).unwrap()
    both = analytics.record_events([call(2), {**call(2), "event_type": "tool.call.failed"}, other]).unwrap()

    assert again == Receipt(position=nth(1), duplicate=True, differs=True)
    assert (both.recorded, both.duplicates, both.differing) == (1, 2, 2)
    assert {event.type for event in recorded(analytics)} == {call(1)["event_type"]}


def test_another_source_or_time_is_another_event(analytics: AnalyticsService) -> None:
    others = [{**call(1), "source": "other"}, call(1, occurred_at=NOON + SECOND), call(2)]

    receipts = [analytics.record_event(**event).unwrap() for event in [call(1), *others]]

    assert [receipt.duplicate for receipt in receipts] == [False] * 4


def test_a_duplicate_leaves_no_gap_in_the_positions(analytics: AnalyticsService) -> None:
    receipts = [analytics.record_event(**call(id)).unwrap() for id in (1, 1, 2, 1, 3)]

    assert [receipt.position for receipt in receipts] == [nth(n) for n in (1, 1, 2, 1, 3)]


def test_a_refused_event_leaves_no_trace(analytics: AnalyticsService) -> None:
    failure = analytics.record_event(**BAD).failure

    assert failure is not None
    assert (failure.code, failure.message, failure.details["field"]) == ("bad_field", BAD_TOLD, "status")
    assert recorded(analytics) == []
    assert analytics.record_event(**tool_call()).unwrap() == Receipt(position=nth(1))


@pytest.mark.parametrize("arguments", [{"when": NOON}, {"type": "job.failed"}])
def test_an_unknown_argument_is_a_programming_error(analytics: AnalyticsService, arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        analytics.record_event(**job_failed(), **arguments)


# ── batches ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_events_are_recorded_in_their_order(analytics: AnalyticsService) -> None:
    receipt = analytics.record_events(calls(*range(10)), batch_size=3).unwrap()

    assert receipt == BatchReceipt(recorded=10, last_position=nth(10))
    assert ids(analytics) == [str(n) for n in range(10)]


def test_no_events_are_no_failure(analytics: AnalyticsService) -> None:
    assert analytics.record_events([]).unwrap() == BatchReceipt(recorded=0)
    assert analytics.record_events(iter(())).unwrap().last_position is None


def test_progress_is_told_after_each_batch(analytics: AnalyticsService) -> None:
    told: list[tuple[str, int, int]] = []

    analytics.record_events(calls(*range(7)), batch_size=3, progress=lambda *at: told.append(at))

    assert told == [("recording", 3, 0), ("recording", 6, 0), ("recording", 7, 0)]


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_has_at_least_one_event(analytics: AnalyticsService, size: int) -> None:
    failure = analytics.record_events(calls(1), batch_size=size).failure

    assert failure is not None
    assert failure.message == f"batch_size must be a whole number from 1, not {size}."


def test_duplicates_are_skipped_and_counted_within_a_batch_and_across_batches(analytics: AnalyticsService) -> None:
    analytics.record_events(calls(1, 2))

    receipt = analytics.record_events(calls(2, 3, 3, 4, 1, 4), batch_size=4).unwrap()

    assert receipt == BatchReceipt(recorded=2, duplicates=4, last_position=nth(4))
    assert ids(analytics) == ["1", "2", "3", "4"]


def test_recording_everything_again_adds_nothing(analytics: AnalyticsService) -> None:
    analytics.record_events(calls(*range(10)), batch_size=4)

    receipt = analytics.record_events(calls(*range(10)), batch_size=3).unwrap()

    assert receipt == BatchReceipt(recorded=0, duplicates=10, last_position=nth(10))


def test_differing_duplicates_are_counted_and_never_stored(analytics: AnalyticsService) -> None:
    analytics.record_events([call(1, tool="bash"), call(2, tool="bash")])

    again = [call(1, tool="edit"), call(2, tool="bash"), call(3, tool="bash"), call(3, tool="edit")]
    receipt = analytics.record_events(again).unwrap()

    assert receipt == BatchReceipt(recorded=1, duplicates=3, differing=2, last_position=nth(3))
    assert [event.data["tool"] for event in recorded(analytics)] == ["bash"] * 3


def test_the_same_id_at_another_time_is_not_a_duplicate_beside_one(analytics: AnalyticsService) -> None:
    later = call(1, occurred_at=NOON + SECOND)

    receipt = analytics.record_events([call(1), later, call(1)]).unwrap()

    assert receipt == BatchReceipt(recorded=2, duplicates=1, last_position=nth(2))


def test_where_ids_are_strict_the_time_makes_no_other_event() -> None:
    later, latest = call(1, occurred_at=NOON + SECOND), call(1, occurred_at=NOON + 2 * SECOND)
    with AnalyticsService.open(":memory:", follow=False, strict_ids=True) as analytics:
        receipt = analytics.record_events([call(1), later, call(2)]).unwrap()
        again = analytics.record_event(**latest).unwrap()

        assert receipt == BatchReceipt(recorded=2, duplicates=1, last_position=nth(2))
        assert again == Receipt(position=nth(1), duplicate=True)
        assert [event.occurred_at for event in recorded(analytics)] == [NOON, NOON]


# ── batches with refused events ─────────────────────────────────────────────────────────────────────────────────


def test_a_batch_with_refused_events_is_refused_as_a_whole_and_names_each(analytics: AnalyticsService) -> None:
    failure = analytics.record_events([call(1), BAD, call(2), tool_call(duration_ms=-1)]).failure

    assert failure is not None
    assert failure.code == "refused_batch"
    assert failure.message == (
        "2 of 4 events of a batch were refused, so the batch was not recorded (0 events before it were): "
        f"event 1: {BAD_TOLD}"
    )
    assert failure.details["refusals"] == [
        Refusal(index=1, code="bad_field", message=BAD_TOLD, field="status"),
        Refusal(
            index=3,
            code="bad_field",
            message="duration_ms: must be between 0 and 10^12, not -1.",
            field="duration_ms",
        ),
    ]
    assert recorded(analytics) == []


def test_a_refused_batch_ends_the_work_and_those_before_it_stay(analytics: AnalyticsService) -> None:
    source = iter([*calls(1, 2), call(3), BAD, *calls(4, 5)])

    failure = analytics.record_events(source, batch_size=2).failure

    assert failure is not None
    assert (failure.details["recorded"], failure.details["index"]) == (2, 3)
    assert ids(analytics) == ["1", "2"]
    assert list(source) == calls(4, 5)


def test_a_refused_batch_can_be_raised(analytics: AnalyticsService) -> None:
    with pytest.raises(RefusedBatch):
        analytics.record_events([BAD]).unwrap()


def test_refused_events_can_be_skipped_and_are_counted(analytics: AnalyticsService) -> None:
    receipt = analytics.record_events([call(1), BAD, call(2), BAD, call(2)], batch_size=2, skip_refused=True).unwrap()

    refusals = [Refusal(index=index, code="bad_field", message=BAD_TOLD, field="status") for index in (1, 3)]
    assert receipt == BatchReceipt(recorded=2, duplicates=1, refused=2, refusals=refusals, last_position=nth(2))
    assert ids(analytics) == ["1", "2"]


def test_of_skipped_events_the_first_hundred_are_listed(analytics: AnalyticsService) -> None:
    receipt = analytics.record_events([BAD] * 250, batch_size=90, skip_refused=True).unwrap()

    assert (receipt.recorded, receipt.refused, receipt.last_position) == (0, 250, None)
    assert [refusal.index for refusal in receipt.refusals] == list(range(100))


def test_each_refused_event_is_told_as_it_is_met(analytics: AnalyticsService) -> None:
    told: list[Refusal] = []

    receipt = analytics.record_events([BAD] * 150, batch_size=40, skip_refused=True, on_refused=told.append).unwrap()

    assert [refusal.index for refusal in told] == list(range(150))
    assert told[:100] == receipt.refusals


def test_refused_events_of_a_refused_batch_are_told_as_well(analytics: AnalyticsService) -> None:
    told: list[Refusal] = []

    analytics.record_events([BAD, call(1), BAD], on_refused=told.append)

    assert [refusal.index for refusal in told] == [0, 2]


RULE = "An event of a batch must be a mapping of the arguments of record_event: event_type and data, and where wanted"


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (None, "this is of type NoneType"),
        ("job.failed", "this is of type str"),
        (["job.failed", {}], "this is of type list"),
        (42, "this is of type int"),
        ({}, "data, event_type is missing"),
        ({"event_type": "job.failed"}, "data is missing"),
        ({**job_failed(), "time": NOON}, "'time' is none of them"),
        ({**job_failed(), "now": NOON}, "'now' is none of them"),
        ({"type": "job.failed", "data": {}}, "event_type is missing and 'type' is none of them"),
        ({**job_failed(), 1: 2}, "1 is none of them"),
    ],
)
def test_an_element_is_a_mapping_of_arguments(analytics: AnalyticsService, event: Any, problem: str) -> None:
    receipt = analytics.record_events([call(1), event, call(2)], skip_refused=True).unwrap()

    (refusal,) = receipt.refusals
    assert (refusal.index, refusal.code) == (1, "bad_event")
    assert refusal.message == f"{RULE} occurred_at, id and source; {problem}."
    assert ids(analytics) == ["1", "2"]


def test_any_mapping_is_an_element(analytics: AnalyticsService) -> None:
    assert analytics.record_events([UserDict(call(1))]).unwrap().recorded == 1


def test_an_error_of_the_source_passes_and_what_was_recorded_before_stays(analytics: AnalyticsService) -> None:
    def source() -> Iterator[Mapping[str, Any]]:
        yield from calls(1, 2, 3)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        analytics.record_events(source(), batch_size=2)

    assert ids(analytics) == ["1", "2"]


def test_memory_does_not_grow_with_the_events(analytics: AnalyticsService) -> None:
    class Told(dict[str, Any]):
        __hash__ = object.__hash__  # type: ignore[assignment]

    alive: WeakSet[Told] = WeakSet()
    most = 0

    def source() -> Iterator[Told]:
        nonlocal most
        for n in range(50_000):
            event = Told(event_type="job.failed", data={}, occurred_at=NOON, id=str(n))
            alive.add(event)
            most = max(most, len(alive))
            yield event

    assert analytics.record_events(source(), batch_size=500).unwrap().recorded == 50_000
    assert most <= 2 * 500


# ── whatever happens ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_acknowledged_is_there_after_a_crash(tmp_path: Path) -> None:
    crashed = multiprocessing.get_context("spawn").Process(target=_record_and_crash, args=(tmp_path / "a.db",))
    crashed.start()
    joined(crashed)

    with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
        assert crashed.exitcode == 7
        assert ids(analytics) == ["1", "2", "3"]


def _record_and_crash(path: Path) -> None:
    service = AnalyticsService.open(path, privacy="full")
    service.record_event(**call(1)).unwrap()
    service.record_events(calls(2, 3)).unwrap()
    os._exit(7)


def test_a_store_goes_on_where_it_ended(tmp_path: Path) -> None:
    for n in range(3):
        with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
            assert analytics.record_event(**call(n)).unwrap() == Receipt(position=nth(n + 1))
            assert analytics.record_event(**call(0)).unwrap() == Receipt(position=nth(1), duplicate=True)


def test_while_another_holds_the_store_nothing_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datastore, "LOCK_TIMEOUT", 0.05)
    with (
        AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics,
        closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        failure = analytics.record_event(**call(1)).failure
        other.execute("ROLLBACK")

        assert failure is not None
        assert failure.code == "store_busy"
        assert analytics.record_event(**call(1)).unwrap() == Receipt(position=nth(1))


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("place", ["memory", "file"])
def test_threads_that_record_at_once_record_each_event_once(tmp_path: Path, place: str, follow: bool) -> None:
    with AnalyticsService.open(":memory:" if place == "memory" else tmp_path / "a.db", follow=follow) as analytics:
        receipts: list[Receipt] = []
        ready = threading.Barrier(8)

        def work(thread: int) -> None:
            ready.wait()
            for n in range(25):
                receipts.append(analytics.record_event(**call(f"{thread}-{n}")).unwrap())
                receipts.append(analytics.record_event(**call(f"shared-{n}")).unwrap())

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = ids(analytics)

        new = sorted(receipt.position for receipt in receipts if not receipt.duplicate)
        assert new == [nth(n) for n in range(1, 9 * 25 + 1)]
        assert len(receipts) == 2 * 8 * 25
        assert len(set(found)) == len(found) == 9 * 25


def test_processes_that_record_at_once_record_each_event_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(2)
    processes = [
        context.Process(target=_record_some, args=(tmp_path / "a.db", name, ready)) for name in ("left", "right")
    ]
    for process in processes:
        process.start()
    joined(*processes)

    own = {f"{name}-{n}" for name in ("left", "right") for n in range(25)}
    with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
        found = recorded(analytics)
        assert [process.exitcode for process in processes] == [0, 0]
        assert sorted(event.id for event in found) == sorted(own | {f"shared-{n}" for n in range(25)})
        assert [event.position for event in found] == list(range(1, 76))


def _record_some(path: Path, name: str, ready: Any) -> None:
    ready.wait(timeout=60)
    with AnalyticsService.open(path, privacy="full") as analytics:
        for n in range(25):
            analytics.record_event(**call(f"{name}-{n}")).unwrap()
            analytics.record_events(calls(f"shared-{n}")).unwrap()
        analytics.wait_until_caught_up()


def test_a_batch_is_read_once_for_all_its_corrections() -> None:
    read: list[int] = []

    class Entries(list[Entry]):
        def __getitem__(self, which: Any) -> Any:
            part = super().__getitem__(which)
            read.append(len(part))
            return part

    first, again, other = Entry("a", "t", b"1"), Entry("a", "t", b"2"), Entry("b", "t", b"3")
    entries = Entries([first, again])
    before = Before(entries, lambda: None)
    assert before.by_key() == {"a": first}
    entries.append(other)

    assert before.by_key() == {"a": first, "b": other}
    assert read == [2, 1]
