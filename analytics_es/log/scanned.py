"""What is scanned of the log: tables of events, their columns, and their states brought up to date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from analytics_es.events import codec
from analytics_es.log import damage
from analytics_es.process import Later
from analytics_es.types import arrays

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")

NAMES = ("position", "type", "state", "key")  # what is read of an event
GROUP_BYTES = 16 * 2**20  # some 40,000 events


def by_name(row: Sequence[Any] | None) -> dict[str, Any] | None:
    """Return a row of `NAMES` as `scan` gives it, with its old shape brought up to date; None where there is none.

    Raises BrokenEvent.
    """
    if row is None:
        return None
    position, event_type, state, key = row
    damage.check_row(position, event_type, state, key)
    return dict(zip(NAMES, (position, event_type, codec.upcast(event_type, state), key), strict=True))


def first_row(table: pa.Table) -> dict[str, Any] | None:
    """Return the first event of a table, None where there is none."""
    rows: list[dict[str, Any]] = table.slice(0, 1).to_pylist()
    return rows[0] if rows else None


@cache
def event_columns() -> pa.Schema:
    """Return the columns of events as they are scanned."""
    return pa.schema(list(zip(NAMES, (pa.int64(), pa.string(), pa.binary(), pa.string()), strict=True)))


def batch(rows: Sequence[tuple[Any, ...]], schema: pa.Schema | None = None) -> pa.RecordBatch:
    """Return rows of `NAMES`, or of the first of them, of which there are some, as they are scanned.

    Raises BrokenEvent.
    """
    return in_columns(list(zip(*rows, strict=True)), schema)


def in_columns(columns: Sequence[Sequence[Any]], schema: pa.Schema | None = None) -> pa.RecordBatch:
    """Return columns of `NAMES`, or the first of them, as they are scanned; raises BrokenEvent."""
    schema = schema or event_columns()
    made = zip(columns, schema.types, strict=True)
    try:
        return pa.record_batch([arrays.make(column, kind) for column, kind in made], schema=schema)
    except (TypeError, ValueError):  # what Arrow raises is of these kinds, too
        damage.check_rows(zip(*columns, strict=False))
        raise


def upcast(table: pa.Table) -> pa.Table:
    """Return stored events with old shapes brought up to date; raises BrokenEvent."""
    damage.check(table)
    if not codec.UPCASTERS:
        return table
    types, states = table.column("type").to_pylist(), table.column("state").to_pylist()
    states = [codec.upcast(event_type, state) for event_type, state in zip(types, states, strict=True)]
    return table.set_column(2, event_columns().field("state"), arrays.make(states, pa.binary()))


def gathered(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Put small tables together: late events are far apart in the log, and a small batch costs planning, not work."""
    waiting: list[pa.Table] = []
    size = 0
    for table in tables:
        waiting.append(table)
        size += table.nbytes
        if size >= GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.concat_tables(waiting)
