"""What every test may use: one PostgreSQL server for all of them, started when first asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Return a server that is shared: take a schema of your own."""
    with server() as running:
        yield running
