"""No question reads days outside of its period: what it costs does not grow with the length of the log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.read_models import Snapshot, store
from analytics_es.testing import NOON, provider_call, task_completed, tool_call
from analytics_es.types import OperationResult
from tests.stores import opened, record

MIDNIGHT = NOON - timedelta(hours=12)
DAY = TimePeriod(MIDNIGHT, MIDNIGHT + timedelta(days=1))
HOURS = TimePeriod(NOON - timedelta(hours=3), NOON + timedelta(hours=4), "hour")

DERIVED = "a filter by two entities"
Ask = Callable[[AnalyticsService, TimePeriod], OperationResult[Any]]

QUESTIONS: dict[str, Ask] = {
    "usage of everyone": lambda it, when: it.get_usage_stats(None, None, when),
    "usage of all tasks": lambda it, when: it.get_usage_stats("task", None, when),
    "usage of a user": lambda it, when: it.get_usage_stats("user", "ada", when),
    "performance": lambda it, when: it.get_performance_metrics(when),
    "cost by model": lambda it, when: it.get_cost_breakdown(when),
    "cost by user": lambda it, when: it.get_cost_breakdown(when, by=("user",)),
    "cost by user and hour": lambda it, when: it.get_cost_series(when, by=("user",)),
    "cost of a unit": lambda it, when: it.get_unit_costs(when),
    "cost by assumption": lambda it, when: it.get_cost_breakdown(
        when, models={"claude-sonnet-4-5": "claude-haiku-4-5"}
    ),
    "a summary": lambda it, when: it.get_summary("performance.duration", when, group_by=("subject",)),
    "a summary of money": lambda it, when: it.get_summary("cost.reported_cost", when, group_by=("tenant",)),
    "a summary of a user": lambda it, when: it.get_summary("usage.events", when, where={"user": "ada"}),
    "an explanation": lambda it, when: it.explain("usage.events", when, where={"user": "ada"}),
    "an explanation of a cost": lambda it, when: it.explain_cost(when),
    DERIVED: lambda it, when: it.get_summary("usage.events", when, where={"user": "ada", "task": "task-1"}),
}


def events(*days: int) -> Iterator[dict[str, Any]]:
    for day in days:
        for make in (provider_call, tool_call, task_completed):
            for hour in (-2, 0, 2):
                yield make(
                    occurred_at=NOON + timedelta(days=day, hours=hour), task_id=f"task-{day}", user_id=f"user-{day}"
                )


NEAR, FAR = (-1, 0), (*range(-40, 40),)  # the period before is compared with


@contextmanager
def counting_steps() -> Iterator[Callable[[], int]]:
    """Give what tells how many steps SQLite has taken, on connections that were opened meanwhile."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = before(*arguments, **options)
        connection.set_progress_handler(step, 10)
        return connection

    before = sqlite3.connect
    with patch("sqlite3.connect", connect):
        yield lambda: steps


@pytest.fixture(scope="module")
def steps() -> Iterator[Callable[[str, TimePeriod], tuple[int, int]]]:
    """Return how many steps a question takes: in a store of the days that it is about, and in one of eighty."""
    with counting_steps() as taken, opened(privacy="full") as near, opened(privacy="full") as far:
        record(near, *events(*NEAR))
        record(far, *events(*FAR))

        def of(name: str, when: TimePeriod) -> tuple[int, int]:
            counts = []
            for analytics in (near, far):
                QUESTIONS[name](analytics, when).unwrap()  # what is looked up once for all
                before = taken()
                QUESTIONS[name](analytics, when).unwrap()
                counts.append(taken() - before)
            return counts[0], counts[1]

        yield of


@pytest.mark.parametrize("when", [DAY, HOURS], ids=["a day", "hours"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_costs_as_much_in_a_long_log_as_in_a_short_one(
    steps: Callable[[str, TimePeriod], tuple[int, int]], name: str, when: TimePeriod
) -> None:
    near, far = steps(name, when)

    assert far <= 1.1 * near + 2, (near, far)


@contextmanager
def recording() -> Iterator[list[tuple[str, Sequence[Any]]]]:
    """Give the list of the statements that snapshots run meanwhile, with their parameters."""
    statements: list[tuple[str, Sequence[Any]]] = []

    def snapshot(positions: Any, live: Any, fetch: Any, *rest: Any) -> Snapshot:
        def recorded(statement: str, parameters: Sequence[Any]) -> Any:
            statements.append((statement, parameters))
            return fetch(statement, parameters)

        return Snapshot(positions, live, recorded, *rest)

    with patch.object(store, "Snapshot", snapshot):
        yield statements


def conditions(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the tables that a plan reads, each with what leads to its rows in an index."""
    if "Relation Name" in plan or "Index Name" in plan:
        yield plan.get("Relation Name", plan.get("Index Name", "")), plan.get("Index Cond", "")
    for part in plan.get("Plans", ()):
        yield from conditions(part)


@pytest.mark.store("postgres", privacy="full")
def test_postgresql_is_led_to_the_rows_of_a_period_by_the_index(analytics: AnalyticsService) -> None:
    crowd = (f"{n}" for n in range(100))
    many = [tool_call(occurred_at=NOON + timedelta(days=d), user_id=n, task_id=n) for n in crowd for d in FAR]
    record(analytics, *events(*FAR), *many)
    with analytics.store.read_models.writing() as cursor:
        cursor.execute("ANALYZE")  # with few rows, any way to them is as good
    with recording() as statements:
        for name, ask in QUESTIONS.items():
            for when in (DAY, HOURS) if name != DERIVED else ():  # which asks read models in memory
                ask(analytics, when).unwrap()

    live = {model.declaration.table: model.declaration for model in analytics.store.read_models.live().values()}
    with analytics.store.read_models.reading() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # which small tables are read by
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        looked = 0
        for statement, parameters in statements:
            if any(table in statement for table in live):
                plan = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchone()[0]
                plan = json.loads(plan) if isinstance(plan, str) else plan
                for table, condition in conditions(plan[0]["Plan"]):
                    if table in live:
                        before_time = live[table].row_key[: live[table].row_key.index("bucket") + 1]
                        assert all(name in condition for name in before_time), (statement, condition)
                        looked += 1
    assert looked > len(QUESTIONS)
