"""Checksums: each event has one of all that is stored of it, so that what changed by itself is noticed, and not read.

The checksum is the CRC-32 of type, key and state; to it the position is added, which only the database knows (and
its upper half, so that all of its bits count). Bits that
are flipped within 32 of each other always show, and so does an event that has come to another position, as where rows
were exchanged. Of other damage, one case in 2^32 goes unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from analytics_es.log import damage
from analytics_es.log.scanned import NAMES, event_columns
from analytics_es.process import Later
from analytics_es.types import arrays

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")

# Noted of a log of before: up to which position events need not have a checksum.
UNSUMMED = "unsummed"

MASK, HALF = 2**32 - 1, 2**31

# What a column holds of a CRC-32 and a position: four bytes, with a sign.
STORED = f"(({{content}} + {{position}} + ({{position}} >> 32) + {HALF}) & {MASK}) - {HALF}"

# The CRC-32 that a row says its event has, NULL where it has no checksum. Versions are 1: of another one, no event has.
SAID = f"CASE WHEN originator_version = 1 THEN (checksum - {{position}} - ({{position}} >> 32)) & {MASK} ELSE -1 END"

NO_KEY = "0" * 32  # in the place of what is none
_KEY = re.compile(r"[0-9a-f]{32}")

Unsummed = Callable[[], int]  # looked up only where an event has no checksum


class Columns(NamedTuple):
    """Events as they were read to be checked, column by column; `said` is the CRC-32 that each should have."""

    positions: Sequence[int]
    types: Sequence[str]
    states: Sequence[bytes]
    keys: Sequence[str]
    said: Sequence[int | None]


@lru_cache(maxsize=1024)  # a log has few types
def _of_type(event_type: str) -> int:
    return crc32(event_type.encode() + b"\n")


def contents(keys: Iterable[str], types: Iterable[str], states: Iterable[bytes]) -> Iterator[int]:
    """Return the CRC-32 of each event, of all that is stored of it but its position."""
    return map(crc32, states, map(crc32, map(str.encode, keys), map(_of_type, types)))


def stored(contents: Iterable[int], first: int) -> list[int]:
    """Return the checksums of events that are one behind the other, from a position on."""
    if first < HALF:  # no position has an upper half: a tenth of what a checksum takes
        return [((content + position) & MASK) - HALF for position, content in enumerate(contents, first + HALF)]
    return [
        ((content + position + (position >> 32) + HALF) & MASK) - HALF
        for position, content in enumerate(contents, first)
    ]


def checked(columns: Columns, unsummed: Unsummed) -> list[Sequence[Any]]:
    """Return events as they are scanned, column by column; of what is damaged, nothing is left but where it is.

    It has no type and no state: a projection lists it as what is no event. Up to `unsummed`, none need have a checksum.
    """
    computed = tuple(contents(columns.keys, columns.types, columns.states))
    if computed == columns.said:
        return list(columns[:4])
    limit = unsummed() if None in columns.said else 0
    sound = [
        content == said or (said is None and position <= limit)
        for content, said, position in zip(computed, columns.said, columns.positions, strict=True)
    ]
    return without_damaged(columns, sound)


def without_damaged(columns: Columns, sound: Sequence[bool]) -> list[Sequence[Any]]:
    """Leave nothing of events that are not sound but where they are."""
    types = [kind if fine else "" for kind, fine in zip(columns.types, sound, strict=True)]
    states = [state if fine else b"" for state, fine in zip(columns.states, sound, strict=True)]
    keys = [key if fine or _KEY.fullmatch(key) else NO_KEY for key, fine in zip(columns.keys, sound, strict=True)]
    return [columns.positions, types, states, keys]


def checked_table(table: pa.Table, unsummed: Unsummed) -> pa.Table:
    """Return a table of events that has `said` as its last column, checked and without it."""
    columns = Columns(*(tuple(column.to_pylist()) for column in table.columns))
    if tuple(contents(columns.keys, columns.types, columns.states)) == columns.said:
        return table.select(list(NAMES))
    schema = event_columns()
    made = zip(checked(columns, unsummed), schema.types, strict=True)
    return pa.Table.from_arrays([arrays.make(column, kind) for column, kind in made], schema=schema)


def of_rows(rows: Iterable[tuple[int, str, bytes, str]]) -> list[tuple[int, int]]:
    """Return the checksums and positions of rows: position, type, state, key. Raises BrokenEvent."""
    rows = list(rows)
    damage.check_rows(rows)
    made = ((contents([key], [event_type], [bytes(state)]), at) for at, event_type, state, key in rows)
    return [(stored(content, at)[0], at) for content, at in made]


def rewritten(
    rows: Iterable[tuple[int, str, bytes, str, int | None]], states: Mapping[int, bytes]
) -> list[tuple[bytes, int, int]]:
    """Return new states, with their checksums and positions, of rows: position, type, state, key, checksum.

    A checksum moves by as much as the state's does: so that of a damaged event stays wrong.
    """
    result: list[tuple[bytes, int, int]] = []
    for position, event_type, state, key, checksum in rows:
        before, after = contents([key] * 2, [event_type] * 2, [state, states[position]])
        content = after if checksum is None else checksum - position - (position >> 32) - before + after
        result.append((states[position], stored([content & MASK], position)[0], position))
    return result
