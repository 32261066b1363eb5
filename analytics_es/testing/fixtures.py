"""Fixtures for pytest: `pytest_plugins = ["analytics_es.testing.fixtures"]` in the uppermost conftest.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from analytics_es.service import AnalyticsService


@pytest.fixture
def analytics_options() -> Mapping[str, Any]:
    """Return with what `analytics` is opened; a fixture of this name in a test module, or in a conftest.py, wins."""
    return {}


@pytest.fixture
def analytics(analytics_options: Mapping[str, Any]) -> Iterator[AnalyticsService]:
    """Return a service over an empty store in memory of its own, which is closed after the test; nothing follows it."""
    with AnalyticsService.open(**{"url_or_path": ":memory:", "follow": False, **analytics_options}) as service:
        yield service
