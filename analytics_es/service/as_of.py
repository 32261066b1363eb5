"""As of: every question answered as the log stood at a position, from read models of just the period."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from attrs import evolve

from analytics_es.events.event import EARLIEST
from analytics_es.lifecycle.export import export_data
from analytics_es.log import LogSlice
from analytics_es.projection.calendar import Calendar
from analytics_es.queries import question as queries
from analytics_es.queries.as_of import Deriving, recorded_at
from analytics_es.queries.derived import Crossings, Remembered, folded
from analytics_es.read_models import ReadModels, Tiling, calendar_of
from analytics_es.service.questions import Answers, Questions
from analytics_es.store import Store
from analytics_es.types import ExportResult, OperationResult, Progress, TimePeriod


def _close(*derived: Remembered | Crossings) -> None:
    for read_models in derived:
        read_models.close()


class AsOf(Questions):
    """Every question of the service, answered as the log stood at a position: the same bytes for ever.

    Nothing of today is in an answer: no lag, and a period is open where it reaches beyond `recorded_at`. The first
    question about a period reads the part of the log that holds it and the period before; the next ones are quick.
    """

    def __init__(
        self,
        store: Store,
        deriving: Deriving,
        position: int,
        check_open: Callable[[], object],
        prices: Callable[[int], queries.Prices],
    ) -> None:
        self._log = LogSlice(store.log, upto=position)
        self._store = evolve(store, log=self._log)
        self._deriving, self._check_open = deriving, check_open
        self._lock = threading.Lock()
        self._remembered, self._crossings = Remembered(), Crossings()
        self._end = weakref.finalize(self, _close, self._remembered, self._crossings)
        self.position, self._prices = position, prices
        self.recorded_at = recorded_at(store.log, position)

    def close(self) -> None:
        """Let go of what was derived; asking again derives it again."""
        with self._lock:
            _close(self._remembered, self._crossings)

    def _answers(self) -> Answers:
        self._check_open()
        return Answers(declarations=self._deriving.declarations, open=self._answering)

    def _now(self) -> datetime:
        return self.recorded_at or EARLIEST

    def _answering(
        self, projection: str, period: TimePeriod, words: Sequence[str] | None = None, progress: Progress | None = None
    ) -> AbstractContextManager[queries.QuestionContext]:
        declared = self._store.read_models.declarations[projection]
        calendar = calendar_of(period, self._deriving.calendar)
        if calendar == self._deriving.calendar and not queries.several(declared, words or ()):
            return self.source(projection, period)
        needed = queries.least(declared, words)
        return self._crossings.derived(self._log, needed, calendar, period, self._made_from, progress)

    def _made_from(self, read_models: ReadModels, calendar: Calendar) -> queries.QuestionContext:
        return queries.QuestionContext(
            read_models=read_models,
            calendar=calendar,
            lag=lambda _: (0, 0.0),
            clock=self._now,
            known_as=self._deriving.known_as,
            prices=self._prices(self.position),
            derive=lambda declaration, tiling, _: folded(self._log, declaration, tiling),
        )

    @contextmanager
    def source(self, name: str, period: TimePeriod) -> Iterator[queries.QuestionContext]:
        """Open what answers of a projection about a period are made from; raises BadPeriod, SealedPeriod."""
        calendar = self._deriving.calendar
        tiling = Tiling.of(calendar, period)
        whole = Tiling(calendar, tiling.before().start, tiling.end)
        with self._lock:
            read_models = self._remembered.get(
                (name, whole.start, whole.end), lambda: self._deriving.read_models(self._log, name, whole)
            )
            yield self._made_from(read_models, calendar)

    def export_data(
        self,
        format: str,
        period: TimePeriod,
        metrics: Sequence[str],
        *,
        to: str | Path | None = None,
    ) -> OperationResult[ExportResult]:
        """Write the series of metrics as they were then, as csv, json or parquet."""

        def exported() -> ExportResult:
            self._check_open()
            return export_data(self._store, format, period, metrics, to=None if to is None else Path(to))

        return OperationResult.of(exported)
