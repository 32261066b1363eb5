"""The store with what events do not tell, to be looked at; nothing is added to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analytics_es import AnalyticsService
from tests.presentation.pages.stores import NOW, untold
from tests.stores import opened, record


@pytest.fixture(scope="module")
def store() -> Iterator[AnalyticsService]:
    with opened(":memory:", clock=lambda: NOW, privacy="full") as store:
        record(store, *untold())
        yield store
