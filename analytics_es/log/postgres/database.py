"""One schema of a PostgreSQL database: pooled connections, driver errors translated, passwords kept out of sight."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import psycopg
import psycopg.conninfo
import tenacity
from psycopg import IsolationLevel
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier, Literal
from psycopg_pool import PoolClosed, PoolTimeout

from analytics_es.errors import (
    BadAddress,
    BadSchema,
    Closed,
    Forked,
    RowsRefused,
    StoreBusy,
    StoreFailed,
    StoreUnavailable,
)
from analytics_es.log.address import redacted
from analytics_es.log.postgres.pooled import LOCK_TIMEOUT, Connection, Pooled
from analytics_es.log.postgres.samples import renew_of_empty
from analytics_es.log.postgres.starting import RETRY_SECONDS, Patience
from analytics_es.log.turns import WRITING_SECONDS, Turns
from analytics_es.process import endings, forks

logger = logging.getLogger("analytics_es")

IDLE_TIMEOUT = 30  # of an open transaction: one that is stuck must not keep the others from appending for longer
WRITERS, READERS, LOOKERS = 4, 8, 2

# What every connection of ours is told; the schema alone is searched, so that every statement can go without it.
SETTINGS = SQL(
    "SELECT set_config('search_path', {schema}, false), set_config('lock_timeout', {lock}, false), "
    "set_config('idle_in_transaction_session_timeout', {idle}, false), set_config('timezone', 'UTC', false)"
)

_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,39}")
_BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.QueryCanceled)
_REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)  # for what is written
_LOST = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)

T = TypeVar("T")


class Cursor:
    """Runs statements that mark parameters by ?, as all databases here do.

    In a pipeline they go out together, when rows are asked for or at the end: after every wait for the server, another
    thread may keep this one from going on. The server is told where it waits for us, so that it ends what is stuck.
    """

    def __init__(self, cursor: psycopg.Cursor[Any], pipeline: psycopg.Pipeline | None = None) -> None:
        self._cursor, self._pipeline = cursor, pipeline

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run a statement."""
        self._cursor.execute(statement.replace("?", "%s").encode(), parameters or None)
        return self

    def fetchone(self) -> Any:
        """Return the next row of the last statement."""
        self._sync()
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        """Return the rows of the last statement."""
        self._sync()
        return self._cursor.fetchall()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Open a part of the transaction that can fail by itself: the driver raises at its end at the latest."""
        with self._cursor.connection.transaction():
            yield
            self._sync()

    def _sync(self) -> None:
        if self._pipeline:
            self._pipeline.sync()


class Database(forks.Forking, endings.Ending):
    """One schema, with a pool for writing and one for reading: writers queue for a lock, and readers need not.

    A pool has a connection for each of its turns, so that waiting for one of those is waiting for the server. Who looks
    something up has turns apart from who asks: so who follows and who records need not queue with hundreds of askers,
    and who has a connection of any other kind may look something up. Nobody who has one waits for one to read or write.
    """

    def __init__(self, url: str, schema: str) -> None:
        if not _SCHEMA.fullmatch(schema):
            raise BadSchema(schema=schema)
        self.url, self.schema, self._left = url, schema, False
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise BadAddress(address=redacted(url), problem=self.message(error)) from None
        self.place = f"schema {schema} of {redacted(url)}"
        with self.connect(waiting=True):  # so that what is wrong with the address is said at once, and by the server
            pass
        self.writing = Pooled(url, schema, WRITERS, self._settings)
        self.reading = Pooled(url, schema, READERS + LOOKERS, self._settings_for_reading)
        self._to_write = Turns(WRITERS, WRITING_SECONDS, of="writing")
        self._to_read, self._to_look = Turns(READERS), Turns(LOOKERS, of="looking up")
        forks.register(self)
        endings.watch(self)

    @contextmanager
    def connect(self, *, waiting: bool = False) -> Iterator[Connection]:
        """Open a connection of its own, outside of the pools; `waiting` for a server that is being started."""
        options: dict[str, Any] = {"autocommit": True, "connect_timeout": LOCK_TIMEOUT, "row_factory": tuple_row}

        def attempt() -> Connection:
            return psycopg.connect(self.url, **options)

        connected = partial(Patience(self.url, self.message).connect, attempt) if waiting else attempt
        with self.translated(), connected() as connection:
            self._settings(connection)
            yield connection

    def _settings(self, connection: Connection) -> None:
        texts = {"schema": self.schema, "lock": f"{LOCK_TIMEOUT}s", "idle": f"{IDLE_TIMEOUT}s"}
        connection.execute(SETTINGS.format(**{name: Literal(text) for name, text in texts.items()}))
        connection.isolation_level = IsolationLevel.READ_COMMITTED

    def _settings_for_reading(self, connection: Connection) -> None:
        self._settings(connection)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Take a connection that may write."""
        with self.translated(), self._to_write.turn(), self.writing.pool.connection() as connection:
            yield connection

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[Cursor]:
        """Open a transaction. Unless it is to be `lasting`, it is durable a little later, with what is written then."""
        with self.connection() as connection, connection.pipeline() as pipeline, connection.transaction():
            if not lasting:
                connection.execute("SET LOCAL synchronous_commit = off")
            yield Cursor(connection.cursor(row_factory=tuple_row), pipeline)

    def read(self) -> AbstractContextManager[Cursor]:
        """Open a transaction that sees one state of the database, in turn with all who ask."""
        return self._state(self._to_read)

    def look(self) -> AbstractContextManager[Cursor]:
        """The same, to look something up at once."""
        return self._state(self._to_look)

    @contextmanager
    def glance(self) -> Iterator[Cursor]:
        """Look something up by one statement, in one trip to the server: it is a transaction by itself."""
        with self.glancing() as connection:
            yield Cursor(connection.cursor(row_factory=tuple_row))

    @contextmanager
    def glancing(self) -> Iterator[Connection]:
        """Take a connection to do so."""
        with self.translated(), self._to_look.turn(), self.reading.pool.connection() as connection:
            yield connection

    @contextmanager
    def read_long(self) -> Iterator[Cursor]:
        """The same on a connection of its own, which the server lets idle: for who compares for minutes."""
        with self.connect() as connection:
            self._settings_for_reading(connection)
            connection.execute("SET idle_in_transaction_session_timeout = 0")
            with connection.pipeline() as pipeline, connection.transaction():
                yield Cursor(connection.cursor(row_factory=tuple_row), pipeline)

    @contextmanager
    def _state(self, turns: Turns) -> Iterator[Cursor]:
        with (
            self.translated(),
            turns.turn(),
            self.reading.pool.connection() as connection,
            connection.pipeline() as pipeline,
            connection.transaction(),
        ):
            yield Cursor(connection.cursor(row_factory=tuple_row), pipeline)

    def scrub(self, tables: Sequence[str], *, compact: bool = False) -> bool:
        """Take from tables the rows that were deleted or replaced; False where this role may not, or had to wait.

        So do the planner's statistics, which hold samples of what was there. `compact` writes the tables anew, which
        nobody reads meanwhile; without it, the bytes stay in the free space of pages until they are overwritten.
        """
        skipped: list[object] = []
        try:
            with self.connect() as connection:
                connection.add_notice_handler(skipped.append)  # who may not is warned
                for table in tables:
                    connection.execute(SQL("VACUUM (FULL {}, ANALYZE) {}").format(Literal(compact), Identifier(table)))
                renew_of_empty(connection, tables)
        except (StoreBusy, StoreFailed):
            return False
        return not skipped

    def again(self, work: Callable[[], T]) -> T:
        """Do something again, for some seconds, while the server cannot be reached."""
        trying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(StoreUnavailable),
            stop=tenacity.stop_after_delay(RETRY_SECONDS),
            wait=tenacity.wait_random_exponential(0.05, max=1),
            before_sleep=_warn,
            reraise=True,
        )
        return trying(work)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn driver errors into ours; no message shows a password."""
        if self._left:
            raise Forked(place=self.place, problem="open it again in this process")
        try:
            yield
        except PoolClosed:
            raise Closed from None
        except PoolTimeout:
            problem = f"no connection within {LOCK_TIMEOUT} s: the server is not there, or all connections are in use"
            raise StoreUnavailable(problem=problem) from None
        except _BUSY as error:
            raise StoreBusy(seconds=LOCK_TIMEOUT) from error
        except _REFUSED as error:
            raise RowsRefused(problem=error.diag.message_primary or self.message(error)) from None  # without the values
        except _LOST as error:
            raise StoreUnavailable(problem=self.message(error)) from None
        except psycopg.Error as error:
            raise StoreFailed(problem=self.message(error)) from None

    def message(self, error: Exception) -> str:
        """Return what a driver says, in one line and without the password."""
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in _secrets(self.url):
            text = text.replace(secret, "***")
        return text

    def close(self) -> None:
        """Close all connections."""
        if not self._left:
            for turns in (self._to_read, self._to_look, self._to_write):
                turns.close()
            self.reading.close()
            self.writing.close()

    def end(self) -> None:
        """Close connections with the process, and with them the threads that look after them."""
        if not self._left:
            self.reading.end()
            self.writing.end()

    def after_fork(self, *, child: bool) -> None:
        """In the child, never use them again, nor close them, which would end the parent's."""
        if child:
            self._left = True
            forks.leave((self.reading, self.writing))


def _warn(state: tenacity.RetryCallState) -> None:
    if state.outcome:
        logger.warning("%s Trying again.", state.outcome.exception())


def _secrets(url: str) -> list[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    passwords = [password, *re.findall(r"[?&](?:password|sslpassword)=([^&]*)", url)]
    return [secret for password in passwords if password for secret in {password, unquote(password)}]
