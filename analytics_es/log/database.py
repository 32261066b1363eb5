"""What the log and the read models ask of a database, so that their SQL stands once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Cursor(Protocol):
    """Runs statements in one transaction, with ? for every parameter."""

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Any:
        """Run a statement."""

    def fetchone(self) -> Any:
        """Return the next row of the last statement."""

    def fetchall(self) -> list[Any]:
        """Return the rows of the last statement."""


class Database(Protocol):
    """The database of a log."""

    def write(self) -> AbstractContextManager[Any]:
        """Open a transaction."""

    def read(self) -> AbstractContextManager[Any]:
        """Open a transaction that sees one state, in turn with all who ask."""

    def look(self) -> AbstractContextManager[Any]:
        """Open one to look something up at once: who has it waits for nobody."""

    def glance(self) -> AbstractContextManager[Any]:
        """The same for one statement, which sees one state by itself."""

    def read_long(self) -> AbstractContextManager[Any]:
        """Open one that may idle for minutes, and that nobody waits for."""
