"""Every kind of question over the whole week, against the same SQL statements on a bare connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from attrs import define, field

from analytics_es import AnalyticsService, TimePeriod
from tests.benchmarks.figures import Effort, Figure, Pace, Target, pace, times
from tests.benchmarks.store import WEEK, Store, say
from tests.benchmarks.workload import BUSIEST, START

Ask = Callable[[AnalyticsService, TimePeriod], Any]
QUESTIONS: dict[str, Ask] = {
    "usage of all users": lambda a, p: a.get_usage_stats("user", None, p),
    "usage of one user": lambda a, p: a.get_usage_stats("user", BUSIEST, p),
    "usage of all tasks": lambda a, p: a.get_usage_stats("task", None, p),
    "usage of everyone": lambda a, p: a.get_usage_stats(None, None, p),
    "performance": lambda a, p: a.get_performance_metrics(p),
    "cost by model": lambda a, p: a.get_cost_breakdown(p, by=("model",)),
    "cost by user": lambda a, p: a.get_cost_breakdown(p, by=("user",)),
    "summary of durations": lambda a, p: a.get_summary("performance.duration", p, group_by=("subject",)),
}
MOST = {"cost by model, 7 days": 8, "cost by user, 7 days": 30}  # milliseconds, the 95th percentile; of others, 15
PERIODS = {
    "7 days": WEEK,
    "1 day": TimePeriod(START + timedelta(days=3), START + timedelta(days=4)),
    # As of `TimePeriod.last(days=7)`: the days at both ends are told by the hour.
    "last 7 days": TimePeriod(WEEK.start - timedelta(hours=10), WEEK.end - timedelta(hours=10)),
}


@define
class Question:
    """One question about one period, its statements, and how long it took and they took alone."""

    name: str
    ask: Ask
    period: TimePeriod
    statements: list[str] = field(factory=list)
    took: list[Pace] = field(factory=list)
    bare: list[Pace] = field(factory=list)


def queries(store: Store, effort: Effort) -> Iterator[Figure]:
    """Ask all questions in turn, again and again; a first turn is not counted."""
    store.catch_up()
    events = store.events()
    say(f"asking every question {effort.runs} times")
    questions = [
        Question(f"{name}, {when}", ask, period) for name, ask in QUESTIONS.items() for when, period in PERIODS.items()
    ]
    with tracing() as traced, store.open() as analytics:
        bare = _bare(store)
        for each in questions:
            traced.clear()
            each.ask(analytics, each.period).unwrap()
            each.statements = [statement for statement in traced if statement.startswith(("SELECT", "WITH"))]
    with store.open() as analytics:
        for number in range(effort.runs + 1):
            for each in questions:
                took = pace(1, lambda: each.ask(analytics, each.period).unwrap())  # noqa: B023
                raw = pace(1, lambda: run(bare, each.statements))  # noqa: B023
                if number:
                    each.took.append(took)
                    each.bare.append(raw)
    bare.close()
    yield from (_figure(each, events) for each in questions)


def _figure(question: Question, events: int) -> Figure:
    most = MOST.get(question.name, 15)
    return times(
        question.name,
        list(zip(question.took, question.bare, strict=True)),
        events=events,
        yardstick="the same SQL",
        target=Target("value", "≤", most),
        more={"statements": len(question.statements)},
    )


def _bare(store: Store) -> sqlite3.Connection:
    """Open both files of a store at once."""
    connection = sqlite3.connect(store.read_models, isolation_level=None)
    connection.execute("PRAGMA cache_size = -32000")
    connection.execute("ATTACH ? AS log", (str(store.path),))
    return connection


def run(connection: sqlite3.Connection, statements: list[str]) -> None:
    for statement in statements:
        with suppress(sqlite3.OperationalError):  # it may want a function that only the store has
            connection.execute(statement).fetchall()


@contextmanager
def tracing() -> Iterator[list[str]]:
    """Give the list of the statements that connections opened meanwhile run, with their parameters filled in."""
    statements: list[str] = []

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = opened(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    opened = sqlite3.connect
    with patch("sqlite3.connect", connect):
        yield statements
