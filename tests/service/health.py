"""What is found of the health of a store, by the name of each check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.types import Health, HealthCheck

BOTH = pytest.mark.store("sqlite", "postgres")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def looked(health: Health) -> dict[str, HealthCheck]:
    return {check.name: check for check in health.checks}


def states(health: Health) -> dict[str, str]:
    return {check.name: check.state for check in health.checks}


def of(analytics: AnalyticsService, **bounds: Any) -> Health:
    return analytics.check_health(**bounds).unwrap()


WELL = {"store": "ok", "log": "ok", "lag": "ok", "retention": "ok", "dead_letters": "ok"}
