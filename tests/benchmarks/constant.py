"""A task that never changes, and has nothing of ours: what questions are held against.

The SQL statements of an answer are no yardstick for a regression: where they become slower, so does the yardstick.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

ROWS, GROUPS = 5_000, 250
CREATE = "CREATE TABLE sums (day INTEGER, id TEXT, kind TEXT, a INTEGER, b INTEGER, PRIMARY KEY (day, id))"
INSERT = "INSERT INTO sums VALUES (?, ?, ?, ?, ?)"
GROUP = "SELECT id, kind, sum(a), sum(b) FROM sums WHERE day >= ? GROUP BY id, kind ORDER BY id"
CONSTANT = "a constant task of SQLite and Python"


def constant_task() -> Callable[[], object]:
    """Return the task: SQLite groups rows by two texts, and Python adds up what it says, in decimals."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute(CREATE)
    rows = ((n // GROUPS, f"id-{n % GROUPS:05}", f"kind-{n % 7}", n, n * n % 977) for n in range(ROWS))
    connection.executemany(INSERT, rows)

    def work() -> object:
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for _, kind, a, b in connection.execute(GROUP, (0,)):
            totals[kind] += Decimal(a * b).scaleb(-9)
        return totals

    return work
