"""A follower and its clock: what cannot go on is tried again every few seconds; what ends is told to be over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from analytics_es.errors import AnalyticsError, FoldFailed, StoreBusy
from analytics_es.read_models import catch_up
from analytics_es.read_models.catch_up import RETRY_SECONDS, Runner
from analytics_es.testing import tool_call
from tests.stores import append, contents, derived, engine, log_of, views_of


class Following:
    """A follower in the test's own thread, which is woken at these seconds of its clock, and ends after the last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, runner: Runner, seconds: Sequence[float]) -> None:
        self.runner, self.left, self.now, self.rests = runner, list(seconds), 0.0, list[float]()
        stopping = SimpleNamespace(is_set=lambda: self.ended, wait=self.rests.append)
        woken = SimpleNamespace(wait=self.wake, clear=lambda: None)
        self.ended = False
        monkeypatch.setattr(runner, "_stopping", stopping)
        monkeypatch.setattr(runner, "_woken", woken)
        monkeypatch.setattr(catch_up, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.woken: Callable[[], None] = lambda: None

    def wake(self, _: float) -> None:
        """Go on with the clock, or end."""
        self.woken()
        if self.left:
            self.now = self.left.pop(0)
        else:
            self.ended = True

    def follow(self) -> None:
        self.runner._follow()


class Parts:
    """A log with an event, its read models, and a fold that fails for `usage` until it is mended."""

    def __init__(self, log: Any, read_models: Any) -> None:
        self.log, self.read_models, self.mended = log, read_models, False
        self.tried: list[float] = []
        self.runner = Runner(log, read_models, self)  # type: ignore[arg-type]
        self.following: Following | None = None
        self.of = lambda _: self

    def __call__(self, events: Any, names: Sequence[str], **_: Any) -> Any:
        result = engine()(events, list(names))
        if "usage" in names and not self.mended:
            self.tried.append(self.following.now if self.following else -1)
            result["usage"] = FoldFailed(projection="usage", problem="no room")
        return result


@pytest.fixture
def parts() -> Iterator[Parts]:
    with log_of([tool_call()]) as log, views_of(log) as read_models:
        yield Parts(log, read_models)


def test_what_cannot_go_on_is_tried_again_every_few_seconds_and_no_more(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [
        100,
        101,
        102,
        101 + RETRY_SECONDS - 0.1,
        101 + RETRY_SECONDS,
        103 + RETRY_SECONDS,
        101 + 2 * RETRY_SECONDS,
    ]
    parts.following = Following(monkeypatch, parts.runner, seconds)

    parts.following.follow()

    assert parts.tried == [100, 101, 101 + RETRY_SECONDS, 101 + 2 * RETRY_SECONDS]
    assert set(parts.runner.errors) == {"usage"}
    live = parts.read_models.live()
    assert (live["usage"].position, live["performance"].position) == (0, 1)


def test_what_can_go_on_again_does_so_and_is_no_error_any_more(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    parts.following = following = Following(monkeypatch, parts.runner, [100, 101, 101 + RETRY_SECONDS])
    following.woken = lambda: setattr(parts, "mended", following.now == 101)

    with caplog.at_level(logging.WARNING):
        following.follow()

    assert parts.runner.errors == {}
    assert contents(parts.read_models) == derived(parts.log)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["The projection usage"] * 2
    assert "goes on after" in caplog.records[-1].getMessage()


def test_an_error_of_one_keeps_nothing_from_the_others(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.following = following = Following(monkeypatch, parts.runner, [100, 101, 102, 103])
    following.woken = lambda: append(parts.log, tool_call())

    following.follow()

    assert parts.read_models.live()["performance"].position == parts.log.head() - 1
    assert parts.read_models.live()["usage"].position == 0


@pytest.mark.parametrize("error", [StoreBusy(seconds=5), FoldFailed(projection="usage", problem="of all")])
def test_what_keeps_all_from_going_on_is_said_while_it_does(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: AnalyticsError
) -> None:
    parts.mended = True
    following = Following(monkeypatch, parts.runner, [100, 101, 102])
    troubles: list[str | None] = []
    failing = [error, error]
    step = parts.runner.step

    def failing_twice(*arguments: Any, **options: Any) -> bool:
        if failing:
            raise failing.pop()
        return step(*arguments, **options)

    monkeypatch.setattr(parts.runner, "step", failing_twice)
    following.woken = lambda: troubles.append(parts.runner.problem("usage"))

    with caplog.at_level(logging.WARNING):
        following.follow()

    assert troubles == [None, str(error), str(error), None]
    assert following.rests[:2] == [RETRY_SECONDS / 10] * 2
    assert contents(parts.read_models) == derived(parts.log)
    told = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert told == ["The read models"] * 2
    assert "goes on after" in caplog.records[-1].getMessage()


def test_a_follower_that_is_closed_tells_of_no_trouble(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    following = Following(monkeypatch, parts.runner, [100])

    def closing(*_: Any, **__: Any) -> bool:
        following.ended = True
        raise StoreBusy(seconds=5)

    monkeypatch.setattr(parts.runner, "step", closing)
    with caplog.at_level(logging.WARNING):
        following.follow()
    assert not caplog.records
