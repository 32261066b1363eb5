"""Costs of SQL views, priced where their rows are: joined with prices, added up as integers, and written, in SQL.

Whoever answers what calls cost says what becomes of rows with the same keys; no row leaves the database for it. What
does not surely fit, or has keys of which nothing is said, is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from attrs import frozen

from analytics_es.log.database import Cursor
from analytics_es.projection.declaration import Declaration, shortened
from analytics_es.read_models.priced import FACTORS, KEYS, Part
from analytics_es.read_models.views.changed import Whose
from analytics_es.read_models.views.dialects import Dialect
from analytics_es.read_models.views.statements import whose

NUMBERS = ("piece", "way", "scale")
_COLUMNS = (*(f"k{n}" for n in range(KEYS)), *NUMBERS, "currency", "reason", *(f"f{n}" for n in range(FACTORS)))

# What becomes of rows: they are left out; cost what they reported, or what is computed; what they cost is not known, or
# is not where they were calls.
LEFT_OUT, REPORTED, COMPUTED, UNKNOWN, UNKNOWN_CALLS = range(5)

# The prices of rows that are written next, in the memory of the connection of SQLite that writes.
CREATE_ROW_PRICES = (
    f"CREATE TEMP TABLE IF NOT EXISTS row_prices ({', '.join(_COLUMNS)}, "
    f"PRIMARY KEY (piece, {', '.join(_COLUMNS[:KEYS])})) WITHOUT ROWID"
)


class RowPrice(NamedTuple):
    """What becomes of rows with these keys in one piece of time.

    `factors`: of their counts, in whole numbers of `scale` decimals, where their cost is COMPUTED. `reason`: why it is
    not known.
    """

    keys: tuple[str, ...]
    piece: int
    way: int
    scale: int
    currency: str
    reason: str
    factors: Sequence[int]


@frozen(kw_only=True)
class RowPrices:
    """Prices by the keys of rows; `counted` are the columns that factors are of, `used` those of them that are shown.

    `money` is the column of what was reported, with so many `decimals`; what is computed of one model has one scale.
    """

    keys: Sequence[str]
    counted: Sequence[str]
    used: Sequence[str]
    money: str
    decimals: int
    prices: Sequence[RowPrice]
    parts: Sequence[Part]

    @cached_property
    def columns(self) -> list[str]:
        """Their columns in a table of the database."""
        keys, factors = (f"k{n}" for n in range(len(self.keys))), (f"f{n}" for n in range(len(self.counted)))
        return [*keys, *NUMBERS, "currency", "reason", *factors]

    @cached_property
    def rows(self) -> list[tuple[Any, ...]]:
        """The prices as rows of it."""
        return [(*keys, *about, *factors) for keys, *about, factors in self.prices]


def write(
    cursor: Cursor,
    dialect: Dialect,
    declaration: Declaration,
    grain: str,
    prices: RowPrices,
    only: str,
    of: Sequence[Any],
    entities: Sequence[Whose] | None,
) -> None:
    """Write the costs of buckets, of those that a condition is true of; raises StoreFailed where that is not sure.

    Of these entities, or of all.
    """
    before, handed, table = dialect.hand_over(cursor, prices.columns, prices.rows)
    joined, parameters = _joined(declaration, table, prices, entities)
    counted = {
        # Of nothing, which the table refuses, where a row has no price, or a number is none of the integers any more.
        "calls": f"CASE WHEN count(way) = count(*) AND {dialect.surely(prices.used)} THEN sum(calls) END",
        "reported_calls": _of(REPORTED),
        "computed_calls": _of(COMPUTED),
        "unknown_calls": "CASE WHEN unknown_reason = '' THEN 0 ELSE sum(calls) END",
        "reported_cost": dialect.total("reported", str(prices.decimals), wide=True),
        "computed_cost": dialect.total("computed", "min(scale)", wide=False),
        **{name: f"sum({name})" for name in prices.used},
    }
    groups = "entity_type, bucket, entity_id, provider, model, operation, currency, unknown_reason"
    sums = ", ".join(f"{sql} AS {name}" for name, sql in counted.items())
    one = "WHEN computed_cost IS NULL THEN reported_cost WHEN reported_cost IS NULL THEN computed_cost"
    cost = f"CASE {one} ELSE {dialect.both('reported_cost', 'computed_cost')} END"
    cursor.execute(
        f"{before}INSERT INTO costs_priced (grain, {groups}, {', '.join(counted)}, cost) "
        f"SELECT '{grain}', {groups}, {', '.join(counted)}, {cost} "
        f"FROM (SELECT {groups}, {sums} FROM ({joined}) AS joined WHERE {only} GROUP BY {groups}) AS added",
        [*handed, *parameters, *of],
    )


def _of(way: int) -> str:
    return f"coalesce(sum(calls) FILTER (WHERE way = {way}), 0)"


def _joined(
    declaration: Declaration, table: str, prices: RowPrices, entities: Sequence[Whose] | None
) -> tuple[str, list[Any]]:
    """Return the rows of all parts, each with what becomes of it, and their parameters."""
    of_type, of_id = declaration.entity_key("type"), declaration.entity_key("id")
    counts = " + ".join(f"coalesce(r.{name}, 0) * p.f{n}" for n, name in enumerate(prices.counted)) or "0"
    chosen = [
        *(f"r.{of_type} AS entity_type", f"r.{of_id} AS entity_id", "r.provider", "r.model", "r.operation", "r.calls"),
        *("p.way", "p.scale", "p.currency", "p.reason AS unknown_reason"),
        f"CASE p.way WHEN {REPORTED} THEN coalesce(r.{prices.money}, 0) END AS reported",
        f"CASE p.way WHEN {COMPUTED} THEN {counts} END AS computed",
        *(f"r.{name}" for name in prices.used),
    ]
    told = " OR ".join(["r.calls <> 0", *(f"r.{name} IS NOT NULL" for name in prices.used)])
    counts_if = (
        f"(p.way IS NULL OR p.way = {REPORTED} OR (p.way IN ({COMPUTED}, {UNKNOWN}) AND ({told})) "
        f"OR (p.way = {UNKNOWN_CALLS} AND r.calls <> 0))"
    )
    matched = " AND ".join(f"p.k{n} = r.{key}" for n, key in enumerate(prices.keys))
    statements, parameters = [], list[Any]()
    for part, (of_whom, own) in product(prices.parts, _of_whom(declaration, entities)):
        bucket = "r.bucket" if part.span.label is None else str(int(part.span.label))
        bounds = (part.span.grain, part.span.start, part.span.end)
        statements.append(
            f"SELECT {bucket} AS bucket, {', '.join(chosen)} FROM {declaration.table} AS r "
            f"LEFT JOIN {table} AS p ON {matched} AND p.piece = {int(part.piece)} "
            f"WHERE r.grain = ? AND {of_whom} AND r.pricing <> '' AND {counts_if}"
            f"{''.join(f' AND r.{key} = ?' for key in part.where)}"
        )
        parameters += [part.span.grain, *(bounds if own else bounds[1:]), *(own or whose(declaration))]
        parameters += map(shortened, part.where.values())
    return " UNION ALL ".join(statements), parameters


def _of_whom(declaration: Declaration, entities: Sequence[Whose] | None) -> list[tuple[str, Sequence[str]]]:
    """Return conditions on a span's rows, of all entities or of each of some, by their places in the index."""
    of_type, of_id = declaration.entity_key("type"), declaration.entity_key("id")
    within = "bucket >= ? AND bucket < ?"
    if entities is None:
        kinds = ", ".join("?" * len(whose(declaration)))
        # Nor rows of all entities of a kind.
        each = f" AND (r.{of_type} = '' OR r.{of_id} <> '')" if declaration.rollup else ""
        return [(f"r.{within.replace(' AND ', ' AND r.')} AND r.{of_type} IN ({kinds}){each}", ())]
    there = f"SELECT bucket FROM {declaration.table} WHERE grain = ? AND {of_type} = '' AND {within}"
    return [(f"r.bucket IN ({there}) AND r.{of_type} = ? AND r.{of_id} = ?", entity) for entity in entities]
