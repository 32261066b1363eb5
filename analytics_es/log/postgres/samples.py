"""The planner's statistics: samples of a table's rows, which are to hold nothing that was deleted or replaced."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from psycopg.sql import SQL, Identifier

# Of which tables there are samples.
FIND_SAMPLED = (
    "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = current_schema() AND tablename = ANY(%s) ORDER BY 1"
)

# Any row of a table.
ANY_ROW = SQL("SELECT 1 FROM {} LIMIT 1")

# The columns of a table, and of which kind each is: N for numbers, B for truth values, D for times.
COLUMNS = (
    "SELECT attname, typcategory FROM pg_attribute JOIN pg_type t ON t.oid = atttypid "
    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
)

# Put a row into a table, and say where it is.
INSERT = SQL("INSERT INTO {0} SELECT * FROM jsonb_populate_record(NULL::{0}, %s::jsonb) RETURNING ctid")

# Take a row out again.
DELETE = SQL("DELETE FROM {} WHERE ctid = %s")

NEUTRAL = {"N": 0, "B": False, "D": "epoch"}  # all else is an empty text


def renew_of_empty(connection: Any, tables: Sequence[str]) -> None:
    """Renew the statistics of tables that have become empty, which ANALYZE leaves as they were.

    For as long as that takes, in one transaction and seen by nobody, they have a row that says nothing.
    """
    for (table,) in connection.execute(FIND_SAMPLED, [list(tables)]).fetchall():
        name = Identifier(table)
        if connection.execute(ANY_ROW.format(name)).fetchone() is None:
            columns = connection.execute(COLUMNS, [table]).fetchall()
            row = json.dumps({column: NEUTRAL.get(category, "") for column, category in columns})
            with connection.transaction():
                (place,) = connection.execute(INSERT.format(name), [row]).fetchone()
                connection.execute(SQL("ANALYZE {}").format(name))
                connection.execute(DELETE.format(name), [place])
