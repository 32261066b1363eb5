"""Connections of one kind to a PostgreSQL database: pooled, and when the process ends, one for each who asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from eventsourcing.postgres import PostgresDatastore
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from analytics_es.process import endings

LOCK_TIMEOUT = 5
CHECK_SECONDS = 1.0

Connection = psycopg.Connection[Any]
Configure = Callable[[Connection], None]

_OPTIONS: dict[str, Any] = {"autocommit": True, "row_factory": dict_row}
_checked: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


class Pooled(PostgresDatastore):
    """The library's datastore, with a pool of our own."""

    def __init__(self, url: str, schema: str, size: int, configure: Configure) -> None:
        super().__init__("", "", "", "", "", schema=schema, originator_id_type="text", lock_timeout=LOCK_TIMEOUT)
        self._url, self._configure = url, configure
        self.pool.close()
        self.pool = ConnectionPool(  # type: ignore[assignment]  # it only differs in how a password is got
            url,
            kwargs=_OPTIONS,
            min_size=1,
            max_size=size,
            open=False,
            timeout=LOCK_TIMEOUT,
            reconnect_timeout=LOCK_TIMEOUT,
            configure=configure,
            check=_check,
            num_workers=1,
        )
        self.pool.open()

    def end(self) -> None:
        """Close the pool, whose threads would else be cut off; hooks that run later connect by themselves."""
        pool, opened = self.pool, not self.pool.closed
        if opened:
            self.pool = _OneByOne(self._url, self._configure)  # type: ignore[assignment]
            logging.getLogger("psycopg.pool").disabled = True  # it would tell of threads that wait for the server
            pool.close(timeout=endings.patience())


class _OneByOne:
    """In the place of a pool: a connection for each who asks, and no thread, which could not be started any more."""

    closed = False

    def __init__(self, url: str, configure: Configure) -> None:
        self._url, self._configure = url, configure

    def open(self, *_: object) -> None:
        """Nothing is open."""

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Connect."""
        with psycopg.connect(self._url, connect_timeout=LOCK_TIMEOUT, **_OPTIONS) as connection:
            self._configure(connection)
            yield connection

    def close(self, timeout: float = 0.0) -> None:
        """Nothing is open."""


def _check(connection: Connection) -> None:
    """Make sure that a connection is alive, unless it was a moment ago."""
    now = time.monotonic()
    if now - _checked.get(connection, 0.0) > CHECK_SECONDS:
        ConnectionPool.check_connection(connection)
        _checked[connection] = now
