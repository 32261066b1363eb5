"""What a question is answered from: one snapshot, so that every answer says which position it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from attrs import frozen

from analytics_es.errors import MissingProjection, NoLongerKept, StaleReadModel
from analytics_es.log import Horizon
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, Measure
from analytics_es.read_models import ReadModels, Snapshot, Tiling
from analytics_es.types import Completeness, TimePeriod

Derive = Callable[[Declaration, Tiling, int], ReadModels]
Lag = Callable[[int], tuple[int, float]]
TOGETHER = 100  # spans of one statement: SQLite takes at most 500


def _underivable(declaration: Declaration, tiling: Tiling, position: int) -> ReadModels:
    raise MissingProjection(projection=declaration.name)


@frozen(kw_only=True)
class QuestionContext:
    """What answers are made from: the read models, the calendar they keep, how far they lag, and what time it is.

    `known_as` says under which name the log knows an entity: its pseudonym, where it has one. `derive` folds a period
    from the log up to a position, for another declaration than that of a read model; who asks closes it. `by_hours`:
    days of the calendar are added up from hours, because the days of the read models are another zone's.
    """

    read_models: ReadModels
    calendar: Calendar
    lag: Lag
    clock: Callable[[], datetime]
    known_as: Callable[[str, str], str] = lambda _, name: name
    derive: Derive = _underivable
    by_hours: bool = False

    def as_logged(self, where: Mapping[str, str]) -> dict[str, str]:
        """Return filters with entities by the names under which the log knows them."""
        return {word: self.known_as(word, text) for word, text in where.items()}

    def declaration(self, name: str) -> Declaration:
        """Return a projection's declaration; raises MissingProjection."""
        if name not in self.read_models.declarations:
            raise MissingProjection(projection=name)
        return self.read_models.declarations[name]

    @contextmanager
    def question(self, names: Sequence[str], period: TimePeriod) -> Iterator[Question]:
        """Open one snapshot for one answer about a period; raises MissingProjection."""
        for name in names:
            self.declaration(name)
        with self.read_models.read() as snapshot:
            horizon = snapshot.horizon()
            tiling = Tiling.of(self.calendar, period, by_hours=self.by_hours).coarsened(horizon.hours)
            question = Question(self, snapshot, horizon, tiling, period, names)
            question.check_kept()
            yield question


@frozen
class Question:
    """One question: a snapshot, what it no longer holds, the period as it is kept, and the projections."""

    context: QuestionContext
    snapshot: Snapshot
    horizon: Horizon
    tiling: Tiling
    requested: TimePeriod
    names: Sequence[str]

    @property
    def period(self) -> TimePeriod:
        """The period that is answered for: whole hours, or days where those are all that is kept."""
        return self.tiling.period(self.requested)

    def declaration(self, name: str, needed: Iterable[str]) -> Declaration:
        """Return how a projection's live read model is defined; raises StaleReadModel where that lacks a name."""
        declaration = self.snapshot.live[name]
        names = {key.name for key in declaration.keys} | {measure.name for measure in declaration.measures}
        if missing := sorted(set(needed) - names):
            raise StaleReadModel(projection=name, missing=", ".join(missing))
        return declaration

    def measure(self, projection: str, name: str) -> tuple[Declaration, Measure]:
        """Return how the live read model defines a measure; raises StaleReadModel."""
        declaration = self.declaration(projection, [name])
        return declaration, next(measure for measure in declaration.measures if measure.name == name)

    def points(
        self, declaration: Declaration, measures: Sequence[Measure], where: Mapping[str, str], by: Sequence[str] = ()
    ) -> dict[tuple[int, ...], list[tuple[Any, ...]]]:
        """Return the series: for every bucket in order, its rows of keys and merged columns (none, one or several)."""
        spans, labels = self.tiling.series(self.requested.granularity)
        columns = [column for measure in measures for column in measure.columns]
        rows: dict[tuple[int, ...], list[tuple[Any, ...]]] = {(label,): [] for label in labels}
        for first in range(0, len(spans), TOGETHER):
            together = spans[first : first + TOGETHER]
            for row in self.snapshot.sums(declaration, columns, together, where=where, by=by, by_time=True):
                rows[(row[0],)].append(row[1:])
        return rows

    def check_kept(self) -> None:
        """Raise NoLongerKept where the answer needs buckets that retention has removed."""
        needed = [*self.tiling.spans(), *self.tiling.series(self.requested.granularity)[0]]
        by_day = " in the zone that the store keeps days of" if self.tiling.by_hours else ", or by the day"
        for grain, since, instead in (("hour", self.horizon.hours, by_day), ("day", self.horizon.days, "")):
            if any(span.grain == grain and span.start < since for span in needed):
                raise NoLongerKept(grain=grain, since=self.tiling.local(since), instead=instead)

    def before(self) -> Tiling | None:
        """Return the period before, None where its buckets are no longer kept."""
        before = self.tiling.before()
        since = {"hour": self.horizon.hours, "day": self.horizon.days}
        return None if any(span.start < since[span.grain] for span in before.spans()) else before

    def completeness(self) -> Completeness:
        """Say what the answer stands on."""
        start, partial = self.tiling.start, self.snapshot.partial() if self.horizon.seal else {}
        since = max((partial.get(name, 0) for name in self.names), default=0)
        position = min(self.snapshot.positions[name] for name in self.names)
        events, seconds = self.context.lag(position)
        unreadable = sum(self.snapshot.unreadable(name, self.tiling.start, self.tiling.end) for name in self.names)
        return Completeness(
            position=position,
            lag_events=events,
            lag_seconds=seconds,
            unreadable=unreadable,
            open_buckets=self.tiling.end > self.context.clock().timestamp(),
            sealed_until=self.tiling.local(self.horizon.until) if start < self.horizon.until else None,
            complete_from=self.tiling.local(since) if start < since else None,
        )
