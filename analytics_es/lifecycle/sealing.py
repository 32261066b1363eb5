"""Sealing: events that are older than they are to be kept are sealed and deleted, old buckets let go.

What sealed events add to every projection is put in their place, in the log. A read model is then the sealed rows and
the events that are left, and nothing of it changes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from attrs import define, evolve, field

from analytics_es.errors import DoesNotVerify, FoldFailed
from analytics_es.events.event import EARLIEST, MICRO
from analytics_es.lifecycle.archiving import archive_period
from analytics_es.lifecycle.copies import announce_export
from analytics_es.lifecycle.retention import SEALED, RetentionPolicy, target
from analytics_es.lifecycle.seal_fold import SealFold
from analytics_es.lifecycle.seal_once import Derived, Refolded, Refolding, Stretch, is_plain, sealing_once
from analytics_es.lifecycle.stuck import Stuck
from analytics_es.log import EventLog, Horizon
from analytics_es.log.horizon import later, of_family
from analytics_es.log.seals import Counted, SealedRows
from analytics_es.process.cycles import relaxed
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.loading import Day
from analytics_es.read_models import ReadModels, beside
from analytics_es.store import Store
from analytics_es.types import ExportResult, FamilyRetention, Progress, RetentionResult, TimePeriod, Verification

FIRST = int(EARLIEST.timestamp())
TOGETHER = 200_000  # events of one seal, about: whole days, held in memory
SLICE = 5_000  # events deleted at once
SOURCE = "analytics_es"

T = TypeVar("T")


@define
class Sealing:
    """One run over one store, while nobody rebuilds: see `AnalyticsService.retain`."""

    store: Store
    policy: RetentionPolicy
    verify: Callable[[Sequence[str], TimePeriod], Verification]
    refolding: Refolding
    progress: Progress | None = None
    now: datetime = field(init=False)
    _log: EventLog = field(init=False)
    _read_models: ReadModels = field(init=False)
    _calendar: Calendar = field(init=False)
    _seals: int = field(init=False, default=0)
    _rows: int = field(init=False, default=0)
    _archived: ExportResult | None = field(init=False, default=None)
    _stuck: Stuck = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._log, self._read_models = self.store.log, self.store.read_models
        self._calendar, self.now = self.store.calendar, self.store.clock()
        self._stuck = Stuck(self.store, {})

    def plan(self) -> RetentionResult:
        """Say what would be done, and do nothing."""
        goal = target(self.policy, self._log.seals.horizon(), self._calendar, self.now)
        size = self._log.seals.size()
        return self._result(goal, self._families(goal), before=size.bytes, dry_run=True)

    def run(self) -> RetentionResult:
        """Seal and delete what is older than it is to be kept, let go of old buckets, give back the space."""
        with self._read_models.rebuilding(), relaxed():
            seals = self._log.seals
            before, horizon = seals.size().bytes, seals.horizon()
            self._finish(horizon)  # what a run before this one has left
            beside.settle(self._read_models)
            goal = target(self.policy, horizon, self._calendar, self.now)
            families = self._families(goal)
            if goal.refused != horizon.refused:
                seals.advance(evolve(seals.horizon(), refused=goal.refused, timezone=goal.timezone))
            if any(family.events for family in families):
                self._seal_all(goal)
            self._expire(goal)
            for _ in _with_pauses(seals.shrink()):
                self._report("giving back space", 0, 0)
            self._read_models.shrink()
            return self._result(seals.horizon(), families, before=before, dry_run=False)

    # ── sealing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _seal_all(self, goal: Horizon) -> None:
        """Seal in stretches of whole days, each before the next, so that memory is bounded and a stop loses little."""
        until, sealed = max(goal.refused.values()), self._log.seals.horizon().sealed
        self.store.runner.bring_up()
        self._stuck.errors.update(self.store.runner.errors)
        position = self._log.head()  # whatever came before the horizon is at or before this
        days = self._days(min(of_family(sealed, family) for family, at in goal.refused.items() if at), until)
        first = max(min(days), FIRST)
        period = TimePeriod(self._calendar.local(first), self._calendar.local(until), "day")
        stretches = list(pairwise([first, *_stretches(days, until, self._calendar)]))
        with self._verified(goal, period, stretches if min(days) == first else [], position) as refolded:
            if archived := archive_period(self.store, period, self.policy.archive):
                self._archived = announce_export(self.store, archived, period)
            for stretch in stretches:
                ends = {family: min(at, stretch[1]) for family, at in goal.refused.items()}
                times = later(ends, sealed, ends)  # a family may be sealed further than others of its days are
                self._seal(times, position, partial(refolded.derived, stretch=stretch) if refolded else None)

    @contextmanager
    def _verified(
        self, goal: Horizon, period: TimePeriod, stretches: Sequence[Stretch], position: int
    ) -> Iterator[Refolded | None]:
        """Verify what is sealed, and keep what was folded for that, where it is what is sealed."""
        with ExitStack() as stack:
            refolded = None
            if stretches and not self._stuck.errors and is_plain(self.store, goal, self._log.seals.horizon()):
                self._report("verifying", 0, 0)
                with suppress(FoldFailed):  # of which the other check says which projections they are
                    once = sealing_once(self.store, self.refolding, period, stretches, position)
                    refolded = stack.enter_context(once)
            if refolded is None:
                self._check(period)
            yield refolded

    def _check(self, period: TimePeriod) -> None:
        """Make sure that what is sealed is what the events say: nobody can tell later.

        What cannot be folded says nothing, unless it is all of them: then it is not the projections.
        """
        self._report("verifying", 0, 0)
        stuck = self._stuck.errors
        while names := [name for name in self.store.selected(None) if name not in stuck]:
            try:
                verified = self.verify(names, period)
            except FoldFailed as error:
                stuck[error.details["projection"]] = error
                continue
            if differing := [checked.projection for checked in verified.projections if not checked.identical]:
                raise DoesNotVerify(projections=", ".join(differing))
            return
        raise next(iter(stuck.values()))

    def _days(self, since: int, until: int) -> dict[int, int]:
        """Count the events of each day that may be sealed: those of before `since` are."""
        counts: Counter[int] = Counter()
        for keys in self._log.keys(since * MICRO, until * MICRO, upto=self._log.head()):
            for day, events, _ in self.store.fold.count_days(keys):
                counts[day] += events
        return counts

    def _seal(self, until: Mapping[str, int], position: int, refolded: Callable[[int], Derived] | None) -> None:
        horizon = self._log.seals.horizon()
        if horizon.sealed == until:
            return
        seal = horizon.seal + 1
        folding = SealFold(self.store, self._stuck, until, position, self._report)
        definitions, rows, days, adopted = refolded(seal) if refolded else folding.derived(horizon)
        events = sum(count for _, count, _ in days)
        if not events:
            return
        moved = evolve(horizon, sealed=dict(until), clean=False, seal=seal, position=position)
        moved = evolve(moved, telling=self._announcement(moved, events, days, rows))
        # Who creates read models from here on has not seen these events: it begins again once they are sealed.
        settled = {one.live.declaration.name for one in adopted if one.settled}
        self._read_models.about_to_seal(seal, position, settled)
        self._log.seals.seal(moved, definitions, rows, days)
        beside.settle(self._read_models)
        self._stuck.settle(adopted, moved.until)
        self._seals, self._rows = self._seals + 1, self._rows + sum(sealed.rows for sealed in rows)
        self._finish(moved)

    def _announcement(self, horizon: Horizon, events: int, days: list[Day], rows: list[SealedRows]) -> dict[str, Any]:
        """Return what the log is told of a seal."""
        by_projection: Counter[str] = Counter()
        for sealed_rows in rows:
            by_projection[sealed_rows.projection] += sealed_rows.rows
        sealed = {
            family or "others": self._calendar.local(at).isoformat() for family, at in horizon.sealed.items() if at
        }
        return {
            "seal": horizon.seal,
            "at": self.now.isoformat(),
            "until": sealed,
            "position": horizon.position,
            "events": events,
            "checksum": sum(checksum for _, _, checksum in days),
            "rows": dict(by_projection),
            "policy": self.policy.to_dict(),
            "archive": self._archived and str(self._archived.path),
        }

    # ── letting go ──────────────────────────────────────────────────────────────────────────────────────────────

    def _finish(self, horizon: Horizon) -> None:
        """Tell the log of the last seal, once, and delete what is sealed, slice by slice."""
        if seal := horizon.telling:
            at = datetime.fromisoformat(seal["at"])
            self.store.recorder.announce(SEALED, seal, id=f"seal {seal['seal']}", source=SOURCE, occurred_at=at)
        if horizon.clean:
            return
        left, done = sum(counted.events for counted in self._log.seals.count(horizon.sealed)), 0
        for deleted in _with_pauses(iter(lambda: self._log.seals.delete(SLICE), 0)):
            done += deleted
            self._report("deleting", done, left)
        self._log.seals.advance(evolve(self._log.seals.horizon(), clean=True, telling={}))

    def _expire(self, goal: Horizon) -> None:
        """Let go of buckets; questions about them are refused before the first of them is gone."""
        horizon = self._log.seals.horizon()
        if (goal.hours, goal.days) != (horizon.hours, horizon.days):
            self._log.seals.advance(evolve(horizon, hours=goal.hours, days=goal.days, timezone=goal.timezone))
        beside.settle(self._read_models)
        self._read_models.expire([live.declaration for live in self._read_models.everything_live()])
        for grain, before in (("hour", goal.hours), ("day", goal.days)):
            self._log.seals.drop(grain, before)

    # ── the result ──────────────────────────────────────────────────────────────────────────────────────────────

    def _families(self, horizon: Horizon) -> list[FamilyRetention]:
        counts = self._log.seals.count(horizon.refused)
        return [self._family(family, at, counts, horizon) for family, at in sorted(horizon.refused.items()) if at]

    def _family(self, family: str, until: int, counts: Sequence[Counted], horizon: Horizon) -> FamilyRetention:
        own = [counted for counted in counts if horizon.family_of(counted.type) == family]
        return FamilyRetention(
            family=family or None,
            until=self._calendar.local(until),
            events=sum(counted.events for counted in own),
            bytes=sum(counted.bytes for counted in own),
        )

    def _result(
        self, horizon: Horizon, families: list[FamilyRetention], *, before: int, dry_run: bool
    ) -> RetentionResult:
        size = self._log.seals.size()
        return RetentionResult(
            dry_run=dry_run,
            families=families,
            events=sum(family.events for family in families),
            seals=self._seals,
            rows=self._rows,
            hours_from=self._calendar.local(horizon.hours) if horizon.hours else None,
            days_from=self._calendar.local(horizon.days) if horizon.days else None,
            bytes_before=before,
            bytes_after=size.bytes,
            bytes_free=size.free,
            archive=self._archived,
            refused=self._log.seals.refused(),
            stuck=self._stuck.result(),
        )

    def _report(self, activity: str, done: int, total: int) -> None:
        if self.progress:
            self.progress(activity, done, total)


def _stretches(days: Mapping[int, int], until: int, calendar: Calendar) -> Iterator[int]:
    """Yield where one seal ends and the next begins: after whole days of enough events together."""
    together = 0
    for day in sorted(days):
        together += days[day]
        end = calendar.next_day(day)
        if together >= TOGETHER and end < until:
            yield end
            together = 0
    yield until


def _with_pauses(steps: Iterator[T]) -> Iterator[T]:
    """Wait after each step as long as it took: who waits for the lock looks for it only now and then."""
    began = time.monotonic()
    for step in steps:
        yield step
        time.sleep(time.monotonic() - began)
        began = time.monotonic()
