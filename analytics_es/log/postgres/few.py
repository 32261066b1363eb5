"""Reading few events of the log in one trip to the server: what follows it reads a few, many times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row

from analytics_es.log.horizon import Horizon
from analytics_es.log.postgres.database import Database
from analytics_es.log.postgres.statements import SCAN_FEW
from analytics_es.log.scanned import event_columns, in_columns, upcast
from analytics_es.log.seals import HORIZON
from analytics_es.log.sums import Columns, Unsummed, checked
from analytics_es.process import Later

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")

FEW = 1_000


class FewEvents:
    """Scans short stretches of a log; what is sealed of it is looked at in the same statement."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._horizon: str | None = None  # as it was when last looked at

    def scan(self, *, after: int, upto: int, limit: int, unsummed: Unsummed | None = None) -> pa.Table:
        """Return events as `EventLog.scan` does; checked, where it can ask up to where none need a checksum."""
        rows = self._database.again(lambda: self._unsealed(after, upto, limit))
        columns = Columns(*zip(*rows, strict=True)) if rows else None
        read = columns and in_columns(checked(columns, unsummed) if unsummed else columns[:4])
        return upcast(pa.Table.from_batches([read] if read else [], schema=event_columns()))

    def _unsealed(self, after: int, upto: int, limit: int) -> list[tuple[Any, ...]]:
        """Leave out what is sealed: once more where that is not what it was before."""
        while True:
            horizon = self._horizon
            statement = SCAN_FEW.format(unsealed=Horizon.read(horizon).unsealed())
            with self._database.glancing() as connection:
                cursor = connection.cursor(row_factory=tuple_row, binary=True)
                rows = cursor.execute(statement.encode(), (HORIZON, after, upto, limit)).fetchall()
            rows.sort(key=lambda row: int(row[0]))
            self._horizon = rows[0][1]
            if self._horizon == horizon:
                return rows[1:]
