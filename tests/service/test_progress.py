"""Progress: who is told how far something is may ask, record or close meanwhile, and never waits for itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, provider_call, tool_call
from tests.stores import PATIENCE, opened, record

PERIOD = TimePeriod(NOON - timedelta(days=1), NOON + timedelta(days=1))
PAIRS: dict[str, Any] = {"by": ["user", "tenant"]}

Told = Callable[..., None]
LONG: dict[str, Callable[[AnalyticsService, Path, Told], Any]] = {
    "rebuild": lambda analytics, _, told: analytics.rebuild(progress=told),
    "verify": lambda analytics, _, told: analytics.verify(progress=told),
    "verify a period": lambda analytics, _, told: analytics.verify(period=PERIOD, progress=told),
    "export": lambda analytics, to, told: analytics.export_data("csv", PERIOD, to=to / "a.csv", progress=told),
    "back up": lambda analytics, to, told: analytics.back_up(to / "b.db", progress=told),
    "pairs": lambda analytics, _, told: analytics.get_cost_breakdown(PERIOD, **PAIRS, progress=told),
}
MEANWHILE: dict[str, Callable[[AnalyticsService], Any]] = {
    "asks": lambda analytics: analytics.get_usage_stats(None, None, PERIOD),
    "asks for pairs": lambda analytics: analytics.get_cost_breakdown(PERIOD, by=["user", "task"]),
    "records": lambda analytics: analytics.record_event(**tool_call()),
    "closes": lambda analytics: analytics.close(),
}


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what comes of work in a thread of its own, which must have ended by then."""
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcomes, "it waits for itself"
    return outcomes[0]


@pytest.mark.parametrize("place", ["file", "memory"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("long", LONG)
def test_who_is_told_of_progress_is_answered(long: str, meanwhile: str, place: str, tmp_path: Path) -> None:
    answers: list[Any] = []
    with opened(tmp_path / "a.db" if place == "file" else ":memory:", privacy="full") as analytics:
        record(analytics, provider_call(), tool_call())

        outcome = within(
            PATIENCE,
            lambda: LONG[long](analytics, tmp_path, lambda *_: answers.append(MEANWHILE[meanwhile](analytics))),
        )

    assert answers
    if meanwhile == "closes":
        assert outcome.failure.code == "closed"
    else:
        assert outcome.ok and all(answer.ok for answer in answers)


def test_a_question_that_its_own_progress_asks_again_is_refused() -> None:
    again: list[Any] = []
    with opened(privacy="full") as analytics:
        record(analytics, provider_call(), tool_call())

        def ask() -> None:
            again.append(analytics.get_cost_breakdown(PERIOD, **PAIRS))

        outcome = within(PATIENCE, lambda: analytics.get_cost_breakdown(PERIOD, **PAIRS, progress=lambda *_: ask()))
        assert outcome.ok
        assert {answer.failure.code for answer in again} == {"asked_within_itself"}
        assert analytics.get_cost_breakdown(PERIOD, **PAIRS).ok
