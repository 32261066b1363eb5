"""What takes time, told by an event at its end: how long it took, how it ended, and why it failed."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from analytics_es.errors import AnalyticsError, BadTiming, NotTimed
from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.outcomes import VERDICTS
from analytics_es.ingest.problems import reason
from analytics_es.types import Attempt, OperationResult

logger = logging.getLogger("analytics_es")

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

ENDS = {"ok": "completed", "error": "failed", "cancelled": "cancelled"}
NANOSECONDS = 1_000_000  # of a millisecond
Record = Callable[..., OperationResult[R]]


class TimedCall(Generic[R]):
    """One run of what is timed, from when it was made to the end of its block.

    result: what became of its event; None before it has ended.
    """

    def __init__(self, timed: Timed[R]) -> None:
        self.result: OperationResult[R] | None = None
        self._timed, self._fields = timed, dict(timed.fields)
        self._begun = timed.clock()

    def add(self, fields: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Add fields to its event, such as `output_tokens=…`; the `status` "error" or "cancelled" says how it ended."""
        self._fields.update(fields or {}, **more)

    def __enter__(self) -> TimedCall[R]:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        milliseconds = (self._timed.clock() - self._begun) / NANOSECONDS
        fields = {"duration_ms": milliseconds, **self._fields}
        status = fields.pop("status", None) if error else fields.get("status")
        word = ENDS.get(status if isinstance(status, str) else "", ENDS["ok"])
        if error:
            word = ENDS["error" if isinstance(error, Exception) else "cancelled"]
            fields.setdefault("error_type", error_type(error))
        self.result = self._timed.recorded(word, fields)


_open: ContextVar[tuple[TimedCall[Any], ...]] = ContextVar("analytics_es_timed", default=())


class Timed(Generic[R]):
    """Times an activity: `with` and `async with` around a block, or a decorator of functions of every kind.

    Its event is `….completed`, `….failed` after an Exception, and `….cancelled` after any other end, such as
    KeyboardInterrupt, asyncio's CancelledError or a generator that is closed. What was raised goes on as it was. One
    may be shared by threads and tasks, and lie within itself.
    """

    def __init__(
        self,
        record: Record[R],
        activity: str,
        fields: Mapping[str, Any],
        *,
        source: str | None = None,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        if callable(activity):
            raise BadTiming(problem="it was used without an activity")
        self.fields, self.clock = dict(fields), clock  # the clock only ever goes on, in nanoseconds
        self._record, self._activity, self._source = record, _stem(activity), source
        self._calls: list[TimedCall[R]] = []

    def recorded(self, word: str, fields: Mapping[str, Any]) -> OperationResult[R]:
        """Record an end; whatever is wrong with that is no reason to stop what was timed."""
        try:
            return self._record(f"{self._activity}.{word}", fields, source=self._source)
        except AnalyticsError as error:
            logger.warning("what %s took was not recorded [%s]", self._activity, error.code)
            return Attempt.failed(error)
        except Exception as error:
            logger.exception("what %s took was not recorded", self._activity)
            return Attempt.failed(NotTimed(activity=self._activity, problem=reason(error)))

    # ── a block ─────────────────────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> TimedCall[R]:
        call = TimedCall(self)
        self._calls.append(call)
        _open.set((*_open.get(), call))
        return call

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The last that was begun in this context; a block of a generator may end in another one than it began in.
        here = [call for call in _open.get() if call in self._calls]
        call = (here or self._calls)[-1]
        self._calls.remove(call)
        _open.set(tuple(other for other in _open.get() if other is not call))
        call.__exit__(kind, error, trace)

    async def __aenter__(self) -> TimedCall[R]:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    # ── a function ──────────────────────────────────────────────────────────────────────────────────────────────

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Time each call of a function: of a coroutine until it is done, of a generator until nothing is left."""
        if inspect.isclass(function) or isinstance(function, classmethod | staticmethod | property):
            raise BadTiming(problem=f"it decorates functions, not a {type(function).__name__}; put it below that")
        if not callable(function):
            raise BadTiming(problem=f"it decorates functions, not a {type(function).__name__}")
        if inspect.iscoroutinefunction(function):
            timing = self._of_coroutine(function)
        elif inspect.isasyncgenfunction(function):
            timing = self._of_asynchronous_generator(function)
        elif inspect.isgeneratorfunction(function):
            timing = self._of_generator(function)
        else:
            timing = self._of_function(function)
        return cast("Callable[P, T]", functools.wraps(function)(timing))

    def _of_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*arguments: Any, **options: Any) -> Any:
            call = TimedCall(self)
            try:
                result = function(*arguments, **options)
            except BaseException as error:
                call.__exit__(type(error), error, None)
                raise
            # A function may hand on what runs later: then that is what takes the time.
            if inspect.iscoroutine(result):
                return self._of_coroutine(lambda: result)()
            if inspect.isgenerator(result):
                return self._of_generator(lambda: result)()
            if inspect.isasyncgen(result):
                return self._of_asynchronous_generator(lambda: result)()
            call.__exit__(None, None, None)
            return result

        return timing

    def _of_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def timing(*arguments: Any, **options: Any) -> Any:
            with TimedCall(self):
                return await function(*arguments, **options)

        return timing

    def _of_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*arguments: Any, **options: Any) -> Generator[Any, Any, Any]:
            with TimedCall(self):
                return (yield from function(*arguments, **options))

        return timing

    def _of_asynchronous_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def timing(*arguments: Any, **options: Any) -> AsyncGenerator[Any, Any]:
            with TimedCall(self):
                generator = function(*arguments, **options)
                try:
                    step = generator.asend(None)
                    while True:
                        try:
                            yielded = await step
                        except StopAsyncIteration:
                            return
                        try:
                            step = generator.asend((yield yielded))
                        except GeneratorExit:
                            raise
                        except BaseException as error:  # what is thrown into it
                            step = generator.athrow(error)
                finally:
                    await generator.aclose()

        return timing


def error_type(error: BaseException) -> str:
    """Return the name of an exception's class, with its module unless that is Python's own."""
    kind = type(error)
    own = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return f"{own}{kind.__qualname__}"[:MAX_TEXT]


def _stem(activity: object) -> str:
    """Return the type of an activity; of a type that says how one ended, without that."""
    text = str.__str__(activity) if isinstance(activity, str) else str(activity)
    stem, _, last = text.rpartition(".")
    return stem if stem and VERDICTS.get(last) in ENDS else text
