"""The contract of the event log, for every backend; and the library's own, for the recorders it is made of."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import Mock, patch
from uuid import uuid4

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es.errors import BadStrictIds, OldSqlite, ReadOnly, SharedIds, StoreBusy, StoreMoved
from analytics_es.events.codec import decode
from analytics_es.events.event import RecordedEvent, microseconds
from analytics_es.log import Appended, Entry, EventLog, Held, Horizon, LogSlice
from analytics_es.log import event_log as port
from analytics_es.log.postgres import Database as PostgresDatabase
from analytics_es.log.postgres import PostgresLog
from analytics_es.log.postgres.checkpoints import PostgresCheckpoints
from analytics_es.log.postgres.recorder import PostgresRecorder
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.log.sqlite import database as sqlite_database
from analytics_es.log.sqlite.checkpoints import SQLiteCheckpoints
from analytics_es.log.sqlite.database import Database
from analytics_es.log.sqlite.recorder import SQLiteRecorder
from analytics_es.testing import NOON, tool_call
from tests.servers import Server
from tests.stores import entry

# The library's test cases import its cipher, whose package nothing here needs.
with patch.dict(sys.modules, {"eventsourcing.cipher": Mock()}):
    from eventsourcing.tests.persistence import (
        ApplicationRecorderTestCase,
        NonInterleavingNotificationIDsBaseCase,
        TrackingRecorderTestCase,
    )

MICROSECOND, MILLISECOND, HOUR = timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(hours=1)
EVER = (0, 2**52)

OpenLog = Callable[..., EventLog]


@pytest.fixture(params=["file", "memory", "postgres"])
def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenLog]:
    """Open the log of a backend, again or for the first time."""
    opened: list[EventLog] = []
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    schema = server.schema() if server else ""

    def opening(**options: Any) -> EventLog:
        if server:
            opened.append(PostgresLog(PostgresDatabase(server.url, schema), **options))
        else:
            opened.append(SQLiteLog(tmp_path / "log.db" if request.param == "file" else None, **options))
        return opened[-1]

    yield opening
    for log in opened:
        log.close()


@pytest.fixture
def path_of_log(request: pytest.FixtureRequest) -> bool:
    """Whether the log can be opened again."""
    return "memory" not in request.node.callspec.id


@pytest.fixture
def log(open_log: OpenLog) -> EventLog:
    return open_log()


def call(id: object, occurred_at: datetime = NOON, **changes: Any) -> Entry:
    """Return a call of a tool as it is appended."""
    return entry(NOON, **tool_call(occurred_at=occurred_at, **changes), id=str(id))


def calls(*ids: object, occurred_at: datetime = NOON) -> list[Entry]:
    return [call(id, occurred_at) for id in ids]


def positions(table: pa.Table) -> list[int]:
    return table.column("position").to_pylist()  # type: ignore[no-any-return]


def events(table: pa.Table) -> list[RecordedEvent]:
    return [decode(row["position"], row["type"], row["state"]) for row in table.to_pylist()]


def ids(table: pa.Table) -> list[str]:
    return [event.id for event in events(table)]


def period(log: EventLog, start: datetime, end: datetime, **options: Any) -> list[int]:
    """Return the positions of a period, in the order in which they come."""
    tables = log.scan_period(microseconds(start), microseconds(end), **options)
    return [position for table in tables for position in positions(table)]


# ── append ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_positions_are_1_2_3(log: EventLog) -> None:
    assert log.append(calls(1)) == [Appended(1, False, False)]
    assert log.append(calls(2, 3)) == [Appended(2, False, False), Appended(3, False, False)]
    assert ids(log.scan(after=0, limit=10)) == ["1", "2", "3"]


def test_appending_nothing_changes_nothing(log: EventLog) -> None:
    assert log.append([]) == []
    assert log.head() == 0


def test_what_is_there_is_skipped_and_told_with_its_position(log: EventLog) -> None:
    log.append(calls(1, 2))

    assert log.append(calls(2, 3, 1, 3)) == [
        Appended(2, True, False),
        Appended(3, False, False),
        Appended(1, True, False),
        Appended(3, True, False),
    ]
    assert log.head() == 3


def test_what_is_there_is_never_overwritten(log: EventLog) -> None:
    log.append([call(1, tool="bash")])

    assert log.append([call(1, tool="edit"), call(2, tool="bash"), call(2, tool="edit")]) == [
        Appended(1, True, True),
        Appended(2, False, False),
        Appended(2, True, True),
    ]
    assert [event.data["tool"] for event in events(log.scan(after=0, limit=10))] == ["bash", "bash"]


def test_another_type_under_the_same_identity_differs(log: EventLog) -> None:
    first, second = call(1), call(2)
    log.append([first])

    assert log.append([first._replace(type="tool.call.failed"), second, second._replace(type="job.failed")]) == [
        Appended(1, True, True),
        Appended(2, False, False),
        Appended(2, True, True),
    ]
    assert log.scan(after=0, limit=10).column("type").to_pylist() == [first.type, second.type]


def test_the_same_content_recorded_later_does_not_differ(log: EventLog) -> None:
    log.append([entry(NOON, **tool_call(), id="1")])

    assert log.append([entry(NOON + HOUR, **tool_call(), id="1")]) == [Appended(1, True, False)]


def test_the_same_id_at_another_millisecond_is_another_event(log: EventLog) -> None:
    both = [call(1), call(1, NOON + MILLISECOND), call(1)]

    assert [(each.position, each.duplicate) for each in log.append(both)] == [(1, False), (2, False), (1, True)]


def test_where_ids_are_strict_it_is_the_same_event(open_log: OpenLog) -> None:
    log = open_log(strict_ids=True)
    log.append([call(1)])

    assert log.append([call(2), call(1, NOON + HOUR), call(2, NOON + HOUR), call(1, NOON + HOUR, tool="edit")]) == [
        Appended(2, False, False),
        Appended(1, True, False),
        Appended(2, True, False),
        Appended(1, True, True),
    ]
    assert [event.occurred_at for event in events(log.scan(after=0, limit=10))] == [NOON, NOON]


def told(*sources: str, id: str = "1", at: datetime = NOON, **changes: Any) -> list[Entry]:
    """Return a call of each source that has the same id."""
    return [entry(NOON, **tool_call(occurred_at=at, **changes), id=id, source=source) for source in sources]


SOURCES = ("agent", "agents", "agents:a", "otel", 'o"ü\\')


@pytest.mark.parametrize(
    ("strict_ids", "strict"),
    [
        ([], ()),
        (False, ()),
        ("agents", ("agents",)),
        (["agents", "otel"], ("agents", "otel")),
        (["agents*"], ("agents", "agents:a")),
        (["agents:*", "agents:a"], ("agents:a",)),
        (['o"ü\\'], ('o"ü\\',)),
        (['o"*'], ('o"ü\\',)),
        (["nobody"], ()),
        (["*"], SOURCES),
        (True, SOURCES),
    ],
)
def test_ids_are_strict_for_the_sources_that_were_chosen(
    open_log: OpenLog, strict_ids: Any, strict: tuple[str, ...]
) -> None:
    log = open_log(strict_ids=strict_ids)
    log.append(told(*SOURCES))

    later = log.append(
        [*told(*SOURCES, at=NOON + HOUR), *told(*SOURCES, id="2"), *told(*SOURCES, id="2", at=NOON + HOUR)]
    )

    new = [source not in strict for source in SOURCES] + [True] * 5 + [source not in strict for source in SOURCES]
    assert [not place.duplicate for place in later] == new
    assert not any(place.differs for place in later)
    positions = [place.position for place in later if not place.duplicate]
    assert positions == list(range(6, 6 + sum(new)))
    first = {source: position for position, source in enumerate(SOURCES, 1)}
    assert [place.position for place in later[:5] if place.duplicate] == [first[source] for source in strict]


def test_what_differs_in_more_than_its_time_is_told_where_ids_are_strict_for_some(open_log: OpenLog) -> None:
    log = open_log(strict_ids=["agents"])
    log.append(told("agents"))

    assert log.append([*told("agents", at=NOON + HOUR, tool="edit"), *told("agents", at=NOON + HOUR)]) == [
        Appended(1, True, True),
        Appended(1, True, False),
    ]


def test_sources_are_added_and_stay_strict_for_whoever_opens_the_log(open_log: OpenLog, path_of_log: bool) -> None:
    before = open_log()
    before.append([*told("agents"), *told("otel")])
    if not path_of_log:
        return
    open_log(strict_ids=["agents"])
    added = open_log(strict_ids=["otel"])

    for log in (before, added, open_log(), open_log(strict_ids=False)):
        head = log.head()
        places = log.append(
            [*told("x", id=str(head)), *told("agents", "otel", at=NOON + HOUR), *told("y", id=str(head))]
        )
        assert [(place.position, place.duplicate) for place in places] == [
            (head + 1, False),
            (1, True),
            (2, True),
            (head + 2, False),
        ]


def test_sources_that_share_ids_already_are_refused_and_nothing_is_half_done(
    open_log: OpenLog, path_of_log: bool
) -> None:
    log = open_log()
    log.append([*told("agents"), *told("otel"), *told("agents", at=NOON + HOUR), *told("agents", id="2")])
    log.append([*told("agents", id="2", at=NOON + HOUR)])
    if not path_of_log:
        return

    for strict_ids, source in ((["otel", "agents"], "agents"), (True, "*"), (["a*"], "a*")):
        with pytest.raises(SharedIds) as caught:
            open_log(strict_ids=strict_ids)
        details = caught.value.details
        assert [details[name] for name in ("source", "count", "first", "last")] == [source, 2, 1, 3]

    assert open_log().append(told("otel", "agents", at=NOON - HOUR)) == [
        Appended(6, False, False),
        Appended(7, False, False),
    ]
    assert open_log(strict_ids=["nobody"]).append(told("otel")) == [Appended(2, True, False)]


def test_a_source_becomes_strict_while_the_log_is_open(open_log: OpenLog, path_of_log: bool) -> None:
    log = open_log()
    log.append([*told("agents"), *told("otel")])

    log.hold_strict("agents")
    log.hold_strict("agents")

    for each in (log, open_log()) if path_of_log else (log,):
        later = each.append(told("agents", "otel", at=NOON + HOUR))
        assert [(place.position, place.duplicate) for place in later] in (
            [(1, True), (3, False)],
            [(1, True), (3, True)],
        )


def test_of_several_patterns_each_holds_alone_and_with_others(open_log: OpenLog) -> None:
    log = open_log()
    for pattern in ("agents", "agent*", "otel", "unheard-of"):
        log.hold_strict(pattern)
    log.append([*told("agents", "otel"), *told("agent-x", "gateway")])

    later = log.append(told("agent-x", "agents", "gateway", "otel", "agent-y", at=NOON + HOUR))
    once_more = log.append(told("agents", "otel", "agent-x", "gateway", at=NOON))

    assert [(place.position, place.duplicate) for place in later] == [
        (3, True),
        (1, True),
        (5, False),
        (2, True),
        (6, False),
    ]
    assert [(place.position, place.duplicate) for place in once_more] == [(1, True), (2, True), (3, True), (4, True)]
    assert log.head() == 6


def test_a_source_that_shares_ids_does_not_become_strict_and_nothing_is_changed(open_log: OpenLog) -> None:
    log = open_log()
    log.append([*told("agents"), *told("agents", at=NOON + HOUR)])

    with pytest.raises(SharedIds):
        log.hold_strict("agents")

    assert log.append(told("agents", at=NOON - HOUR)) == [Appended(3, False, False)]


@pytest.mark.parametrize("strict_ids", [[""], ["x" * 257], ["a*b"], ["**"], [1], [None]])
def test_what_can_be_no_source_cannot_be_strict(open_log: OpenLog, strict_ids: Any) -> None:
    with pytest.raises(BadStrictIds):
        open_log(strict_ids=strict_ids)


def test_an_append_that_fails_leaves_nothing(log: EventLog) -> None:
    with pytest.raises(Exception, match=r"binding|type|bytes-like"):
        log.append([*calls(1), Entry("0" * 32, "job.failed", object())])  # type: ignore[arg-type]

    assert log.head() == 0
    assert log.append(calls(2)) == [Appended(1, False, False)]


def test_late_events_take_the_next_position(log: EventLog) -> None:
    times = [NOON, NOON - HOUR, NOON + HOUR, NOON - 2 * HOUR]
    log.append([call(n, time) for n, time in enumerate(times)])

    assert [event.occurred_at for event in events(log.scan(after=0, limit=10))] == times


# ── notes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_note_is_kept_with_what_is_appended_and_the_last_one_holds(open_log: OpenLog) -> None:
    log = open_log()
    assert log.noted("privacy") is None

    log.append(calls(1), notes={"privacy": "one", "other": ""})
    log.append(calls(2), notes={"privacy": "two"})
    log.append(calls(3))

    assert (log.noted("privacy"), log.noted("other"), log.noted("none")) == ("two", "", None)
    assert log.head() == 3


# ── rewriting ───────────────────────────────────────────────────────────────────────────────────────────────────


def found(log: EventLog, text: bytes, *types: str, after: int = 0, limit: int = 10) -> list[int]:
    return [held.position for held in log.search(text, types=types, after=after, limit=limit)]


def test_events_are_found_by_the_bytes_they_hold_and_by_their_type(log: EventLog) -> None:
    log.append([call(1, user_id="lin"), call(2, user_id="bob"), call(3, tool="Grüße\\?%_")])
    log.append([entry(NOON, "job.completed", {}, occurred_at=NOON, id="4"), call(5, user_id="linus")])

    assert found(log, b'"lin"') == [1]
    assert found(log, b"lin") == [1, 5]
    assert found(log, b"lin", "job.completed") == [1, 4, 5]
    assert found(log, "Grüße\\\\?%_".encode()) == [3]
    assert found(log, b"nobody") == found(log, b"LIN") == []
    assert found(log, b"lin", "job.completed", after=1) == [4, 5]
    assert found(log, b"lin", "job.completed", limit=2) == [1, 4]


def test_what_is_found_is_what_is_stored(log: EventLog) -> None:
    stored = call(1, user_id="ada")
    log.append([stored])

    assert log.search(b"ada", types=(), after=0, limit=1) == [Held(1, stored.type, stored.state)]


def test_what_is_rewritten_keeps_its_place_and_everything_else_is_as_it_was(open_log: OpenLog) -> None:
    log = open_log()
    log.append(calls(1, 2, 3))
    before = log.scan(after=0, limit=10).to_pylist()

    log.rewrite({1: b"one", 3: b"three" * 5000})
    log.rewrite({})

    expected = [{**before[0], "state": b"one"}, before[1], {**before[2], "state": b"three" * 5000}]
    assert log.scan(after=0, limit=10).to_pylist() == expected
    assert [table.to_pylist() for table in log.scan_period(*EVER)] == [expected]
    assert log.append(calls(4)) == [Appended(4, False, False)]


def test_what_is_no_position_is_not_written(log: EventLog) -> None:
    log.append(calls(1))

    log.rewrite({7: b"seven"})

    assert log.head() == 1


def test_scrubbing_changes_nothing_that_is_stored(log: EventLog) -> None:
    log.append(calls(1, 2))
    log.rewrite({1: b"one"})
    before = log.scan(after=0, limit=10)

    remains = log.scrub()

    assert log.scan(after=0, limit=10) == before
    assert remains == [] or "VACUUM FULL" in remains[0]


def test_of_what_was_rewritten_no_byte_is_left_in_the_file(tmp_path: Path) -> None:
    """Masks of another length move events to other pages, which must leave no copy behind."""
    log = SQLiteLog(tmp_path / "log.db")
    log.append([call(n, user_id="ada.lovelace" if n % 3 else "bob", text="x" * (n % 700)) for n in range(3000)])
    for _ in range(12):
        some = log.search(b"ada.lovelace", types=(), after=0, limit=200)
        log.rewrite(
            {each.position: each.state.replace(b"ada.lovelace", b"p" * (9 + each.position % 90)) for each in some}
        )

    assert log.scrub() == []
    assert b"ada.lovelace" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert log.head() == 3000
    log.close()


def test_a_reader_that_goes_on_reading_is_told_as_what_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "LOCK_TIMEOUT", 0.05)
    log = SQLiteLog(tmp_path / "log.db")
    log.append(calls(1))
    reader = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM stored_events").fetchall()
    log.append(calls(2))

    assert log.scrub() == [f"{tmp_path / 'log.db'}-wal, until nobody reads the log for a moment"]
    reader.close()
    assert log.scrub() == []
    log.close()


def test_a_part_of_a_log_is_searched_like_one_and_never_rewritten(log: EventLog) -> None:
    log.append(calls(1, 2, 3))
    part = LogSlice(log, after=1, upto=2)

    assert found(part, b"tool") == [2]
    assert part.noted("privacy") is None
    for refused in (lambda: part.rewrite({2: b""}), part.scrub):
        with pytest.raises(ReadOnly):
            refused()


# ── scan ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def ten(log: EventLog) -> EventLog:
    log.append(calls(*range(1, 11)))
    return log


@pytest.mark.parametrize(
    ("after", "limit", "upto", "found"),
    [
        (0, 100, 100, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (0, 3, 100, [1, 2, 3]),
        (3, 3, 100, [4, 5, 6]),
        (8, 100, 100, [9, 10]),
        (10, 100, 100, []),
        (99, 100, 100, []),
        (0, 100, 4, [1, 2, 3, 4]),
        (2, 100, 4, [3, 4]),
        (2, 1, 4, [3]),
        (4, 100, 4, []),
        (0, 0, 100, []),
    ],
)
def test_a_scan_is_after_a_position_up_to_one_and_limited(
    ten: EventLog, after: int, limit: int, upto: int, found: list[int]
) -> None:
    assert positions(ten.scan(after=after, limit=limit, upto=upto)) == found


def test_a_scan_gives_what_was_appended(log: EventLog) -> None:
    entries = [call(1), call(2, tool="edit")]
    log.append(entries)

    table = log.scan(after=0, limit=10)

    kinds = {"position": pa.int64(), "type": pa.string(), "state": pa.binary(), "key": pa.string()}
    assert table.schema == pa.schema(list(kinds.items()))
    assert table.to_pylist() == [
        {"position": n, "type": each.type, "state": each.state, "key": each.key} for n, each in enumerate(entries, 1)
    ]


def test_a_scan_of_nothing_has_the_same_columns(log: EventLog, ten: EventLog) -> None:
    assert log.scan(after=10, limit=10).schema == ten.scan(after=0, limit=10).schema


@pytest.mark.parametrize("size", [1, 3, 10, 11])
def test_scans_one_after_another_give_everything_once(ten: EventLog, size: int) -> None:
    found: list[int] = []
    while part := positions(ten.scan(after=found[-1] if found else 0, limit=size)):
        found += part

    assert found == list(range(1, 11))


# ── head, first after, identity ─────────────────────────────────────────────────────────────────────────────────


def test_the_head_is_the_last_position(log: EventLog) -> None:
    heads = [log.head()]
    for n in range(3):
        log.append(calls(n, n))
        heads.append(log.head())

    assert heads == [0, 1, 2, 3]


def test_the_first_after_a_position_is_the_next_event(log: EventLog) -> None:
    log.append([call(1), call(2, NOON + HOUR, tool="edit")])

    head, row = log.ahead(1)

    assert row is not None
    found = decode(row["position"], row["type"], row["state"])
    assert (head, found.position, found.id, found.type) == (2, 2, "2", "tool.call.completed")
    assert (found.source, found.occurred_at, found.data["tool"]) == ("local", NOON + HOUR, "edit")
    assert found.recorded_at == NOON


def test_after_the_head_there_is_none(log: EventLog) -> None:
    assert log.ahead(0) == (0, None)
    log.append(calls(1))
    assert log.ahead(1) == (1, None)


def test_the_event_at_a_position_is_as_a_scan_gives_it(ten: EventLog) -> None:
    assert [ten.at(position) for position in range(1, 11)] == ten.scan(after=0, limit=10).to_pylist()
    assert [ten.at(position) for position in (-1, 0, 11)] == [None] * 3


def test_what_is_sealed_is_at_no_position_and_the_latest_is_before_it(log: EventLog) -> None:
    log.append([call(1), call(2, NOON - HOUR), call(3)])
    log.seals.advance(Horizon(sealed={"": microseconds(NOON) // 1_000_000}, clean=False))

    def at(find: Callable[[int], dict[str, Any] | None]) -> list[int | None]:
        return [row and row["position"] for row in map(find, (1, 2, 3))]

    assert at(log.at) == [1, None, 3]
    assert at(log.latest) == [1, 1, 3]


def test_a_part_of_a_log_has_nothing_at_the_positions_of_the_rest(log: EventLog) -> None:
    log.append(calls(1, 2, 3))

    def positions(part: LogSlice) -> list[int]:
        return [row["position"] for position in (1, 2, 3) if (row := part.at(position))]

    assert positions(LogSlice(log, after=1, upto=2)) == [2]
    assert positions(LogSlice(log, upto=3, of_types=lambda kind: kind == "job.failed")) == []


def test_an_event_is_found_by_its_key(log: EventLog) -> None:
    entries = [call(n, NOON + n * MILLISECOND) for n in range(3)]
    log.append(entries)

    assert [log.find(each.key) for each in entries] == log.scan(after=0, limit=10).to_pylist()
    assert [log.find(key) for key in (call(9).key, entries[0].key[:-1], "", "'")] == [None] * 4


def test_a_part_of_a_log_finds_what_is_in_it(log: EventLog) -> None:
    entries = calls(1, 2, 3)
    log.append(entries)

    def positions(part: LogSlice) -> list[int]:
        return [found["position"] for each in entries if (found := part.find(each.key))]

    assert positions(LogSlice(log, after=1, upto=2)) == [2]
    assert positions(LogSlice(log, upto=2, of_types=lambda kind: kind == "tool.call.completed")) == [1, 2]
    assert positions(LogSlice(log, upto=3, of_types=lambda kind: kind == "job.failed")) == []


def test_every_log_has_an_identity_of_its_own(tmp_path: Path) -> None:
    logs = [SQLiteLog(path) for path in (None, None, tmp_path / "a.db", tmp_path / "b.db")]
    for log in logs:
        log.close()

    assert len({log.identity for log in logs}) == 4


def test_a_log_that_is_opened_again_is_the_same(tmp_path: Path) -> None:
    seen = []
    for n in range(1, 4):
        log = SQLiteLog(tmp_path / "a.db")
        log.append(calls(n))
        seen.append((log.identity, log.head()))
        log.close()

    assert seen == [(seen[0][0], n) for n in range(1, 4)]


# ── scan of a period ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_period_holds_its_start_and_not_its_end(log: EventLog) -> None:
    log.append([call(n, NOON + n * HOUR) for n in range(5)])

    assert period(log, NOON + HOUR, NOON + 3 * HOUR) == [2, 3]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (NOON, NOON + MILLISECOND, [2]),
        (NOON, NOON + 2 * MILLISECOND, [2, 3]),
        (NOON - MILLISECOND, NOON, [1]),
        (NOON + MILLISECOND, NOON + 2 * MILLISECOND, [3]),
        (NOON, NOON, []),
        (NOON + HOUR, NOON + 2 * HOUR, []),
    ],
)
def test_a_period_is_exact_to_the_millisecond(log: EventLog, start: datetime, end: datetime, found: list[int]) -> None:
    log.append([call(1, NOON - MICROSECOND), call(2, NOON), call(3, NOON + MILLISECOND)])

    assert period(log, start, end) == found


def test_a_millisecond_that_is_cut_comes_along(log: EventLog) -> None:
    log.append([call(1, NOON), call(2, NOON + 500 * MICROSECOND), call(3, NOON + MILLISECOND)])

    assert period(log, NOON + 200 * MICROSECOND, NOON + 300 * MICROSECOND) == [1, 2]


def test_a_period_is_told_in_the_order_of_positions(log: EventLog) -> None:
    log.append([call(n, NOON - n * HOUR) for n in range(10)])

    assert period(log, NOON - 8 * HOUR, NOON) == [2, 3, 4, 5, 6, 7, 8, 9]


def test_a_period_can_be_asked_for_by_position(log: EventLog) -> None:
    log.append([call(n, NOON + (n % 2) * HOUR) for n in range(10)])

    assert period(log, NOON, NOON + HOUR) == [1, 3, 5, 7, 9]
    assert period(log, NOON, NOON + HOUR, after=3) == [5, 7, 9]
    assert period(log, NOON, NOON + HOUR, upto=7) == [1, 3, 5, 7]
    assert period(log, NOON, NOON + HOUR, after=1, upto=5) == [3, 5]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_no_part_of_a_period_is_larger_than_the_limit(log: EventLog, limit: int) -> None:
    log.append([call(n, NOON + (n % 3) * HOUR) for n in range(12)])

    parts = [positions(part) for part in log.scan_period(microseconds(NOON), microseconds(NOON + HOUR), limit=limit)]

    assert [position for part in parts for position in part] == [1, 4, 7, 10]
    assert max(map(len, parts)) == min(limit, 4)


def test_all_of_time_is_all_of_the_log(log: EventLog) -> None:
    times = [datetime(1990, 1, 1, tzinfo=UTC), NOON, datetime(2100, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
    log.append([call(n, time) for n, time in enumerate(times)])

    assert [positions(part) for part in log.scan_period(*EVER)] == [[1, 2, 3]]


def test_a_period_before_1970_is_empty(log: EventLog) -> None:
    log.append(calls(1))

    assert period(log, datetime(1960, 1, 1, tzinfo=UTC), datetime(1965, 1, 1, tzinfo=UTC)) == []
    assert period(log, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)) == [1]


def test_a_period_skips_the_wide_gaps_between_its_events(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    day = 24 * HOUR
    early, late = call("early", NOON - day), call("late", NOON - day)
    log.append([early, *[call(n, NOON) for n in range(2500)], late, *[call(n, NOON + HOUR) for n in range(1500)]])
    log.append([call("latest", NOON - day), call("latest too", NOON - day)])

    parts = [positions(part) for part in log.scan_period(microseconds(NOON - day), microseconds(NOON - HOUR))]

    assert parts == [[1], [2502], [4003, 4004]]
    monkeypatch.setattr(port, "SPAN_GAP", 10_000)
    assert period(log, NOON - day, NOON - HOUR) == [1, 2502, 4003, 4004]


HOURS = st.lists(st.integers(0, 6), max_size=40)


@settings(max_examples=30)
@given(hours=HOURS, start=st.integers(0, 6), length=st.integers(0, 7), limit=st.integers(1, 9), gap=st.integers(0, 5))
def test_a_period_is_what_a_filter_of_the_log_would_give(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, hours: list[int], start: int, length: int, limit: int, gap: int
) -> None:
    monkeypatch.setattr(port, "SPAN_GAP", gap)
    before = log.head()
    log.append([call(uuid4(), NOON + hour * HOUR) for hour in hours])

    found = period(log, NOON + start * HOUR, NOON + (start + length) * HOUR, after=before, limit=limit)

    assert found == [before + n for n, hour in enumerate(hours, 1) if start <= hour < start + length]


# ── at the same time ────────────────────────────────────────────────────────────────────────────────────────────


def test_readers_see_whole_batches_in_order_while_others_write(log: EventLog) -> None:
    done = threading.Event()
    seen: list[list[int]] = []

    def read() -> None:
        while not done.is_set():
            seen.append(positions(log.scan(after=0, limit=10_000)))

    def write(writer: int) -> None:
        for n in range(20):
            log.append(calls(*(f"{writer}-{n}-{k}" for k in range(5))))

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in [*readers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()

    assert log.head() == 300
    assert {len(each) % 5 for each in seen} == {0}
    assert all(each == list(range(1, len(each) + 1)) for each in seen)


def test_a_scan_of_a_period_may_be_left_and_others_write_meanwhile(log: EventLog) -> None:
    log.append(calls(*range(10)))
    parts = log.scan_period(*EVER, limit=3)

    first = positions(next(parts))
    log.append(calls("later"))

    assert first == [1, 2, 3]
    assert [positions(part) for part in parts] == [[4, 5, 6], [7, 8, 9], [10]]
    next(log.scan_period(*EVER, limit=3))
    assert log.append(calls("at last")) == [Appended(12, False, False)]


def test_closing_waits_for_who_is_reading(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", kind=1, schema=1, on_connect=lambda _: None)
    reading, seen = threading.Event(), []

    def read() -> None:
        with database.read() as cursor:
            reading.set()
            time.sleep(0.2)
            cursor.execute("SELECT 1")
            seen.append(tuple(cursor.fetchone()))

    thread = threading.Thread(target=read)
    thread.start()
    reading.wait()
    database.close()

    assert seen == [(1,)]
    thread.join()


# ── the library's own contracts ─────────────────────────────────────────────────────────────────────────────────


class _OnDatabases:
    """Opens databases for a test case, and closes them after it."""

    path: Path | None

    def setUp(self) -> None:
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "a.db"
        self.databases: list[Database] = []

    def tearDown(self) -> None:
        for database in self.databases:
            database.close()
        self.folder.cleanup()

    def database(self) -> Database:
        self.databases.append(Database(self.path, kind=1, schema=1, on_connect=lambda _: None))
        return self.databases[-1]

    def new_originator_id(self) -> str:
        return uuid4().hex  # our originators are texts

    def create_recorder(self) -> SQLiteRecorder:
        recorder = SQLiteRecorder(self.database().writing)
        recorder.create_table()
        return recorder


class TestRecorderInAFile(_OnDatabases, ApplicationRecorderTestCase[SQLiteRecorder]):
    pass


class TestRecorderInMemory(_OnDatabases, ApplicationRecorderTestCase[SQLiteRecorder]):
    def setUp(self) -> None:
        super().setUp()
        self.path = None


class TestPositionsOfARecorderDoNotInterleave(_OnDatabases, NonInterleavingNotificationIDsBaseCase):
    pass


class TestCheckpoints(_OnDatabases, TrackingRecorderTestCase):
    def create_recorder(self) -> SQLiteCheckpoints:  # type: ignore[override]
        return SQLiteCheckpoints(self.database())


class _OnPostgres:
    """Opens a schema of its own for a test case, and closes it after it."""

    @pytest.fixture(autouse=True)
    def _server(self, postgres: Server) -> None:
        self.server = postgres

    def setUp(self) -> None:
        self.databases: list[PostgresDatabase] = []
        self.schema: str | None = None

    def tearDown(self) -> None:
        for database in self.databases:
            database.close()

    def database(self) -> PostgresDatabase:
        if self.schema is None:
            self.schema = self.server.schema()
            self.server.run(f"CREATE SCHEMA {self.schema}")
        self.databases.append(PostgresDatabase(self.server.url, self.schema))
        return self.databases[-1]

    def new_originator_id(self) -> str:
        return uuid4().hex  # our originators are texts

    def create_recorder(self) -> PostgresRecorder:
        recorder = PostgresRecorder(self.database().writing)
        recorder.create_table()
        return recorder


class TestRecorderOnPostgres(_OnPostgres, ApplicationRecorderTestCase[PostgresRecorder]):
    pass


class TestPositionsOfARecorderOnPostgresDoNotInterleave(_OnPostgres, NonInterleavingNotificationIDsBaseCase):
    pass


class TestCheckpointsOnPostgres(_OnPostgres, TrackingRecorderTestCase):
    def create_recorder(self) -> PostgresCheckpoints:  # type: ignore[override]
        recorder = PostgresCheckpoints(self.database())
        recorder.create_table()
        return recorder


del ApplicationRecorderTestCase, NonInterleavingNotificationIDsBaseCase, TrackingRecorderTestCase


# ── our checkpoints ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["file", "memory"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "a.db" if request.param == "file" else None
    database = Database(path, kind=1, schema=1, on_connect=lambda _: None)
    yield database
    database.close()


def moves(database: Database, *steps: tuple[int, int]) -> Sequence[bool]:
    checkpoints = SQLiteCheckpoints(database)
    with database.write() as cursor:
        checkpoints.begin(cursor, "mine")
        return [checkpoints.advance(cursor, "mine", expected=expected, position=to) for expected, to in steps]


def at(database: Database, name: str = "mine") -> int:
    checkpoints = SQLiteCheckpoints(database)
    with database.read() as cursor:
        return checkpoints.positions(cursor, [name])[name]


def test_a_checkpoint_begins_at_zero_and_moves_from_where_it_is(database: Database) -> None:
    assert moves(database, (0, 5), (5, 6)) == [True, True]
    assert (at(database), at(database, "another")) == (6, 0)


def test_a_checkpoint_does_not_move_from_where_it_is_not(database: Database) -> None:
    assert moves(database, (0, 5), (0, 6), (4, 6), (6, 7)) == [True, False, False, False]
    assert at(database) == 5


def test_beginning_again_keeps_a_checkpoint_and_a_reset_does_not(database: Database) -> None:
    moves(database, (0, 5))
    moves(database)
    assert at(database) == 5

    checkpoints = SQLiteCheckpoints(database)
    with database.write() as cursor:
        checkpoints.reset(cursor, "mine")

    assert at(database) == 0


def test_a_write_that_fails_moves_no_checkpoint(database: Database) -> None:
    checkpoints = SQLiteCheckpoints(database)
    with pytest.raises(ZeroDivisionError), database.write() as cursor:
        checkpoints.begin(cursor, "mine")
        checkpoints.advance(cursor, "mine", expected=0, position=5)
        1 / 0

    assert at(database) == 0


# ── our databases ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_was_deleted_is_not_brought_back_empty(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", kind=1, schema=1, on_connect=lambda _: None)
    (tmp_path / "a.db").unlink()

    with pytest.raises(StoreMoved, match="was deleted"), database.read():
        pass
    database.close()

    assert not (tmp_path / "a.db").exists()


def test_a_write_waits_for_its_turn_and_is_told_when_it_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "LOCK_TIMEOUT", 0.05)
    databases = [Database(tmp_path / "a.db", kind=1, schema=1, on_connect=lambda _: None) for _ in range(2)]
    with databases[0].write(), pytest.raises(StoreBusy, match="nothing was changed"), databases[1].write():
        pass
    with databases[0].write(), pytest.raises(StoreBusy, match="nothing was changed"), databases[0].write():
        pass
    with databases[1].write() as cursor:
        cursor.execute("SELECT 1")
    for each in databases:
        each.close()


def test_too_old_a_sqlite_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 9))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.36.9")

    with pytest.raises(OldSqlite, match=r"SQLite 3\.36\.9 is too old: analytics_es needs 3\.37\.0 or newer"):
        SQLiteLog(None)


# ── what the service says itself ────────────────────────────────────────────────────────────────────────────────


def said(what: str, n: int) -> Entry:
    return entry(NOON, f"analytics.{what}", {"n": n})


def test_what_the_service_said_of_one_type_is_found_by_position(log: EventLog) -> None:
    log.append([call(1), said("price.published", 2), said("price.changed", 3), call(4), said("price.published", 5)])
    log.append([entry(NOON, "analyticsx.price.published", {}), said("price.published", 7)])

    def positions(**given: int) -> list[int]:
        return [held.position for held in log.announcements("analytics.price.published", **given)]

    assert positions() == [2, 5, 7]
    assert (positions(after=2), positions(upto=5), positions(after=2, upto=6)) == ([5, 7], [2, 5], [5])
    assert log.announcements("analyticsx.price.published") == []


def test_a_part_of_a_log_knows_what_was_said_in_it(log: EventLog) -> None:
    log.append([said("price.published", n) for n in range(5)])

    part = LogSlice(log, after=1, upto=4)

    assert [held.position for held in part.announcements("analytics.price.published")] == [2, 3, 4]
