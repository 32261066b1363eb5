"""Parts of a store to test with, and what its read models hold, to the byte."""

from __future__ import annotations

import atexit
import base64
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from attrs import evolve

from analytics_es import AnalyticsService
from analytics_es.events.codec import decode, encode
from analytics_es.events.event import RecordedEvent, admit, key_of_time, microseconds
from analytics_es.ingest.door import Door
from analytics_es.ingest.in_force import CONFIGURED
from analytics_es.ingest.privacy import DEFAULT, PrivacyPolicy
from analytics_es.ingest.recorder import Recorder
from analytics_es.log import Entry, sums
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.projection import declaration_of, declarations_of
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, Folded
from analytics_es.projections import Budgets, Cost, Performance, Usage
from analytics_es.read_models import ReadModels
from analytics_es.read_models.catch_up import Runner
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.testing import NOON

OURS = (Budgets, Cost, Performance, Usage)

_DOOR = Door(lambda: NOON, own=True)
# As a service has it that is opened as usual, but with pseudonyms that are the same in every log.
USUAL = Door(
    lambda: NOON, PrivacyPolicy.of(DEFAULT), lambda _, name: f"p_{sha256(name.encode()).hexdigest()[:16]}", own=True
)

Arguments = Mapping[str, Any]
Stored = tuple[str, bytes]
Contents = dict[str, list[tuple[Any, ...]]]

PATIENCE = 60.0  # seconds that are never reached, unless something hangs


in_full = pytest.mark.store(privacy="full")  # of tests that compare what is kept with what was said


# ── services ────────────────────────────────────────────────────────────────────────────────────────────────────


def opened(place: str | Path = ":memory:", **options: Any) -> AnalyticsService:
    """Open a store; nothing follows it, unless said otherwise."""
    return AnalyticsService.open(place, **{"follow": False, **options})


def record(analytics: AnalyticsService, *events: Arguments) -> None:
    """Record events, and take them into the read models."""
    analytics.record_events(events).unwrap()
    analytics.catch_up()


def recorded(analytics: AnalyticsService, *types: str) -> list[RecordedEvent]:
    """Return the log's events in order: those of these types, else all but which policy of privacy is in force."""
    rows = analytics.store.log.scan(after=0, limit=100_000).to_pylist()
    events = [decode(row["position"], row["type"], row["state"]) for row in rows]
    return [event for event in events if (event.type in types if types else event.type != CONFIGURED)]


def data_of(analytics: AnalyticsService, event_type: str) -> list[dict[str, Any]]:
    """Return what the events of a type say, in order, as it is stored."""
    rows = analytics.store.log.scan(after=0, limit=100_000).to_pylist()
    return [orjson.loads(row["state"])["data"] for row in rows if row["type"] == event_type]


def policies(analytics: AnalyticsService) -> list[tuple[int, str]]:
    """Return the positions at which a policy of privacy was told of, and of which preset it is."""
    return [(event.position or 0, event.data["preset"]) for event in recorded(analytics, CONFIGURED)]


@contextmanager
def numbered_pseudonyms() -> Iterator[None]:
    """Let pseudonyms be p_0000000000000001 and so on, in the order in which they are made."""
    numbers = count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_urlsafe", lambda size: f"{next(numbers):016}")
        yield


def eventually(is_so: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until something is so, and return what it is."""
    deadline = time.monotonic() + seconds
    while not (result := is_so()):
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.005)
    return result


def nth(number: int) -> int:
    """Return the position of the n-th event of a store: by default, which policy is in force is told before it."""
    return number + 1


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────


def stored(
    event_type: str = "custom.thing.happened", *, occurred_at: Any = "2026-03-02T12:00:00Z", **data: Any
) -> Stored:
    """Return an event as the log keeps it, past the door: it may hold anything."""
    state = {
        "source": "test",
        "id": "1",
        "occurred_at": occurred_at,
        "recorded_at": "2026-03-02T12:00:00Z",
        "data": data,
    }
    return event_type, orjson.dumps(state)


def batch(*events: Arguments | Stored) -> pa.Table:
    """Return events as a scan of the log gives them, at positions 1, 2, 3 …"""
    states = [event if isinstance(event, tuple) else _admitted(event) for event in events]
    return pa.table(
        {
            "position": pa.array(range(1, len(states) + 1), pa.int64()),
            "type": pa.array([event_type for event_type, _ in states], pa.string()),
            "state": pa.array([state for _, state in states], pa.binary()),
        }
    )


def entry(now: datetime, event_type: str, data: Mapping[str, Any], **arguments: Any) -> Entry:
    """Return the entry of an event that came in at a time, past a door without a policy."""
    return _DOOR.write(event_type, data, now=now, **arguments)


def _admitted(arguments: Arguments) -> Stored:
    event = admit(now=NOON, **arguments)
    return event.type, encode(event)


def append(log: SQLiteLog, *events: Arguments | Stored, door: Door = _DOOR) -> None:
    """Append events to a log: through a door, or as they are."""
    Recorder(log, door, lambda: None).append([_entry(event, n, door) for n, event in enumerate(events, log.head())])


def _entry(event: Arguments | Stored, n: int, door: Door) -> Entry:
    return Entry(f"{_place(event[1])}{n:020x}", *event) if isinstance(event, tuple) else door.write(**event)


def _place(state: bytes) -> str:
    try:
        return key_of_time(microseconds(datetime.fromisoformat(orjson.loads(state)["occurred_at"])))
    except (ValueError, KeyError, TypeError):
        return key_of_time(microseconds(NOON))


# ── folding ─────────────────────────────────────────────────────────────────────────────────────────────────────


_folds: dict[tuple[tuple[type, ...], str], Fold] = {}


def engine(classes: tuple[type, ...] = OURS, zone: str = "UTC") -> Fold:
    """Return the one fold of these projections: it keeps nothing between batches."""
    if (classes, zone) not in _folds:
        _folds[classes, zone] = Fold(declarations_of(classes), Calendar(zone))
    return _folds[classes, zone]


@atexit.register
def _close() -> None:
    while _folds:
        _folds.popitem()[1].close()


def folded(cls: type, *events: Arguments | Stored, zone: str = "UTC") -> Folded:
    """Fold events for one projection; raises what stops it."""
    result = engine((cls,), zone)(batch(*events))[declaration_of(cls).name]
    if isinstance(result, Exception):
        raise result
    return result


def rows(cls: type, *events: Arguments | Stored, grain: str = "hour", zone: str = "UTC") -> list[dict[str, Any]]:
    """Fold events and return the rows of one grain by the names of their columns, without the grain."""
    names = columns(declaration_of(cls))[1:]
    return [dict(zip(names, row[1:], strict=True)) for row in folded(cls, *events, zone=zone).rows if row[0] == grain]


def columns(declaration: Declaration) -> list[str]:
    """Return the names of a read model's columns, in the order of its rows."""
    return [*declaration.row_key, *(column.name for column in declaration.columns)]


# ── stores ──────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def log_of(
    events: Iterable[Arguments | Stored] = (), path: Path | None = None, *, door: Door = _DOOR
) -> Iterator[SQLiteLog]:
    """Open a log that holds these events."""
    log = SQLiteLog(path)
    try:
        append(log, *events, door=door)
        yield log
    finally:
        log.close()


@contextmanager
def views_of(
    log: SQLiteLog, classes: tuple[type, ...] = OURS, zone: str = "UTC", path: Path | None = None
) -> Iterator[SQLiteReadModels]:
    """Open read models of a log."""
    read_models = SQLiteReadModels(path, declarations_of(classes), log=log.identity, timezone=zone)
    try:
        yield read_models
    finally:
        read_models.close()


def runner_of(
    log: SQLiteLog,
    read_models: SQLiteReadModels,
    *,
    batch: int = 200_000,
    classes: tuple[type, ...] = OURS,
    zone: str = "UTC",
) -> Runner:
    """Return a runner that takes so many events at a time."""
    return Runner(log, read_models, engine(classes, zone), batch=batch)


def derived(log: SQLiteLog, classes: tuple[type, ...] = OURS, zone: str = "UTC") -> Contents:
    """Return what one fold of the whole log gives."""
    with views_of(log, classes, zone) as read_models:
        runner_of(log, read_models, classes=classes, zone=zone).catch_up()
        return contents(read_models)


def contents(read_models: SQLiteReadModels) -> Contents:
    """Return every row of every read model, and everything that was unreadable."""
    with read_models.read() as snapshot:
        rows_by_name = {name: snapshot.rows(declaration) for name, declaration in snapshot.live.items()}
        names = {declaration.table: name for name, declaration in snapshot.live.items()}
    with read_models._database.read() as cursor:
        every = cursor.execute("SELECT * FROM unreadable ORDER BY 1, 2, 3, 4").fetchall()
    return rows_by_name | {"unreadable": [(names[row[0]], *row[1:]) for row in map(tuple, every) if row[0] in names]}


def tables(read_models: ReadModels) -> set[str]:
    """Return the names of the tables of read models that are there, live or not."""
    with read_models.reading() as cursor:
        if isinstance(read_models, SQLiteReadModels):
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        else:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {name for (name,) in cursor.fetchall() if re.search(r"_v\d+(_g\d+)?$", name)}


def only_live(read_models: ReadModels) -> None:
    """Assert that there are the live read models and nothing else of any other: no table, row, checkpoint or note."""
    live = {model.declaration.table for model in read_models.live().values()}
    with read_models.reading() as cursor:
        cursor.execute(
            "SELECT projection FROM unreadable UNION SELECT read_model FROM ledger UNION SELECT read_model FROM aside "
            "UNION SELECT application_name FROM tracking WHERE application_name LIKE '%:%'"
        )
        noted = {name.rpartition(":")[2] for (name,) in cursor.fetchall()}
    there = tables(read_models)
    assert (there, noted - live) == (live, set()), (there, noted, live)


def sql(path: Path, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement on a file behind everyone's back."""
    connection = sqlite3.connect(path, timeout=10)
    connection.create_function("merge_histograms", 2, lambda one, other: one)
    with connection:
        rows = connection.execute(statement, parameters).fetchall()
    connection.close()
    return rows


def sum_again(path: Path) -> None:
    """Give the events of a log the checksums of what is stored of them now, whoever has written that."""
    rows = sql(path, "SELECT rowid, topic, state, originator_id, NULL FROM stored_events")
    for _, checksum, position in sums.rewritten(rows, {position: state for position, _, state, *_ in rows}):
        sql(path, "UPDATE stored_events SET checksum = ? WHERE rowid = ?", checksum, position)


def replace(service: AnalyticsService, **parts: Any) -> None:
    """Put other parts into an open service."""
    service._lifetime._parts = evolve(service._parts, **parts)


def set_clock(service: AnalyticsService, time: datetime) -> None:
    """Let it be another time for whoever asks an open service; events are recorded by the clock of before."""
    replace(service, store=evolve(service.store, clock=lambda: time))


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def forms(text: str) -> list[bytes]:
    """Return the ways in which a text may be in a file."""
    whole = [base64.b64encode(b"." * n + text.encode()).rstrip(b"=")[4:-2] for n in range(3)]
    return [text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), json.dumps(text)[1:-1].encode(), *whole]


def found_in(folder: Path, text: str) -> list[str]:
    """Name the files that hold a text, in any form; random bytes hold every short one by chance."""
    assert len(text) >= 8
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return sorted(name for name, held in files.items() if any(form in held for form in forms(text)))
