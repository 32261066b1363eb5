"""A small day written by hand: two users of two tenants, two currencies, failures, unknown costs, one late event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from analytics_es import AnalyticsService, TimePeriod

MONDAY = date(2026, 3, 2)
DAY = TimePeriod.day(MONDAY)
NOW = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)

ADA = {"user_id": "ada", "tenant_id": "acme", "agent_id": "helper", "conversation_id": "talk-1"}
BOB = {"user_id": "bob", "tenant_id": "globex"}
JOB = {**ADA, "job_id": "job-1", "job_type": "nightly"}
TASK = {**ADA, "job_id": "job-1", "task_id": "task-1", "task_type": "fix_bug"}
CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5", "operation": "chat", "currency": "USD"}
MISTRAL = {"provider": "mistral", "model": "mistral-large", "operation": "chat", "currency": "EUR"}
GPT = {"provider": "openai", "model": "gpt-4.1", "operation": "chat"}

# When (of the day, or a whole time), what, and what is told of it.
STORY: list[tuple[str, str, dict[str, Any]]] = [
    ("2026-03-01T09:00", "provider.call.completed", {**ADA, **CLAUDE, "input_tokens": 3000, "cost": "0.01"}),
    ("2026-03-01T10:00", "tool.call.completed", {**ADA, "tool": "bash", "duration_ms": 20}),
    ("08:00", "budget.allocated", {"tenant_id": "acme", "budget_id": "acme-march", "amount": "100", "currency": "USD"}),
    (
        "08:00",
        "budget.allocated",
        {"tenant_id": "globex", "budget_id": "globex-march", "amount": "50", "currency": "EUR"},
    ),
    ("08:05", "conversation.started", ADA),
    ("08:05:10", "conversation.message.added", {**ADA, "messages": 1}),
    ("08:06", "job.started", JOB),
    ("08:06:05", "task.started", TASK),
    (
        "08:06:30",
        "provider.call.completed",
        {
            **TASK,
            **CLAUDE,
            "input_tokens": 1200,
            "cache_read_tokens": 800,
            "cache_creation_tokens": 100,
            "output_tokens": 150,
            "reasoning_tokens": 50,
            "duration_ms": 2500,
            "time_to_first_chunk_ms": 400,
            "cost": "0.005115",
        },
    ),
    ("08:07", "tool.call.completed", {**TASK, "tool": "bash", "duration_ms": 35.5}),
    ("08:07:30", "tool.call.failed", {**TASK, "tool": "search", "duration_ms": 120, "error_type": "timeout"}),
    (
        "08:59:59.999999",
        "provider.call.completed",
        {**TASK, **CLAUDE, "input_tokens": 2000, "output_tokens": 300, "duration_ms": 4000, "cost": "0.0105"},
    ),
    (
        "09:00",
        "provider.call.completed",
        {**TASK, **CLAUDE, "input_tokens": 1000, "output_tokens": 100, "duration_ms": 1000, "cost": "0.0045"},
    ),
    ("09:10", "task.completed", {**TASK, "duration_ms": 60_000}),
    ("09:15", "job.completed", {**JOB, "duration_ms": 90_000}),
    (
        "10:00",
        "provider.call.completed",
        {**BOB, **MISTRAL, "input_tokens": 500, "output_tokens": 60, "duration_ms": 900, "cost": "0.0012"},
    ),
    (
        "10:05",
        "provider.call.completed",
        {**BOB, **MISTRAL, "input_tokens": 250_000, "output_tokens": 1000, "duration_ms": 20_000},
    ),
    ("10:06", "provider.call.completed", {**BOB, **MISTRAL, "input_tokens": 100, "output_tokens": 10}),
    ("10:07", "provider.call.failed", {**BOB, **GPT, "duration_ms": 150, "error_type": "rate_limit"}),
    (
        "10:08",
        "provider.call.completed",
        {**BOB, **GPT, "input_tokens": 800, "output_tokens": 90, "duration_ms": 700, "cost": "0", "currency": "USD"},
    ),
    ("11:00", "tool.call.completed", {**BOB, "tool": "bash", "duration_ms": 10, "status": "ok"}),
    (
        "11:30",
        "job.failed",
        {**BOB, "job_id": "job-2", "job_type": "nightly", "duration_ms": 30_000, "error_type": "timeout"},
    ),
    (
        "11:31",
        "task.cancelled",
        {**BOB, "job_id": "job-2", "task_id": "task-2", "task_type": "review", "duration_ms": 5_000},
    ),
    ("12:00", "budget.spent", {"tenant_id": "acme", "budget_id": "acme-march", "amount": "12.50", "currency": "USD"}),
    ("12:30", "conversation.ended", {**ADA, "messages": 4}),
    (
        "13:00",
        "review.pull_request.merged",
        {**ADA, "duration_ms": 900_000, "input_tokens": 40, "attributes": {"lines": 120}},
    ),
    ("13:05", "review.pull_request.merged", {**BOB, "input_tokens": "plenty", "attributes": {"lines": "many"}}),
    # Late: it arrives last.
    ("08:30", "tool.call.completed", {**ADA, "tool": "bash", "duration_ms": 50}),
]


def events() -> list[dict[str, Any]]:
    """Return the day as arguments of `record_event`, in the order in which it arrives."""
    return [
        {
            "event_type": event_type,
            "data": data,
            "occurred_at": datetime.fromisoformat(when if "T" in when else f"{MONDAY}T{when}").replace(tzinfo=UTC),
            "id": f"event-{n}",
            "source": "platform",
        }
        for n, (when, event_type, data) in enumerate(STORY, 1)
    ]


@contextmanager
def recorded(**options: Any) -> Iterator[AnalyticsService]:
    """Open a store that holds the day, caught up, at half past six in the evening."""
    with AnalyticsService.open(":memory:", follow=False, clock=lambda: NOW, **options) as analytics:
        analytics.record_events(events()).unwrap()
        analytics.catch_up()
        yield analytics
