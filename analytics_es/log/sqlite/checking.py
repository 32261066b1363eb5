"""Reading events and their checksums from SQLite: whatever a damaged row holds, the others are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from analytics_es.errors import StoreDamaged
from analytics_es.log.event_log import number_of
from analytics_es.log.scanned import in_columns
from analytics_es.log.sqlite.recorder import SELECT_NOTE
from analytics_es.log.sqlite.statements import EVENTS, NOTE_ROWS
from analytics_es.log.sums import SAID, UNSUMMED, Columns, checked

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 2000  # rows at once

_SAID = SAID.format(position="rowid")

# What is read of an event, and what its checksum says.
SUMMED = f"SELECT rowid, topic, state, originator_id, {_SAID} FROM stored_events "

# The same, whatever it holds: a text that is none cannot be read as one.
BYTEWISE = (
    "SELECT rowid, CAST(topic AS BLOB), CAST(state AS BLOB), CAST(originator_id AS BLOB), "
    "CASE WHEN typeof(topic) = 'text' AND typeof(state) = 'blob' AND typeof(originator_id) = 'text' "
    f"THEN {_SAID} ELSE -1 END FROM stored_events "
)

# What is wrong with the file, as far as SQLite can tell.
INTEGRITY = "PRAGMA integrity_check(5)"
SOUND = "ok"


# Whether events have checksums, and room for them.
FIND_CHECKSUM = "SELECT 1 FROM pragma_table_info('stored_events') WHERE name = 'checksum'"
ADD_CHECKSUM = "ALTER TABLE stored_events ADD COLUMN checksum INTEGER"


def make_room(cursor: sqlite3.Cursor) -> None:
    """Make room for checksums where there is none, and note up to which event there are none."""
    if not cursor.execute(FIND_CHECKSUM).fetchone():
        cursor.execute(ADD_CHECKSUM)
        cursor.execute(NOTE_ROWS, [UNSUMMED])


def batches(cursor: sqlite3.Cursor, scan: str, parameters: Sequence[Any]) -> list[pa.RecordBatch]:
    """Return what a scan selects, checked."""

    def unsummed() -> int:
        note = cursor.connection.execute(SELECT_NOTE, [UNSUMMED]).fetchone()
        return number_of(note and note[0], UNSUMMED)

    with suppress(sqlite3.OperationalError, TypeError, AttributeError):  # a text that is none, another type
        cursor.execute(scan.replace(EVENTS, SUMMED), parameters)
        return [in_columns(checked(Columns(*zip(*rows, strict=True)), unsummed)) for rows in _pieces(cursor)]
    cursor.execute(scan.replace(EVENTS, BYTEWISE), parameters)
    return [in_columns(checked(_read(rows), unsummed)) for rows in _pieces(cursor)]


def _pieces(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    return iter(lambda: cursor.fetchmany(PIECE), [])


def _read(rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Read texts; what is none, no event has."""
    read = [_row(*row) for row in rows]
    return Columns(*zip(*read, strict=True))


def _row(
    position: int, event_type: bytes | None, state: bytes | None, key: bytes | None, said: Any
) -> tuple[int, str, bytes, str, int | None]:
    try:
        texts = [text.decode() for text in (event_type, key)]  # type: ignore[union-attr]  # None has none
    except (UnicodeDecodeError, AttributeError):
        return position, "", b"", "", -1
    return position, texts[0], b"" if state is None else state, texts[1], said


def check_file(cursor: sqlite3.Cursor, path: object) -> None:
    """Raise StoreDamaged where SQLite finds something wrong with a file: it reads all of it, and knows no checksums."""
    try:
        problems = [text for (text,) in cursor.execute(INTEGRITY).fetchall() if text != SOUND]
    except sqlite3.DatabaseError as error:
        problems = [str(error)]
    if problems:
        raise StoreDamaged(path=path, problem="; ".join(" ".join(text.split()) for text in problems))
