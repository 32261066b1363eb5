"""Events folded again beside live read models, and compared with them, up to the same position, while they serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
from attrs import define

from analytics_es.audit import ledger
from analytics_es.audit.comparison import PAGE, Differences, Page, compare, divergences, unreadable
from analytics_es.audit.ledger import Days
from analytics_es.events.event import MICRO
from analytics_es.log import damaged_at
from analytics_es.log.event_log import LAST as NOWHERE
from analytics_es.process import owned
from analytics_es.process.cycles import relaxed
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import WHOLE, Folded
from analytics_es.projection.loading import Micros
from analytics_es.read_models import ReadModels, Seeds, Snapshot, Span, Tiling
from analytics_es.read_models.halving import Intake, Take, into, letter
from analytics_es.read_models.replay import Replay, replaying
from analytics_es.read_models.snapshot import UNREADABLE_KEY
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.store import Store
from analytics_es.types import LedgerCheck, Progress, ProjectionVerification, TimePeriod

LOOKED_AT = 1_000  # events that could not be read
NEAR = 10_000  # events that are folded while a snapshot is open, so that it need not be for long


@contextmanager
def refolding(
    store: Store,
    names: Sequence[str],
    period: TimePeriod,
    stretches: Sequence[tuple[int, int]],
    watch: Callable[[int, pa.Table], None],
    progress: Progress | None = None,
) -> Iterator[tuple[list[ProjectionVerification], Snapshot]]:
    """Verify a period of whole days as `verify` does, and keep what was folded again for a while.

    It is folded stretch by stretch of these (start, end), in seconds, which are the period; `watch` is handed the start
    of the stretch and each batch of its events, every event once. For who lets nobody rebuild meanwhile.
    """
    with attempting(store, names, 1, progress) as attempt:
        attempt.confine(Tiling.of(store.calendar, period), stretches, watch)
        compared = attempt.compared(limit=20)
        verified = [attempt.verification(projection) for projection in compared or []]
        with attempt.refolded.read() as snapshot:
            yield verified, snapshot


@contextmanager
def attempting(store: Store, names: Sequence[str], workers: int, progress: Progress | None) -> Iterator[Attempt]:
    """Open an attempt to fold again what is live now."""
    declarations = {name: live.declaration for name, live in store.read_models.live().items() if name in names}
    defined = list(declarations.values())
    refold = replaying(store.replay_source, defined, store.calendar, workers=workers)
    with relaxed(), _empty_read_models(store, defined) as refolded, refold as replay:
        yield Attempt(store, declarations, refolded, replay, progress)


@contextmanager
def _empty_read_models(store: Store, declarations: Sequence[Declaration]) -> Iterator[ReadModels]:
    """Open empty read models in a private file that goes afterwards."""
    folder = owned.directory()
    try:
        read_models = SQLiteReadModels(
            folder / "expected.db",
            declarations,
            log=store.log.identity,
            timezone=str(store.calendar.zone),
            seeds=Seeds(store.log),
        )
        with closing(read_models):
            yield read_models
    finally:
        owned.remove(folder)


@define
class _Compared:
    """One projection as it was found, before anybody has looked for the events involved."""

    declaration: Declaration
    position: int
    rows: Differences
    unreadable: Differences
    taken: Days
    held: Days | None


class Attempt:
    """One refold, and its comparison with a state of the live read models."""

    def __init__(
        self,
        store: Store,
        declarations: Mapping[str, Declaration],
        refolded: ReadModels,
        replay: Replay,
        progress: Progress | None,
    ) -> None:
        self._store, self._declarations, self.refolded = store, declarations, refolded
        self._replay, self._progress = replay, progress
        self._fold = store.fold.of(declarations.values())
        self._intake = Intake(lambda: self._fold)
        self._stretches: list[tuple[int, int]] = []  # of whole days; none is the whole log
        self._spans: list[Span] = []
        self._watch: Callable[[int, pa.Table], None] = lambda start, events: None
        self._done = dict.fromkeys(declarations, 0)
        self._held: dict[int, Days] = {}
        self.damaged: list[int] = []  # where events are that were found damaged
        self._left_out: dict[str, list[int]] = {}  # the events that the live read models have left out as a whole
        self.events = 0

    def confine(
        self,
        tiling: Tiling,
        stretches: Sequence[tuple[int, int]],
        watch: Callable[[int, pa.Table], None] | None = None,
    ) -> None:
        """Look at no more than this, and others that were added, folded in these stretches."""
        self._stretches += stretches
        self._spans += [*tiling.hours(), Span("day", *tiling.whole_days())]
        self._watch = watch or self._watch

    # ── folding again ───────────────────────────────────────────────────────────────────────────────────────────

    def _upto(self, positions: Mapping[str, int]) -> None:
        """Fold each projection up to its position, every event once for all that are not yet there."""
        for after, upto in pairwise(sorted({*self._done.values(), *positions.values()})):
            names = [name for name in positions if self._done[name] <= after and upto <= positions[name]]
            if names and self._stretches:
                self._fold_stretches(names, after, upto)
            elif names:
                self._fold_all(names, after, upto)

    def _fold_all(self, names: Sequence[str], after: int, upto: int) -> None:
        for part, result in self._replay(after, upto):
            for name in names:
                declared = self._declarations[name]
                take = into(self.refolded, declared, expected=self._done[name], position=part.upto)
                events = partial(self._replay.here.read, part)
                if any(part.after < position <= part.upto for position in self._left_out[name]):
                    self._without_left_out(declared, events(), take)
                else:
                    self._intake(declared, result[name], events, take)
                self._done[name] = part.upto
            self.events += part.upto - part.after
            if self._progress:
                self._progress("verifying", part.upto, upto)

    def _fold_stretches(self, names: Sequence[str], after: int, upto: int) -> None:
        for number, (start, end) in enumerate(self._stretches, 1):
            within = (start * MICRO, end * MICRO)
            for batch in self._store.log.scan_period(*within, after=after, upto=upto, checked=True):
                self._watch(start, batch)
                result = self._fold(batch, names, within=within)
                for name in names:
                    take = into(self.refolded, self._declarations[name], expected=0, position=0)
                    if self._left_out[name]:
                        self._without_left_out(self._declarations[name], batch, take, within)
                    else:
                        self._intake(self._declarations[name], result[name], batch, take, within=within)
                self.events += batch.num_rows
            if self._progress:
                self._progress("verifying", number, len(self._stretches))
        self._done.update(dict.fromkeys(names, upto))

    def _without_left_out(
        self, declared: Declaration, events: pa.Table, take: Take, within: Micros | None = None
    ) -> None:
        """Fold without the events that the live read model has left out as a whole, and list them as it does."""
        positions = pa.array(self._left_out[declared.name], pa.int64())
        chosen = pc.is_in(events.column("position"), positions)
        left, events = events.filter(chosen), events.filter(pc.invert(chosen))
        letters = [letter(stored, self._store.calendar) for stored in left.to_pylist()]
        days = [] if within else self._fold.count_days(left.column("key").to_pylist())
        take(Folded(rows=[], unreadable=letters, days=days), -1)
        result = self._fold(events, [declared.name], within=within)
        self._intake(declared, result[declared.name], events, take, within=within)

    @property
    def upto(self) -> int:
        """The position up to which events were folded again, of some read model."""
        return max(self._done.values(), default=0)

    # ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────

    def compared(self, limit: int) -> list[_Compared] | None:
        """Compare at the position the live read models have reached; None where a rebuild has replaced one."""
        while True:
            with self._store.read_models.read() as snapshot:
                positions = self._positions(snapshot)
            if positions is None:
                return None
            self._upto(positions)
            with self._store.read_models.read(long=True) as snapshot:
                positions = self._positions(snapshot)
                if positions is None:
                    return None
                if all(positions[name] - done <= NEAR for name, done in self._done.items()):
                    self._upto(positions)
                    with self.refolded.read() as expected:
                        self.damaged = self._damaged(expected)
                        return [self._compare(snapshot, expected, name, limit) for name in self._declarations]

    def _damaged(self, expected: Snapshot) -> list[int]:
        """Return where damaged events are: of what was read as no event, the first ones are looked at once more."""
        letters = (letter for name in self._declarations for letter in expected.letters(name, discarded=True))
        unread = {position for position, field, hour in letters if field == WHOLE and not hour}
        return damaged_at(self._store.log, sorted(unread)[:LOOKED_AT])

    def _positions(self, snapshot: Snapshot) -> dict[str, int] | None:
        """Return how far to fold, which a checkpoint beyond the log's head does not say."""
        self._left_out = {name: snapshot.set_aside(declared) for name, declared in self._declarations.items()}
        head, _ = self._store.log.ahead(NOWHERE, snapshot.of_log)
        positions = {name: min(snapshot.positions[name], head) for name in self._declarations}
        same = all(snapshot.live[name] == declared for name, declared in self._declarations.items())
        return positions if same and all(positions[name] >= done for name, done in self._done.items()) else None

    def _compare(self, snapshot: Snapshot, expected: Snapshot, name: str, limit: int) -> _Compared:
        declaration, spans = self._declarations[name], self._spans

        def rows(side: Snapshot) -> Page:
            return lambda after: side.page(declaration, spans, after=after, limit=PAGE)

        def values(side: Snapshot) -> Page:
            return lambda after: side.unreadable_page(declaration, spans, after=after, limit=PAGE)

        return _Compared(
            declaration,
            snapshot.positions[name],
            compare(rows(snapshot), rows(expected), len(declaration.row_key), limit),
            compare(values(snapshot), values(expected), len(UNREADABLE_KEY), limit),
            ledger.days(snapshot.ledger(name)),
            None if self._stretches else ledger.days(expected.ledger(name)),
        )

    def verification(self, compared: _Compared) -> ProjectionVerification:
        """Say what differs, with the events involved."""
        declaration, position, name = compared.declaration, compared.position, compared.declaration.name
        check = self._ledger(compared)
        differ = compared.rows.differ + compared.unreadable.differ
        return ProjectionVerification(
            projection=name,
            version=declaration.version,
            position=position,
            identical=not differ and check.identical,
            rows=compared.rows.rows,
            divergences=divergences(self._store.log, self._fold, declaration, compared.rows.listed, upto=position),
            unreadable=unreadable(name, compared.unreadable.listed),
            omitted=differ - len(compared.rows.listed) - len(compared.unreadable.listed),
            ledger=check,
        )

    def _ledger(self, compared: _Compared) -> LedgerCheck:
        """Compare the days that were taken in: with those folded again, or, of some days, with the log's keys."""
        taken, held = compared.taken, compared.held
        if held is None:
            held = self._in_log(compared.position)
            stretches = self._stretches
            taken = {day: sums for day, sums in taken.items() if any(start <= day < end for start, end in stretches)}
        name, position, calendar = compared.declaration.name, compared.position, self._store.calendar
        head, whole = self._store.log.head(), not self._stretches
        return ledger.compared(name, position, taken, held, calendar, head=head, whole=whole)

    def _in_log(self, position: int) -> Days:
        if position not in self._held:
            self._held[position] = ledger.in_log(self._store, self._stretches, upto=position)
        return self._held[position]
