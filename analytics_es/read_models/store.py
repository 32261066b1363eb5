"""The read models as everything else sees them: rows and checkpoint of a projection move together or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, Protocol

from attrs import evolve, frozen

from analytics_es.errors import AnalyticsError, OtherTimezone, RebuildLost, SealedTimezone
from analytics_es.log import Horizon
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Folded
from analytics_es.read_models import registry
from analytics_es.read_models.registry import Live
from analytics_es.read_models.seeds import NOTHING, Seeds
from analytics_es.read_models.snapshot import HORIZON, PARTIAL, SELECT_ABOUT, Snapshot, Span, Sums

# What the read models are of, in which zone, and up to which seal one of them has begun with what is sealed.
WRITE_ABOUT = "INSERT INTO about VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"

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
SEAL, NO_HORIZON = "seal:", Horizon().write()
FORGET_ABOUT = "DELETE FROM about WHERE name = ?"
FORGET_LEDGER = "DELETE FROM ledger WHERE read_model = ?"


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

    def forget(self, cursor: Any, name: str) -> None:
        """Remove a checkpoint: who still believes in it can no longer move it."""


class ReadModels(ABC):
    """All read models of one log; they may be deleted at any time."""

    place: object  # where they are kept, for people
    sums: Sums
    declarations: dict[str, Declaration]
    log: str
    checkpoints: Checkpoints
    seeds: Seeds  # what read models begin with

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

    @abstractmethod
    def scrub(self) -> list[str]:
        """Overwrite what was deleted; says in words what of it remains somewhere."""

    @abstractmethod
    def rebuilding(self) -> AbstractContextManager[None]:
        """Be the only one to rebuild; the database lets go of it when the process ends. Raises RebuildRunning."""

    # ── what follows ────────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self, cursor: Cursor, timezone: str) -> None:
        """Make room for every projection. Rows of another log go; those of another definition serve until rebuilt."""
        about = self.about(cursor, timezone)
        sealed_in = self.seeds.horizon().timezone
        if sealed_in not in ("", timezone):
            raise SealedTimezone(path=self.place, stored=sealed_in, asked=timezone)
        if about.get("discarded", self.log) != self.log:
            cursor.execute(FORGET_DISCARDED_BEYOND, (0,))
        for each in {"timezone": timezone, "discarded": self.log}.items():
            cursor.execute(WRITE_ABOUT, each)
        found = registry.live(cursor)
        for declared in self.declarations.values():
            live = found.get(declared.name)
            if live and live.log == self.log and (live.declaration.definition == declared.definition or live.position):
                self.create(cursor, live.declaration)
                self.checkpoints.begin(cursor, self.checkpoint_name(live.declaration))
                continue
            retired: list[str] = []
            if live:
                self._drop(cursor, live.log, live.declaration)
                if live.log == self.log:  # another process may hold this definition, and would rebuild it
                    before = [*live.retired, live.declaration.fingerprint]
                    retired = [each for each in dict.fromkeys(before) if each != declared.fingerprint]
            self._drop(cursor, self.log, declared)
            self._create_anew(cursor, declared)
            registry.register(cursor, declared, self.log, retired)

    def about(self, cursor: Cursor, timezone: str | None = None) -> dict[str, str]:
        """Return what the read models say of themselves; raises OtherTimezone."""
        cursor.execute(SELECT_ABOUT)
        about: dict[str, str] = {"generation": "0", **dict(map(tuple, cursor.fetchall()))}
        if timezone is None:
            return about
        if about.get("timezone", timezone) != timezone:
            raise OtherTimezone(path=self.place, stored=about["timezone"], asked=timezone)
        return about

    def _create_anew(self, cursor: Cursor, declaration: Declaration, seeds: Seeds | None = None) -> None:
        self.create(cursor, declaration)
        self.checkpoints.begin(cursor, self.checkpoint_name(declaration))
        self.checkpoints.reset(cursor, self.checkpoint_name(declaration))
        self._sow(cursor, declaration, seeds or self.seeds)

    def _sow(self, cursor: Cursor, declaration: Declaration, seeds: Seeds) -> None:
        """Put in what is derived of events that are gone, and note up to which seal."""
        for folded in seeds(declaration):
            self.merge(cursor, declaration, folded)
        self._note_seeds(cursor, declaration, seeds)

    def _note_seeds(self, cursor: Cursor, declaration: Declaration, seeds: Seeds) -> None:
        for day in seeds.days():
            cursor.execute(ADD_TO_LEDGER, (declaration.table, *day))
        horizon = seeds.horizon()
        if horizon.seal:
            self._mark(cursor, declaration, horizon.seal)
            cursor.execute(WRITE_ABOUT, (HORIZON, horizon.write()))
            if not seeds.complete(declaration):
                cursor.execute(WRITE_ABOUT, (f"{PARTIAL}{declaration.table}", str(horizon.until)))

    def _mark(self, cursor: Cursor, declaration: Declaration, seal: int) -> None:
        cursor.execute(WRITE_ABOUT, (f"{SEAL}{declaration.table}", str(seal)))

    def _drop(self, cursor: Cursor, log: str, declaration: Declaration) -> None:
        cursor.execute(f"DROP TABLE IF EXISTS {declaration.table}")
        self._forget(cursor, log, declaration.table)

    def _forget(self, cursor: Cursor, log: str, table: str) -> None:
        cursor.execute(FORGET_UNREADABLE, (table,))
        cursor.execute(FORGET_LEDGER, (table,))
        for prefix in (SEAL, PARTIAL):
            cursor.execute(FORGET_ABOUT, (f"{prefix}{table}",))
        self.checkpoints.forget(cursor, f"{log}:{table}")

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
                    self._forget(cursor, self.log, declaration.table)
                    self._create_anew(cursor, declaration)

    # ── sealed events ───────────────────────────────────────────────────────────────────────────────────────────

    def settle(self) -> list[str]:
        """Begin again, with what is sealed, where a read model was created while events were being sealed.

        It may have taken in some of them and not the others; raises DamagedSeal.
        """
        horizon = self.seeds.horizon()
        seal, told = horizon.seal, horizon.write()
        with self.reading() as cursor:
            if not self._unsettled(cursor, seal) and self.about(cursor).get(HORIZON, NO_HORIZON) == told:
                return []
        with self.writing() as cursor:
            cursor.execute(WRITE_ABOUT, (HORIZON, told))
            unsettled = self._unsettled(cursor, seal)
            for live in unsettled:
                anew = evolve(live.declaration, generation=self._next_generation(cursor))
                self._drop(cursor, self.log, anew)
                self._create_anew(cursor, anew)
                registry.promote(cursor, anew, live)
                self.checkpoints.forget(cursor, self.checkpoint_name(live.declaration))
        self.tidy()
        return [live.declaration.name for live in unsettled]

    def _unsettled(self, cursor: Cursor, seal: int) -> list[Live]:
        about, found = self.about(cursor), registry.live(cursor).values()
        ours = [each for each in found if each.log == self.log]
        return [each for each in ours if int(about.get(f"{SEAL}{each.declaration.table}", 0)) < seal]

    def about_to_seal(self, seal: int, position: int) -> None:
        """Note that read models which are this far have taken in all that a seal will hold; who is created later has
        not."""
        with self.writing() as cursor:
            for live in registry.live(cursor).values():
                if live.log == self.log and live.position >= position:
                    self._mark(cursor, live.declaration, seal)

    def everything_live(self) -> list[Declaration]:
        """Return every live read model of this log, those of projections that nobody here knows too."""
        with self.reading() as cursor:
            return [each.declaration for each in registry.live(cursor).values() if each.log == self.log]

    def shrink(self) -> None:  # noqa: B027  # nothing to do is an answer
        """Give back to the disk the space of rows that are gone, where the database does not by itself."""

    def expire(self, declarations: Iterable[Declaration]) -> None:
        """Remove the rows of buckets that are no longer kept."""
        horizon = self.seeds.horizon()
        kept = [(grain, since) for grain, since in (("hour", horizon.hours), ("day", horizon.days)) if since]
        for declaration in declarations if kept else ():
            with self.writing() as cursor:
                for grain, since in kept:
                    cursor.execute(f"DELETE FROM {declaration.table} WHERE grain = ? AND bucket < ?", (grain, since))

    def _beyond(self, opening: Opening, head: Callable[[], int]) -> list[Declaration]:
        with opening() as cursor:
            found = self._live(cursor)
        last = head()  # after the positions: meanwhile both may move on
        return [live.declaration for live in found.values() if live.position > last]

    def commit(self, target: str | Declaration, folded: Folded, *, expected: int, position: int) -> bool:
        """Merge rows and move the checkpoint, or, where another runner has moved it, do nothing and say False.

        The target is a projection's live read model, by its name, or one read model in particular, which may be
        another one than the live one.
        """
        with self.writing() as cursor:
            declaration = self._live(cursor)[target].declaration if isinstance(target, str) else target
            checkpoint = self.checkpoint_name(declaration)
            if not self.checkpoints.advance(cursor, checkpoint, expected=expected, position=position):
                return False
            self.merge(cursor, declaration, folded)
            for day in folded.days:
                cursor.execute(ADD_TO_LEDGER, (declaration.table, *day))
        return True

    def discard(self, letters: Iterable[tuple[str, int, str]]) -> None:
        """Mark what could not be read as accepted: projection, position, field. It stays counted."""
        with self.writing() as cursor:
            for letter in letters:
                cursor.execute(WRITE_DISCARDED, letter)

    def forget_untimed(self, name: str, position: int) -> None:
        """Remove from what a projection could not read an event that had no hour, and is derived by now."""
        with self.writing() as cursor:
            cursor.execute(FORGET_UNTIMED, (self._live(cursor)[name].declaration.table, position))

    @contextmanager
    def replacing(self, name: str) -> Iterator[Replacement]:
        """Open a transaction in which rows are swapped while no runner can advance the projection."""
        with self.writing() as cursor:
            found = self._live(cursor)[name].declaration
            position = self.checkpoints.hold(cursor, self.checkpoint_name(found))
            declaration = self._live(cursor)[name].declaration  # another one where a promote came between
            yield Replacement(declaration, position, self, cursor)

    # ── read models beside the live ones ────────────────────────────────────────────────────────────────────────

    def begin_beside(self, names: Iterable[str], seeds: Seeds | None = None) -> list[Declaration]:
        """Create a read model with nothing but seeds beside the live one of each projection, of today's definition."""
        with self.writing() as cursor:
            generation = self._next_generation(cursor)
            beside = [evolve(self.declarations[name], generation=generation) for name in names]
            for declaration in beside:
                self._drop(cursor, self.log, declaration)
                self._create_anew(cursor, declaration, NOTHING)
                registry.set_aside(cursor, declaration.table, self.log)
        for declaration in beside:
            self._sow_beside(declaration, seeds or self.seeds)
        return beside

    def _sow_beside(self, declaration: Declaration, seeds: Seeds) -> None:
        """Sow in many transactions: nobody asks for what is beside, and others want to write."""
        for folded in seeds(declaration):
            with self.writing() as cursor:
                self.merge(cursor, declaration, folded)
        with self.writing() as cursor:
            self._note_seeds(cursor, declaration, seeds)

    def _next_generation(self, cursor: Cursor) -> int:
        """Take a number that no read model had before: who believes in that one must not find another."""
        known = [each.declaration.generation for each in self._live(cursor).values()]
        generation = max([int(self.about(cursor)["generation"]), *known]) + 1
        cursor.execute(WRITE_ABOUT, ("generation", str(generation)))
        return generation

    def promote(self, beside: Sequence[Declaration]) -> bool:
        """Swap read models in, all in one transaction; False, with nothing changed, where a live one is further.

        Raises RebuildLost where somebody has cleared them away.
        """
        with self.writing() as cursor:
            found = self._live(cursor)
            positions = self.checkpoints.positions(cursor, [self.checkpoint_name(each) for each in beside])
            kept = registry.aside(cursor)
            for each in beside:
                if each.table not in kept:
                    raise RebuildLost(projection=each.name)
                live = self.checkpoints.hold(cursor, self.checkpoint_name(found[each.name].declaration))
                if live > positions[self.checkpoint_name(each)]:
                    return False
            for each in beside:
                before = found[each.name]
                registry.promote(cursor, each, before)
                self.checkpoints.forget(cursor, self.checkpoint_name(before.declaration))
        return True

    def clear_away(self) -> list[str]:
        """Remove the read models that are no longer or not yet live; only for who is `rebuilding`."""
        with self.reading() as cursor:
            tables = registry.aside(cursor)
        for table, log in tables.items():
            with self.writing() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
                self._forget(cursor, log, table)
                registry.forget(cursor, table)
        return list(tables)

    def tidy(self) -> None:
        """Remove what a rebuild that did not end has left, unless one is under way."""
        with self.reading() as cursor:
            left = registry.aside(cursor)
        if left:
            with suppress(AnalyticsError), self.rebuilding():  # whatever is wrong, it can wait
                self.clear_away()

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """Open one state of all read models and checkpoints."""
        with self.keeping() as (cursor, live):

            def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                cursor.execute(statement, parameters)
                return cursor.fetchall()

            positions = {name: each.position for name, each in live.items()}
            yield Snapshot(positions, {name: each.declaration for name, each in live.items()}, fetch, self.sums)

    @contextmanager
    def keeping(self) -> Iterator[tuple[Cursor, dict[str, Live]]]:
        """Open a transaction to read in which what is live stays there, whatever is promoted meanwhile."""
        with self.reading() as cursor:
            yield cursor, self._live(cursor)

    def live(self) -> dict[str, Live]:
        """Return what is live of each projection."""
        with self.reading() as cursor:
            return self._live(cursor)

    def _live(self, cursor: Cursor) -> dict[str, Live]:
        found = registry.live(cursor)
        nothing = {name: Live(each, 0, self.log, ()) for name, each in self.declarations.items()}
        return {name: found.get(name, empty) for name, empty in nothing.items()}


@frozen
class Replacement:
    """A projection whose rows are being swapped; `position` is its checkpoint, which cannot move meanwhile."""

    declaration: Declaration
    position: int
    _read_models: ReadModels
    _cursor: Cursor

    def delete(self, spans: Iterable[Span], hours: tuple[int, int]) -> None:
        """Remove the rows of these buckets, and what was unreadable in these hours."""
        for span in spans:
            self._cursor.execute(
                f"DELETE FROM {self.declaration.table} WHERE grain = ? AND bucket >= ? AND bucket < ?",
                (span.grain, span.start, span.end),
            )
        self._cursor.execute(FORGET_UNREADABLE_IN, (self.declaration.table, *hours))

    def merge(self, folded: Folded) -> None:
        """Merge rows."""
        self._read_models.merge(self._cursor, self.declaration, folded)
