"""Answers that no read model holds the rows of, from rows in memory that are derived for them from the log.

A row of a read model is of one entity, in an hour of one zone. Two entities at once, and hours that begin elsewhere,
are in the events alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from attrs import evolve, frozen

from analytics_es.errors import StaleReadModel
from analytics_es.log import EventLog, Horizon, LogSlice
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Day, Fold, Folded
from analytics_es.queries.grouping import Words, least, several
from analytics_es.queries.question import QuestionContext
from analytics_es.read_models import ReadModels, Seeds, Tiling, calendar_of, check_exact
from analytics_es.read_models.temporary import derive
from analytics_es.types import Progress, TimePeriod

REMEMBERED = 6  # read models of one projection and one period
THREADS = 2


@frozen
class _NoSeeds(Seeds):
    """No seeds: what is sealed is of one entity and one zone. Its time is as if it were no longer kept."""

    def horizon(self) -> Horizon:
        """Return a horizon before which there is nothing."""
        sealed = super().horizon()
        return evolve(sealed, hours=max(sealed.hours, sealed.until), days=max(sealed.days, sealed.until), timezone="")

    def __call__(self, declaration: Declaration) -> Iterator[Folded]:
        """Yield nothing."""
        return iter(())

    def days(self) -> list[Day]:
        """Return no days."""
        return []

    def complete(self, declaration: Declaration) -> bool:
        """Say that nothing is missing: what is sealed is not asked for."""
        return True


class DerivedReadModels:
    """Read models in memory of a period and a part of a log: built for a question, the last few remembered, closed.

    A lock keeps them open while they answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._remembered: OrderedDict[Any, ReadModels] = OrderedDict()

    @staticmethod
    def build(
        log: EventLog,
        declaration: Declaration,
        tiling: Tiling,
        fold: Fold | None = None,
        progress: Progress | None = None,
        also: Sequence[Declaration] = (),
    ) -> ReadModels:
        """Return rows of any definition over a period, and of others `also`; who asks closes them.

        With the `fold` of a store they begin with what is sealed. Without one, the period may be of any calendar.
        """
        if fold:
            together = [declaration, *(other for other in also if other.name != declaration.name)]
            return derive(log, together, fold.of(together), tiling, progress=progress)
        with closing(Fold([declaration], tiling.calendar, threads=THREADS)) as own:
            return derive(log, [declaration], own, tiling, seeds=_NoSeeds(log), progress=progress)

    @classmethod
    def exact(cls, log: EventLog, declaration: Declaration, tiling: Tiling) -> ReadModels:
        """Return rows of a stretch of which nothing is sealed; raises SealedPeriod where something is by now."""
        read_models = cls.build(log, declaration, tiling)
        try:
            check_exact(log, tiling.start, 0, "what calls cost around a change of prices")
        except BaseException:
            read_models.close()
            raise
        return read_models

    @contextmanager
    def open(self, key: Any, build: Callable[[], ReadModels]) -> Iterator[ReadModels]:
        """Open those of a key, built where they are not remembered."""
        with self._lock:
            if key not in self._remembered:
                self._remembered[key] = build()
                while len(self._remembered) > REMEMBERED:
                    self._remembered.popitem(last=False)[1].close()
            self._remembered.move_to_end(key)
            yield self._remembered[key]

    def close(self) -> None:
        """Forget all of them; asking again derives them again."""
        with self._lock:
            while self._remembered:
                self._remembered.popitem()[1].close()

    @contextmanager
    def answering(
        self,
        context: QuestionContext,
        log: EventLog,
        declared: Declaration,
        period: TimePeriod,
        words: Words | None,
        progress: Progress | None = None,
    ) -> Iterator[QuestionContext]:
        """Open the read models of a store, or, where they cannot answer, rows derived from its log up to its head.

        `words` are what the question groups and filters by, None what is not told. Read models with hours of
        another zone can answer where all hours of the period are hours there too. Raises UnknownKey, StaleReadModel,
        SealedPeriod, BadPeriod.
        """
        calendar = calendar_of(period, context.calendar)
        if not several(declared, words or Words()):
            _check_live(context, declared, words or Words())
            if calendar == context.calendar:
                yield context
                return
            if Tiling.of(calendar, period).with_before().falls_on(context.calendar):
                yield evolve(context, calendar=calendar, by_hours=True)
                return
        with self.crossing(log, least(declared, words), calendar, period, progress) as read_models:
            yield evolve(context, read_models=read_models, calendar=calendar)

    @contextmanager
    def crossing(
        self,
        log: EventLog,
        declaration: Declaration,
        calendar: Calendar,
        period: TimePeriod,
        progress: Progress | None = None,
    ) -> Iterator[ReadModels]:
        """Open rows of a definition in a calendar, which may be those of no read model, derived from a log."""
        tiling = Tiling.of(calendar, period)
        what = "a question about several entities or about nobody, or in a zone whose hours are others,"
        check_exact(log, tiling.start, 0, what)
        whole, head = tiling.with_before(), log.head()
        key = (declaration.definition, str(calendar.zone), whole.start, whole.end, head)
        part = LogSlice(log, upto=head)
        with self.open(key, lambda: self.build(part, declaration, whole, progress=progress)) as read_models:
            check_exact(log, tiling.start, 0, what)  # and was not sealed meanwhile
            yield read_models


def _check_live(context: QuestionContext, declared: Declaration, words: Words) -> None:
    """Raise StaleReadModel for an entity, such as a new tag, that the live read model was not yet spread over."""
    entities = [word for word in words.names if word in declared.entities]
    if entities and entities[0] not in (live := context.read_models.live()[declared.name].declaration).entities:
        raise StaleReadModel(projection=live.name, missing=entities[0])
