"""Parts of an archive, read back as the log's own events, or as the columns that an export made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from attrs import frozen

from analytics_es.errors import DamagedArchive
from analytics_es.events.codec import UPCASTERS
from analytics_es.events.event import key_of
from analytics_es.lifecycle.columns import ARCHIVED, EDITION, schema
from analytics_es.log.scanned import event_columns, upcast
from analytics_es.projection import engine
from analytics_es.projection.typed import EXACT_COLUMNS, TypedEvents

STORED = ["position", "type", "source", "id", "occurred_at", "recorded_at", "data"]


def _escaped(name: str) -> str:
    r"""Return the SQL of a JSON string as orjson writes it: short escapes, else \u00 and lower case."""
    short = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    control = {chr(code): f"\\u{code:04x}" for code in range(1, 32)}
    text = name
    for character, escape in {**control, **short}.items():
        if character != "\\":
            text = f"replace({text}, chr({ord(character)}), '{escape}')"
    text = text.replace(f"({name}, ", rf"(replace({name}, '\', '\\'), ", 1)  # innermost: it comes first
    return rf"""'"' || CASE WHEN regexp_matches({name}, '[\x01-\x1f"\\]') THEN {text} ELSE {name} END || '"'"""


def _time(name: str) -> str:
    plain = f"make_timestamp(epoch_us({name}))"
    whole, exact = (f"strftime({plain}, '%Y-%m-%dT%H:%M:%S{rest}Z')" for rest in ("", ".%f"))
    return f"""'"' || CASE WHEN epoch_us({name}) % 1000000 = 0 THEN {whole} ELSE {exact} END || '"'"""


# An event as codec.encode writes it.
_STATE = (
    f"""'{{"source":' || {_escaped("source")} || ',"id":' || {_escaped("id")} || ',"occurred_at":' """
    f"""|| {_time("occurred_at")} || ',"recorded_at":' || {_time("recorded_at")} || ',"data":' || data || '}}'"""
)


@frozen(kw_only=True)
class RowGroups:
    """Row groups of a file, [first, end), to be read by whoever gets it; `typed`: its columns may be taken as well."""

    path: Path
    first: int
    end: int
    upto: int
    typed: bool = False


class Reader:
    """Reads parts; every process and thread has its own."""

    def __init__(self) -> None:
        self._engine = engine.connect(threads=1)

    def read(self, part: RowGroups, *, only: str = "true") -> pa.Table:
        """Return the events of a part as the log gives them, the state to the letter; raises DamagedArchive."""
        with _readable(part):
            try:
                self._engine.register("stored", _columns(part, [*STORED, EXACT_COLUMNS] if part.typed else STORED))
                # Events as they were stored, and what their keys are made of.
                events = self._engine.sql(
                    f"SELECT position, type, encode({_STATE}) AS state, source, id, epoch_us(occurred_at) AS us "
                    f"FROM stored WHERE position <= {part.upto} AND {only}"
                ).to_arrow_table()
            finally:
                self._engine.unregister("stored")
            names = (events.column(name).to_pylist() for name in ("source", "id", "us"))
            keys = pa.array(map(key_of, *names), pa.string())
            return upcast(events.select(["position", "type", "state"]).append_column("key", keys).cast(event_columns()))

    def columns(self, part: RowGroups, names: Sequence[str]) -> TypedEvents | None:
        """Return the events of a part as columns; None where most are to be read as stored. Raises DamagedArchive."""
        if not part.typed:
            return None
        with _readable(part):
            events = _columns(part, [*names, EXACT_COLUMNS])
            events = _chosen(events, pc.less_equal(events["position"], part.upto))
            exact = _chosen(events, events[EXACT_COLUMNS])
            kinds = exact["type"].unique().to_pylist()
        if not events.num_rows // 2 < exact.num_rows or not UPCASTERS.keys().isdisjoint(kinds):
            return None
        all_of_them = exact.num_rows == events.num_rows
        rest = event_columns().empty_table() if all_of_them else self.read(part, only=f"NOT {EXACT_COLUMNS}")
        return TypedEvents(columns=exact.drop_columns([EXACT_COLUMNS]), rest=rest)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()


def is_typed(file: pq.ParquetFile) -> bool:
    """Say whether a file has all columns of events, by the rules of today."""
    written: pa.Schema = file.schema_arrow
    said = written.metadata or {}
    return written.equals(schema(ARCHIVED)) and all(said.get(name) == edition for name, edition in EDITION.items())


def _columns(part: RowGroups, names: Sequence[str]) -> pa.Table:
    with pq.ParquetFile(part.path) as file:
        return file.read_row_groups(range(part.first, part.end), columns=list(names))


def _chosen(events: pa.Table, choice: pa.ChunkedArray) -> pa.Table:
    """Return the events of a choice; mostly it is all of them, which are not copied then."""
    return events if pc.all(choice, min_count=0).as_py() else events.filter(choice)


@contextmanager
def _readable(part: RowGroups) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, engine.EngineError) as error:
        raise DamagedArchive(file=part.path, what=f"it cannot be read ({error})") from error
