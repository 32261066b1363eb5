"""SQLite databases of agents → their rows, opened so that nothing of them is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from analytics_es.ingest.sessions.declaration import Query, Tables


def rows(path: Path, tables: Tables, cursors: Mapping[str, int]) -> Iterator[tuple[Query, dict[str, Any], int]]:
    """Yield the rows since the last look, each with its query and how far that is then."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        for number, query in enumerate(tables.queries):
            since = cursors.get(str(number), -1)
            some = since >= 0
            for row in connection.execute(query.sql, {"since": since}):
                some = True
                yield query, dict(row), int(row[query.cursor]) if query.cursor else 0
            if some:
                return
