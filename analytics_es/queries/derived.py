"""Crossing: answers that no read model holds the rows of, from rows in memory that are derived for them from the log.

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
from analytics_es.queries.question import QuestionContext, least, several
from analytics_es.read_models import ReadModels, Seeds, Tiling, calendar_of, check_exact
from analytics_es.read_models.temporary import derived
from analytics_es.types import Progress, TimePeriod

REMEMBERED = 6  # read models of one projection and one period
THREADS = 2


class Remembered:
    """The read models that were asked last; a lock around it keeps them open while they answer."""

    def __init__(self) -> None:
        self._read_models: OrderedDict[Any, ReadModels] = OrderedDict()

    def get(self, key: Any, make: Callable[[], ReadModels]) -> ReadModels:
        """Return those of a key, made where they are not remembered."""
        if key not in self._read_models:
            self._read_models[key] = make()
            while len(self._read_models) > REMEMBERED:
                self._read_models.popitem(last=False)[1].close()
        self._read_models.move_to_end(key)
        return self._read_models[key]

    def close(self) -> None:
        """Forget all of them."""
        while self._read_models:
            self._read_models.popitem()[1].close()


@frozen
class Unsown(Seeds):
    """No seeds: what is sealed is of one entity and one zone. Its time is as if it were no longer kept."""

    def horizon(self) -> Horizon:
        """Return a horizon before which there is nothing."""
        found = super().horizon()
        return evolve(found, hours=max(found.hours, found.until), days=max(found.days, found.until), timezone="")

    def __call__(self, declaration: Declaration) -> Iterator[Folded]:
        """Yield nothing."""
        return iter(())

    def days(self) -> list[Day]:
        """Return no days."""
        return []

    def complete(self, declaration: Declaration) -> bool:
        """Say that nothing is missing: what is sealed is not asked for."""
        return True


def folded(log: EventLog, declaration: Declaration, tiling: Tiling, progress: Progress | None = None) -> ReadModels:
    """Return rows in memory of any definition over a period of any calendar, without what is sealed."""
    with closing(Fold([declaration], tiling.calendar, threads=THREADS)) as fold:
        return derived(log, [declaration], fold, tiling, seeds=Unsown(log), progress=progress)[0]


class Crossings:
    """Opens what questions are answered from; what was derived for the last few of them is kept until closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._remembered = Remembered()

    def close(self) -> None:
        """Let go of what was derived; asking again derives it again."""
        with self._lock:
            self._remembered.close()

    @contextmanager
    def answering(
        self,
        source: QuestionContext,
        log: EventLog,
        declared: Declaration,
        period: TimePeriod,
        words: Sequence[str] | None,
        progress: Progress | None = None,
    ) -> Iterator[QuestionContext]:
        """Open the read models of a store, or, where they cannot answer, rows derived from its log up to its head.

        `words` are all that the question groups and filters by, None what is not told. Read models with hours of
        another zone can answer where all hours of the period are hours there too. Raises UnknownKey, StaleReadModel,
        SealedPeriod, BadPeriod.
        """
        calendar = calendar_of(period, source.calendar)
        if not several(declared, words or ()):
            _check_live(source, declared, words or ())
            if calendar == source.calendar:
                yield source
                return
            if Tiling.of(calendar, period).with_before().falls_on(source.calendar):
                yield evolve(source, calendar=calendar, by_hours=True)
                return
        needed = least(declared, words)
        with self.derived(log, needed, calendar, period, lambda *made: _made(source, *made), progress) as found:
            yield found

    @contextmanager
    def derived(
        self,
        log: EventLog,
        declaration: Declaration,
        calendar: Calendar,
        period: TimePeriod,
        made: Callable[[ReadModels, Calendar], QuestionContext],
        progress: Progress | None = None,
    ) -> Iterator[QuestionContext]:
        """Open rows of a definition in a calendar, which may be those of no read model, derived from a log."""
        tiling = Tiling.of(calendar, period)
        check_exact(log, tiling.start, 0, "a question about several entities, or in a zone whose hours are others,")
        whole, head = tiling.with_before(), log.head()
        key = (declaration.definition, str(calendar.zone), whole.start, whole.end, head)

        with self._lock:
            read_models = self._remembered.get(
                key, lambda: folded(LogSlice(log, upto=head), declaration, whole, progress)
            )
            yield made(read_models, calendar)


def _made(source: QuestionContext, read_models: ReadModels, calendar: Calendar) -> QuestionContext:
    return evolve(source, read_models=read_models, calendar=calendar)


def _check_live(source: QuestionContext, declared: Declaration, words: Sequence[str]) -> None:
    """Raise StaleReadModel for an entity, such as a new tag, that the live read model was not yet spread over."""
    asked = [word for word in words if word in declared.entities]
    if asked and asked[0] not in (live := source.read_models.live()[declared.name].declaration).entities:
        raise StaleReadModel(projection=live.name, missing=asked[0])
