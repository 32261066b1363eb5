"""What is stored at one position → tables: its fields, what it adds to which metric, what could not be used of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from itertools import groupby

from attrs import frozen

from analytics_es.presentation import Block, Column, Columns, Grid, Line, Link, Number, words
from analytics_es.presentation.tables.explanation import figure_in_full, instant, stored
from analytics_es.presentation.tables.parts import ALARM
from analytics_es.types import CountedValue, StoredEvent, UncountedValue

ADDED = "Each is in one row of its projection; the rows of its entities hold the same once more."


@frozen
class Field:
    """A field of an event, as people read it."""

    name: str
    text: str
    link: Link | None = None


_FIELDS: Columns[Field] = [
    Column("field", lambda field: field.name),
    Column("value", lambda field: field.text, link=lambda field: field.link),
]
_UNCOUNTED: Columns[UncountedValue] = [
    Column("projection", lambda value: value.projection),
    Column("field", lambda value: words.safe(value.field)),
    Column("cause", lambda value: words.safe(value.cause)),
]


def fields(event: StoredEvent, zone: tzinfo) -> Grid[Field]:
    """Return what an event is known by, and when it happened, in a zone."""
    rows = [
        Field("position", words.count(event.position)),
        Field("type", words.safe(event.type) or words.UNKNOWN),
        Field("occurred at", _at(event.occurred_at, zone)),
        Field("recorded at", _at(event.recorded_at, zone)),
        Field("source", words.UNKNOWN if event.source is None else words.safe(event.source)),
        Field("id", words.UNKNOWN if event.id is None else words.safe(event.id)),
    ]
    if event.corrects:
        rows.append(Field("corrects the call", f"at position {event.corrects:,}", stored(event.corrects)))
    rows += [Field("corrected", f"at position {position:,}", stored(position)) for position in event.corrections]
    return Grid("", _FIELDS, rows)


def _at(at: datetime | None, zone: tzinfo) -> str:
    return words.UNKNOWN if at is None else f"{instant(at.astimezone(zone))} {zone}"


def forgotten(event: StoredEvent) -> Iterator[Block]:
    """Say which of its pseudonyms lead to nobody any more; nothing where all do."""
    if event.unknown_pseudonyms:
        names = ", ".join(map(words.safe, event.unknown_pseudonyms))
        yield Line(f"Forgotten since, or of another store: nothing here says who {names} is.", ALARM)


def counted(
    event: StoredEvent, zone: tzinfo, its_row: Callable[[CountedValue], Link | None]
) -> Iterator[Grid[CountedValue]]:
    """Return what an event adds, row by row; a metric leads to all that is in `its_row`."""
    columns: Columns[CountedValue] = [
        Column("metric", lambda value: value.metric, link=its_row),
        Number("value", lambda value: figure_in_full(value.value, value.unit, zone), exact=lambda value: value.value),
        Column("unit", _unit),
    ]
    for title, values in groupby(event.counted, _row):
        yield Grid(title, columns, list(values))


def uncounted(event: StoredEvent) -> Grid[UncountedValue]:
    """Return what projections could not use of an event, and why."""
    return Grid("", _UNCOUNTED, event.uncounted, "Counted in the foot of every answer about its hour.")


def _unit(value: CountedValue) -> str:
    return {"1": "", "us": "time", "currency": words.safe(value.currency or "")}.get(value.unit, value.unit)


def _row(value: CountedValue) -> str:
    keys = ", ".join(f"{name} {words.safe(text)}" for name, text in value.keys.items())
    projection = value.metric.partition(".")[0]
    return f"{projection}: {keys}" if keys else projection
