"""Valid examples: arguments of `record_event` for one event of each kind, a price; change one thing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from analytics_es.types import TimePeriod

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12), "total")

_WHO: dict[str, Any] = {
    "user_id": "ada",
    "tenant_id": "acme",
    "agent_id": "helper",
    "job_id": "job-1",
    "task_id": "task-1",
    "conversation_id": "talk-1",
}


def _event(event_type: str, own: dict[str, Any], changes: dict[str, Any], occurred_at: datetime) -> dict[str, Any]:
    data = {**_WHO, **own, **changes}
    return {
        "event_type": event_type,
        "data": {name: value for name, value in data.items() if value is not None},
        "occurred_at": occurred_at,
    }


def event(event_type: str, *, occurred_at: datetime = NOON, **fields: Any) -> dict[str, Any]:
    """Return an event of any type, with these fields and no others."""
    return {"event_type": event_type, "data": fields, "occurred_at": occurred_at}


def record(analytics: AnalyticsService, *events: Mapping[str, Any]) -> None:
    """Record events, and take them into the read models; raises RefusedBatch, which says what is wrong with which."""
    analytics.record_events(events).unwrap()
    analytics.catch_up()


def provider_call(*, occurred_at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """Return a call of a model that went well; `field=None` leaves a field out."""
    own = {
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "operation": "chat",
        "input_tokens": 1200,
        "cache_read_tokens": 800,
        "cache_creation_tokens": 100,
        "output_tokens": 150,
        "reasoning_tokens": 50,
        "duration_ms": 2500,
        "time_to_first_chunk_ms": 400,
        "cost": "0.005115",
        "currency": "USD",
        "status": "ok",
    }
    return _event("provider.call.completed", own, changes, occurred_at)


def cost_corrected(*, occurred_at: datetime = NOON, number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a correction of what the call `call-1` of the source `platform` had cost."""
    own = {
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "operation": "chat",
        "corrects": {"source": "platform", "id": "call-1"},
        "cost_change": "-0.001",
        "currency": "USD",
    }
    identity = {"source": "platform", "id": f"call-1:correction:{number}"}
    return {**_event("provider.cost.corrected", own, changes, occurred_at), **identity}


def tool_call(*, occurred_at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """Return a call of a tool that went well."""
    own = {"tool": "bash", "duration_ms": 35.5, "status": "ok"}
    return _event("tool.call.completed", own, changes, occurred_at)


def task_completed(*, occurred_at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """Return a task that was completed."""
    return _event("task.completed", {"task_type": "fix_bug", "duration_ms": 60_000}, changes, occurred_at)


def job_failed(*, occurred_at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """Return a job that failed."""
    own = {"job_type": "nightly", "duration_ms": 90_000, "error_type": "timeout"}
    return _event("job.failed", own, changes, occurred_at)


def budget_allocated(*, occurred_at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """Return money given to a budget."""
    return _event(
        "budget.allocated", {"budget_id": "acme-march", "amount": "100", "currency": "USD"}, changes, occurred_at
    )


def message_added(*, occurred_at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """Return a message of a conversation."""
    return _event("conversation.message.added", {"messages": 1}, changes, occurred_at)


def price(**changes: Any) -> dict[str, Any]:
    """Return a price as it is given to `publish_prices`; `name=None` leaves a name out."""
    own = {
        "provider": "acme",
        "model": "acme-large",
        "currency": "EUR",
        "effective_from": "2026-01-01T00:00:00Z",
        "per_mtok": {"input_tokens": "2", "cache_read_tokens": "0.2", "output_tokens": "8"},
    }
    return {name: value for name, value in {**own, **changes}.items() if value is not None}
