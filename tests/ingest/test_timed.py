"""What is timed is told at its end, however that comes; the program goes on as if it were not timed."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from typing import Any

import pytest

from analytics_es import AnalyticsService, OperationResult
from analytics_es.errors import BadTiming, BufferFull
from analytics_es.ingest import Timed
from analytics_es.types import Succeeded
from tests.stores import PATIENCE, in_full, opened, recorded

MS = 1_000_000


class Recorded:
    """Takes what is recorded, by a clock that goes on by a quarter of a second whenever it is read."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._ticks = count(0, 250 * MS)

    def record(self, event_type: str, data: dict[str, Any], *, source: str | None = None) -> OperationResult[int]:
        self.events.append((event_type, data))
        return Succeeded(len(self.events))

    def timed(self, activity: str = "tool.call", **fields: Any) -> Timed[int]:
        return Timed(self.record, activity, fields, clock=lambda: next(self._ticks))

    @property
    def types(self) -> list[str]:
        return [event_type for event_type, _ in self.events]


@pytest.fixture
def taken() -> Recorded:
    return Recorded()


# ── a block ─────────────────────────────────────────────────────────────────────────────────────────────────────


@in_full
def test_a_block_is_one_event_with_its_duration_and_what_is_added(analytics: AnalyticsService) -> None:
    with analytics.timed("provider.call", model="gpt-4.1", input_tokens=10, user_id="ada", source="app") as call:
        call.add(output_tokens=3)
        call.add({"gen_ai.seed": 7}, attributes={"team": "core"})
        assert call.result is None

    (event,) = recorded(analytics, "provider.call.completed")
    duration = event.data.pop("duration_ms")
    assert call.result and call.result.unwrap().position == event.position
    assert 0 <= duration < 60_000
    assert event.source == "app"
    assert event.data == {
        "model": "gpt-4.1",
        "input_tokens": 10,
        "output_tokens": 3,
        "user_id": "ada",
        "gen_ai.seed": 7,
        "attributes": {"team": "core"},
    }


def test_the_duration_is_what_a_clock_that_only_goes_on_says(taken: Recorded) -> None:
    with taken.timed(tool="bash"):
        pass

    assert taken.events == [("tool.call.completed", {"tool": "bash", "duration_ms": 250.0})]


@pytest.mark.parametrize(
    ("error", "end", "error_type"),
    [
        (ValueError("no"), "failed", "ValueError"),
        (TimeoutError(), "failed", "TimeoutError"),
        (BufferFull(limit=1, problem="", dropped=0), "failed", "analytics_es.errors.BufferFull"),
        (KeyboardInterrupt(), "cancelled", "KeyboardInterrupt"),
        (SystemExit(3), "cancelled", "SystemExit"),
        (asyncio.CancelledError(), "cancelled", "asyncio.exceptions.CancelledError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_what_is_raised_says_how_it_ended_and_goes_on(
    taken: Recorded, error: BaseException, end: str, error_type: str
) -> None:
    with pytest.raises(type(error)) as caught, taken.timed(tool="bash", status="ok"):
        raise error

    assert caught.value is error
    assert taken.events == [
        (f"tool.call.{end}", {"tool": "bash", "duration_ms": 250.0, "error_type": error_type}),
    ]


def test_what_the_block_says_of_its_end_counts(taken: Recorded) -> None:
    with taken.timed("provider.call") as call:
        call.add(status="error", error_type="rate_limited", duration_ms=7)
    with pytest.raises(OSError), taken.timed("provider.call") as call:
        call.add(error_type="no_route")
        raise OSError

    assert taken.events == [
        ("provider.call.failed", {"status": "error", "error_type": "rate_limited", "duration_ms": 7}),
        ("provider.call.failed", {"error_type": "no_route", "duration_ms": 250.0}),
    ]


@pytest.mark.parametrize(
    ("activity", "event_type"),
    [
        ("task", "task.completed"),
        ("job", "job.completed"),
        ("tool.call.completed", "tool.call.completed"),
        ("tool.call.timed_out", "tool.call.completed"),
        ("completed", "completed.completed"),
        ("job.started", "job.started.completed"),
    ],
)
def test_an_activity_is_named_with_or_without_an_end(taken: Recorded, activity: str, event_type: str) -> None:
    with taken.timed(activity):
        pass

    assert taken.types == [event_type]


def test_blocks_of_one_may_lie_in_one_another_and_beside_in_threads(taken: Recorded) -> None:
    timed, inside, goes_on = taken.timed(), threading.Event(), threading.Event()

    def other() -> None:
        with timed as call:
            call.add(thread=2)
            inside.set()
            assert goes_on.wait(60)

    thread = threading.Thread(target=other)
    with timed as outer:
        outer.add(thread=1)
        thread.start()
        assert inside.wait(60)
        with timed as inner:
            inner.add(thread=11)
    goes_on.set()
    thread.join()

    assert [(data["thread"], data["duration_ms"]) for _, data in taken.events] == [
        (11, 250.0),
        (1, 1000.0),
        (2, 1000.0),
    ]


def test_a_block_may_end_in_another_context_than_it_began_in(taken: Recorded) -> None:
    timed = taken.timed()
    thread = threading.Thread(target=timed.__enter__)
    thread.start()
    thread.join()

    timed.__exit__(None, None, None)

    assert taken.types == ["tool.call.completed"]


# ── functions ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_keeps_its_name_its_result_and_what_it_raises(taken: Recorded) -> None:
    @taken.timed(tool="half")
    def half(number: int, *, by: int = 2) -> float:
        """Divide."""
        return number / by

    assert (half(4), half(9, by=3), half.__name__, half.__doc__) == (2, 3, "half", "Divide.")
    with pytest.raises(ZeroDivisionError):
        half(1, by=0)

    assert list(inspect.signature(half).parameters) == ["number", "by"]
    assert taken.types == ["tool.call.completed", "tool.call.completed", "tool.call.failed"]
    assert taken.events[2][1] == {"tool": "half", "duration_ms": 250.0, "error_type": "ZeroDivisionError"}


def test_a_function_may_call_itself(taken: Recorded) -> None:
    @taken.timed()
    def factorial(number: int) -> int:
        return number * factorial(number - 1) if number else 1

    assert factorial(3) == 6
    assert [data["duration_ms"] for _, data in taken.events] == [250.0, 750.0, 1250.0, 1750.0]


def test_a_method_is_timed_below_classmethod_and_nothing_that_is_no_function_is(taken: Recorded) -> None:
    class Tool:
        @taken.timed()
        def run(self) -> Tool:
            return self

        @classmethod
        @taken.timed()
        def make(cls) -> type[Tool]:
            return cls

    tool = Tool()
    assert (tool.run(), tool.make()) == (tool, Tool)
    for other in (Tool, classmethod(lambda cls: None), staticmethod(lambda: None), property(), 7):
        with pytest.raises(BadTiming):
            taken.timed()(other)  # type: ignore[arg-type]


def test_one_without_its_activity_is_told_at_once(analytics: AnalyticsService) -> None:
    with pytest.raises(BadTiming, match="without an activity"):

        @analytics.timed  # type: ignore[arg-type]
        def run() -> None:
            pass


def test_a_coroutine_is_timed_until_it_is_done(taken: Recorded) -> None:
    @taken.timed()
    async def fetch(number: int) -> int:
        await asyncio.sleep(0)
        if number < 0:
            raise ValueError
        return number

    async def main() -> None:
        waiting = fetch(1)
        assert taken.events == []
        assert await waiting == 1
        with pytest.raises(ValueError):
            await fetch(-1)

    asyncio.run(main())

    assert inspect.iscoroutinefunction(fetch)
    assert taken.types == ["tool.call.completed", "tool.call.failed"]


def test_tasks_at_once_have_a_duration_each_and_one_that_is_cancelled_is_so(taken: Recorded) -> None:
    async def run(timed: Timed[int], number: int) -> None:
        async with timed as call:
            call.add(number=number)
            await asyncio.sleep(3600 if number == 2 else 0)

    async def main() -> None:
        timed = taken.timed()
        tasks = [asyncio.create_task(run(timed, number)) for number in range(3)]
        await asyncio.wait(tasks[:2])
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())

    assert [(event_type, data["number"]) for event_type, data in taken.events] == [
        ("tool.call.completed", 0),
        ("tool.call.completed", 1),
        ("tool.call.cancelled", 2),
    ]


def test_a_generator_is_timed_while_it_runs_and_not_when_it_is_made(taken: Recorded) -> None:
    @taken.timed()
    def words() -> Iterator[str]:
        received = yield "one"
        yield f"two {received}"

    generator: Any = words()
    assert taken.events == []
    assert (next(generator), generator.send("and")) == ("one", "two and")
    assert taken.events == []
    assert list(generator) == []
    left = words()
    next(left)
    left.close()  # type: ignore[attr-defined]

    assert inspect.isgeneratorfunction(words)
    assert [(event_type, data.get("error_type")) for event_type, data in taken.events] == [
        ("tool.call.completed", None),
        ("tool.call.cancelled", "GeneratorExit"),
    ]


def test_an_asynchronous_generator_gets_what_is_sent_and_thrown_into_it(taken: Recorded) -> None:
    closed = []

    @taken.timed()
    async def words() -> AsyncIterator[str]:
        try:
            received = yield "one"  # type: ignore[misc]
            yield f"two {received}"
        except KeyError:
            yield "three"
        finally:
            closed.append(True)

    async def main() -> None:
        generator: Any = words()
        assert taken.events == []
        assert [await anext(generator), await generator.asend("and")] == ["one", "two and"]
        assert await generator.athrow(KeyError()) == "three"
        assert [word async for word in generator] == []
        left: Any = words()
        await anext(left)
        await left.aclose()
        assert closed == [True, True]

    asyncio.run(main())

    assert inspect.isasyncgenfunction(words)
    assert taken.types == ["tool.call.completed", "tool.call.cancelled"]


def test_a_generator_that_is_closed_is_cancelled_even_if_it_returns_then(taken: Recorded) -> None:
    @taken.timed()
    def words() -> Iterator[str]:
        with suppress(GeneratorExit):
            yield "one"

    @taken.timed()
    async def asynchronous() -> AsyncIterator[str]:
        with suppress(GeneratorExit):
            yield "one"

    async def main() -> None:
        generator: Any = asynchronous()
        await anext(generator)
        await generator.aclose()

    generator: Any = words()
    next(generator)
    generator.close()
    asyncio.run(main())

    assert taken.types == ["tool.call.cancelled"] * 2


def test_context_managers_of_generators_are_timed_from_their_beginning_to_their_end(taken: Recorded) -> None:
    @contextmanager
    @taken.timed()
    def sync() -> Iterator[int]:
        yield 1

    @asynccontextmanager
    @taken.timed()
    async def asynchronous() -> AsyncIterator[int]:
        yield 2

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            async with asynchronous() as two:
                assert two == 2
                raise asyncio.CancelledError

    with sync() as one:
        assert (one, taken.events) == (1, [])
    asyncio.run(main())

    assert taken.types == ["tool.call.completed", "tool.call.cancelled"]


def test_a_function_that_hands_on_what_runs_later_is_timed_until_that_has_run(taken: Recorded) -> None:
    async def fetch() -> int:
        return 1

    async def stream() -> AsyncIterator[int]:
        yield 1

    async def main() -> None:
        waiting: Any = taken.timed()(lambda: fetch())()
        streaming: Any = taken.timed()(lambda: stream())()
        assert len(taken.events) == 1
        assert (await waiting, [number async for number in streaming]) == (1, [1])

    numbers = taken.timed()(lambda: (number for number in range(3)))()
    assert taken.events == []
    assert list(numbers) == [0, 1, 2]
    asyncio.run(main())

    assert taken.types == ["tool.call.completed"] * 3


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("activity", "fields", "code"),
    [
        ("Tool Call", {}, "bad_type"),
        ("analytics.call", {}, "reserved_type"),
        ("tool.call", {"output_tokens": -1}, "bad_field"),
        ("tool.call", {"prompt": object()}, "bad_field"),
    ],
)
def test_what_is_refused_never_stops_the_block(
    analytics: AnalyticsService, activity: str, fields: dict[str, Any], code: str
) -> None:
    with analytics.timed(activity) as call:
        call.add(fields)
    with pytest.raises(LookupError), analytics.timed(activity, **fields):
        raise LookupError

    assert call.result and call.result.failure and call.result.failure.code == code


def test_a_service_that_is_closed_stops_no_block() -> None:
    with opened() as analytics:
        timed = analytics.timed("tool.call")

    with timed as call:
        pass

    assert call.result and call.result.failure and call.result.failure.code == "closed"


def test_what_fails_in_recording_is_logged_and_stops_no_block(caplog: pytest.LogCaptureFixture) -> None:
    def fails(*_: Any, **__: Any) -> OperationResult[int]:
        raise RuntimeError("a bug")

    with caplog.at_level(logging.WARNING, "analytics_es"), Timed(fails, "tool.call", {}) as call:
        pass

    assert call.result and call.result.failure
    assert call.result.failure.message == "What tool.call took was not recorded: RuntimeError: a bug."
    assert caplog.messages == ["what tool.call took was not recorded"]


def test_through_a_buffer_that_is_full_the_block_goes_on(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, gate = type(analytics.store.log), threading.Event()
    append = log.append
    monkeypatch.setattr(log, "append", lambda *entries, **notes: gate.wait(PATIENCE) and append(*entries, **notes))
    with analytics.buffered(max_events=1, max_delay=3600, when_full="raise", on_sigterm=False) as buffer:
        results = []
        for tool in ("bash", "edit"):
            with buffer.timed("tool.call", tool=tool) as call:
                pass
            results.append(call.result)
        gate.set()

    first, second = results
    assert first and first.ok
    assert second and second.failure and second.failure.code == "buffer_full"
    assert [event.data["tool"] for event in recorded(analytics, "tool.call.completed")] == ["bash"]


@pytest.mark.parametrize("way", ["service", "buffer"])
def test_many_threads_at_one_function_lose_nothing(analytics: AnalyticsService, way: str) -> None:
    with analytics.buffered(on_sigterm=False) as buffer:
        timed: Callable[..., Timed[Any]] = analytics.timed if way == "service" else buffer.timed

        @timed("tool.call", tool="bash")
        def run() -> None:
            pass

        threads = [threading.Thread(target=lambda: [run() for _ in range(25)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(recorded(analytics, "tool.call.completed")) == 100
