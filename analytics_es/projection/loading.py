"""A batch in the engine: what is stored becomes its table `decoded`, and what is no event is set aside."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import Factory, asdict, evolve, frozen

from analytics_es.events.event import EARLIEST, LATEST, MICRO, facts, is_type, microseconds
from analytics_es.events.fields import FAMILIES
from analytics_es.process import Later
from analytics_es.projection import engine
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, consumes
from analytics_es.projection.decoding import decoding
from analytics_es.projection.engine import Engine
from analytics_es.projection.omissions import Omissions, Told
from analytics_es.projection.typed import OF_COLUMNS, TypedEvents
from analytics_es.types import arrays

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pa, pc = Later("pyarrow"), Later("pyarrow.compute")

Micros = tuple[int, int]  # [start, end)
Day = tuple[int, int, int]  # its start, its events, the sum of their checksums

# What is stored may say a time that no event can have, for which there are no hours.
TIMED = f"occurred_at >= {microseconds(EARLIEST)} AND occurred_at < {microseconds(LATEST)}"
UNTIMED = f"({TIMED}) IS NOT TRUE"

# What a batch is like: its time, events without one, and events with values that are not numbers.
ABOUT_DECODED = (
    f"SELECT min(occurred_at) FILTER ({TIMED}), max(occurred_at) FILTER ({TIMED}), count(*) FILTER ({UNTIMED}), "
    "count(*) FILTER (len(unread) > 0) FROM decoded"
)

# The days that keys name, and the checksum of each event: 8 digits of what says which it is. What is outside of the
# calendar counts in its first or last day.
_US = f"CAST('0x' || key[1:12] AS BIGINT) * 1000, {microseconds(LATEST) - 1}), {microseconds(EARLIEST)}"
OF_KEYS = f"SELECT greatest(least({_US}) AS us, CAST('0x' || key[13:20] AS BIGINT) AS n FROM keys"
ENDS = "SELECT min(us), max(us) FROM ({source})"
COUNT_DAYS = "SELECT {day}, count(*), CAST(sum(n) AS BIGINT) FROM ({source}) GROUP BY 1 ORDER BY 1"


@frozen
class Decoded:
    """What a batch is like.

    first, last: microseconds; None where no event has a time. broken: position and type of what is no event.
    """

    first: int | None
    last: int | None
    untimed: int
    unread: int
    broken: list[tuple[int, str]] = Factory(list)
    fields: frozenset[str] = frozenset()  # of events of our families, where those that are not known are counted


class Loading:
    """Loads batches for some projections into an engine, for who has it alone."""

    def __init__(self, own: Engine, declarations: Mapping[str, Declaration], calendar: Calendar) -> None:
        self._engine, self._declarations, self._calendar = own, declarations, calendar
        every = list(declarations.values())
        self._decoding, self._omissions = decoding(every), Omissions(every)
        self._of_rest = functools.cache(lambda: decoding(every, shaped=True))
        self._careful = functools.cache(lambda: decoding(every, looked_at="true"))
        self._facts = functools.lru_cache(maxsize=4096)(self._facts_of)

    @property
    def _connection(self) -> engine.Connection:
        return self._engine.connection

    def attach(self, events: pa.Table) -> str:
        """Hand events to the engine; returns the SELECT of them as decoded, which fails where one of them is no JSON.

        Its parameters are the microseconds that are meant: [start, end).
        """
        events, _ = self._with_types(events)
        self._register("batch", events)
        return f"SELECT * FROM ({self._decoding}) WHERE {TIMED} AND occurred_at >= ? AND occurred_at < ?"

    def load(self, events: pa.Table, within: Micros | None) -> Decoded:
        """Fill the engine's table `decoded`; what is stored but is not an event is set aside."""
        events, untyped = self._with_types(events)
        try:
            decoded = evolve(self._decode(events, within), broken=untyped)
        except (engine.EngineError, pa.ArrowInvalid):
            events, broken = self._without_broken(events)
            decoded = evolve(self._decode(events, within), broken=untyped + broken)
        if not decoded.untimed:
            return decoded
        untimed = self._connection.execute(f"DELETE FROM decoded WHERE {UNTIMED} RETURNING position, type")
        return evolve(decoded, broken=decoded.broken + untimed.fetchall())

    def _with_types(self, events: pa.Table) -> tuple[pa.Table, list[tuple[int, str]]]:
        """Tell the engine what types say; what has none is set aside."""
        events, untyped = _without_untyped(events)
        rows = [self._facts(event_type) for event_type in events.column("type").unique().to_pylist()]
        self._connection.register("types", self._types(rows))
        return events, untyped

    def _decode(self, events: pa.Table, within: Micros | None) -> Decoded:
        self._register("batch", events)
        self._connection.execute(self._engine.parsed(f"CREATE OR REPLACE TABLE decoded AS {self._decoding}"))
        told = self._omissions.told(self._connection)
        if self._omissions.any(self._connection, told):
            self._connection.execute(f"CREATE OR REPLACE TABLE decoded AS {self._careful()}")
        if within:
            self._connection.execute("DELETE FROM decoded WHERE occurred_at < ? OR occurred_at >= ?", within)
        return self._about(told)

    def load_columns(self, events: TypedEvents, decoding: str) -> Decoded | None:
        """Fill `decoded` with events whose fields are columns, and with the rest of them as they are stored.

        None where a number that is told is in no column: what is stored says whether it is one that cannot be read.
        """
        (columns, untyped), (rest, broken) = map(_without_untyped, (events.columns, events.rest))
        types = {kind for table in (columns, rest) for kind in table.column("type").unique().to_pylist()}
        self._connection.register("types", self._types([self._facts(kind) for kind in types]))
        self._connection.register("archived", columns)
        self._connection.execute(f"CREATE OR REPLACE TABLE decoded AS {decoding}")
        if rest.num_rows:
            self._register("batch", rest)
            self._connection.execute(f"INSERT INTO decoded BY NAME {self._of_rest()}")
        told = self._omissions.told(self._connection, shaped=True)
        if self._omissions.any(self._connection, told):
            return None
        return evolve(self._about(told), broken=untyped + broken)

    def _register(self, name: str, events: pa.Table) -> None:
        self._connection.register(name, events.set_column(2, "state", events.column("state").cast(pa.string())))

    def _about(self, told: Told) -> Decoded:
        first, last, untimed, unread = self._connection.execute(ABOUT_DECODED).fetchall()[0]
        fields = frozenset(name for names, _ in told for name in names if name)
        return Decoded(first, last, untimed, unread, fields=fields)

    def _without_broken(self, events: pa.Table) -> tuple[pa.Table, list[tuple[int, str]]]:
        """Set aside, one by one, what is stored but is no JSON."""
        states = [_text(state) for state in events.column("state").to_pylist()]
        self._connection.register("batch", events.set_column(2, "state", arrays.make(states, pa.string())))
        valid = self._connection.execute(
            "SELECT position, type, coalesce(json_valid(state), false) FROM batch"
        ).fetchall()
        fine = arrays.make([ok for _, _, ok in valid], pa.bool_())
        return events.filter(fine), [(position, event_type) for position, event_type, ok in valid if not ok]

    def _types(self, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
        schema = self._schema()
        columns = [arrays.make([row[field.name] for row in rows], field.type) for field in schema]
        return pa.Table.from_arrays(columns, schema=schema)

    def _schema(self) -> pa.Schema:
        texts = [(name, pa.string()) for name in ("type", "family", "activity", "verdict")]
        return pa.schema([*texts, ("open", pa.bool_()), *((f"for_{name}", pa.bool_()) for name in self._declarations)])

    def _facts_of(self, event_type: str) -> dict[str, Any]:
        type_facts = facts(event_type)
        consumers = {f"for_{name}": consumes(own, event_type) for name, own in self._declarations.items()}
        return {"type": event_type, **asdict(type_facts), "open": type_facts.family not in FAMILIES, **consumers}

    def days(self, events: pa.Table) -> list[Day]:
        """Count a batch by the days that its keys name, whatever else can be read of its events."""
        if not events.num_rows or "key" not in events.column_names:
            return []
        self._connection.register("keys", events.select(["key"]))
        return self._counted(OF_KEYS)

    def days_of_columns(self, events: TypedEvents) -> list[Day]:
        """Count events whose fields are columns; those of no type count, too."""
        self._connection.register("archived", events.columns)
        self._connection.register("keys", events.rest.select(["key"]))
        return self._counted(f"{OF_COLUMNS} UNION ALL {OF_KEYS}")

    def _counted(self, source: str) -> list[Day]:
        first, last = self._connection.execute(ENDS.format(source=source)).fetchall()[0]
        _, day = self._calendar.sql("us", first // MICRO, last // MICRO + 1)
        return self._connection.execute(COUNT_DAYS.format(day=day, source=source)).fetchall()


def _without_untyped(events: pa.Table) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Set aside what is stored under a type that is none; other hands than the door's have written it."""
    none = [kind for kind in events.column("type").unique().to_pylist() if not is_type(kind)]
    if not none:
        return events, []
    untyped = pc.is_in(events.column("type"), arrays.make(none, pa.string()))
    aside = events.filter(untyped)
    places = zip(aside.column("position").to_pylist(), aside.column("type").to_pylist(), strict=True)
    return events.filter(pc.invert(untyped)), [(position, kind or "") for position, kind in places]


def _text(state: bytes) -> str | None:
    try:
        return state.decode()
    except UnicodeDecodeError:
        return None
