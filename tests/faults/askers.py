"""Many threads that ask one open store at once, beside threads that record, a follower and who looks at its state."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

from attrs import define, field

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, budget_allocated, price, provider_call, task_completed, tool_call
from analytics_es.types import OperationResult

DAYS = TimePeriod(NOON - timedelta(days=1), NOON + timedelta(days=2), "hour")
Question = Callable[[AnalyticsService], OperationResult[Any]]

# The price of a model turns within an hour: what its calls of that hour cost, the log has to say.
TURN = NOON + timedelta(minutes=20)
UNREPORTED: dict[str, Any] = {"provider": "acme", "model": "m", "cost": None, "currency": None}
PRICES = [
    price(model="m", per_mtok={"input_tokens": "1"}),
    price(model="m", per_mtok={"input_tokens": "2"}, effective_from=TURN.isoformat()),
]

QUESTIONS: Mapping[str, Question] = {
    "summary": lambda asked: asked.get_summary("usage.events", DAYS, group_by=["user"]),
    "usage": lambda asked: asked.get_usage_stats("user", None, DAYS),
    "performance": lambda asked: asked.get_performance_metrics(DAYS),
    "cost": lambda asked: asked.get_cost_breakdown(DAYS, by=["user"]),
    "explain": lambda asked: asked.explain("usage.events", DAYS),
}


# What takes an answer from the read models or the log, by the method that is asked.
EVERY: Mapping[str, Question] = {
    "list_metrics": lambda asked: asked.list_metrics(),
    "get_summary": lambda asked: asked.get_summary("cost.reported_cost", DAYS, group_by=["user"]),
    "get_summary of pairs": lambda asked: asked.get_summary("usage.events", DAYS, group_by=["user", "tenant"]),
    "get_usage_stats": QUESTIONS["usage"],
    "get_performance_metrics": QUESTIONS["performance"],
    "get_cost_breakdown": QUESTIONS["cost"],
    "get_cost_breakdown of pairs": lambda asked: asked.get_cost_breakdown(DAYS, by=["user", "tenant"]),
    "get_cost_breakdown supposed": lambda asked: asked.get_cost_breakdown(DAYS, models={"m": "claude-sonnet-4-5"}),
    "get_cost_series": lambda asked: asked.get_cost_series(DAYS, by=["user"]),
    "get_cost_series of pairs": lambda asked: asked.get_cost_series(DAYS, by=["user", "tenant"]),
    "get_unit_costs": lambda asked: asked.get_unit_costs(DAYS),
    "diff_prices": lambda asked: asked.diff_prices(PRICES[:1], DAYS),
    "get_budgets": lambda asked: asked.get_budgets(),
    "explain": QUESTIONS["explain"],
    "explain_cost": lambda asked: asked.explain_cost(DAYS),
}
UPKEEP: Mapping[str, Question] = {
    "diff": lambda asked: asked.diff(DAYS, 30),
    "price_book": lambda asked: asked.price_book(),
    "projections": lambda asked: asked.projections(),
    "unreadable_values": lambda asked: asked.unreadable_values(),
    "dead_letters": lambda asked: asked.dead_letters(),
    "check_ledger": lambda asked: asked.check_ledger(),
    "verify": lambda asked: asked.verify(),
    "verify a period": lambda asked: asked.verify(period=DAYS),
    "run_aggregation": lambda asked: asked.run_aggregation(DAYS),
    "rebuild": lambda asked: asked.rebuild(),
}


@define
class Answered:
    """How many questions were answered, and the codes of the failures of those that were not."""

    questions: int = 0
    failures: Counter[str] = field(factory=Counter)
    recorded: int = 0
    seconds: float = 0.0


def fill(service: AnalyticsService, days: int = 1) -> None:
    """Record some calls, of which the log has to be asked what they cost."""
    service.publish_prices(PRICES).unwrap()
    for n in range(24 * days):
        at = NOON + timedelta(hours=n - 12)
        service.record_events(
            [
                budget_allocated(occurred_at=at, scope="tenant", tenant_id="acme", thresholds=None),
                provider_call(occurred_at=at, user_id=f"u{n % 5}"),
                provider_call(occurred_at=at + timedelta(minutes=n % 60), **UNREPORTED),
                tool_call(occurred_at=at),
                task_completed(occurred_at=at),
            ]
        ).unwrap()
    service.catch_up()


def ask_at_once(service: AnalyticsService, threads: int, each: int, *, recording: int = 0) -> Answered:
    """Let so many threads ask so many questions each, all at once, and others record and look until they are done."""
    answered, done, lock = Answered(), threading.Event(), threading.Lock()
    start = threading.Barrier(threads + 1)
    kinds = cycle(QUESTIONS.values())

    def ask(questions: list[Question]) -> None:
        start.wait()
        for question in questions:
            result = question(service)
            with lock:
                answered.questions += result.ok
                if result.failure:
                    answered.failures[f"{result.failure.code}: {result.failure.message}"] += 1

    asking = [threading.Thread(target=ask, args=(list(islice(kinds, each)),)) for _ in range(threads)]
    beside = [threading.Thread(target=_record, args=(service, f"{n}", answered, done, lock)) for n in range(recording)]
    beside += [threading.Thread(target=_look, args=(service, done))] if recording else []
    for thread in (*asking, *beside):
        thread.start()
    start.wait()
    began = time.monotonic()
    for thread in asking:
        thread.join()
    answered.seconds = time.monotonic() - began
    done.set()
    for thread in beside:
        thread.join()
    return answered


def _record(service: AnalyticsService, source: str, answered: Answered, done: threading.Event, lock: Any) -> None:
    number = 0
    while not done.is_set():
        service.record_event(**tool_call(), source=source, id=str(number)).unwrap()
        number += 1
    with lock:
        answered.recorded += number


def _look(service: AnalyticsService, done: threading.Event) -> None:
    while not done.is_set():
        service.projections().unwrap()
