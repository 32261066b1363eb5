"""Whether read models are damaged whose rows make no sense: looked at only where an error of Python's has met them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from analytics_es.log.sqlite.file import escaped
from analytics_es.projection.declaration import Declaration
from analytics_es.read_models.stored import reading

# What reading a row fails with that is not as it was written.
ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

# What is wrong with the file, as far as SQLite can tell: pages, order, types, what must not be null.
INTEGRITY = "PRAGMA integrity_check(1)"
SOUND = "ok"

# The columns of which it cannot tell: long numbers, and histograms.
OWN_FORMS = "SELECT {columns} FROM {table}"


def problem_of(path: Path, declarations: Iterable[Declaration]) -> str | None:
    """Say what is damaged in a file of read models; None where nothing is, or where that cannot be told now."""
    try:
        with closing(sqlite3.connect(f"file:{escaped(path)}?mode=rw", uri=True)) as connection:
            (found,) = connection.execute(INTEGRITY).fetchone()
            if found != SOUND:
                return " ".join(str(found).split())
            tables = [declaration.table for declaration in declarations if not _is_read(connection, declaration)]
            return f"rows of {tables[0]} cannot be read" if tables else None
    except sqlite3.OperationalError:  # locked, or gone
        return None
    except sqlite3.DatabaseError as error:
        return str(error)


def _is_read(connection: sqlite3.Connection, declaration: Declaration) -> bool:
    columns = [column for column in declaration.columns if column.wide or column.merge == "histogram"]
    if not columns:
        return True
    names = ", ".join(column.name for column in columns)
    read = reading(columns)
    try:
        for row in connection.execute(OWN_FORMS.format(columns=names, table=declaration.table)):
            read(row)
    except ODD:
        return False
    return True
