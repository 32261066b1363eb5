"""How a database writes what is stored as an integer: times, dates, numbers with decimals, money to the last digit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from attrs import frozen

from analytics_es.log.database import Cursor
from analytics_es.projection.rows import Row
from analytics_es.read_models.priced import as_arrays
from analytics_es.read_models.stored import PARTS

# A view, made anew; who may read it, and may again.
DROP = "DROP VIEW IF EXISTS {}"
CREATE = "CREATE {}VIEW {} AS {}"
SELECT_READERS = (
    "SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END "
    "FROM pg_class, aclexplode(relacl) AS acl "
    "WHERE oid = to_regclass(?) AND acl.privilege_type = 'SELECT' AND acl.grantee <> relowner"
)
GRANT = "GRANT SELECT ON {} TO {}"

# Prices that rows are joined with, in the memory of a connection of SQLite.
FORGET_ROW_PRICES = "DELETE FROM temp.row_prices"
WRITE_ROW_PRICE = "INSERT INTO temp.row_prices ({}) VALUES ({})"

# A REAL holds so many decimals of any number that matters; with more of them, its digits are given as a text as well.
FEW = 3


@frozen
class Dialect(ABC):
    """The expressions of one database, each of which takes those of whole numbers; and how it keeps views."""

    key_type: ClassVar[str]
    integer_type: ClassVar[str]
    wide_type: ClassVar[str]  # of numbers that may pass 64 bits
    money_type: ClassVar[str]
    table_options: ClassVar[str] = ""
    none: ClassVar[str]  # no money
    one_at_a_time: ClassVar[str]  # waits for who prices
    impatient: ClassVar[str]  # from here on in a transaction, waits for nobody for long
    relations_sql: ClassVar[str]

    def relations(self, cursor: Cursor) -> set[str]:
        """Return the names of all tables, views and the like."""
        cursor.execute(self.relations_sql)
        return {name for (name,) in cursor.fetchall()}

    def drop(self, cursor: Cursor, name: str) -> None:
        """Remove a view."""
        cursor.execute(DROP.format(name))

    def replace(self, cursor: Cursor, name: str, select: str, *, same: bool) -> None:
        """Make a view, in the place of what it was, which has the `same` columns or others."""
        self.drop(cursor, name)
        cursor.execute(CREATE.format("", name, select))

    @abstractmethod
    def instant(self, seconds: str) -> str:
        """Return the time of epoch seconds."""

    @abstractmethod
    def moment(self, micros: str) -> str:
        """Return the time of epoch microseconds."""

    @abstractmethod
    def date(self, seconds: str) -> str:
        """Return the date of epoch seconds."""

    @abstractmethod
    def numbers(self, name: str, stored: str, decimals: int) -> dict[str, str]:
        """Return the columns of a number that is stored times 10^decimals."""

    @abstractmethod
    def real(self, stored: str, decimals: int = 0) -> str:
        """Return such a number as a floating one."""

    @abstractmethod
    def money(self, stored: str, decimals: int) -> str:
        """Return an amount as the table of priced costs keeps it."""

    @abstractmethod
    def written(self, name: str, stored: str) -> dict[str, str]:
        """Return the columns of money as the table of priced costs keeps it."""

    @abstractmethod
    def total(self, column: str, decimals: str, *, wide: bool) -> str:
        """Return the sum of a column of numbers with decimals as that table keeps it; they may be `wide`."""

    @abstractmethod
    def both(self, first: str, second: str) -> str:
        """Return the sum of two amounts that are kept so."""

    @abstractmethod
    def surely(self, names: Sequence[str]) -> str:
        """Return whether all sums of these columns, and all that was computed, are whole numbers still."""

    @abstractmethod
    def hand_over(self, cursor: Cursor, columns: Sequence[str], rows: Sequence[Row]) -> tuple[str, list[Any], str]:
        """Hand prices over; returns how a statement that reads them begins, its parameters, and their name."""


class SQLite(Dialect):
    """Times are ISO 8601 texts in UTC; money is a REAL, and beside it the text of all its digits."""

    key_type, integer_type, wide_type, money_type = "TEXT", "INTEGER", "ANY", "TEXT"
    table_options = " STRICT, WITHOUT ROWID"
    none, one_at_a_time, impatient = "NULL", "SELECT 1", "SELECT 1"  # who writes is the only one
    relations_sql = "SELECT name FROM sqlite_master"

    def instant(self, seconds: str) -> str:
        """Return the time of epoch seconds."""
        return f"strftime('%Y-%m-%dT%H:%M:%SZ', {seconds}, 'unixepoch')"

    def moment(self, micros: str) -> str:
        """Return the time of epoch microseconds."""
        second = f"strftime('%Y-%m-%dT%H:%M:%S', {micros} / 1000000, 'unixepoch')"
        return f"{second} || printf('.%06dZ', {micros} % 1000000)"

    def date(self, seconds: str) -> str:
        """Return the date of epoch seconds."""
        return f"date({seconds}, 'unixepoch')"

    def numbers(self, name: str, stored: str, decimals: int) -> dict[str, str]:
        """Return the number, and the text of its digits where a REAL may not hold them; an integer is as it is."""
        if not decimals:
            return {name: stored}
        exact = {} if decimals <= FEW else {f"{name}_exact": _digits(stored, decimals)}
        return {name: self.real(stored, decimals), **exact}

    def real(self, stored: str, decimals: int = 0) -> str:
        """Return such a number as a floating one."""
        return f"CAST({stored} AS REAL)" + (f" / 1e{decimals}" if decimals else "")

    def money(self, stored: str, decimals: int) -> str:
        """Return the text of an amount."""
        return _digits(stored, decimals)

    def written(self, name: str, stored: str) -> dict[str, str]:
        """Return the columns of money that is kept as a text."""
        return {name: f"CAST({stored} AS REAL)", f"{name}_exact": stored}

    def total(self, column: str, decimals: str, *, wide: bool) -> str:
        """Return the text of a sum."""
        high, low, text = (part.format(c=column) for part in PARTS)
        return f"digits({high}, {low}, {text}, {decimals})" if wide else f"digits({high}, {low}, NULL, {decimals})"

    def both(self, first: str, second: str) -> str:
        """Return the text of the sum of two texts."""
        return f"added_digits({first}, {second})"

    def surely(self, names: Sequence[str]) -> str:
        """Return whether all are integers: what does not fit one is a REAL, or a text."""
        added = "".join(f" + coalesce(sum({name}), 0)" for name in names)
        return f"count(*) FILTER (WHERE typeof(computed) = 'real') = 0 AND typeof(0{added}) = 'integer'"

    def hand_over(self, cursor: Cursor, columns: Sequence[str], rows: Sequence[Row]) -> tuple[str, list[Any], str]:
        """Write prices into a table of the connection."""
        cursor.execute(FORGET_ROW_PRICES)
        insert = WRITE_ROW_PRICE.format(", ".join(columns), ", ".join("?" * len(columns)))
        statements: Any = cursor  # the driver's own, which takes many rows at once
        statements.executemany(insert, rows)
        return "", [], "temp.row_prices"


class PostgreSQL(Dialect):
    """Times are timestamptz, numbers are numeric."""

    key_type, integer_type, wide_type, money_type = 'text COLLATE "C"', "bigint", "numeric", "numeric"
    none = "NULL::numeric"
    impatient = "SET LOCAL lock_timeout = '500ms'"
    one_at_a_time = (
        "SELECT pg_advisory_xact_lock(hashtextextended('analytics_es priced ' || current_setting('search_path'), 0))"
    )
    relations_sql = "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace"

    def instant(self, seconds: str) -> str:
        """Return the time of epoch seconds."""
        return f"to_timestamp({seconds})"

    def moment(self, micros: str) -> str:
        """Return the time of epoch microseconds."""
        return f"timestamptz 'epoch' + {micros} * interval '1 microsecond'"

    def date(self, seconds: str) -> str:
        """Return the date of epoch seconds."""
        return f"(timestamp 'epoch' + ({seconds}) * interval '1 second')::date"

    def numbers(self, name: str, stored: str, decimals: int) -> dict[str, str]:
        """Return the number: multiplied, since a division rounds."""
        unit = f"0.{'1':0>{decimals}}"
        return {name: f"trim_scale({stored} * {unit}::numeric)" if decimals else stored}

    def real(self, stored: str, decimals: int = 0) -> str:
        """Return such a number as a floating one."""
        return f"{stored}::float8" + (f" / 1e{decimals}::float8" if decimals else "")

    def money(self, stored: str, decimals: int) -> str:
        """Return the number of an amount."""
        return self.numbers("", stored, decimals)[""]

    def written(self, name: str, stored: str) -> dict[str, str]:
        """Return the column of money that is kept as a number."""
        return {name: stored}

    def total(self, column: str, decimals: str, *, wide: bool) -> str:
        """Return the number that is a sum of whole numbers, multiplied."""
        return f"trim_scale(sum({column}) * ('1e-' || {decimals})::numeric)"

    def both(self, first: str, second: str) -> str:
        """Return the sum."""
        return f"trim_scale({first} + {second})"

    def surely(self, names: Sequence[str]) -> str:
        """Say that all are whole: a sum is a numeric."""
        return "true"

    def hand_over(self, cursor: Cursor, columns: Sequence[str], rows: Sequence[Row]) -> tuple[str, list[Any], str]:
        """Give prices to the statement itself, as an array a column."""
        return *as_arrays("row_prices", columns, rows), "row_prices"

    def replace(self, cursor: Cursor, name: str, select: str, *, same: bool) -> None:
        """Make a view; who might read it still may."""
        readers = []
        if not same:
            readers = cursor.execute(SELECT_READERS, (name,)).fetchall()
            self.drop(cursor, name)
        cursor.execute(CREATE.format("OR REPLACE ", name, select))
        for (reader,) in readers:
            cursor.execute(GRANT.format(name, reader))


def _digits(stored: str, decimals: int) -> str:
    """Write an integer, which may be a text of its digits, as the number that it is times 10^decimals."""
    digits = f"ltrim({stored}, '-')"
    sign = f"CASE WHEN substr({stored}, 1, 1) = '-' THEN '-' ELSE '' END"
    whole = (
        f"CASE WHEN length({digits}) > {decimals} THEN substr({digits}, 1, length({digits}) - {decimals}) ELSE '0' END"
    )
    part = f"rtrim(substr('{'0' * decimals}' || {digits}, -{decimals}), '0')"
    return f"{sign} || {whole} || CASE WHEN {part} = '' THEN '' ELSE '.' || {part} END"
