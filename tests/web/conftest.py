"""An app over a store, asked in the process or over a socket of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.web import analytics_app
from analytics_es.web.server import listening, serving, url_of
from tests.stores import opened
from tests.web.asking import filled


@pytest.fixture
def client(analytics: AnalyticsService) -> TestClient:
    """Return a client of an app as it is by default."""
    return TestClient(analytics_app(analytics))


@pytest.fixture(scope="module")
def pages_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store of pages."""
    return filled(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def pages_service(pages_path: Path) -> Iterator[AnalyticsService]:
    """Return a service over it."""
    with opened(pages_path) as service:
        yield service


@pytest.fixture(scope="module")
def pages(pages_service: AnalyticsService) -> Iterator[TestClient]:
    """Return a client of an app, whose failures are answers and no errors."""
    with TestClient(analytics_app(pages_service), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def served() -> Iterator[Callable[[Any], str]]:
    """Serve apps, each at a port of its own, and return where."""
    with ExitStack() as stack:

        def serve(app: Any) -> str:
            server = listening("127.0.0.1", 0)
            stack.enter_context(serving(app, server, threading.Event().set))
            return url_of(server)

        yield serve
