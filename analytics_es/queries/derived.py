"""Answers that no read model holds the rows of, from rows in memory that are derived for them from the log.

A row of a read model is of one entity, in an hour of one zone. Two entities at once, and hours that begin elsewhere,
are in the events alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager

from attrs import evolve

from analytics_es.log import EventLog
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold
from analytics_es.queries.grouping import Words, least, several
from analytics_es.queries.growing import THREADS, Built, Growing, NoSeeds
from analytics_es.queries.keeping import Keeping
from analytics_es.queries.question import QuestionContext, stale
from analytics_es.read_models import ReadModels, Tiling, calendar_of, check_exact
from analytics_es.read_models.temporary import derive
from analytics_es.types import Progress, TimePeriod

# Read models of one projection and one period: all pages about a period take ten, as of a position.
REMEMBERED = 12
CROSSING = "a question about several entities or about nobody, or in a zone whose hours are others,"


class DerivedReadModels:
    """Read models in memory of a period and a part of a log: built for a question, the last few kept, closed.

    Who has one keeps it open, and only who asks for the same waits. Those of a log that goes on grow with it.
    """

    def __init__(self) -> None:
        self._kept = Keeping(REMEMBERED)

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
            return derive(log, [declaration], own, tiling, seeds=NoSeeds(log), progress=progress)

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
    def open(self, key: Hashable, build: Callable[[], ReadModels]) -> Iterator[ReadModels]:
        """Open those of a key, built where they are not kept."""
        with self._kept.having((Built, key), lambda: Built(build)) as built:
            yield built.read_models()

    def close(self) -> None:
        """Forget all of them; asking again derives them again."""
        self._kept.close()

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
        with self.crossing(log, least(declared, words), calendar, period, progress) as in_memory:
            yield evolve(context, calendar=calendar, in_memory=in_memory)

    @contextmanager
    def crossing(
        self,
        log: EventLog,
        declaration: Declaration,
        calendar: Calendar,
        period: TimePeriod,
        progress: Progress | None = None,
    ) -> Iterator[Callable[[bool], ReadModels]]:
        """Have rows of a definition in a calendar, which may be those of no read model, derived from a log.

        They are derived when they are asked for: without the period before, or with it, for who compares. Raises
        SealedPeriod, then too.
        """
        tiling = Tiling.of(calendar, period)
        check_exact(log, tiling.start, 0, CROSSING)
        key = (declaration.definition, str(calendar.zone), tiling.start, tiling.end)
        with self._kept.having((Growing, key), lambda: Growing(log, declaration, tiling)) as growing:

            def opened(compared: bool) -> ReadModels:
                read_models = growing.read_models(compared=compared, progress=progress)
                check_exact(log, tiling.start, 0, CROSSING)  # and was not sealed meanwhile
                return read_models

            yield opened


def _check_live(context: QuestionContext, declared: Declaration, words: Words) -> None:
    """Raise StaleReadModel for an entity, such as a new tag, that the live read model was not yet spread over."""
    entities = [word for word in words.names if word in declared.entities]
    if entities and entities[0] not in (live := context.read_models.live()[declared.name]).declaration.entities:
        now = context.read_models.declarations[declared.name]
        raise stale(now, live.declaration, live.retired, entities[0])
