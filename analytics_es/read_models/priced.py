"""Rows joined with the price of one, in SQL: money is added up as integers, and no row leaves the database for it.

What things cost is handed over with the question. So nothing is stored when prices change, nor has to be read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import orjson
from attrs import field, frozen

from analytics_es.projection.declaration import Column, Declaration, shortened
from analytics_es.read_models.selection import Span, selection
from analytics_es.read_models.snapshot import Rows, Snapshot
from analytics_es.read_models.stored import reading

KEYS, FACTORS = 7, 16  # at most, of one table of prices
PIECE = 200  # prices of one statement
SOME = 100  # rows that are looked at first
MOST = 2**62  # of a factor

_NUMBERS = ("piece", "way", "fine", "coarse")
_COLUMNS = (*(f"k{n}" for n in range(KEYS)), *_NUMBERS, *(f"f{n}" for n in range(FACTORS)))

# The prices of a question, in the connection's own memory: they are gone with the transaction that reads.
CREATE_PRICES = (
    f"CREATE TEMP TABLE IF NOT EXISTS prices (of_question INTEGER, {', '.join(_COLUMNS)}, "
    f"PRIMARY KEY (piece, {', '.join(_COLUMNS[:KEYS])}, of_question)) WITHOUT ROWID"
)
INSERT_PRICES = "INSERT OR IGNORE INTO temp.prices (of_question, {}) VALUES {}"

NOTHING, STORED, COMPUTED = range(3)  # the money of a row: none, its own, or what its counts cost


def told(
    snapshot: Snapshot,
    declaration: Declaration,
    columns: Sequence[Column],
    spans: Sequence[Span],
    where: Mapping[str, str],
) -> list[Column]:
    """Return the columns that any row of these buckets tells, and not as 0."""
    names = [column.name for column in columns]
    rows, parameters = selection(declaration, names, spans, where)
    some = snapshot._fetch(f"SELECT {', '.join(names)} FROM ({rows}) AS listed LIMIT {SOME}", parameters)
    counts = {name: sum(map(bool, values)) for name, values in zip(names, zip(*some, strict=True), strict=False)}
    rest = [name for name in names if not counts.get(name)]
    if rest and some:  # most rows are alike, and columns that some do not tell, none does
        tells = " OR ".join(f"{name} <> 0" for name in rest)
        each = ", ".join(f"count(*) FILTER (WHERE {name} <> 0)" for name in rest)
        any_tells = snapshot._fetch(f"SELECT count(*) FROM ({rows}) AS listed WHERE {tells}", parameters)[0][0]
        found = snapshot._fetch(f"SELECT {each} FROM ({rows}) AS listed", parameters)[0] if any_tells else ()
        counts |= dict(zip(rest, found, strict=False))
    return [column for column in columns if counts.get(column.name)]


def different(
    snapshot: Snapshot, declaration: Declaration, keys: Sequence[str], spans: Sequence[Span], where: Mapping[str, str]
) -> Rows:
    """Return the different values of keys that rows of these buckets have, in order."""
    rows, parameters = selection(declaration, keys, spans, where)
    names = ", ".join(keys)
    return sorted(map(tuple, snapshot._fetch(f"SELECT DISTINCT {names} FROM ({rows}) AS listed", parameters)))


def as_arrays(name: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> tuple[str, list[Any]]:
    """Return how a statement of PostgreSQL begins that reads such a table of prices, and its arrays, one a column."""
    types = {"k": "text", "f": "numeric", "currency": "text", "reason": "text"}
    arrays = ", ".join(f"?::{types.get(column.rstrip('0123456789'), 'bigint')}[]" for column in columns)
    before = f"WITH {name} ({', '.join(columns)}) AS MATERIALIZED (SELECT * FROM unnest({arrays})) "
    return before, [list(column) for column in zip(*rows, strict=True)]


class Price(NamedTuple):
    """What rows with these keys cost in one piece of time.

    `way`: where their money is from. `factors`: of the counts, in whole numbers, all of one scale where rows are added
    up. `fine` and `coarse`: what they are added up with, where they are told apart more or less.
    """

    keys: tuple[str, ...]
    piece: int
    way: int
    fine: int
    coarse: int
    factors: tuple[int, ...]


@frozen(kw_only=True)
class Part:
    """Buckets in which one piece of prices holds, and what else their rows must have."""

    span: Span
    piece: int
    where: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class PriceTable:
    """Prices by the keys of rows; `counted` are the columns that factors are of, in their order."""

    keys: Sequence[str]  # those first that tell most apart
    counted: Sequence[str]
    money: str  # the column of money that is stored
    prices: Sequence[Price]

    @property
    def columns(self) -> list[str]:
        """Their columns in a table of the database."""
        keys, factors = (f"k{n}" for n in range(len(self.keys))), (f"f{n}" for n in range(len(self.counted)))
        return [*keys, *_NUMBERS, *factors]

    @cached_property
    def rows(self) -> list[tuple[Any, ...]]:
        """The prices as rows."""
        return [(*keys, *numbers, *factors) for keys, *numbers, factors in self.prices]

    @cached_property
    def name(self) -> int:
        """A name of these very prices: they need not be handed over twice."""
        digest = hashlib.blake2b(orjson.dumps([self.keys, self.counted, self.rows]), digest_size=7)
        return int.from_bytes(digest.digest(), "big")

    @cached_property
    def inserts(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Statements of SQLite that write the rows into a table of many, with their parameters."""
        name, columns = self.name, ", ".join(self.columns)
        places, inserts = f"({', '.join('?' * (len(self.columns) + 1))})", []
        for first in range(0, len(self.rows), PIECE):
            some = self.rows[first : first + PIECE]
            statement = INSERT_PRICES.format(columns, ", ".join([places] * len(some)))
            inserts.append((statement, tuple(each for row in some for each in (name, *row))))
        return inserts


class NotExact(Exception):
    """A product or a sum does not fit the integers of the database."""


class NotListed(Exception):
    """There are rows whose keys are not in the table of prices."""


@frozen
class Priced:
    """Adds up rows of one read model with their prices."""

    snapshot: Snapshot
    declaration: Declaration
    table: PriceTable

    def sums(
        self,
        columns: Sequence[Column],
        parts: Sequence[Part],
        *,
        where: Mapping[str, str],
        by: Sequence[str],
        by_time: bool,
        fine: bool,
    ) -> Rows:
        """Return a tuple a group: its bucket (where `by_time`), keys, class of prices, merged columns and money.

        Every row must have its keys in the table, if only for NOTHING. Raises NotExact, NotListed.
        """
        if not (self.table.prices and parts):
            return []
        groups = [*(["bucket"] if by_time else []), *by]
        merged = self.snapshot._merged
        sums = [*merged.of(columns, exact=()), merged.exact["wide sum"].format(c="money"), merged.inexact]
        before, handed = self._handed()
        joined, parameters = self._joined([*by, *(column.name for column in columns)], parts, where, fine, by_time)
        listed = ", ".join(["priced_as", *groups])
        merging = f"SELECT {', '.join([*groups, 'priced_as', *sums])} FROM ({joined}) AS joined GROUP BY {listed}"
        try:
            rows = self.snapshot._fetch(before + merging, [*handed, *parameters])
        except Exception as error:
            if not merged.overflow(error):
                raise
            raise NotExact from error
        place = len(groups)
        if any(row[place] is None for row in rows):
            raise NotListed
        if any(row[-1] or float in map(type, row) for row in rows):
            raise NotExact
        width, money = place + 1, Column(name="money", merge="sum", wide=True)
        read = reading([*columns, money])
        return [(*row[:width], *read(row[width:-1])) for row in rows]

    def _handed(self) -> tuple[str, list[Any]]:
        """Hand the prices over: on SQLite as rows of a table of the connection, else as arrays in the statement."""
        rows, columns = self.table.rows, self.table.columns
        if self.snapshot._merged.arrays:
            return as_arrays("prices", columns, rows)
        for statement, parameters in self.table.inserts:
            self.snapshot._fetch(statement, parameters)
        return "", []

    def _joined(
        self, columns: Sequence[str], parts: Sequence[Part], where: Mapping[str, str], fine: bool, by_time: bool
    ) -> tuple[str, list[Any]]:
        merged, name = self.snapshot._merged, 0 if self.snapshot._merged.arrays else self.table.name
        prices = "prices" if merged.arrays else "temp.prices"
        matched = [f"p.k{n} = r.{key}" for n, key in enumerate(self.table.keys)]
        matched += [] if merged.arrays else [f"p.of_question = {name}"]
        chosen = [f"r.{column}" for column in dict.fromkeys(columns)]
        chosen += [f"{'p.fine' if fine else 'p.coarse'} AS priced_as", f"{self._money()} AS money"]
        statements, parameters = [], list[Any]()
        for part in parts:
            bucket = "r.bucket" if part.span.label is None else str(int(part.span.label))
            filters = {**where, **part.where}
            statements.append(
                f"SELECT {', '.join([f'{bucket} AS bucket', *chosen] if by_time else chosen)} "
                f"FROM {self.declaration.table} AS r LEFT JOIN {prices} AS p "
                f"ON {' AND '.join([*matched, f'p.piece = {int(part.piece)}'])} "
                f"WHERE r.grain = ? AND r.bucket >= ? AND r.bucket < ?{''.join(f' AND r.{key} = ?' for key in filters)}"
            )
            parameters += [part.span.grain, part.span.start, part.span.end, *map(shortened, filters.values())]
        return " UNION ALL ".join(statements), parameters

    def _money(self) -> str:
        products = [f"coalesce(r.{name}, 0) * p.f{n}" for n, name in enumerate(self.table.counted)]
        return (
            f"CASE p.way WHEN {COMPUTED} THEN {' + '.join(products) or '0'} WHEN {STORED} THEN r.{self.table.money} END"
        )
