"""Checkpoints: how far each projection is, in the library's tracking table, moved by compare-and-set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from analytics_es.log.database import Cursor

# A checkpoint begins at 0, before the first position.
BEGIN = "INSERT INTO tracking VALUES (?, 0) ON CONFLICT DO NOTHING"

# Move a checkpoint only from where it is believed to be: the library's own statement only asks for "greater". Who comes
# second finds it elsewhere.
ADVANCE = "UPDATE tracking SET notification_id = ? WHERE application_name = ? AND notification_id = ? RETURNING 1"

# Begin again.
RESET = "UPDATE tracking SET notification_id = 0 WHERE application_name = ?"

# Remove a checkpoint.
FORGET = "DELETE FROM tracking WHERE application_name = ?"


class Checkpoints(ABC):
    """How far each projection is; each step is part of a transaction."""

    def begin(self, cursor: Cursor, name: str) -> None:
        """Make sure there is a checkpoint."""
        cursor.execute(BEGIN, [name])

    def advance(self, cursor: Cursor, name: str, *, expected: int, position: int) -> bool:
        """Move a checkpoint from the expected position; False where another runner was faster."""
        cursor.execute(ADVANCE, [position, name, expected])
        return bool(cursor.fetchall())

    def advance_all(self, cursor: Cursor, names: Sequence[str], *, expected: int, position: int) -> bool:
        """Move several checkpoints from the expected position; on False, some may be moved: undo the transaction."""
        return all(self.advance(cursor, name, expected=expected, position=position) for name in names)

    def reset(self, cursor: Cursor, name: str) -> None:
        """Move a checkpoint back to the beginning."""
        cursor.execute(RESET, [name])

    def forget(self, cursor: Cursor, name: str) -> None:
        """Remove a checkpoint: who still believes in it can no longer move it."""
        cursor.execute(FORGET, [name])

    @abstractmethod
    def hold(self, cursor: Cursor, name: str) -> int:
        """Return a checkpoint that nobody else can move until this transaction ends, 0 where nothing is done yet."""

    @abstractmethod
    def positions(self, cursor: Cursor, names: Sequence[str]) -> dict[str, int]:
        """Return checkpoints, 0 where nothing is done yet."""
