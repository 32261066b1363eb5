"""As of: every question answered as the log stood at a position, from read models of just the period."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from attrs import evolve

from analytics_es.cost.context import CostContext
from analytics_es.cost.price_log import PriceLog
from analytics_es.events.event import EARLIEST
from analytics_es.log import REWRITTEN, LogSlice
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.queries import QuestionContext
from analytics_es.queries.as_of import recorded_at
from analytics_es.queries.derived import DerivedReadModels
from analytics_es.queries.grouping import Words, kinds_of, least, several
from analytics_es.queries.policies import PolicyLog
from analytics_es.queries.unread import USAGE
from analytics_es.read_models import ReadModels, Tiling, calendar_of
from analytics_es.service.contexts import Contexts
from analytics_es.service.questions import Questions
from analytics_es.store import Store
from analytics_es.types import Attempt, ExportResult, OperationResult, Progress, TimePeriod
from analytics_es.types.arguments import Period, reading_arguments
from analytics_es.types.lifecycle import Format


class AsOf(Questions):
    """Every question of the service, answered as the log stood at a position: the same bytes for ever.

    Nothing of today is in an answer: no lag, and a period is open where it reaches beyond `now`, which is `recorded_at`
    unless another time is given. The first question about a period reads the part of the log that holds it and the
    period before; the next ones are quick.
    """

    def __init__(
        self,
        store: Store,
        position: int,
        check_open: Callable[[], object],
        prices: PriceLog,
        *,
        now: datetime | None = None,
        from_log: bool = False,
    ) -> None:
        self._whole_log, self._log = store.log, LogSlice(store.log, upto=position)
        self._store = evolve(store, log=self._log)
        self._check_open, self._derived = check_open, DerivedReadModels()
        self._policies = PolicyLog(self._log)
        weakref.finalize(self, self._derived.close).atexit = False  # with the process, all of it goes
        self.position, self._prices = position, prices
        self.recorded_at = recorded_at(store.log, position)
        self._is_now, self._from_log = now, from_log

    def close(self) -> None:
        """Let go of what was derived; asking again derives it again."""
        self._derived.close()

    def _contexts(self) -> Contexts:
        self._check_open()
        return Contexts(
            declarations=self._store.declarations,
            open=self._answering,
            evidence=self._answering,
            store=self._store,
            now=self._now,
        )

    def _now(self) -> datetime:
        return self._is_now or self.recorded_at or EARLIEST

    @contextmanager
    def _answering(
        self, projection: str, period: TimePeriod, words: Words | None = None, progress: Progress | None = None
    ) -> Iterator[QuestionContext]:
        declarations = self._store.read_models.declarations
        declared = declarations[projection]
        counting = [declarations[USAGE]] if USAGE in declarations else []  # what nothing reads
        calendar = calendar_of(period, self._store.calendar)
        if calendar == self._store.calendar and not several(declared, words or Words()):
            whole, kinds = Tiling.of(calendar, period).with_before(), kinds_of(declared, words)
            stands_on = self._stands_on({projection, *(other.name for other in counting)})
            key = (projection, whole.start, whole.end, kinds, *stands_on)
            with self._derived.open(key, partial(self._built, declared, whole, kinds, counting)) as read_models:
                yield evolve(self._context(calendar), read_models=read_models)
            return
        with self._derived.crossing(self._log, least(declared, words), calendar, period, progress) as in_memory:
            yield evolve(self._context(calendar), in_memory=in_memory)

    def _stands_on(self, names: Collection[str]) -> list[Hashable]:
        """Return what says that events, and the rows that are taken of them, are still as they were."""
        rewritten = self._whole_log.noted(REWRITTEN)  # before the rows, which are derived again after it
        with self._store.read_models.read() as snapshot:
            return [rewritten, *((live, swapped) for live, _, swapped in map(snapshot.stands_on, sorted(names)))]

    def _built(
        self, declared: Declaration, whole: Tiling, kinds: tuple[str, ...] | None, counting: Sequence[Declaration]
    ) -> ReadModels:
        """Return the read models of a period as they were: those of now, gone back, else derived from the log."""
        from analytics_es.read_models.rewound import rewound

        fold, live = self._store.fold, self._store.read_models
        asked = {**{other.name: () for other in counting}, declared.name: kinds}
        then = None if self._from_log else rewound(self._whole_log, live, fold, whole, self.position, asked)
        return then or DerivedReadModels.build(self._log, declared, whole, fold, also=counting)

    def _context(self, calendar: Calendar) -> CostContext:
        return CostContext(
            read_models=self._store.read_models,
            calendar=calendar,
            lag=lambda _: (0, 0.0),
            clock=self._now,
            known_as=self._store.known_as,
            declarations=self._store.declarations,
            prices=self._prices.then(self.position),
            policies=self._policies,
            derive=lambda declaration, tiling, _: DerivedReadModels.exact(self._log, declaration, tiling),
        )

    @reading_arguments
    def export_data(
        self,
        format: Format,
        period: Period,
        metrics: Sequence[str],
        *,
        to: str | Path | None = None,
    ) -> OperationResult[ExportResult]:
        """Write the series of metrics as they were then, as csv, json or parquet."""

        def exported() -> ExportResult:
            from analytics_es.lifecycle import export_data

            when = self._contexts().period(period)
            return export_data(self._store, format, when, metrics, to=None if to is None else Path(to))

        return Attempt.of(exported)
