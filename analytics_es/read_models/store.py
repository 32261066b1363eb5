"""The read models as everything else sees them: rows and checkpoint of a projection move together or not at all."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from analytics_es.errors import AnalyticsError, OfAnotherLog, OtherTimezone, SealedTimezone, StoreDamaged
from analytics_es.log import Horizon
from analytics_es.log.checkpoints import Checkpoints
from analytics_es.log.database import Cursor, Database
from analytics_es.projection.declaration import Column, Declaration
from analytics_es.projection.fold import Folded
from analytics_es.read_models import registry
from analytics_es.read_models.alone import alone
from analytics_es.read_models.registry import FORGET_ABOUT, WRITE_ABOUT, Live
from analytics_es.read_models.seeds import Seeds
from analytics_es.read_models.selection import Span
from analytics_es.read_models.snapshot import (
    HORIZON,
    PARTIAL,
    SELECT_ABOUT,
    SWAPPED,
    VERIFIED,
    VERIFIED_PART,
    Snapshot,
    Sums,
)
from analytics_es.read_models.views.shown import Shown

logger = logging.getLogger("analytics_es")

# Whether there is a checkpoint.
FIND_CHECKPOINT = "SELECT 1 FROM tracking WHERE application_name = ?"

# Values that folds could not read.
WRITE_UNREADABLE = "INSERT INTO unreadable VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
FORGET_UNREADABLE = "DELETE FROM unreadable WHERE projection = ?"
FORGET_UNREADABLE_IN = f"{FORGET_UNREADABLE} AND hour >= ? AND hour < ?"
FORGET_UNTIMED = f"{FORGET_UNREADABLE} AND hour = 0 AND position = ?"

# Which of them were accepted as they are, by the name of the projection; the marks are of one log.
WRITE_DISCARDED = "INSERT INTO discarded VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
FORGET_DISCARDED_BEYOND = "DELETE FROM discarded WHERE position > ?"

# How many events of each day a read model has taken in, and the sum of their checksums.
ADD_TO_LEDGER = (
    "INSERT INTO ledger VALUES (?, ?, ?, ?) ON CONFLICT (read_model, day) DO UPDATE SET "
    "events = ledger.events + excluded.events, checksum = ledger.checksum + excluded.checksum"
)
SEAL = "seal:"
FORGET_LEDGER = "DELETE FROM ledger WHERE read_model = ?"


class _Overtaken(Exception):
    """Another runner was faster: what was done in the transaction is undone."""


Transaction = Callable[[], AbstractContextManager[Cursor]]


class ReadModels(ABC):
    """All read models of one log; they may be deleted at any time."""

    key_type: str
    integer_type: str
    wide_type: str  # of numbers that may pass 64 bits; {c} is the name of the column
    table_options = ""
    beside_log = False  # in the database of the log
    shown: Shown  # by SQL views
    sums: Sums
    checkpoints: Checkpoints

    def __init__(self, declarations: Sequence[Declaration], *, log: str, place: object, seeds: Seeds) -> None:
        """Take what read models are of, where they are kept, for people, and what they begin with."""
        self.declarations = {declaration.name: declaration for declaration in declarations}
        self.log, self.place, self.seeds = log, place, seeds

    # ── what a database does in its own way ─────────────────────────────────────────────────────────────────────

    @abstractmethod
    def _there(self) -> Database:
        """Return the database, open."""

    @abstractmethod
    def merge(self, cursor: Cursor, declaration: Declaration, folded: Folded) -> None:
        """Merge rows into what is there, and list what was unreadable."""

    @abstractmethod
    def attempting(self, cursor: Any) -> AbstractContextManager[None]:
        """Open a part of a transaction that can fail by itself: what was done in it is undone. Raises RowsRefused."""

    @abstractmethod
    def columns(self, cursor: Any, table: str) -> tuple[set[str], list[str]]:
        """Return the columns of a table, none where it is not there, and those of its key in their order."""

    @abstractmethod
    def set_apart(self, cursor: Any, table: str, error: AnalyticsError) -> None:
        """Keep a table that cannot be used under another name; raises the error where all of its file is moved."""

    @abstractmethod
    def close(self) -> None:
        """Close the database."""

    @abstractmethod
    def scrub(self) -> list[str]:
        """Overwrite what was deleted; says in words what of it remains somewhere."""

    @abstractmethod
    def kept_apart(self) -> list[str]:
        """Name what was kept under another name because it could not be used: nobody else looks after it."""

    @abstractmethod
    def _alone(self) -> AbstractContextManager[bool]:
        """Say whether nobody else is in here, as long as it is open; the database ends it with the process."""

    # ── what follows ────────────────────────────────────────────────────────────────────────────────────────────

    def rebuilding(self, patience: float | None = None) -> AbstractContextManager[None]:
        """Be the only one to rebuild, aggregate, seal or forget; it ends with the process.

        Who has it must not ask for it again. Raises RebuildRunning where another one has it for longer than so many
        seconds, by default `alone.PATIENCE`.
        """
        return alone(self._alone, self.place or "memory", patience)

    def writing(self, *, lasting: bool = False) -> AbstractContextManager[Cursor]:
        """Open a transaction that nothing comes between; `lasting`: what is in it is derived from nothing else."""
        return self._there().write()

    def reading(self, *, long: bool = False) -> AbstractContextManager[Cursor]:
        """Open a transaction that sees one state; a `long` one may idle."""
        return self._there().read_long() if long else self._there().read()

    def making_sense(self) -> AbstractContextManager[None]:
        """Take rows out of them: where these make no sense, look whether they are damaged; raises DamagedReadModels."""
        return nullcontext()

    def prepare(self, cursor: Cursor, timezone: str) -> None:
        """Make room for every projection. Of another definition, they serve until rebuilt; of another log, they go."""
        about = self.about(cursor, timezone)
        self.shown.create(cursor)
        sealed_in = self.seeds.horizon().timezone
        if sealed_in not in ("", timezone):
            raise SealedTimezone(path=self.place, stored=sealed_in, asked=timezone)
        if about.get("discarded", self.log) != self.log:
            cursor.execute(FORGET_DISCARDED_BEYOND, (0,))
        cursor.execute(WRITE_ABOUT, ("timezone", timezone))
        cursor.execute(WRITE_ABOUT, ("discarded", self.log))
        registered = registry.live(cursor)
        for declared in self.declarations.values():
            live = registered.get(declared.name)
            if live and live.log == self.log and (live.declaration.definition == declared.definition or live.position):
                if self._is_whole(cursor, live.declaration):
                    self.create(cursor, live.declaration)
                    continue
                declared = live.declaration
            if live:
                if live.log != self.log and live.position:
                    self.set_apart(cursor, live.declaration.table, OfAnotherLog(path=self.place))
                self.shown.remove(cursor)
                self.drop(cursor, live.log, live.declaration.table)
            elif self.columns(cursor, declared.table)[0]:
                problem = f"nothing is noted of the table {declared.table}"
                self.set_apart(cursor, declared.table, StoreDamaged(path=self.place, problem=problem))
            self.drop(cursor, self.log, declared.table)
            self.create_anew(cursor, declared)
            # Another process may hold the definition of before, and would rebuild it.
            retired = live.retired_by(declared) if live and live.log == self.log else []
            registry.register(cursor, declared, self.log, retired)
        self.shown.follow(cursor, self.attempting)

    def _is_whole(self, cursor: Cursor, declaration: Declaration) -> bool:
        """Say whether a read model is there with its checkpoint; what has other columns is set apart."""
        columns, key = self.columns(cursor, declaration.table)
        if columns and (columns, key) != (names_of(declaration), list(declaration.row_key)):
            problem = f"the table {declaration.table} has other columns"
            self.set_apart(cursor, declaration.table, StoreDamaged(path=self.place, problem=problem))
            columns = set()
        cursor.execute(FIND_CHECKPOINT, (self.checkpoint_name(declaration),))
        whole = bool(cursor.fetchall()) and bool(columns)
        if not whole:
            problem = "is not there" if not columns else "has no checkpoint"
            logger.warning("The table %s %s: it is derived again from the log.", declaration.table, problem)
        return whole

    def about(self, cursor: Cursor, timezone: str | None = None) -> dict[str, str]:
        """Return what the read models say of themselves; raises OtherTimezone."""
        cursor.execute(SELECT_ABOUT)
        about: dict[str, str] = {"generation": "0", **dict(map(tuple, cursor.fetchall()))}
        if timezone is not None and about.get("timezone", timezone) != timezone:
            raise OtherTimezone(path=self.place, stored=about["timezone"], asked=timezone)
        return about

    def create(self, cursor: Cursor, declaration: Declaration) -> None:
        """Create the table of a projection, unless it is there."""
        text, integer = f"{self.key_type} NOT NULL", self.integer_type
        keys = [f"{key.name} {text}" for key in declaration.keys]
        columns = [f"{column.name} {self._type(column)}" for column in declaration.columns]
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {declaration.table} (grain {text}, bucket {integer} NOT NULL, "
            f"{', '.join([*keys, *columns])}, PRIMARY KEY ({', '.join(declaration.row_key)})){self.table_options}"
        )

    def _type(self, column: Column) -> str:
        if column.merge == "histogram":
            return "TEXT NOT NULL"
        return self.wide_type.format(c=column.name) if column.wide else self.integer_type

    def create_anew(self, cursor: Cursor, declaration: Declaration, seeds: Seeds | None = None) -> None:
        """Create the table of a projection, with nothing but seeds in it, and its checkpoint at the beginning."""
        self.create(cursor, declaration)
        self.checkpoints.begin(cursor, self.checkpoint_name(declaration))
        self.checkpoints.reset(cursor, self.checkpoint_name(declaration))
        seeds = seeds or self.seeds
        horizon = seeds.horizon()  # before the rows: where events are sealed meanwhile, it begins again
        for folded in seeds(declaration):
            self.merge(cursor, declaration, folded)
        self.note_seeds(cursor, declaration, seeds, horizon)

    def note_seeds(self, cursor: Cursor, declaration: Declaration, seeds: Seeds, horizon: Horizon) -> None:
        """Note up to which seal a read model has begun with what is derived of events that are gone."""
        for day in seeds.days():
            cursor.execute(ADD_TO_LEDGER, (declaration.table, *day))
        if horizon.seal:
            self._mark(cursor, declaration, horizon.seal)
            cursor.execute(WRITE_ABOUT, (HORIZON, horizon.write()))
            if not seeds.complete(declaration):
                cursor.execute(WRITE_ABOUT, (f"{PARTIAL}{declaration.table}", str(horizon.until)))

    def _mark(self, cursor: Cursor, declaration: Declaration, seal: int) -> None:
        cursor.execute(WRITE_ABOUT, (f"{SEAL}{declaration.table}", str(seal)))

    def drop(self, cursor: Cursor, log: str, table: str) -> None:
        """Drop a table, if it is there, and forget all that was noted of it."""
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        self._forget(cursor, log, table)

    def _forget(self, cursor: Cursor, log: str, table: str) -> None:
        cursor.execute(FORGET_UNREADABLE, (table,))
        cursor.execute(FORGET_LEDGER, (table,))
        self.shown.forget(cursor, table)
        for prefix in (SEAL, PARTIAL, SWAPPED, VERIFIED, VERIFIED_PART):
            cursor.execute(FORGET_ABOUT, (f"{prefix}{table}",))
        self.checkpoints.forget(cursor, f"{log}:{table}")

    def checkpoint_name(self, declaration: Declaration) -> str:
        """Return the name of a checkpoint; the library's own is that of the application alone."""
        return f"{self.log}:{declaration.table}"

    def beyond(self, head: Callable[[], int]) -> int:
        """Return up to which position read models hold events, where that is beyond the log's head, else 0."""
        ahead = {declaration.name for declaration in self._beyond(self.reading, head)}
        return max((live.position for name, live in self.live().items() if name in ahead), default=0)

    def restart_beyond(self, head: Callable[[], int]) -> None:
        """Begin again where a checkpoint is beyond the log's head: the log was restored from an older copy."""
        if self._beyond(self.reading, head):
            with self.writing() as cursor:
                cursor.execute(FORGET_DISCARDED_BEYOND, (head(),))
                self.shown.begin_again(cursor)
                for declaration in self._beyond(lambda: nullcontext(cursor), head):
                    cursor.execute(f"DELETE FROM {declaration.table}")
                    self._forget(cursor, self.log, declaration.table)
                    self.create_anew(cursor, declaration)

    # ── sealed events ───────────────────────────────────────────────────────────────────────────────────────────

    def about_to_seal(self, seal: int, position: int, also: Collection[str] = ()) -> None:
        """Note that read models which are this far have taken in all that a seal will hold, unlike later ones.

        So have, as far as the seal goes, those of which it holds the rows themselves: these are named. Others have not,
        even if a run has noted it that was stopped before the seal: what came since is in it, too.
        """
        with self.writing() as cursor:
            about = self.about(cursor)
            for live in registry.live(cursor).values():
                if live.log == self.log and (live.position >= position or live.declaration.name in also):
                    self._mark(cursor, live.declaration, seal)
                elif live.log == self.log and int(about.get(f"{SEAL}{live.declaration.table}", 0)) >= seal:
                    self._mark(cursor, live.declaration, seal - 1)

    def everything_live(self) -> list[Live]:
        """Return every live read model of this log, those of projections that nobody here knows too."""
        with self.reading() as cursor:
            return [live for live in registry.live(cursor).values() if live.log == self.log]

    def shrink(self) -> None:  # noqa: B027  # nothing to do is an answer
        """Give back to the disk the space of rows that are gone, where the database does not by itself."""

    def expire(self, declarations: Iterable[Declaration]) -> None:
        """Remove the rows of buckets that are no longer kept."""
        horizon = self.seeds.horizon()
        bounds = [(grain, since) for grain, since in (("hour", horizon.hours), ("day", horizon.days)) if since]
        for declaration in declarations if bounds else ():
            with self.writing() as cursor:
                for grain, since in bounds:
                    cursor.execute(f"DELETE FROM {declaration.table} WHERE grain = ? AND bucket < ?", (grain, since))
                    self.shown.deleted(cursor, declaration, grain, 0, since)

    def _beyond(self, transaction: Transaction, head: Callable[[], int]) -> list[Declaration]:
        with transaction() as cursor:
            read_models = self.live_in(cursor).values()
        last = head()  # after the positions: meanwhile both may move on
        return [live.declaration for live in read_models if live.position > last]

    def commit(self, target: str | Declaration, folded: Folded, *, expected: int, position: int) -> bool:
        """Merge rows and move the checkpoint, or, where another runner has moved it, do nothing and say False.

        The target is a projection's live read model, by its name, or one read model in particular, which may be
        another one than the live one.
        """
        with self.writing() as cursor:
            declaration = self.live_in(cursor)[target].declaration if isinstance(target, str) else target
            checkpoint = self.checkpoint_name(declaration)
            if not self.checkpoints.advance(cursor, checkpoint, expected=expected, position=position):
                return False
            self._take_in(cursor, declaration, folded)
        return True

    def commit_all(self, commits: Mapping[Declaration, Folded], *, expected: int, position: int) -> bool:
        """Do the same for several read models in one transaction, or, where that may not be, nothing and say False."""
        names = [self.checkpoint_name(declaration) for declaration in commits]
        with suppress(_Overtaken), self.writing() as cursor:
            if not self.checkpoints.advance_all(cursor, names, expected=expected, position=position):
                raise _Overtaken
            for declaration, folded in commits.items():
                self._take_in(cursor, declaration, folded)
            return True
        return False

    def _take_in(self, cursor: Cursor, declaration: Declaration, folded: Folded) -> None:
        self.merge(cursor, declaration, folded)
        for day in folded.days:
            cursor.execute(ADD_TO_LEDGER, (declaration.table, *day))

    def discard(self, letters: Iterable[tuple[str, int, str]]) -> None:
        """Mark what could not be read as accepted: projection, position, field. It stays counted."""
        with self.writing(lasting=True) as cursor:
            for letter in letters:
                cursor.execute(WRITE_DISCARDED, letter)

    def note_verified(self, declaration: Declaration, note: str, *, whole: bool) -> None:
        """Note what was found when a read model was verified, all of it or a part, if it still is the live one."""
        with self.writing() as cursor:
            if self.live_in(cursor)[declaration.name].declaration.table == declaration.table:
                cursor.execute(WRITE_ABOUT, (f"{VERIFIED if whole else VERIFIED_PART}{declaration.table}", note))

    def forget_untimed(self, name: str, position: int) -> None:
        """Remove from what a projection could not read an event that had no hour, and is derived by now."""
        with self.writing() as cursor:
            cursor.execute(FORGET_UNTIMED, (self.live_in(cursor)[name].declaration.table, position))

    @contextmanager
    def replacing(self, name: str) -> Iterator[tuple[Cursor, Live]]:
        """Open a transaction in which rows are swapped while no runner can advance the projection."""
        with self.writing() as cursor:
            self.checkpoints.hold(cursor, self.checkpoint_name(self.live_in(cursor)[name].declaration))
            live = self.live_in(cursor)[name]  # another one where a promote came between
            note = f"{SWAPPED}{live.declaration.table}"
            cursor.execute(WRITE_ABOUT, (note, str(int(self.about(cursor).get(note, 0)) + 1)))
            # Something is fetched last: a server takes a transaction with statements under way for one that is at work.
            yield cursor, self.live_in(cursor)[name]

    def delete(self, cursor: Cursor, declaration: Declaration, spans: Iterable[Span]) -> None:
        """Remove the rows of these buckets, and what was unreadable in those that are hours."""
        for span in spans:
            cursor.execute(
                f"DELETE FROM {declaration.table} WHERE grain = ? AND bucket >= ? AND bucket < ?",
                (span.grain, span.start, span.end),
            )
            self.shown.deleted(cursor, declaration, span.grain, span.start, span.end)
            if span.grain == "hour":
                cursor.execute(FORGET_UNREADABLE_IN, (declaration.table, span.start, span.end))

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def read(self, *, long: bool = False) -> Iterator[Snapshot]:
        """Open one state of all read models and checkpoints; a `long` one may idle, as others end soon."""
        with self.keeping(long=long) as (cursor, live):

            def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                cursor.execute(statement, parameters)
                return cursor.fetchall()

            positions = {name: read_model.position for name, read_model in live.items()}
            declarations = {name: read_model.declaration for name, read_model in live.items()}
            retired = {name: read_model.retired for name, read_model in live.items()}
            yield Snapshot(positions, declarations, fetch, self.sums, cursor if self.beside_log else None, retired)

    @contextmanager
    def keeping(self, *, long: bool = False) -> Iterator[tuple[Cursor, dict[str, Live]]]:
        """Open a transaction to read in which what is live stays there, whatever is promoted meanwhile."""
        with self.reading(long=long) as cursor:
            yield cursor, self.live_in(cursor)

    def live(self) -> dict[str, Live]:
        """Return what is live of each projection."""
        with self._there().glance() as cursor:
            return self.live_in(cursor)

    def live_in(self, cursor: Cursor) -> dict[str, Live]:
        """Return what is live of each projection, in a transaction."""
        registered = registry.live(cursor)
        return {
            name: registered.get(name) or Live(declared, 0, self.log, ())
            for name, declared in self.declarations.items()
        }


def names_of(declaration: Declaration) -> set[str]:
    """Return the names of the columns of a read model."""
    return {*declaration.row_key, *(column.name for column in declaration.columns)}
