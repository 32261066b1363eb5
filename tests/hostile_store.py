"""A store with everything that makes a page hard: names that attack it, two currencies, what is not known, a day of 25
hours, a value that no fold can read, events that are sealed, and some that the read models lag behind.

A rebuild stops at the value that no fold can read, as it does for whoever has to decide; `set_aside=True` goes on.
Where it is used, the time is `NOW`, and the zone Europe/Berlin.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from analytics_es import AnalyticsService
from analytics_es.testing.examples import (
    budget_allocated,
    cost_corrected,
    job_failed,
    message_added,
    provider_call,
    task_completed,
    tool_call,
)
from tests.stores import append, opened, stored

NOW = datetime(2026, 10, 27, 12, 0, tzinfo=UTC)
ZONE = "Europe/Berlin"
PERIOD = "from=2026-10-24&to=2026-10-28"  # clocks are set back on the second day
SET_BACK = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # where the day of 25 hours begins

# What a browser, a spreadsheet, a template or a terminal would take for more than a name.
NAMES = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror=window.hacked=1>',
    "' onmouseover='window.hacked=1' x='",
    "javascript:window.hacked=1",
    "</title></script><script>window.hacked=1</script>",
    "<style>*{display:none}</style>",
    "&lt;b&gt; &amp; &#39;",
    "=cmd|' /C calc'!A0",
    "{{7*7}} ${7*7} <%= 7*7 %>",
    "a&b=c?d#e/../..;%3Cscript%3E",
    "\u202ereversed\u2028line",
    "名前 Ünïcødé 🦄",
    "an-exceedingly-long-name-" * 6,
    "`rm -rf` and `analytics-es demo`",
    "name with  spaces ",
    "x --last 4w y",
    "--by user",
    "… and 3 more: x, such as --last 4w, {0}",
)


def hostile(place: str | Path) -> AnalyticsService:
    """Return a service over a new store of this kind; what came last is not in its read models yet."""
    service = opened(place, timezone=ZONE, privacy="full", tags=["team"], clock=lambda: NOW)
    service.record_events(_long_ago()).unwrap()
    service.catch_up()
    service.retain({"events": "30d"}).unwrap()
    service.record_events(_lately()).unwrap()
    append(service.store.log, stored("review.merged", occurred_at=SET_BACK.isoformat(), duration_ms="soon"))
    service.catch_up()
    service.record_events([tool_call(occurred_at=NOW - timedelta(hours=1), tool="late")] * 3).unwrap()
    return service


def _long_ago() -> Iterator[dict[str, Any]]:
    for day in range(5):
        yield _identified(provider_call(occurred_at=NOW - timedelta(days=90 + day)), f"old-{day}")


def _lately() -> Iterator[dict[str, Any]]:
    for number, name in enumerate(NAMES):
        who = {
            "user_id": f"u {name}",
            "tenant_id": f"t {name}",
            "agent_id": name,
            "job_id": f"j {name}",
            "task_id": f"k {name}",
            "conversation_id": f"c {name}",
            "attributes": {"team": f"team {name}"},
        }
        for hour in range(0, 72, 1 + number):
            at = SET_BACK - timedelta(hours=22) + timedelta(hours=hour, minutes=number)
            yield _identified(_call(number, hour, name, at, who), f"call {number} {hour} {name}")
            yield _identified(
                tool_call(occurred_at=at, tool=f"tool {name}", duration_ms=10 * (1 + hour), **who),
                f"tool {number} {hour}",
            )
        at = SET_BACK + timedelta(hours=number)
        yield _identified(job_failed(occurred_at=at, job_type=f"job {name}", error_type=name, **who), f"job {number}")
        yield _identified(task_completed(occurred_at=at, task_type=f"task {name}", **who), f"task {number}")
        yield _identified(message_added(occurred_at=at, **who), f"message {number}")
        yield _identified(
            budget_allocated(
                occurred_at=SET_BACK,
                budget_id=f"budget {name}",
                amount="0.05",
                currency=("USD", "EUR")[number % 2],
                scope="tenant",
                tenant_id=f"t {name}",
                starts_at="2026-10-01T00:00:00Z",
                ends_at="2026-11-01T00:00:00Z",
                **{key: text for key, text in who.items() if key != "tenant_id"},
            ),
            f"budget {number}",
        )
    yield _identified(provider_call(occurred_at=SET_BACK + timedelta(hours=1)), "call-1")
    yield cost_corrected(occurred_at=SET_BACK + timedelta(hours=2))


def _call(number: int, hour: int, name: str, at: datetime, who: dict[str, Any]) -> dict[str, Any]:
    """Return a call that reported its cost in one of two currencies, or of which it is not known."""
    model, provider = f"model {name}", f"provider {name}"
    if hour % 5 == 4:
        return provider_call(occurred_at=at, model=model, provider=provider, cost=None, currency=None, **who)
    cost = f"0.{1 + number:02}{1 + hour:02}"
    currency = ("USD", "EUR")[number % 2]
    status = ("ok", "error")[hour % 7 == 6]
    return provider_call(
        occurred_at=at, model=model, provider=provider, cost=cost, currency=currency, status=status, **who
    )


def _identified(event: dict[str, Any], id: str) -> dict[str, Any]:
    return {**event, "id": id, "source": "platform"}
