"""The engine opens wherever Python runs."""

from __future__ import annotations

import threading
from typing import Any

import duckdb
import pytest

from analytics_es.projection import engine
from tests.children import in_a_child
from tests.stores import PATIENCE


class OfANotebook:
    """What DuckDB is in a kernel of Jupyter without ipywidgets: it refuses to be told about its progress bar."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Any = ()) -> duckdb.DuckDBPyConnection:
        if "progress_bar" in statement:
            raise duckdb.InvalidInputException("required package 'ipywidgets' is missing")
        return self._connection.execute(statement, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_it_opens_in_a_notebook_without_widgets(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *args, **named: OfANotebook(plain(*args, **named)))

    connection = engine.connect()

    assert connection.execute("SELECT current_setting('lock_configuration')").fetchone() == (True,)
    connection.close()


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # beside threads, of Python 3.12 on
def test_a_fork_while_another_thread_is_in_the_engine_for_long_has_one_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "REST_SECONDS", 0.01)
    shared, inside, leaves = engine.Engine(threads=2), threading.Event(), threading.Event()

    def fold() -> None:
        with shared.alone() as connection:
            connection.execute("CREATE TABLE of_the_parent AS SELECT range FROM range(300_000)")
            inside.set()
            leaves.wait(PATIENCE)

    def ask() -> None:
        with shared.alone() as connection:
            assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
        shared.close()

    folding = threading.Thread(target=fold)
    folding.start()
    assert inside.wait(PATIENCE)

    assert in_a_child(ask) == 0
    leaves.set()
    folding.join()
    shared.close()
