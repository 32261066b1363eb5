"""The event log on SQLite: one stream per event, whose key is its identity and its place in time."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from analytics_es.errors import DamagedPosition, SharedIds, StoreDamaged
from analytics_es.events import codec
from analytics_es.events.event import key_of_time
from analytics_es.log import damage, sums
from analytics_es.log.event_log import (
    IDENTITY,
    LAST,
    REWRITTEN,
    ROWS_BY_PLACE,
    Appended,
    Entry,
    EventLog,
    Held,
    Range,
    check_horizon,
    check_identity,
    ranges,
)
from analytics_es.log.scanned import GROUP_BYTES, batch, by_name, event_columns, upcast
from analytics_es.log.seals import horizon_of
from analytics_es.log.sqlite import checking, copying, statements
from analytics_es.log.sqlite.database import Database, durable
from analytics_es.log.sqlite.file import check
from analytics_es.log.sqlite.recorder import BYTES, SELECT_NOTE, SQLiteRecorder
from analytics_es.log.sqlite.seals import SQLiteSeals
from analytics_es.log.strict import EVERY, STRICT, Strict, StrictIds, create_index, shared
from analytics_es.process import Later
from analytics_es.types import Progress

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")

KIND = 0x41455345  # "AESE"
SCHEMA = 4  # 1 knew no seals and no notes; until 2, rows of files were known by their place; 3 had no checksums
BY_NAME = 3
PIECE, KEYS = 2000, 100_000  # read, and yielded, at once
FEW = 200_000  # events of a stretch of time that are looked at where the index of times finds them
PLAIN = re.compile(rb"[A-Za-z0-9_.:/@ \\-]+")  # what stands for itself in a pattern, and in a statement
DENSE = 2  # positions of a stretch for each event of it: to read over one takes less than to list one


class SQLiteLog(EventLog):
    """The event log in one SQLite file, or in memory where the path is None."""

    poll_seconds = 0.1
    seals: SQLiteSeals

    def __init__(self, path: Path | None, *, strict_ids: StrictIds = False) -> None:
        strict = Strict.of(strict_ids)
        self._database = Database(path, kind=KIND, schema=SCHEMA, on_connect=durable)
        self.place = os.path.realpath(path) if path else ""
        self._recorder = SQLiteRecorder(self._database.writing)
        self.seals = SQLiteSeals(self._database)
        try:
            self.identity = self._prepare(strict)
            self._database.on_damage = self._name_damage
        except BaseException:
            self._database.close()
            raise

    @staticmethod
    def check(path: Path) -> None:
        """Raise CannotOpen, having touched nothing, unless a log can be kept at this path."""
        check(path, kind=KIND, schema=SCHEMA)

    def _prepare(self, strict: Strict) -> str:
        """Create what is not there yet; returns the log's identity."""
        with self._database.write() as cursor:
            self._recorder._create_table(cursor)  # type: ignore[arg-type]  # only execute() is asked of it
            self.seals.create(cursor)
            cursor.execute(statements.CREATE_OWN)
            cursor.execute(statements.CREATE_IDENTITY)
            cursor.execute(statements.CREATE_NOTES)
            if (made := cursor.execute("PRAGMA user_version").fetchone()[0]) < BY_NAME:
                cursor.execute(statements.NOTE_ROWS, [ROWS_BY_PLACE])
            checking.make_room(cursor)
            if made < SCHEMA:
                cursor.execute(f"PRAGMA user_version = {SCHEMA}")
            cursor.execute(statements.INSERT_IDENTITY, {"id": uuid4().hex})
            self._check_ends(*cursor.execute(statements.ENDS).fetchone())
            self.strict = self._held_with(cursor, strict)
            cursor.execute(statements.SELECT_IDENTITY)
            identity = str(cursor.fetchone()[0])
            if note := cursor.execute(SELECT_NOTE, [IDENTITY]).fetchone():
                return check_identity(identity, note[0])
            cursor.execute(statements.WRITE_NOTE, (IDENTITY, identity))
            return identity

    def _check_ends(self, *ends: int | None) -> None:
        for position in ends:
            if position is not None and not 0 < position < LAST:
                raise DamagedPosition(path=self._database.path or "a store in memory", position=position)

    def _held_with(self, cursor: sqlite3.Cursor, strict: Strict) -> Strict:
        """Hold from here on what is asked for and not held yet, and return all of it.

        Raises SharedIds, with nothing changed.
        """
        note = cursor.execute(SELECT_NOTE, [STRICT]).fetchone()
        held = Strict.read(note and note[0])
        if cursor.execute(statements.FIND_STRICT).fetchone():
            held = held.plus([EVERY])
        more = held.more(strict)
        for pattern in more:
            try:
                cursor.execute(create_index(pattern, BYTES))
            except sqlite3.IntegrityError:
                count, first, last = cursor.execute(shared(pattern, BYTES, "rowid")).fetchone()
                place = self._database.path or "a store in memory"
                raise SharedIds(path=place, source=pattern, count=count, first=first, last=last) from None
        if more:
            held = held.plus(more)
            cursor.execute(statements.WRITE_NOTE, (STRICT, held.write()))
        return held

    def _name_damage(self, error: StoreDamaged) -> None:
        """Say which event is damaged, where that can be found; raises BrokenEvent."""
        if self._database.path is None:
            return
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(self._database.path)) as connection,
        ):
            connection.text_factory = bytes
            row = connection.execute(statements.FIND_DAMAGED).fetchone()
            if row:
                position, *columns = row
                texts = [text if text is None else _text(text) for text in columns]
                damage.check_row(position, texts[0], columns[1], texts[2])

    def append(self, entries: Sequence[Entry], *, notes: Mapping[str, str] | None = None) -> list[Appended]:
        """Store what is new, durably and in one commit, with notes; raises BeforeHorizon, with nothing stored."""
        if not entries:
            return []
        with self._database.write() as cursor:
            check_horizon(horizon_of(cursor), entries)
            if notes:
                cursor.executemany(statements.WRITE_NOTE, notes.items())
            return self._recorder.append(cursor, entries)

    def hold_strict(self, source: str) -> None:
        """From here on, know events of a source by their ids alone, whatever their time; raises SharedIds."""
        if self.strict.more(strict := Strict.of([source])):
            with self._database.write() as cursor:
                self.strict = self._held_with(cursor, strict)

    def try_to_write(self) -> None:
        """Write as who appends would, and undo it; raises what that would, within a moment."""
        with self._database.attempt() as cursor:
            cursor.execute(statements.TRY_TO_WRITE)

    def noted(self, name: str) -> str | None:
        """Return what was last noted under a name."""
        with self._database.look() as cursor:
            row = cursor.execute(SELECT_NOTE, [name]).fetchone()
        return row[0] if row else None

    def note(self, name: str, text: str | None) -> None:
        """Note something under a name, durably, in the place of what was there; None takes it away."""
        with self._database.write() as cursor:
            if text is None:
                cursor.execute(statements.DELETE_NOTE, [name])
            else:
                cursor.execute(statements.WRITE_NOTE, (name, text))

    def notes(self, beginning: str) -> dict[str, str]:
        """Return what is noted under names that begin like this, in their order."""
        with self._database.look() as cursor:
            return dict(cursor.execute(statements.SELECT_NOTES, [beginning, beginning]).fetchall())

    def head(self) -> int:
        """Return the last position, 0 where the log is empty."""
        with self._database.look() as cursor:
            return cursor.execute(self._recorder.select_max_notification_id_statement).fetchone()[0] or 0

    def scan(self, *, after: int, limit: int, upto: int = LAST, checked: bool = False) -> pa.Table:
        """Return the events after a position: columns position, type, state, key; of damaged ones, only where."""
        return self._rows(statements.SCAN, (after, upto, limit), checked)

    def _positions(self, keys: tuple[str, str], after: int, upto: int) -> Iterator[int]:
        with self._database.read() as cursor:
            yield from (
                row[0] for row in cursor.execute(_unsealed(cursor, statements.POSITIONS_IN_TIME), (*keys, after, upto))
            )

    def keys(self, start_us: int, end_us: int, *, upto: int) -> Iterator[list[str]]:
        """Yield the keys of the events that occurred in [start, end), up to a position, in pieces."""
        with self._database.read() as cursor:
            cursor.execute(
                _unsealed(cursor, statements.KEYS_IN_TIME), (key_of_time(start_us), key_of_time(end_us), upto)
            )
            while rows := cursor.fetchmany(KEYS):
                yield self._checked([key for (key,) in rows])

    def _slots(self, after: int, upto: int) -> list[str]:
        with self._database.read() as cursor:
            return [slot for (slot,) in cursor.execute(_unsealed(cursor, statements.SLOTS), (after, upto))]

    def _stretches(self, keys: tuple[str, str], after: int, upto: int, limit: int) -> list[Range]:
        """Where most positions of a stretch are meant, read over the others instead of listing those."""
        with self._database.read() as cursor:
            first, last, count = cursor.execute(
                _unsealed(cursor, statements.BOUNDS_IN_TIME), (*keys, after, upto)
            ).fetchone()
        if not count or last - first >= DENSE * count:
            return ranges(self._positions(keys, after, upto), limit)
        return [(start, min(start + limit - 1, last)) for start in range(first, last + 1, limit)]

    def _scan_in_time(self, positions: Range, keys: tuple[str, str], also: str = "", checked: bool = False) -> pa.Table:
        return self._rows(statements.SCAN_IN_TIME.replace("{also}", also), (*positions, *keys), checked)

    def _few_in_time(self, keys: tuple[str, str], after: int, upto: int, also: str) -> pa.Table | None:
        """What is left of few events is read where the index of times finds it, and put in order here."""
        columns, pieces, size = pa.schema(list(event_columns())[:-1]), list[pa.RecordBatch](), 0
        with self._database.read() as cursor:
            if cursor.execute(statements.MORE_IN_TIME, (*keys, FEW)).fetchone():
                return None
            statement = statements.IN_TIME.replace("{also}", also)
            cursor.execute(_unsealed(cursor, statement), keys)
            while fetched := cursor.fetchmany(PIECE):
                if rows := [row for row in fetched if after < row[0] <= upto]:
                    pieces.append(batch(rows, columns))
                    size += pieces[-1].nbytes
                if size > GROUP_BYTES:
                    return None
        return upcast(pa.Table.from_batches(pieces, schema=columns).sort_by("position"))

    def begins_with(self, start: str) -> str:
        """Return the SQL of a type that begins like this."""
        return f"topic GLOB '{start}*'"

    def contains(self, data: bytes) -> str:
        """Return the SQL of a state that holds these bytes.

        A pattern is found several times as quickly; it looks no further than a byte 0, which no JSON has.
        """
        if PLAIN.fullmatch(data):
            return f"CAST(state AS TEXT) GLOB '*{data.decode()}*'"
        return f"instr(state, x'{data.hex()}') > 0"

    def latest(self, upto: int) -> dict[str, Any] | None:
        """Return the last event up to a position as `scan` gives it, None where there is none."""
        return by_name(self._first(statements.LATEST, upto))

    def at(self, position: int) -> dict[str, Any] | None:
        """Return the event at a position as `scan` gives it, without a table of one row."""
        row = self.latest(position)
        return row if row and row["position"] == position else None

    def find(self, key: str) -> dict[str, Any] | None:
        """Return the event with this key as `scan` gives it, None where there is none."""
        return by_name(self._first(statements.OF_KEY, key))

    def occurred_in(self, milliseconds: Collection[str]) -> dict[str, Held]:
        """Return the events of some milliseconds, by their keys, as they are stored."""
        with self._database.read() as cursor:
            rows = cursor.execute(statements.OCCURRED_IN, [orjson.dumps(sorted(milliseconds)).decode()])
            return {key: Held(*held) for key, *held in rows}

    def announcements(self, event_type: str, *, after: int = 0, upto: int = LAST) -> list[Held]:
        """Return what the service itself has to say of one type."""
        with self._database.read() as cursor:
            rows = cursor.execute(_unsealed(cursor, statements.ANNOUNCED), (event_type, after, upto)).fetchall()
        return [Held(position, topic, codec.upcast(topic, state)) for position, topic, state, _ in rows]

    def _first(self, statement: str, *parameters: Any) -> tuple[Any, ...] | None:
        with self._database.read() as cursor:
            row: tuple[Any, ...] | None = cursor.execute(_unsealed(cursor, statement), parameters).fetchone()
            return row

    def _rows(self, statement: str, parameters: tuple[Any, ...], checked: bool = False) -> pa.Table:
        """Fetch in pieces: a long list of tuples would keep Python's garbage collector busy."""
        with self._database.read() as cursor:
            scan = _unsealed(cursor, statement)
            if checked:
                pieces = checking.batches(cursor, scan, parameters)
            else:
                cursor.execute(scan, parameters)
                pieces = [batch(rows) for rows in iter(lambda: cursor.fetchmany(PIECE), [])]
        return upcast(pa.Table.from_batches(pieces, schema=event_columns()))

    def check_store(self) -> None:
        """Raise StoreDamaged where SQLite finds something wrong with the file."""
        with self._database.read() as cursor:
            checking.check_file(cursor, self._database.path or "a store in memory")

    def search(
        self, text: bytes, *, types: Sequence[str], after: int, limit: int, any_case: bool = False
    ) -> list[Held]:
        """Return the first events after a position that hold these bytes, or are of these types, as they are stored."""
        statement = statements.SEARCH_ANY_CASE if any_case else statements.SEARCH
        with self._database.read() as cursor:
            return [Held(*row) for row in cursor.execute(statement, (after, text, orjson.dumps(types).decode(), limit))]

    def rewrite(self, states: Mapping[int, bytes]) -> None:
        """Replace what is stored at these positions, durably and in one commit; SQLite overwrites what was there."""
        with self._database.write() as cursor:
            rows = cursor.execute(statements.TO_REWRITE, [orjson.dumps(list(states)).decode()]).fetchall()
            cursor.executemany(statements.REWRITE, sums.rewritten(rows, states))
            cursor.execute(statements.NOTE_REWRITTEN, [REWRITTEN])

    def write_sums(self, first: int, last: int, *, anew: bool = False) -> int:
        """Give checksums to the events at these positions that have none, or to all `anew`; returns to how many."""
        with self._database.write() as cursor:
            cursor.execute(statements.ALL_OF if anew else statements.UNSUMMED_OF, (first, last))
            rows = sums.of_rows(cursor.fetchall())
            cursor.executemany(statements.WRITE_SUM, rows)
            if anew:
                cursor.execute(statements.NOTE_REWRITTEN, [REWRITTEN])
            else:
                cursor.execute(statements.WRITE_NOTE, (sums.UNSUMMED, str(first - 1)))
        return len(rows)

    def scrub(self) -> list[str]:
        """Empty the write-ahead log; no VACUUM, which may give events other positions."""
        if self._database.scrub():
            return []
        return [f"{self._database.wal}, until nobody reads the log for a moment"]

    def copy(self, to: Path, progress: Progress) -> int:
        """Copy the log as it is now into a file while others go on; returns its head. Progress is in pages.

        Page by page: VACUUM INTO may give events other positions.
        """
        return copying.copy(self._database, to, progress, kind=KIND, schema=SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _text(column: bytes) -> str | bytes:
    try:
        return column.decode()
    except UnicodeDecodeError:
        return column


def _unsealed(cursor: sqlite3.Cursor, statement: str) -> str:
    """Leave out of a statement what is sealed but not deleted yet."""
    return statement.format(unsealed=horizon_of(cursor).unsealed())
