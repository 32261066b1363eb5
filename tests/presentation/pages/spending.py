"""A store in which money is spent in two currencies, reported, computed and corrected, and some of it is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from analytics_es import AnalyticsService
from analytics_es.testing import price
from analytics_es.testing.examples import budget_allocated, provider_call, tool_call
from tests.stores import opened

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOW = START + timedelta(days=3, hours=1, minutes=30)
MARCH = "from=2026-03-02&to=2026-03-06"
NOTHING: dict[str, Any] = {"cost": None, "currency": None}

# Who calls what: a model that reports dollars, one that reports euros, one that is priced, and two that nobody prices.
_CALLS: tuple[dict[str, Any], ...] = (
    {"cost": "0.25", "user_id": "ada", "tenant_id": "acme"},
    {"cost": "0.1", "currency": "EUR", "user_id": "bob", "tenant_id": "birch", "model": "mistral-large"},
    {**NOTHING, "provider": "acme", "model": "acme-large", "user_id": "ada", "tenant_id": "acme"},
    {**NOTHING, "provider": "house", "model": "llama", "user_id": None, "tenant_id": "birch"},
    {"cost": "0", "provider": "house", "model": "llama", "user_id": "bob", "tenant_id": None},
)


def spending() -> AnalyticsService:
    """Return a service over such a store, in memory."""
    service = opened(":memory:", clock=lambda: NOW, privacy="full", tags=["team"])
    service.publish_prices([price(model="acme-large", effective_from="2026-01-01T00:00:00Z")]).unwrap()
    last = service.record_events(_events()).unwrap().last_position
    assert last
    service.correct_cost(last, "0.2", note="as billed").unwrap()
    service.catch_up()
    return service


def _events() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for number in range(40):
        at = START - timedelta(days=4) + timedelta(hours=4 * number, minutes=number)
        how = {"status": "error"} if number % 7 == 3 else {"attempt": 2} if number % 11 == 5 else {}
        call = provider_call(
            **{**_CALLS[number % len(_CALLS)], **how},
            occurred_at=at,
            duration_ms=100 * (number + 1),
            attributes={"team": "core"} if number % 2 else {},
        )
        events += [call, tool_call(occurred_at=at, duration_ms=number + 1, tool="bash")]
    events.append(_budget("acme-march", "2", "USD", "acme"))
    events.append(_budget("birch-march", "0.3", "EUR", "birch"))
    events.append(provider_call(cost="0.3", user_id="ada", tenant_id="acme", occurred_at=START + timedelta(hours=1)))
    return [{**event, "id": str(number), "source": "test"} for number, event in enumerate(events)]


def _budget(name: str, amount: str, currency: str, tenant: str) -> dict[str, Any]:
    march = {"starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}
    nobody = dict.fromkeys(("user_id", "agent_id", "job_id", "task_id", "conversation_id"))
    return budget_allocated(
        occurred_at=START,
        budget_id=name,
        scope="tenant",
        amount=amount,
        currency=currency,
        **{**nobody, **march, "tenant_id": tenant},
    )
