"""Figures as a server of Prometheus takes them, and a day of which there are some."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families as parsed_text
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.testing import NOON, budget_allocated, provider_call
from tests.stores import set_clock

OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}

Series = dict[tuple[str, ...], float]


def series(client: TestClient, **headers: str) -> Series:
    """Return what is told, by name and labels."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return told(answer.text)


def told(text: str) -> Series:
    return {
        (sample.name.removeprefix("analytics_es_"), *sample.labels.values()): sample.value
        for family in parsed_text(text)
        for sample in family.samples
    }


def month(analytics: AnalyticsService) -> None:
    """Let it be the month of the events."""
    set_clock(analytics, NOON + timedelta(days=1))


def scoped(scope: str, scope_id: str | None = None, **said: Any) -> dict[str, Any]:
    return budget_allocated(scope=scope, **({"scope_id": scope_id} if scope_id else {}), **said)


DAY = [
    provider_call(cost="0.30", model="large"),
    provider_call(cost="0.20", model="large"),
    provider_call(cost="1", currency="EUR", model="large"),
    provider_call(cost="0.10", model="small"),
    provider_call(cost=None, currency=None, model="house-model", provider="selfhosted"),
    scoped("all", budget_id="everything", amount="2"),
    scoped("tenant", "acme", budget_id="acme-budget", amount="3"),
    scoped("user", "ada", budget_id="ada-budget", amount="0.10"),
]
