"""Retaining: events that are older than they are to be kept are sealed and deleted, old buckets let go.

What sealed events add to every projection is put in their place, in the log. A read model is then the sealed rows and
the events that are left, and nothing of it changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from attrs import define, evolve, field

from analytics_es.errors import DoesNotVerify, FoldFailed
from analytics_es.events.event import EARLIEST, key_of_time
from analytics_es.lifecycle.archiving import archive_period
from analytics_es.lifecycle.copies import announce_export
from analytics_es.lifecycle.retention import RetentionPolicy, target
from analytics_es.log import EventLog, Horizon
from analytics_es.log.horizon import of_family
from analytics_es.log.seals import Definition, SealedRows
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Day
from analytics_es.read_models import ReadModels
from analytics_es.read_models.seeds import pack
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.store import Store
from analytics_es.types import ExportResult, FamilyRetention, Progress, RetentionResult, TimePeriod, Verification

MICRO = 1_000_000
FIRST = int(EARLIEST.timestamp())
TOGETHER = 200_000  # events of one seal, about: whole days, held in memory
SLICE = 5_000  # events deleted at once
SEALED, SOURCE = "analytics.events.sealed", "analytics_es"

T = TypeVar("T")


@define
class Sealing:
    """One run over one store, for who is the only one to rebuild: see `AnalyticsService.retain`."""

    store: Store
    policy: RetentionPolicy
    verify: Callable[[TimePeriod], Verification]
    progress: Progress | None = None
    now: datetime = field(init=False)
    _log: EventLog = field(init=False)
    _read_models: ReadModels = field(init=False)
    _calendar: Calendar = field(init=False)
    _seals: int = field(init=False, default=0)
    _rows: int = field(init=False, default=0)
    _archived: ExportResult | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._log, self._read_models = self.store.log, self.store.read_models
        self._calendar, self.now = self.store.calendar, self.store.clock()

    def plan(self) -> RetentionResult:
        """Say what would be done, and do nothing."""
        horizon = self._log.seals.horizon()
        wanted = target(self.policy, horizon, self._calendar, self.now)
        size = self._log.seals.size()
        return self._result(wanted, self._families(wanted), before=size.bytes, dry_run=True)

    def run(self) -> RetentionResult:
        """Seal and delete what is older than it is to be kept, let go of old buckets, give back the space."""
        seals = self._log.seals
        before, horizon = seals.size().bytes, seals.horizon()
        self._finish(horizon)  # what a run before this one has left
        wanted = target(self.policy, horizon, self._calendar, self.now)
        families = self._families(wanted)
        if wanted.refused != horizon.refused:
            seals.advance(evolve(seals.horizon(), refused=wanted.refused, timezone=wanted.timezone))
        if any(each.events for each in families):
            self._seal_all(wanted)
        self._expire(wanted)
        for _ in _with_pauses(seals.shrink()):
            self._say("giving back space", 0, 0)
        self._read_models.shrink()
        return self._result(seals.horizon(), families, before=before, dry_run=False)

    # ── sealing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _seal_all(self, wanted: Horizon) -> None:
        """Seal in stretches of whole days, each before the next, so that memory is bounded and a stop loses little."""
        until, sealed = max(wanted.refused.values()), self._log.seals.horizon().sealed
        self.store.runner.catch_up()
        position = self._log.head()  # whatever came before the horizon is at or before this
        days = self._days(min(of_family(sealed, family) for family in wanted.refused), until)
        period = TimePeriod(self._calendar.local(max(min(days), FIRST)), self._calendar.local(until), "day")
        self._check(period)
        if archived := archive_period(self.store, period, self.policy.archive):
            self._archived = announce_export(self.store.recorder.announce, archived, period)
        for end in _stretches(days, until, self._calendar):
            self._seal({family: min(at, end) for family, at in wanted.refused.items()}, position)

    def _check(self, period: TimePeriod) -> None:
        """Make sure that what is sealed is what the events say: nobody can tell later."""
        self._say("verifying", 0, 0)
        found = self.verify(period)
        if not found.identical:
            raise DoesNotVerify(projections=", ".join(p.projection for p in found.projections if not p.identical))

    def _days(self, since: int, until: int) -> dict[int, int]:
        """Count the events of each day that may be sealed: those of before `since` are."""
        found: dict[int, int] = {}
        for keys in self._log.keys(since * MICRO, until * MICRO, upto=self._log.head()):
            for day, events, _ in self.store.fold.count_days(keys):
                found[day] = found.get(day, 0) + events
        return found

    def _seal(self, until: Mapping[str, int], position: int) -> None:
        horizon = self._log.seals.horizon()
        if horizon.sealed == until:
            return
        seal = horizon.seal + 1
        definitions, rows, days = self._derived(until, seal, position)
        events = sum(each[1] for each in days)
        if not events:
            return
        moved = evolve(horizon, sealed=dict(until), clean=False, seal=seal, position=position)
        moved = evolve(moved, telling=self._told(moved, events, days, rows))
        # Who creates read models from here on has not seen these events: it begins again once they are sealed.
        self._read_models.about_to_seal(seal, position)
        self._log.seals.seal(moved, definitions, rows, days)
        self._read_models.settle()
        self._seals, self._rows = self._seals + 1, self._rows + sum(each.rows for each in rows)
        self._finish(moved)

    def _told(self, horizon: Horizon, events: int, days: list[Day], rows: list[SealedRows]) -> dict[str, Any]:
        """Return what the log is told of a seal."""
        by_projection: dict[str, int] = {}
        for each in rows:
            by_projection[each.projection] = by_projection.get(each.projection, 0) + each.rows
        sealed = {family or "others": self._calendar.local(at).isoformat() for family, at in horizon.sealed.items()}
        return {
            "seal": horizon.seal,
            "at": self.now.isoformat(),
            "until": sealed,
            "position": horizon.position,
            "events": events,
            "checksum": sum(each[2] for each in days),
            "rows": by_projection,
            "policy": self.policy.to_dict(),
            "archive": self._archived and str(self._archived.path),
        }

    def _derived(
        self, until: Mapping[str, int], seal: int, position: int
    ) -> tuple[list[Definition], list[SealedRows], list[Day]]:
        """Fold what is to be sealed, for every definition that is live or declared."""
        definitions: list[Definition] = []
        rows: list[SealedRows] = []
        days: list[Day] = []
        for group in self._groups():
            read_models = SQLiteReadModels(None, group, log=self._log.identity, timezone=str(self._calendar.zone))
            try:
                self._fold_into(read_models, group, until, position)
                with read_models.read() as snapshot:
                    for each in group:
                        definitions.append(Definition(seal, each.name, each.fingerprint, each.definition))
                        unreadable = snapshot.unreadable_page(each, [], after=[], limit=2**31)
                        rows += pack(each, seal, snapshot.rows(each), unreadable, self._calendar)
                    days = [(day, events, checksum) for day, events, checksum in snapshot.ledger(group[0].name)]
            finally:
                read_models.close()
        return definitions, rows, days

    def _groups(self) -> Iterator[list[Declaration]]:
        """Return what is live, and what is declared and not live yet: each by its own name only once."""
        live = [evolve(each, generation=0) for each in self._read_models.everything_live()]
        yield live
        known = {each.definition for each in live}
        if coming := [each for each in self._read_models.declarations.values() if each.definition not in known]:
            yield coming

    def _fold_into(
        self, read_models: ReadModels, group: list[Declaration], until: Mapping[str, int], position: int
    ) -> None:
        fold, reached = self.store.fold.of(group), 0
        for batch in self._log.scan_period(0, max(until.values()) * MICRO, upto=position):
            chosen = _older(batch, until)
            last = batch.column("position")[-1].as_py()
            for name, folded in fold(chosen).items():
                if isinstance(folded, FoldFailed):
                    raise folded
                read_models.commit(name, folded, expected=reached, position=last)
            reached = last
            self._say("sealing", last, position)

    # ── letting go ──────────────────────────────────────────────────────────────────────────────────────────────

    def _finish(self, horizon: Horizon) -> None:
        """Tell the log of the last seal, once, and delete what is sealed, slice by slice."""
        if told := horizon.telling:
            at = datetime.fromisoformat(told["at"])
            self.store.recorder.announce(SEALED, told, id=f"seal {told['seal']}", source=SOURCE, occurred_at=at)
        if horizon.clean:
            return
        left = sum(each.events for each in self._log.seals.count(horizon.sealed))
        done = 0
        for deleted in _with_pauses(iter(lambda: self._log.seals.delete(SLICE), 0)):
            done += deleted
            self._say("deleting", done, left)
        self._log.seals.advance(evolve(self._log.seals.horizon(), clean=True, telling={}))

    def _expire(self, wanted: Horizon) -> None:
        """Let go of buckets; questions about them are refused before the first of them is gone."""
        horizon = self._log.seals.horizon()
        if (wanted.hours, wanted.days) != (horizon.hours, horizon.days):
            self._log.seals.advance(evolve(horizon, hours=wanted.hours, days=wanted.days, timezone=wanted.timezone))
        self._read_models.settle()
        self._read_models.expire(self._read_models.everything_live())
        for grain, before in (("hour", wanted.hours), ("day", wanted.days)):
            self._log.seals.drop(grain, before)

    # ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _families(self, horizon: Horizon) -> list[FamilyRetention]:
        counted = self._log.seals.count(horizon.refused)
        found = []
        for family, at in sorted(horizon.refused.items()):
            own = [each for each in counted if horizon.family_of(each.type) == family]
            found.append(
                FamilyRetention(
                    family=family or None,
                    until=self._calendar.local(at),
                    events=sum(each.events for each in own),
                    bytes=sum(each.bytes for each in own),
                )
            )
        return found

    def _result(
        self, horizon: Horizon, families: list[FamilyRetention], *, before: int, dry_run: bool
    ) -> RetentionResult:
        size = self._log.seals.size()
        return RetentionResult(
            dry_run=dry_run,
            families=families,
            events=sum(each.events for each in families),
            seals=self._seals,
            rows=self._rows,
            hours_from=self._calendar.local(horizon.hours) if horizon.hours else None,
            days_from=self._calendar.local(horizon.days) if horizon.days else None,
            bytes_before=before,
            bytes_after=size.bytes,
            bytes_free=size.free,
            archive=self._archived,
            refused=self._log.seals.refused(),
        )

    def _say(self, what: str, done: int, total: int) -> None:
        if self.progress:
            self.progress(what, done, total)


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


def _older(batch: pa.Table, until: Mapping[str, int]) -> pa.Table:
    """Return the events that occurred before their family's time."""
    horizon = Horizon(refused=until)
    bounds = {kind: key_of_time(horizon.time_of(kind) * MICRO) for kind in batch.column("type").unique().to_pylist()}
    limits = pa.array([bounds[kind] for kind in batch.column("type").to_pylist()], pa.string())
    return batch.filter(pc.less(batch.column("key"), limits))
