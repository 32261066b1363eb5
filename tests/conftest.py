"""What every test may use: one server of each kind for all of them, started when first asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analytics_es.service import opening
from tests.nats_servers import NatsServer, nats_server
from tests.servers import Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Return a server that is shared: take a schema of your own."""
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def nats() -> Iterator[NatsServer]:
    """Return a server with JetStream that is shared: take a stream of your own."""
    with nats_server() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _names_are_kept() -> Iterator[None]:
    """Keep what is recorded as it is, and no event about it: tests of privacy say which policy they are about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "PRIVACY", "full")
        yield
