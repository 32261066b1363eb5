"""Every kind of question over the whole week, against a constant task; beside it, its own statements alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrs import define, field

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.log.address import read_models_path
from analytics_es.read_models.priced import CREATE_PRICES
from tests.benchmarks.constant import CONSTANT, constant_task
from tests.benchmarks.figures import Effort, Figure, Pace, Target, pace, percentile, times
from tests.benchmarks.store import WEEK, Store, say
from tests.benchmarks.workload import BUSIEST, START

Ask = Callable[[TimePeriod, AnalyticsService], Any]
QUESTIONS: dict[str, Ask] = {
    "usage of all users": lambda p, a: a.get_usage_stats("user", None, p),
    "usage of one user": lambda p, a: a.get_usage_stats("user", BUSIEST, p),
    "usage of all tasks": lambda p, a: a.get_usage_stats("task", None, p),
    "totals and series of all tasks": lambda p, a: _without_the_busiest(p, a),
    "usage of everyone": lambda p, a: a.get_usage_stats(None, None, p),
    "performance": lambda p, a: a.get_performance_metrics(p),
    "performance by the hour": lambda p, a: a.get_performance_metrics(TimePeriod(p.start, p.end, "hour")),
    "cost by model": lambda p, a: a.get_cost_breakdown(p, by=("model",)),
    "cost by user": lambda p, a: a.get_cost_breakdown(p, by=("user",)),
    "summary of durations": lambda p, a: a.get_summary("performance.duration", p, group_by=("subject",)),
}
READING = ("SELECT", "WITH", "INSERT OR IGNORE INTO temp.")  # how statements begin that answer questions
TARGETS = {  # of others, 15 ms, the 95th percentile
    "cost by model, 7 days": Target("value", "≤", 8),
    "cost by user, 7 days": Target("value", "≤", 30),
    "totals and series of all tasks, 7 days": Target("cpu", "≤", 5),
    "usage of all tasks, 7 days": Target("cpu", "≤", 45),  # with the ten that did most
    "performance by the hour, 7 days": Target("cpu", "≤", 35),
}
PERIODS = {
    "7 days": WEEK,
    "1 day": TimePeriod(START + timedelta(days=3), START + timedelta(days=4)),
    # As of `TimePeriod.last(days=7)`: the days at both ends are told by the hour.
    "last 7 days": TimePeriod(WEEK.start - timedelta(hours=10), WEEK.end - timedelta(hours=10)),
}


@define
class Question:
    """One question about one period, and how long it took, a constant task beside it, and its statements alone."""

    name: str
    ask: Callable[[AnalyticsService], Any]
    pairs: list[tuple[Pace, Pace]] = field(factory=list)
    statements: list[str] = field(factory=list)
    bare: list[float] = field(factory=list)

    def turn(self, analytics: AnalyticsService, task: Callable[[], Any], bare: sqlite3.Connection) -> None:
        """Ask once, and do the others once."""
        asked = pace(1, lambda: self.ask(analytics).unwrap())
        self.pairs.append((asked, pace(1, task)))
        self.bare.append(1e3 * pace(1, lambda: run(bare, self.statements)).wall)

    def figure(self, events: int, target: Target | None) -> Figure:
        """Return what the turns gave."""
        more = {"statements": len(self.statements), "sql_p50": round(percentile(self.bare, 0.5), 3)}
        return times(self.name, self.pairs, events=events, yardstick=CONSTANT, target=target, more=more)


def queries(store: Store, effort: Effort) -> Iterator[Figure]:
    """Ask all questions in turn, again and again, beside a constant task; a first turn is not counted."""
    store.catch_up()
    events = store.events()
    say(f"asking every question {effort.runs} times")
    questions = [
        Question(f"{name}, {when}", partial(ask, period))
        for name, ask in QUESTIONS.items()
        for when, period in PERIODS.items()
    ]
    asked_in_turn(store.path, questions, effort)
    yield from (each.figure(events, TARGETS.get(each.name, Target("value", "≤", 15))) for each in questions)


def _without_the_busiest(period: TimePeriod, analytics: AnalyticsService) -> Any:
    """Ask for the usage of all tasks as it would be if nobody had to look for the ten that did most."""
    with patch("analytics_es.queries.usage._active", return_value=([], {"task": 0})):
        return analytics.get_usage_stats("task", None, period)


def asked_in_turn(path: Path, questions: Sequence[Question], effort: Effort) -> None:
    """Ask questions by turns; before, note what statements each runs."""
    with tracing() as traced, AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        for question in questions:
            question.ask(analytics).unwrap()
            traced.clear()
            question.ask(analytics).unwrap()
            question.statements = [statement for statement in traced if statement.startswith(READING)]
    bare, task = _bare(path), constant_task()
    with AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        for number in range(effort.runs + 1):
            for question in questions:
                question.turn(analytics, task, bare)
            if not number:
                for question in questions:
                    question.pairs.clear()
                    question.bare.clear()
    bare.close()


def _bare(path: Path) -> sqlite3.Connection:
    """Open both files of a store at once."""
    connection = sqlite3.connect(read_models_path(path), isolation_level=None)
    connection.execute("PRAGMA cache_size = -32000")
    connection.execute(CREATE_PRICES)
    connection.execute("ATTACH ? AS log", (str(path),))
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
