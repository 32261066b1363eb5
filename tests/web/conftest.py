"""An app over a store, asked in the process or over a socket of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.web import analytics_app
from analytics_es.web.server import listening, serving, url_of


@pytest.fixture
def client(analytics: AnalyticsService) -> TestClient:
    """Return a client of an app as it is by default."""
    return TestClient(analytics_app(analytics))


@pytest.fixture
def served() -> Iterator[Callable[[Any], str]]:
    """Serve apps, each at a port of its own, and return where."""
    with ExitStack() as stack:

        def serve(app: Any) -> str:
            server = listening("127.0.0.1", 0)
            stack.enter_context(serving(app, server, threading.Event().set))
            return url_of(server)

        yield serve
