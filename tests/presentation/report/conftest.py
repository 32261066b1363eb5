"""A store with a report of its week, and the file that was written of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.presentation.report import write_report
from tests.cli.conftest import fixed_events
from tests.hostile_store import hostile
from tests.presentation.report.forging import NOW, WEEK, written_then
from tests.stores import opened, record


@pytest.fixture
def service() -> Iterator[AnalyticsService]:
    with opened(":memory:", privacy="full", clock=lambda: NOW) as store:
        record(store, *fixed_events())
        yield store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "week.html"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AnalyticsService, Path]]:
    """Return a store and a report of it; nothing is added to either."""
    path = tmp_path_factory.mktemp("written") / "week.html"
    with opened(":memory:", privacy="full", clock=lambda: NOW) as store:
        record(store, *fixed_events())
        write_report(store, path, WEEK).unwrap()
        yield store, path


@pytest.fixture(scope="module")
def file(written: tuple[AnalyticsService, Path]) -> bytes:
    return written[1].read_bytes()


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnalyticsService]:
    """Return a store that makes a page hard, of its own: a log is told of each report."""
    with hostile(tmp_path_factory.mktemp("hostile") / "analytics.db") as store:
        yield store


@pytest.fixture(scope="module")
def then(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AnalyticsService, Path]]:
    """Return a store, and a report that an older version wrote of it; nothing is added to either."""
    path = tmp_path_factory.mktemp("then") / "week.html"
    with opened(":memory:", privacy="full", clock=lambda: NOW) as store:
        record(store, *fixed_events())
        written_then(store, path, pages=["overview"])
        yield store, path
