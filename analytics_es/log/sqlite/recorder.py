"""Appending to the log on SQLite: the library's recorder, by few statements, and skipping what is there."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from eventsourcing.sqlite import SQLiteApplicationRecorder

from analytics_es.log import sums
from analytics_es.log.event_log import PLACE, Appended, Entry, Stored, differs, fresh, sorted_out
from analytics_es.log.strict import EVERY, STRICT, Strict, condition, index_of

# Append so many rows, of which those are skipped that are there. The driver lets go of the interpreter around each step
# of a statement; in a busy process it waits to get it back, so a step is as many rows as can be.
APPEND = {
    rows: f"INSERT INTO stored_events VALUES {', '.join(['(?, 1, ?, ?, ?)'] * rows)} ON CONFLICT DO NOTHING"
    for rows in (1000, 100, 10, 1)
}

COLUMNS = 4  # of them, that have values

# Events are so many positions before where they would have been.
SHIFT = (
    "UPDATE stored_events SET checksum = "
    f"{sums.STORED.format(content='(checksum - rowid - ? - ((rowid + ?) >> 32))', position='rowid')} "
    "WHERE rowid BETWEEN ? AND ?"
)

# The key of the event at a position.
KEY_AT = "SELECT originator_id FROM stored_events WHERE rowid = ?"

# What was inserted after a position.
FRESH = "SELECT originator_id, rowid, topic FROM stored_events WHERE rowid > ?"

# Where events of these keys are, and what they say.
FIND = (
    "SELECT originator_id, rowid, topic, state FROM stored_events "
    "WHERE originator_id IN (SELECT value FROM json_each(?)) AND originator_version = 1"
)
FIND_IDENTITY = (
    "SELECT substr(originator_id, 13), rowid, topic, state FROM stored_events {indexed} "
    "WHERE substr(originator_id, 13) IN (SELECT value FROM json_each(?))"
)

# What holds of the log from here on.
SELECT_NOTE = "SELECT value FROM log_notes WHERE name = ?"

BYTES = "X'{}'"  # how they are written

FEW = 8  # of so many that were there, each is found by some ten looks at a batch


class SQLiteRecorder(SQLiteApplicationRecorder):
    """The library's recorder, with an append that skips what is there."""

    def append(self, cursor: sqlite3.Cursor, entries: Sequence[Entry]) -> list[Appended]:
        """Insert the new ones of these entries, in order, and say where each is."""
        before = cursor.execute(self.select_max_notification_id_statement).fetchone()[0] or 0
        inserted = _insert(cursor, entries, before)
        if inserted == len(entries):
            return fresh(range(before + 1, before + 1 + inserted))
        if len(entries) - inserted <= FEW:
            appended = self._without_few(cursor, entries, before, _skipped(cursor, entries, before, inserted))
        else:
            appended = self._sort_out(cursor, entries, before=before)
        _settle(cursor, appended, before)
        return appended

    def _without_few(
        self, cursor: sqlite3.Cursor, entries: Sequence[Entry], before: int, skipped: Sequence[int]
    ) -> list[Appended]:
        """Say where each entry is, where a few were skipped: the others are one behind the other."""
        result = fresh(range(before + 1, before + 1 + len(entries) - len(skipped)))
        stored = self._find(cursor, [entries[place] for place in skipped])
        for place in skipped:
            entry = entries[place]
            position, event_type, state = stored[entry.key] if entry.key in stored else stored[entry.key[PLACE:]]
            result.insert(place, Appended(position, True, differs(entry, event_type, state)))
        return result

    def _sort_out(self, cursor: sqlite3.Cursor, entries: Sequence[Entry], before: int) -> list[Appended]:
        rows = cursor.execute(FRESH, [before]).fetchall()
        stored: dict[str, Stored] = {key: (position, event_type, None) for key, position, event_type in rows}
        stored |= self._find(cursor, [entry for entry in entries if entry.key not in stored])
        return sorted_out(entries, stored, before=before)

    def _find(self, cursor: sqlite3.Cursor, entries: Sequence[Entry]) -> dict[str, Stored]:
        """Find the events that are there under the keys of these entries, or under the end that says which."""
        stored = _look_up(cursor, FIND, {entry.key for entry in entries})
        if unseen := {entry.key[PLACE:] for entry in entries if entry.key not in stored}:
            stored |= self._of_other_times(cursor, unseen)
        return stored

    def _of_other_times(self, cursor: sqlite3.Cursor, unseen: set[str]) -> dict[str, Stored]:
        """Find the events that have these ids and another time, which a source does not allow whose ids are strict."""
        note = cursor.execute(SELECT_NOTE, [STRICT]).fetchone()
        stored: dict[str, Stored] = {}
        for pattern in Strict.read(note and note[0]).patterns:
            if pattern != EVERY:
                statement = FIND_IDENTITY.format(indexed=f"INDEXED BY {index_of(pattern)}")
                stored |= _look_up(cursor, f"{statement} AND {condition(pattern, BYTES)}", unseen)
        if missing := unseen - stored.keys():
            stored |= _look_up(cursor, FIND_IDENTITY.format(indexed=""), missing)
        return stored


def _insert(cursor: sqlite3.Cursor, entries: Sequence[Entry], before: int) -> int:
    """Insert the new ones of these entries, in order, by few statements; returns how many.

    Their checksums are those of the positions that they have unless some are skipped.
    """
    values = _values(entries, before + 1)
    first = inserted = 0
    for rows, statement in APPEND.items():
        while len(entries) - first >= rows:
            cursor.execute(statement, values[COLUMNS * first : COLUMNS * (first + rows)])
            inserted += cursor.rowcount
            first += rows
    return inserted


def _values(entries: Sequence[Entry], first: int) -> list[Any]:
    """Return what is stored of entries from a position on, one column after the other, row by row."""
    keys, types, states = zip(*entries, strict=True)
    values: list[Any] = [None] * (COLUMNS * len(entries))
    values[0::COLUMNS], values[1::COLUMNS], values[2::COLUMNS] = keys, types, states
    values[3::COLUMNS] = sums.stored(sums.contents(keys, types, states), first)
    return values


def _settle(cursor: sqlite3.Cursor, appended: Sequence[Appended], before: int) -> None:
    """Make the checksums right of what has an earlier position than it would have had if none had been skipped."""
    new = (
        (number - place.position, place.position)
        for number, place in enumerate(appended, before + 1)
        if not place.duplicate
    )
    for shift, run in groupby(new, itemgetter(0)):
        if shift:
            positions = [position for _, position in run]
            cursor.execute(SHIFT, (shift, shift, positions[0], positions[-1]))


def _skipped(cursor: sqlite3.Cursor, entries: Sequence[Entry], before: int, inserted: int) -> list[int]:
    """Find by halving which entries were skipped: up to the next of them, every one is where it would be."""
    skipped: list[int] = []
    while len(skipped) < len(entries) - inserted:
        begin, first = skipped[-1] + 1 if skipped else 0, before + 1 - len(skipped)

        def is_elsewhere(place: int) -> bool:
            row = cursor.execute(KEY_AT, [first + place]).fetchone()  # noqa: B023  # asked at once
            return row is None or bool(row[0] != entries[place].key)

        skipped.append(begin + bisect_left(range(begin, len(entries)), True, key=is_elsewhere))
    return skipped


def _look_up(cursor: sqlite3.Cursor, statement: str, names: set[str]) -> dict[str, Stored]:
    rows = cursor.execute(statement, [orjson.dumps(sorted(names)).decode()])
    return {name: (position, event_type, state) for name, position, event_type, state in rows}
