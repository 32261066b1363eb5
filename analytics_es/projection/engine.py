"""DuckDB, locked down: the one place that opens it."""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytics_es.errors import Closed
from analytics_es.process import Later, endings, forks, owned

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    Connection = duckdb.DuckDBPyConnection
    EngineError = duckdb.Error
else:
    # It has a hook of its own for the end of the process, which interrupts whatever is being asked.
    duckdb = Later("duckdb", endings.come_first)

    def __getattr__(name: str) -> Any:
        if name != "EngineError":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        return duckdb.Error  # asked for where something has failed: who folds nothing imports no engine


_OF_MACHINE = ("Allocation failure", "bad_alloc")  # there is no memory at all, however little is asked for

ENOUGH_SECONDS = 30.0  # for the batch that is being folded when the process ends
REST_SECONDS = 5.0  # for the one that is being folded when it forks

MEMORY = "1GB"
SPILLED = "4GB"
_SETTINGS = {
    "TimeZone": "UTC",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "preserve_insertion_order": True,
}

# What the engine plans are scans and sums of one small table: looking for a better plan takes longer than it saves.
# And common_subexpressions takes what two expressions share out of TRY, where nothing catches its failure.
_OPTIMIZERS = ("column_lifetime", "cte_inlining", "expression_rewriter", "filter_pushdown", "unused_columns")


def connect(*, reads: Path | None = None, writes: Path | None = None, threads: int = 2) -> Connection:
    """Open an in-memory engine that sees no file but `reads` and `writes`, no network and no extension.

    What its memory does not hold goes to a private directory, bounded too, which is removed with the engine.
    """
    _check_not_over()
    return _connected(reads, writes, threads=threads, spills=True)


def _check_not_over() -> None:
    if endings.is_over():
        endings.wait_for_it()
        raise Closed


def _connected(reads: Path | None = None, writes: Path | None = None, *, threads: int, spills: bool) -> Connection:
    connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY, "threads": threads})
    _connections.open.add(connection)
    spills = spills and not endings.has_begun()  # nobody would remove the directory any more
    connection.execute("SET temp_directory = ?", [_spilling(connection) if spills else ""])
    connection.execute("SET max_temp_directory_size = ?", [SPILLED])  # ignored when given to connect()
    for name, setting in _SETTINGS.items():
        connection.execute(f"SET {name} = ?", [setting])
    with suppress(duckdb.InvalidInputException):  # a notebook without ipywidgets shows none, and cannot be told so
        connection.execute("SET enable_progress_bar = false")
    # The names of all optimizers but these.
    unwanted = "SELECT string_agg(name, ',') FROM duckdb_optimizers() WHERE NOT list_contains(?, name)"
    connection.execute("SET disabled_optimizers = ?", connection.execute(unwanted, [_OPTIMIZERS]).fetchone())
    allowed = [str(path) for path in (reads, writes) if path]
    if allowed:
        connection.execute("SET allowed_paths = ?", [allowed])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def lies_in_values(error: Exception) -> bool:
    """Say whether an engine fails on the values that it was given, or may: it would go on without some of them."""
    # What it fails with on values, or on what they grow to; not on SQL, on files or on itself.
    of_values = (
        duckdb.DataError,
        duckdb.InvalidInputException,
        duckdb.InvalidTypeException,
        duckdb.ConstraintException,
        duckdb.OutOfMemoryException,
    )
    return isinstance(error, of_values) and not any(words in str(error) for words in _OF_MACHINE)


class Engine(forks.Forking, endings.Ending):
    """An engine that is had by one thread at a time, and opened when it is needed.

    It is closed before the process forks: a fork has not its threads, for which closing it would wait for ever. And
    before the process ends: a thread that is in the engine when the interpreter ends aborts it.
    """

    def __init__(self, *, threads: int, inner: bool = False) -> None:
        self._threads, self._inner = threads, inner  # an inner one is also asked by who has another
        self._lock = threading.RLock()
        self._open: Connection | None = None
        self._closed = self._resting = False
        self.parsed = functools.lru_cache(maxsize=64)(self._parse)  # statements that are made again and again
        forks.register(self)
        endings.watch(self)

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Have the engine to oneself; raises Closed."""
        with self._lock:
            if self._may_be_had:
                yield self.connection
                return
        _check_not_over()
        raise Closed

    def check(self) -> None:
        """Raise Closed where it cannot be had any more, without opening it."""
        if not self._may_be_had:
            _check_not_over()
            raise Closed

    @property
    def _may_be_had(self) -> bool:
        return not self._closed and (self._inner or not endings.is_over())

    @property
    def connection(self) -> Connection:
        """What it is open with, for who has it."""
        if self._open is None:
            self._open = _connected(threads=self._threads, spills=not self._inner)
        return self._open

    def select(self, cursor: Connection, text: str, pieces: int, parameters: Sequence[str | int] = ()) -> pa.Table:
        """Return what a SELECT gives a cursor, in its order, read in pieces of so many rows; for who has the engine.

        Batch after batch asks the same. To parse it is a quarter of the work of a small batch, and is done once: the
        driver itself would do it twice each time. Parameters that are texts hold no byte 0.
        """
        cursor.execute(self.parsed(f"PREPARE selected AS {text}"))
        literals = [quote(parameter) if isinstance(parameter, str) else str(parameter) for parameter in parameters]
        return (
            cursor.sql(f"EXECUTE selected{f'({sql_list(literals)})' if literals else ''}")
            .to_arrow_reader(pieces)
            .read_all()
        )

    def _parse(self, text: str) -> duckdb.Statement:
        return self.connection.extract_statements(text)[0]

    def close(self) -> None:
        """Close it for good, when nobody has it any more."""
        with self._lock:
            self._closed = True
            self._drop()
        endings.let_go(self)

    def _drop(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def end(self) -> None:
        """Wait until nobody has it, and let nobody have it but this thread, in which hooks may run later."""
        if self._lock.acquire(timeout=ENOUGH_SECONDS):
            self._drop()

    def before_fork(self) -> None:
        """Close it when nobody has it; it is opened again when needed."""
        self._resting = self._lock.acquire(timeout=REST_SECONDS)
        if self._resting:
            self._drop()

    def after_fork(self, *, child: bool) -> None:
        """Go on; in the child with a new one, also where the parent's is in use: who closes that here crashes."""
        if self._resting:
            self._lock.release()
        elif child:
            self._lock, self._open = threading.RLock(), None


class _Connections(forks.Forking, endings.Ending):
    """Every connection that is open."""

    def __init__(self) -> None:
        self.open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self.directories: set[str] = set()  # where they may spill
        forks.register(self)
        endings.watch(self)

    def after_fork(self, *, child: bool) -> None:
        """Never close those of the parent in the child."""
        if child:
            for connection in self.open:
                forks.leave(connection)
            self.open.clear()
            self.directories.clear()

    def remove(self, directory: str) -> None:
        """Remove a directory of this process: not one of which it is a fork."""
        if directory in self.directories:
            self.directories.discard(directory)
            owned.remove(Path(directory))

    def end(self) -> None:
        """Interrupt what other threads are asking, and leave nothing behind."""
        for connection in list(self.open):
            connection.interrupt()
        for directory in list(self.directories):
            self.remove(directory)


# They end last, because they are here first.
_connections = _Connections()
_parser = Engine(threads=2, inner=True)


def _spilling(connection: Connection) -> str:
    """Make a directory that only its owner can enter, which goes when the connection does."""
    directory = str(owned.directory())
    _connections.directories.add(directory)
    weakref.finalize(connection, _connections.remove, directory).atexit = False  # with the process, all go
    return directory


def quote(text: str) -> str:
    """Return the SQL literal of a text."""
    return "'" + text.replace("'", "''") + "'"


def ask(question: str, *parameters: Any) -> list[Any]:
    """Return what the engine says of SQL itself: there is one for that, which holds no data."""
    with _parser.alone() as connection:
        return connection.execute(question, parameters).fetchall()


def quote_name(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def sql_list(parts: Sequence[str]) -> str:
    """Return SQL expressions as a list of them."""
    return ", ".join(parts)
