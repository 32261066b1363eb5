"""The event log on PostgreSQL: the library's table, filled under its lock, so that positions appear in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier, Literal

from analytics_es.errors import AnalyticsError, SharedIds
from analytics_es.events.event import key_of_time
from analytics_es.log import sums
from analytics_es.log.database import Cursor
from analytics_es.log.event_log import (
    IDENTITY,
    LAST,
    REWRITTEN,
    SLOT_DIGITS,
    Appended,
    Durability,
    Entry,
    EventLog,
    Held,
    Range,
    check_identity,
)
from analytics_es.log.postgres import migrations, statements
from analytics_es.log.postgres.arrow import ArrowReader
from analytics_es.log.postgres.checkpoints import PostgresCheckpoints
from analytics_es.log.postgres.database import Database
from analytics_es.log.postgres.few import FEW, FewEvents
from analytics_es.log.postgres.listening import Listener
from analytics_es.log.postgres.recorder import BYTES, WRITE_NOTES, PostgresRecorder, StrictMoved
from analytics_es.log.postgres.seals import PostgresSeals
from analytics_es.log.scanned import by_name, event_columns, first_row, upcast
from analytics_es.log.seals import horizon_of
from analytics_es.log.strict import EVERY, STRICT, Strict, StrictIds, create_index, shared

if TYPE_CHECKING:
    import pyarrow as pa


class PostgresLog(EventLog):
    """The event log in one schema of a PostgreSQL database, which it closes."""

    of_a_server = True

    def __init__(self, database: Database, *, strict_ids: StrictIds = False, durability: Durability = "commit") -> None:
        strict = Strict.of(strict_ids)
        self._database = database
        self._recorder = PostgresRecorder(database.writing)
        self._recorder.in_groups = durability == "group"
        self._recorder.channel_name = f"{database.schema}_stored_events"  # notifications are not of a schema
        migrations.migrate(database, self._recorder, PostgresCheckpoints(database))
        self.strict = self._prepare(strict)
        self._table = SQL(".").join([Identifier(database.schema), Identifier("stored_events")]).as_string()
        self.seals = PostgresSeals(database)
        with database.look() as cursor:
            identity = str(cursor.execute(statements.SELECT_IDENTITY).fetchone()[0])
        noted = self.noted(IDENTITY)
        self.identity = check_identity(identity, noted)
        if noted is None:
            with suppress(AnalyticsError):  # a role that may only read
                self.note(IDENTITY, identity)
        self._arrow, self._few = ArrowReader(database), FewEvents(database)
        self._listener: Listener | None = None

    def _prepare(self, strict: Strict) -> Strict:
        """Hold from here on what is asked for and not held yet, and return all of it; raises SharedIds."""
        held = self._held()
        if not held.more(strict):
            return held
        with migrations.preparing(self._database) as connection:
            for pattern in held.more(strict):
                try:
                    connection.execute(create_index(pattern, BYTES).encode())
                except migrations.NotUnique:
                    raise self._shared(pattern) from None
            held = self._held().plus(strict.patterns)  # another process may have been faster
            connection.execute(WRITE_NOTES, [[STRICT], [held.write()]])
        return held

    def _held(self) -> Strict:
        with self._database.look() as cursor:
            note, every = cursor.execute(statements.FIND_STRICT).fetchone()
        return Strict.read(note).plus([EVERY] if every else [])

    def _shared(self, pattern: str) -> SharedIds:
        with self._database.look() as cursor:
            count, first, last = cursor.execute(shared(pattern, BYTES, "notification_id")).fetchone() or (0, 0, 0)
        return SharedIds(path=self._database.place, source=pattern, count=count, first=first, last=last)

    @property
    def database(self) -> Database:
        """The schema this log is in."""
        return self._database

    def append(self, entries: Sequence[Entry], *, notes: Mapping[str, str] | None = None) -> list[Appended]:
        """Store what is new, durably and in one commit, with notes; tries again where the connection is lost."""
        if not entries:
            return []
        tries = 0

        def attempt() -> list[Appended]:
            nonlocal tries
            tries += 1
            try:
                with self._database.connection() as connection:
                    return self._recorder.append(connection, entries, notes or {}, strict=self.strict, again=tries > 1)
            except StrictMoved:  # another process has opened the store with more of them
                self.strict = self._held()
                tries -= 1  # nothing was stored
                return attempt()

        return self._database.again(attempt)

    def hold_strict(self, source: str) -> None:
        """From here on, know events of a source by their ids alone, whatever their time; raises SharedIds."""
        if self.strict.more(strict := Strict.of([source])):
            self.strict = self._prepare(strict)

    def try_to_write(self) -> None:
        """Do what who appends does, without an event; raises what that would, within a moment, and tries once."""
        with self._database.glancing() as connection:
            try:
                connection.execute(statements.TRY_TO_WRITE)
            except BaseException:
                connection.rollback()
                raise

    def noted(self, name: str) -> str | None:
        """Return what was last noted under a name."""
        note: str | None = self._look_up(statements.SELECT_NOTE, name)
        return note

    def note(self, name: str, text: str | None) -> None:
        """Note something under a name, durably, in the place of what was there; None takes it away."""

        def write() -> None:
            with self._database.connection() as connection:
                if text is None:
                    connection.execute(statements.DELETE_NOTE, [name])
                else:
                    connection.execute(WRITE_NOTES, [[name], [text]])

        self._database.again(write)

    def notes(self, beginning: str) -> dict[str, str]:
        """Return what is noted under names that begin like this, in their order."""

        def look() -> dict[str, str]:
            with self._database.look() as cursor:
                return dict(cursor.execute(statements.SELECT_NOTES, (beginning, beginning)).fetchall())

        return self._database.again(look)

    def head(self) -> int:
        """Return the last position, 0 where the log is empty."""
        return int(self._look_up(statements.HEAD))

    def ahead(self, position: int, cursor: Cursor | None = None) -> tuple[int, dict[str, Any] | None]:
        """Return the last position, and the first event after one, None where there is none."""
        if cursor is not None:
            return self._ahead(position, cursor)

        def look() -> tuple[int, dict[str, Any] | None]:
            with self._database.look() as own:
                return self._ahead(position, own)

        return self._database.again(look)

    def _ahead(self, position: int, cursor: Cursor) -> tuple[int, dict[str, Any] | None]:
        cursor.execute(statements.HEAD)
        head = int(cursor.fetchone()[0])
        if head <= position:
            return head, None
        unsealed = horizon_of(cursor).unsealed()
        cursor.execute(statements.NEXT.format(table=self._table, unsealed=unsealed), [position])
        row = cursor.fetchone()
        return head, by_name(row)

    def _look_up(self, statement: str, *parameters: str) -> Any:
        """Return what a statement selects first, None where that is nothing."""

        def look() -> Any:
            with self._database.glance() as cursor:
                row = cursor.execute(statement, parameters).fetchone()
            return row and row[0]

        return self._database.again(look)

    def scan(self, *, after: int, limit: int, upto: int = LAST, checked: bool = False) -> pa.Table:
        """Return the events after a position: columns position, type, state, key; of damaged ones, only where."""
        if min(upto - after, limit) <= FEW:
            return self._few.scan(after=after, upto=upto, limit=limit, unsummed=self.unsummed if checked else None)
        return self._events(statements.SCAN, checked, after=int(after), upto=int(upto), limit=int(limit))

    def _slots(self, after: int, upto: int) -> Iterable[str]:
        query = self._query(statements.SLOTS, digits=SLOT_DIGITS, after=int(after), upto=int(upto))
        return cast("list[str]", self._fetch(query).column(0).to_pylist())

    def _positions(self, keys: tuple[str, str], after: int, upto: int) -> Iterable[int]:
        query = self._query(statements.POSITIONS_IN_TIME, first=keys[0], end=keys[1], after=int(after), upto=int(upto))
        return cast("list[int]", self._fetch(query).column(0).to_pylist())

    def keys(self, start_us: int, end_us: int, *, upto: int) -> Iterator[list[str]]:
        """Yield the keys of the events that occurred in [start, end), up to a position, in pieces."""
        first, end = key_of_time(start_us), key_of_time(end_us)
        query = self._query(statements.KEYS_IN_TIME, first=first, end=end, upto=int(upto))
        yield self._checked(self._fetch(query).column(0).to_pylist())

    def _scan_in_time(self, positions: Range, keys: tuple[str, str], also: str = "", checked: bool = False) -> pa.Table:
        (start, stop), (first, end) = positions, keys
        return self._events(statements.SCAN_IN_TIME, checked, start=start, stop=stop, first=first, end=end, also=also)

    def begins_with(self, start: str) -> str:
        """Return the SQL of a type that begins like this."""
        return f"substr(topic, 1, {len(start)}) = '{start}'"

    def contains(self, data: bytes) -> str:
        """Return the SQL of a state that holds these bytes."""
        return rf"position('\x{data.hex()}'::bytea in state) > 0"

    def latest(self, upto: int) -> dict[str, Any] | None:
        """Return the last event up to a position as `scan` gives it, None where there is none."""
        return first_row(self._events(statements.LATEST, upto=int(upto)))

    def find(self, key: str) -> dict[str, Any] | None:
        """Return the event with this key as `scan` gives it, None where there is none."""
        return first_row(self._events(statements.OF_KEY, key=Literal(key).as_string()))

    def occurred_in(self, milliseconds: Collection[str]) -> dict[str, Held]:
        """Return the events of some milliseconds, by their keys, as they are stored."""

        def look() -> dict[str, Held]:
            with self._database.connection() as connection:
                cursor = connection.cursor(row_factory=tuple_row, binary=True)
                rows = cursor.execute(statements.OCCURRED_IN, [sorted(milliseconds)])
                return {key: Held(*held) for key, *held in rows}

        return self._database.again(look)

    def announcements(self, event_type: str, *, after: int = 0, upto: int = LAST) -> list[Held]:
        """Return what the service itself has to say of one type."""
        told = self._events(
            statements.ANNOUNCED, type=Literal(event_type).as_string(), after=int(after), upto=int(upto)
        )
        return [Held(*row) for row in zip(*(column.to_pylist() for column in told.columns[:3]), strict=True)]

    def _events(self, statement: str, checked: bool = False, **values: Any) -> pa.Table:
        if checked:
            summed = self._fetch(self._query(statement.replace(statements.EVENTS, statements.SUMMED), **values))
            return upcast(sums.checked_table(summed, self.unsummed).cast(event_columns()))
        return upcast(self._fetch(self._query(statement, **values)).cast(event_columns()))

    def _query(self, statement: str, **values: Any) -> str:
        """Fill in a statement, without what is sealed but not deleted yet."""
        unsealed = self._database.again(self.seals.horizon).unsealed()
        return statement.format(table=self._table, unsealed=unsealed, **values)

    def _fetch(self, query: str) -> pa.Table:
        return self._database.again(lambda: self._arrow.fetch(query))

    def search(
        self, text: bytes, *, types: Sequence[str], after: int, limit: int, any_case: bool = False
    ) -> list[Held]:
        """Return the first events after a position that hold these bytes, or are of these types, as they are stored."""
        statement = statements.SEARCH_ANY_CASE if any_case else statements.SEARCH

        def look() -> list[Held]:
            with self._database.connection() as connection:
                cursor = connection.cursor(row_factory=tuple_row, binary=True)
                return [Held(*row) for row in cursor.execute(statement, (after, text, list(types), limit))]

        return self._database.again(look)

    def rewrite(self, states: Mapping[int, bytes]) -> None:
        """Replace what is stored at these positions, durably and in one commit."""

        def update() -> None:
            with self._database.connection() as connection, connection.transaction():
                cursor = connection.cursor(row_factory=tuple_row, binary=True)
                rows = sums.rewritten(cursor.execute(statements.TO_REWRITE, [list(states)]), states)
                if rows:
                    connection.execute(statements.REWRITE, [list(column) for column in zip(*rows, strict=True)])
                connection.execute(statements.NOTE_REWRITTEN, [REWRITTEN])

        self._database.again(update)

    def write_sums(self, first: int, last: int, *, anew: bool = False) -> int:
        """Give checksums to the events at these positions that have none, or to all `anew`; returns to how many."""

        def write() -> int:
            with self._database.connection() as connection, connection.transaction():
                cursor = connection.cursor(row_factory=tuple_row, binary=True)
                cursor.execute(statements.ALL_OF if anew else statements.UNSUMMED_OF, [first, last])
                rows = sums.of_rows(cursor.fetchall())
                if rows:
                    connection.execute(statements.WRITE_SUMS, [list(column) for column in zip(*rows, strict=True)])
                if anew:
                    connection.execute(statements.NOTE_REWRITTEN, [REWRITTEN])
                else:
                    connection.execute(WRITE_NOTES, [[sums.UNSUMMED], [str(first - 1)]])
                return len(rows)

        return self._database.again(write)

    def scrub(self) -> list[str]:
        """Remove the rows that were replaced, beside everybody; their bytes stay where the server has them."""
        done = self._database.scrub(["stored_events", "sealed_rows"])
        unless = "" if done else ", and the replaced rows, until somebody who may does VACUUM"
        return [
            f"the free space in the pages of {self._table} and sealed_rows{unless}: VACUUM FULL writes them anew",
            "the server's write-ahead log, its archive, its replicas, and the free space of pg_statistic",
        ]

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever another process has appended, until closed."""
        self._listener = Listener(self._database, self._recorder.channel_name, wake)
        self._listener.start()

    @property
    def poll_seconds(self) -> float:  # type: ignore[override]
        """How often to look for what others have appended: seldom while notifications come."""
        return 1.0 if self._listener and self._listener.connected else 0.1

    def close(self) -> None:
        """Stop listening, and close all connections."""
        if self._listener:
            self._listener.close()
        self._arrow.close()
        self._database.close()
