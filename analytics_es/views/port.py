"""The read models as everything else sees them: rows and checkpoint of a projection move together or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from attrs import frozen

from analytics_es.algebra import Declaration
from analytics_es.errors import OtherTimezone
from analytics_es.fold import Folded
from analytics_es.views.snapshot import Snapshot, Span, Sums

# What the read models are of, and in which zone.
SELECT_ABOUT = "SELECT name, value FROM about"
WRITE_ABOUT = "INSERT INTO about VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"

# Values that folds could not read.
WRITE_UNREADABLE = "INSERT INTO unreadable VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
FORGET_UNREADABLE = "DELETE FROM unreadable WHERE projection = ?"
FORGET_UNREADABLE_IN = f"{FORGET_UNREADABLE} AND hour >= ? AND hour < ?"
FORGET_UNTIMED = f"{FORGET_UNREADABLE} AND hour = 0 AND position = ?"

# Which of them were accepted as they are, by the name of the projection; the marks are of one log.
WRITE_DISCARDED = "INSERT INTO discarded VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
FORGET_DISCARDED_BEYOND = "DELETE FROM discarded WHERE position > ?"


class Cursor(Protocol):
    """Runs statements in one transaction."""

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Any:
        """Run a statement, with ? for every parameter."""

    def fetchall(self) -> list[Any]:
        """Return the rows of the last statement."""


Opening = Callable[[], AbstractContextManager[Cursor]]


class Checkpoints(Protocol):
    """How far each projection is."""

    def begin(self, cursor: Any, name: str) -> None:
        """Make sure there is a checkpoint."""

    def advance(self, cursor: Any, name: str, *, expected: int, position: int) -> bool:
        """Move a checkpoint from the expected position; False where another runner was faster."""

    def hold(self, cursor: Any, name: str) -> int:
        """Return a checkpoint that nobody else can move until this transaction ends."""

    def reset(self, cursor: Any, name: str) -> None:
        """Move a checkpoint back to the beginning."""

    def positions(self, cursor: Any, names: Sequence[str]) -> dict[str, int]:
        """Return checkpoints, 0 where nothing is done yet."""


class Views(ABC):
    """All read models of one log; they may be deleted at any time."""

    place: object  # where they are kept, for people
    sums: Sums
    declarations: dict[str, Declaration]
    log: str
    checkpoints: Checkpoints

    # ── what a database does in its own way ─────────────────────────────────────────────────────────────────────

    @abstractmethod
    def writing(self) -> AbstractContextManager[Cursor]:
        """Open a transaction that nothing comes between."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Cursor]:
        """Open a transaction that sees one state."""

    @abstractmethod
    def create(self, cursor: Cursor, declaration: Declaration) -> None:
        """Create the table of a projection, unless it is there."""

    @abstractmethod
    def merge(self, cursor: Cursor, declaration: Declaration, folded: Folded) -> None:
        """Merge rows into what is there, and list what was unreadable."""

    @abstractmethod
    def close(self) -> None:
        """Close the database."""

    # ── what follows ────────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self, cursor: Cursor, timezone: str) -> None:
        """Make room for every projection; rows of another log or of another definition are derived again."""
        about = self.about(cursor, timezone)
        # Of which log is told for each: a projection may have been left out while the log became another one.
        written = self.definitions()
        for declaration in self.declarations.values():
            same = about.get(declaration.table) == written[declaration.table]
            self._begin(cursor, declaration, keep=same)
        if about.get("discarded", self.log) != self.log:
            cursor.execute(FORGET_DISCARDED_BEYOND, (0,))
        for each in {"timezone": timezone, "discarded": self.log, **written}.items():
            cursor.execute(WRITE_ABOUT, each)

    def about(self, cursor: Cursor, timezone: str) -> dict[str, str]:
        """Return what the read models say of themselves; raises OtherTimezone."""
        cursor.execute(SELECT_ABOUT)
        about: dict[str, str] = dict(map(tuple, cursor.fetchall()))
        if about.get("timezone", timezone) != timezone:
            raise OtherTimezone(path=self.place, stored=about["timezone"], asked=timezone)
        return about

    def definitions(self) -> dict[str, str]:
        """Return what is written down of each table: the definition and the log that its rows follow from."""
        return {each.table: f"{each.fingerprint} of {self.log}" for each in self.declarations.values()}

    def _begin(self, cursor: Cursor, declaration: Declaration, *, keep: bool) -> None:
        name = self.checkpoint_name(declaration)
        if not keep:
            cursor.execute(f"DROP TABLE IF EXISTS {declaration.table}")
            cursor.execute(FORGET_UNREADABLE, (declaration.name,))
        self.create(cursor, declaration)
        self.checkpoints.begin(cursor, name)
        if not keep:
            self.checkpoints.reset(cursor, name)

    def checkpoint_name(self, declaration: Declaration) -> str:
        """Return the name of a checkpoint; the library's own is that of the application alone."""
        return f"{self.log}:{declaration.table}"

    def restart_beyond(self, head: Callable[[], int]) -> None:
        """Begin again where a checkpoint is beyond the log's head: the log was restored from an older copy."""
        if self._beyond(self.reading, head):
            with self.writing() as cursor:
                cursor.execute(FORGET_DISCARDED_BEYOND, (head(),))
                for declaration in self._beyond(lambda: nullcontext(cursor), head):
                    cursor.execute(f"DELETE FROM {declaration.table}")
                    cursor.execute(FORGET_UNREADABLE, (declaration.name,))
                    self.checkpoints.reset(cursor, self.checkpoint_name(declaration))

    def _beyond(self, opening: Opening, head: Callable[[], int]) -> list[Declaration]:
        with opening() as cursor:
            positions = self._positions(cursor)
        last = head()  # after the positions: meanwhile both may move on
        return [self.declarations[name] for name, position in positions.items() if position > last]

    def commit(self, name: str, folded: Folded, *, expected: int, position: int) -> bool:
        """Merge rows and move the checkpoint, or, where another runner has moved it, do nothing and say False."""
        declaration = self.declarations[name]
        with self.writing() as cursor:
            checkpoint = self.checkpoint_name(declaration)
            if not self.checkpoints.advance(cursor, checkpoint, expected=expected, position=position):
                return False
            self.merge(cursor, declaration, folded)
        return True

    def discard(self, letters: Iterable[tuple[str, int, str]]) -> None:
        """Mark what could not be read as accepted: projection, position, field. It stays counted."""
        with self.writing() as cursor:
            for letter in letters:
                cursor.execute(WRITE_DISCARDED, letter)

    def forget_untimed(self, name: str, position: int) -> None:
        """Remove from what a projection could not read an event that had no hour, and is derived by now."""
        with self.writing() as cursor:
            cursor.execute(FORGET_UNTIMED, (self.declarations[name].name, position))

    @contextmanager
    def replacing(self, name: str) -> Iterator[Replacement]:
        """Open a transaction in which rows are swapped while no runner can advance the projection."""
        declaration = self.declarations[name]
        with self.writing() as cursor:
            checkpoint = self.checkpoint_name(declaration)
            self.checkpoints.begin(cursor, checkpoint)
            position = self.checkpoints.hold(cursor, checkpoint)
            yield Replacement(declaration, position, self, cursor)

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """Open one state of all read models and checkpoints."""
        with self.reading() as cursor:

            def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                cursor.execute(statement, parameters)
                return cursor.fetchall()

            yield Snapshot(self._positions(cursor), fetch, self.sums)

    def _positions(self, cursor: Cursor) -> dict[str, int]:
        names = {name: self.checkpoint_name(declaration) for name, declaration in self.declarations.items()}
        found = self.checkpoints.positions(cursor, list(names.values()))
        return {name: found[checkpoint] for name, checkpoint in names.items()}


@frozen
class Replacement:
    """A projection whose rows are being swapped; `position` is its checkpoint, which cannot move meanwhile."""

    declaration: Declaration
    position: int
    _views: Views
    _cursor: Cursor

    def delete(self, spans: Iterable[Span], hours: tuple[int, int]) -> None:
        """Remove the rows of these buckets, and what was unreadable in these hours."""
        for span in spans:
            self._cursor.execute(
                f"DELETE FROM {self.declaration.table} WHERE grain = ? AND bucket >= ? AND bucket < ?",
                (span.grain, span.start, span.end),
            )
        self._cursor.execute(FORGET_UNREADABLE_IN, (self.declaration.name, *hours))

    def merge(self, folded: Folded) -> None:
        """Merge rows."""
        self._views.merge(self._cursor, self.declaration, folded)
