"""Reading the log as Arrow: COPY in binary, decoded by ADBC, on connections of their own."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from adbc_driver_postgresql import dbapi

from analytics_es.errors import Closed, StoreFailed, StoreUnavailable
from analytics_es.log.postgres.database import Database
from analytics_es.log.turns import Turns
from analytics_es.process import forks

if TYPE_CHECKING:
    import pyarrow as pa

READERS = 4
IDLE = 2  # connections that are kept


class ArrowReader(forks.Forking):
    """Runs queries on a connection that is not in use, else on a new one; keeps a few of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: deque[Any] = deque()
        self._turns = Turns(READERS, of="reading the log")
        self._closed = False
        forks.register(self)

    def fetch(self, query: str) -> pa.Table:
        """Return the rows of a query, in turn with all who read the log; raises StoreUnavailable, StoreFailed."""
        with self._turns.turn():
            return self._fetch(query)

    def _fetch(self, query: str) -> pa.Table:
        if self._closed:
            raise Closed
        try:
            connection = self._idle.pop() if self._idle else dbapi.connect(self._database.url, autocommit=True)
        except dbapi.Error as error:
            raise StoreUnavailable(problem=self._database.message(error)) from None
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                table = cursor.fetch_arrow_table()
        except dbapi.Error as error:
            self._drop(connection)
            while self._idle:  # what broke this one most likely broke the others
                self._drop(self._idle.pop())
            kind = StoreUnavailable if isinstance(error, dbapi.OperationalError) or not _state(error) else StoreFailed
            raise kind(problem=self._database.message(error)) from None
        self._keep(connection)
        return table

    def _keep(self, connection: Any) -> None:
        if self._closed or len(self._idle) >= IDLE:
            self._drop(connection)
        else:
            self._idle.append(connection)

    def _drop(self, connection: Any) -> None:
        with suppress(dbapi.Error):
            connection.close()

    def close(self) -> None:
        """Close the connections that are not in use; the others follow when they are done."""
        self._closed = True
        self._turns.close()
        while self._idle:
            self._drop(self._idle.pop())

    def after_fork(self, *, child: bool) -> None:
        """In the child, never close them, which would end those of the parent."""
        if child:
            forks.leave(self._idle)
            self._idle, self._closed, self._turns = deque(), True, Turns(READERS)


def _state(error: Any) -> str:
    """Return the server's code of an error, "" where it did not come from the server, or said good-bye with it."""
    code = str(getattr(error, "sqlstate", "") or "")
    return "" if code.startswith(("57P", "08")) else code.strip("\0")
