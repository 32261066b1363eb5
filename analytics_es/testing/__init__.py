"""For tests of your own: valid events to start from, and a store that takes them; its fixtures are in `fixtures`."""

from analytics_es.testing.examples import (
    DAY,
    NOON,
    budget_allocated,
    cost_corrected,
    event,
    job_failed,
    message_added,
    price,
    provider_call,
    record,
    task_completed,
    tool_call,
)

__all__ = [
    "DAY",
    "NOON",
    "budget_allocated",
    "cost_corrected",
    "event",
    "job_failed",
    "message_added",
    "price",
    "provider_call",
    "record",
    "task_completed",
    "tool_call",
]
