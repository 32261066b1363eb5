"""Replay: a log folded part by part, by this process or by any executor's workers, and handed back in order."""

from __future__ import annotations

import functools
import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import closing, contextmanager
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from attrs import frozen

from analytics_es.errors import AnalyticsError, WorkerLost
from analytics_es.process import Helpers, cycles, endings
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, defined
from analytics_es.projection.fold import Fold, Result
from analytics_es.read_models import clusters
from analytics_es.read_models.sources import ReplaySource
from analytics_es.types.defaults import BATCH

if TYPE_CHECKING:
    import pyarrow as pa

AHEAD = 2  # parts for each worker that are under way or waiting to be merged
PATIENCE = 5.0  # seconds for a part, after which it is looked whether whoever folds it is still there


@frozen
class Work:
    """All that a worker has to know: what to fold, where days begin, and how to open the source."""

    definitions: tuple[str, ...]
    zone: str
    opening: tuple[Callable[..., ReplaySource], tuple[Any, ...]]


@functools.lru_cache(maxsize=1)
def _workbench(work: Work) -> tuple[ReplaySource, Fold]:
    opening, arguments = work.opening
    source = opening(*arguments)
    Finalize(None, source.close, exitpriority=1)  # a worker process ends without the interpreter's own good-byes
    return source, Fold([defined(definition) for definition in work.definitions], Calendar(work.zone))


def fold_part(work: Work, part: Any) -> Result:
    """Fold one part in a worker, which keeps what it has opened for the next."""
    source, fold = _workbench(work)
    columns = fold.typed and source.columns(part, fold.typed)
    return (columns and fold.of_columns(columns)) or fold(source.read(part))


class Here:
    """What this process folds of a source by itself: all of it, or parts that are to be looked at again."""

    def __init__(self, source: ReplaySource, declarations: Sequence[Declaration], calendar: Calendar) -> None:
        self._source, self._reading = source, threading.Lock()
        self.fold = functools.cache(lambda: Fold(declarations, calendar, threads=2))

    def read(self, part: Any) -> pa.Table:
        """Return the events of a part."""
        with self._reading:
            return self._source.read(part)

    def fold_part(self, part: Any) -> Result:
        """Fold a part."""
        fold = self.fold()
        with self._reading:
            columns = fold.typed and self._source.columns(part, fold.typed)
        return (columns and fold.of_columns(columns)) or fold(self.read(part))

    def close(self) -> None:
        """Let go of the engine, if it was needed."""
        if self.fold.cache_info().currsize:
            self.fold().close()


class Replay:
    """Folds a source for some definitions; open it with `replaying`."""

    def __init__(
        self,
        source: ReplaySource,
        submit: Callable[[Any], Future[Result]],
        ahead: int,
        size: int,
        here: Here,
        executor: Executor | None = None,
    ) -> None:
        self._source, self._submit, self._ahead, self._size, self.here = source, submit, ahead, size, here
        self._executor = executor  # of others, whose end nobody may tell

    def __call__(self, after: int, upto: int) -> Iterator[tuple[Any, Result]]:
        """Yield every part of (after, upto] with what it adds, in order; raises WorkerLost."""
        waiting: deque[tuple[Any, Future[Result]]] = deque()
        try:
            for part in self._source.parts(after, upto, self._size):
                with _translated():
                    waiting.append((part, self._submit(part)))
                if len(waiting) > self._ahead:
                    yield self._next(waiting)
            while waiting:
                yield self._next(waiting)
        finally:
            for _, future in waiting:
                future.cancel()

    def _next(self, waiting: deque[tuple[Any, Future[Result]]]) -> tuple[Any, Result]:
        part, future = waiting.popleft()
        if self._executor is not None:
            future = self._of_others(part, future, self._executor)
        with _translated():
            return part, future.result()

    def _of_others(self, part: Any, future: Future[Result], executor: Executor) -> Future[Result]:
        """Wait for a part, and have it folded once more where a worker has ended with what it had folded."""
        _wait(future, executor)
        error = None if future.cancelled() else future.exception()
        if isinstance(error, Exception) and clusters.failed_with(error) and not clusters.lost(executor):
            with _translated():
                future = self._submit(part)
            _wait(future, executor)
        return future


def _wait(future: Future[Result], executor: Executor) -> None:
    """Wait as long as it may come; raises WorkerLost."""
    while not wait([future], PATIENCE).done:
        if problem := clusters.lost(executor):
            raise WorkerLost(problem=problem)


@contextmanager
def _translated() -> Iterator[None]:
    """Say that a worker is lost, or the cluster that it is of, whose errors are known by where they come from."""
    try:
        yield
    except AnalyticsError:
        raise
    except Exception as error:
        no_more = isinstance(error, RuntimeError) and endings.is_near()  # pools take no work when the process is ending
        if isinstance(error, (BrokenExecutor, CancelledError)) or clusters.failed_with(error) or no_more:
            raise WorkerLost(problem=(str(error) or type(error).__name__).splitlines()[0]) from error
        raise


@contextmanager
def replaying(
    source: ReplaySource,
    declarations: Sequence[Declaration],
    calendar: Calendar,
    *,
    size: int = BATCH,
    workers: int = 1,
    executor: Executor | None = None,
) -> Iterator[Replay]:
    """Open a replay: in this process, in `workers` processes, or by the workers of an `executor`.

    A source that no other process can open, such as a log in memory, is folded in this one.
    """
    opening = source.remote()
    with closing(Here(source, declarations, calendar)) as here:
        if opening is None or (executor is None and workers <= 1):
            with Helpers("analytics-es-replay") as helpers:
                yield Replay(source, lambda part: helpers.submit(here.fold_part, part), AHEAD, size, here)
            return
        work = Work(tuple(declaration.definition for declaration in declarations), str(calendar.zone), opening)
        if executor is not None:
            ahead = AHEAD * max(workers, 4)
            yield Replay(source, lambda part: executor.submit(fold_part, work, part), ahead, size, here, executor)
            return
        from concurrent.futures import ProcessPoolExecutor  # it cannot be imported when the main thread is done

        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=cycles.relax) as processes:
            try:
                yield Replay(source, lambda part: processes.submit(fold_part, work, part), AHEAD * workers, size, here)
            finally:
                processes.shutdown(cancel_futures=True)
