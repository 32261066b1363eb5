"""The store that makes a page hard, to be looked at; nothing is added to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analytics_es import AnalyticsService
from tests.hostile_store import hostile


@pytest.fixture(scope="session")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnalyticsService]:
    with hostile(tmp_path_factory.mktemp("hostile") / "analytics.db") as store:
        yield store
