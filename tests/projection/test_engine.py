"""The engine opens wherever Python runs."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from analytics_es.projection import engine


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
