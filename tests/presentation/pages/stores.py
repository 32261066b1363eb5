"""Stores to look at: one with what events do not tell, and budgets of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics_es.testing.examples import (
    budget_allocated,
    event,
    job_failed,
    message_added,
    provider_call,
    task_completed,
    tool_call,
)

NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOBODY: dict[str, Any] = dict.fromkeys(("user_id", "tenant_id", "agent_id", "job_id", "task_id", "conversation_id"))


def untold() -> Iterator[dict[str, Any]]:
    """Yield events of which some do not say who, on what, how it ended, or what it cost."""
    for number, told in enumerate(_untold()):
        yield {**told, "id": f"event-{number}", "source": "platform"}


def _untold() -> Iterator[dict[str, Any]]:
    for number in range(30):
        at = START + timedelta(hours=2 * number, minutes=number)
        who: dict[str, Any] = {"user_id": "ada"} if number % 3 else NOBODY
        yield provider_call(occurred_at=at, duration_ms=100 * (number + 1), **who)
        yield tool_call(occurred_at=at, tool="bash" if number % 2 else None, duration_ms=number or None, **who)
        if not number % 5:
            yield job_failed(occurred_at=at, job_type=None, **who)
            yield provider_call(occurred_at=at, cost=None, currency=None, model="mystery", provider=None, **who)
            yield event("tool.call.ended", occurred_at=at, tool="bash", duration_ms=7, user_id="ada")
            yield event("task.stopped", occurred_at=at, task_type="fix_bug")
    yield message_added(occurred_at=START)
    yield task_completed(occurred_at=START)
    yield from _budgets()


def _budgets() -> Iterator[dict[str, Any]]:
    march = {"starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}
    yield budget_allocated(
        occurred_at=START,
        budget_id="calls",
        scope="user",
        amount="0.20",
        currency="USD",
        **{**NOBODY, **march, "user_id": "ada"},
    )
    yield budget_allocated(occurred_at=START, budget_id="told", amount="10", currency="USD", **NOBODY)
    for number in range(5):
        yield event(
            "budget.spent",
            occurred_at=START + timedelta(hours=9 * number),
            budget_id="told",
            amount=f"0.{number + 1}5",
            currency="USD",
        )
    yield budget_allocated(
        occurred_at=START,
        budget_id="all",
        scope="all",
        amount="1",
        currency="USD",
        thresholds=["10", "90"],
        **{**NOBODY, **march},
    )
    yield event("budget.spent", occurred_at=START + timedelta(hours=1), budget_id="all", amount="0.01", currency="USD")
    yield event(
        "budget.credit.granted",
        occurred_at=START,
        budget_id="all",
        grant_id="gift",
        amount="0.02",
        currency="USD",
        effective_at="2026-03-01T00:00:00Z",
    )
