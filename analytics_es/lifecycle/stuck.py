"""Projections that cannot be folded while events are sealed: what they have taken in is sealed from their own rows."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from attrs import define, evolve, field, frozen

from analytics_es.errors import AnalyticsError
from analytics_es.log import Horizon
from analytics_es.log.horizon import of_family
from analytics_es.log.seals import Definition, SealedRows
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, consumed
from analytics_es.projection.loading import Day
from analytics_es.read_models import Live, Span, beside
from analytics_es.read_models.sealed_rows import pack
from analytics_es.store import Store
from analytics_es.types import StuckProjection

logger = logging.getLogger("analytics_es")

CARRIED = 0  # a version that nothing has: rows of it are carried into the definition, but are not all there should be


@frozen
class Adopted:
    """What is sealed for one projection without folding, and the days of the events that it had not taken in."""

    live: Live
    definition: Definition
    rows: list[SealedRows]
    missed: list[Day]
    lost: int
    settled: bool  # its rows are those sealed and the events that are left: it goes on as it is


@define
class Stuck:
    """The projections that cannot go on, why, and how many events were sealed that they had not taken in."""

    store: Store
    errors: dict[str, AnalyticsError]
    _lost: Counter[str] = field(factory=Counter)

    def may_fail(self, name: str) -> bool:
        """Say whether a projection was found to fail before, or cannot have been: nobody here knows it."""
        return name in self.errors or name not in self.store.read_models.declarations

    def adopt(self, live: Live, horizon: Horizon, until: Mapping[str, int], older: Iterable[pa.Table]) -> Adopted:
        """Take the rows of days that are sealed as a whole from the read model; its position says what it lacks."""
        declared, seal = evolve(live.declaration, generation=0), horizon.seal + 1
        families = [family for family in until if _consumes(declared, family, until)]
        starts, ends = (
            [of_family(horizon.sealed, family) for family in families],
            [until[family] for family in families],
        )
        start, end = max(starts, default=0), min(ends, default=0)
        missed, lost = self._missed(live, older)
        settled = len({*starts}) <= 1 and len({*ends}) <= 1
        sealed_as = declared if settled and not lost else evolve(declared, version=CARRIED)
        spans = [Span("hour", start, end), Span("day", start, end)] if start < end else []
        with self.store.read_models.read() as snapshot:
            rows = snapshot.page(live.declaration, spans, after=[], limit=2**31) if spans else []
            values = snapshot.unreadable_page(live.declaration, spans, after=[], limit=2**31) if spans else []
        packed = list(pack(sealed_as, seal, rows, values, self.store.calendar))
        definition = Definition(seal, declared.name, sealed_as.fingerprint, sealed_as.definition)
        return Adopted(live, definition, packed, missed, lost, settled)

    def _missed(self, live: Live, older: Iterable[pa.Table]) -> tuple[list[Day], int]:
        beyond = [batch.filter(pc.greater(batch.column("position"), live.position)) for batch in older]
        lost = sum(consumed(batch, live.declaration).num_rows for batch in beyond)
        return count_days(self.store.fold, beyond), lost

    def settle(self, adopted: Iterable[Adopted], until: int) -> None:
        """Let them go on as they are, and note what they lack, once their rows are sealed."""
        for one in adopted:
            self._lost[one.live.declaration.name] += one.lost
            if one.settled:
                lacks = until if one.lost else 0
                beside.note_missed(self.store.read_models, one.live.declaration, one.missed, lacks)

    def result(self) -> list[StuckProjection]:
        """Say which they are, and log it."""
        stuck = [
            StuckProjection(projection=name, problem=str(error), lost=self._lost[name])
            for name, error in sorted(self.errors.items())
        ]
        for projection in stuck:
            logger.error(
                "Retention went on without %s, which lacks %s sealed events: %s",
                projection.projection,
                projection.lost,
                projection.problem,
            )
        return stuck


def count_days(fold: Fold, batches: Iterable[pa.Table]) -> list[Day]:
    """Count events by the days that their keys name, and add up their checksums."""
    events: Counter[int] = Counter()
    checksums: Counter[int] = Counter()
    for batch in batches:
        for day, number, checksum in fold.count_days(batch.column("key").to_pylist()):
            events[day] += number
            checksums[day] += checksum
    return [(day, events[day], checksums[day]) for day in sorted(events)]


def _consumes(declared: Declaration, family: str, until: Mapping[str, int]) -> bool:
    """Say whether a projection takes events of a family, or of the others."""
    horizon = Horizon(refused=until)
    firsts = {pattern.partition(".")[0] for pattern in declared.consumes}
    return any(first in (">", "*") or horizon.family_of(f"{first}.x") == family for first in firsts)
