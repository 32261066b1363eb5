"""What calls cost, kept for the views of it: priced by whoever answers what calls cost, bucket by bucket.

A view cannot price: prices are in the log and in Python. So the answers' own code prices every bucket whose rows have
changed, and its rows are kept here. Which buckets those are is noted in the transaction that changes them.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from analytics_es.errors import RowsRefused
from analytics_es.log.database import Cursor
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.rows import Rows
from analytics_es.read_models.views import joining
from analytics_es.read_models.views.changed import LONGEST, Changed, Whose
from analytics_es.read_models.views.dialects import Dialect
from analytics_es.read_models.views.joining import RowPrices
from analytics_es.read_models.views.statements import GRAINS, View, Writing, entity_column, view_name, whose

COST = "cost"
KEYS = ("grain", "entity_type", "bucket", "entity_id", "provider", "model", "operation", "currency", "unknown_reason")
COUNTS = ("calls", "reported_calls", "computed_calls", "unknown_calls")
MONEY = ("cost", "reported_cost", "computed_cost")
USED = (
    *("input_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens"),
    *("input_audio_tokens", "cache_read_audio_tokens", "input_image_tokens", "cache_read_image_tokens"),
    *("output_tokens", "reasoning_tokens", "output_audio_tokens", "output_image_tokens", "searches"),
)
COLUMNS = (*KEYS, *COUNTS, *MONEY, *USED)
Mark = tuple[str, int, str]  # a bucket's grain and start, and the token of what changed it last
FEW = 1_000  # rows, of more of which it is not noted whose they are
NOT_YET = "not_priced_yet"
ANEW = "!"  # a note begins so of a bucket of which nothing that was priced holds any more

# Buckets that are to be priced: of which read model, and the notes of what has changed them, one behind the other.
# Where they are too long together, a note begins that nobody has written: what it is about, nobody knows.
MARK = (
    "INSERT INTO to_price VALUES (?, ?, ?, ?) ON CONFLICT (read_model, grain, bucket) DO UPDATE SET token = "
    f"CASE WHEN length(to_price.token) < {LONGEST} THEN to_price.token "
    f"WHEN substr(to_price.token, 1, 1) = '{ANEW}' THEN '{ANEW}' ELSE 'x' END || excluded.token"
)
# All buckets of a table, each found by its place in the index: there may be very many rows in one.
MARK_BUCKETS = (
    "WITH RECURSIVE buckets (bucket) AS ("
    "SELECT min(bucket) FROM {table} WHERE grain = ? AND {of_type} = '' AND bucket >= ? AND bucket < ? UNION ALL "
    "SELECT (SELECT min(r.bucket) FROM {table} AS r "
    "WHERE r.grain = ? AND r.{of_type} = '' AND r.bucket > b.bucket AND r.bucket < ?) "
    "FROM buckets AS b WHERE b.bucket IS NOT NULL) "
    "INSERT INTO to_price SELECT ?, ?, bucket, ? FROM buckets WHERE bucket IS NOT NULL ORDER BY bucket "
    "ON CONFLICT (read_model, grain, bucket) DO UPDATE SET token = excluded.token"
)
LIST_MARKS = "SELECT grain, bucket, token FROM to_price WHERE read_model = ? ORDER BY bucket DESC, grain"
SELECT_NOTES = "SELECT bucket, token FROM to_price WHERE read_model = ? AND grain = ? AND bucket >= ? AND bucket <= ?"
FORGET_MARK = "DELETE FROM to_price WHERE read_model = ? AND grain = ? AND bucket = ? AND token = ?"
FORGET_MARKS = "DELETE FROM to_price WHERE read_model = ?"

# Costs as they are priced.
WRITE = f"INSERT INTO costs_priced ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
FORGET = "DELETE FROM costs_priced"
FORGET_BUCKETS = f"{FORGET} WHERE grain = ? AND entity_type = ? AND bucket >= ? AND bucket < ?"
FORGET_BEFORE = f"{FORGET} WHERE grain = ? AND bucket < ?"


def tables(dialect: Dialect) -> tuple[str, str]:
    """Return the statements that create what is kept, in the types of a database."""
    key, integer, options = dialect.key_type, dialect.integer_type, dialect.table_options
    keys = ", ".join(f"{name} {integer if name == 'bucket' else key} NOT NULL" for name in KEYS)
    columns = [
        *(f"{name} {integer} NOT NULL" for name in COUNTS),
        *(f"{name} {dialect.money_type}" for name in MONEY),
        *(f"{name} {dialect.wide_type}" for name in USED),
    ]
    return (
        f"CREATE TABLE IF NOT EXISTS costs_priced ({keys}, {', '.join(columns)}, PRIMARY KEY ({', '.join(KEYS)}))"
        f"{options}",
        f"CREATE TABLE IF NOT EXISTS to_price (read_model {key} NOT NULL, grain {key} NOT NULL, "
        f"bucket {integer} NOT NULL, token {key} NOT NULL, PRIMARY KEY (read_model, grain, bucket)){options}",
    )


@functools.lru_cache(maxsize=64)
def is_priced(declaration: Declaration) -> bool:
    """Say whether a read model is that of costs, as answers about them need it."""
    own = {key.name for key in declaration.keys} | {measure.name for measure in declaration.measures}
    needed = {*KEYS[4:8], "pricing", "rate", "untold", "calls", "requests", "reported_cost", *USED}
    return declaration.name == COST and bool(declaration.entities) and needed <= own


# ── what is to be priced ────────────────────────────────────────────────────────────────────────────────────────


def mark(cursor: Cursor, declaration: Declaration, rows: Sequence[tuple[object, ...]], changed: Changed) -> None:
    """Note that these rows change their buckets; of few rows, also whose they are."""
    names = ["grain", "bucket"]
    if few := len(rows) <= FEW:
        names += [declaration.entity_key("type"), declaration.entity_key("id")]
    places = [declaration.row_key.index(name) for name in names]
    if isinstance(rows, Rows):
        different = rows.different(*places)
    else:
        different = {tuple(row[place] for place in places) for row in rows}
    buckets: dict[tuple[Any, ...], set[Whose]] = {}
    for grain, bucket, *whose_rows in different:
        buckets.setdefault((grain, bucket), set()).update([tuple(whose_rows)] if few else [])
    for bucket, entities in sorted(buckets.items()):  # in one order, whoever marks
        cursor.execute(MARK, (declaration.table, *bucket, changed.note(entities)))


def marks(cursor: Cursor, declaration: Declaration) -> list[Mark]:
    """Return the buckets that are to be priced, the newest first."""
    cursor.execute(LIST_MARKS, (declaration.table,))
    return [(grain, bucket, token) for grain, bucket, token in cursor.fetchall()]


def forget_others(cursor: Cursor, declaration: Declaration) -> None:
    """Remove what was priced of kinds of entities that a read model does not have."""
    kinds = whose(declaration)
    cursor.execute(f"{FORGET} WHERE entity_type NOT IN ({', '.join('?' * len(kinds))})", kinds)


def mark_all(cursor: Cursor, declaration: Declaration, since: int = 0, until: int = 2**62) -> None:
    """Note that everything of a stretch is to be priced anew: what is in the read model, and what was priced.

    Until then, nothing of what was priced there is shown.
    """
    token = ANEW + secrets.token_hex(8)
    for table, of_type in ((declaration.table, declaration.entity_key("type")), ("costs_priced", "entity_type")):
        for grain in GRAINS:
            bounds = (grain, since, until, grain, until)
            cursor.execute(
                MARK_BUCKETS.format(table=table, of_type=of_type), (*bounds, declaration.table, grain, token)
            )


def write(
    cursor: Cursor,
    dialect: Dialect,
    declaration: Declaration,
    noted: Sequence[Mark],
    rows: Iterable[Sequence[object]],
    prices: RowPrices | None,
    entities: Sequence[Whose] | None,
) -> None:
    """Put rows, and those of which there are prices, in the place of those of their buckets, all of one grain.

    Of these entities, or of all. Not in a bucket that somebody else has priced meanwhile, or that is to be priced as a
    whole since. Raises StoreFailed where it is not sure what rows cost.
    """
    (grain, last, _), (_, first, _) = noted[0], noted[-1]
    cursor.execute(SELECT_NOTES, (declaration.table, grain, first, last))
    notes = dict(map(tuple, cursor.fetchall()))
    marked = [bucket for _, bucket, note in noted if notes.get(bucket, "").startswith(note)]
    if not marked:
        return
    if prices and (since := [bucket for _, bucket, note in noted if bucket in marked and notes[bucket] != note]):
        _check(cursor, declaration, grain, since, prices)
    of = f"bucket IN ({', '.join('?' * len(marked))})"
    for entity, *ids in [(entity,) for entity in whose(declaration)] if entities is None else entities:
        only = " AND entity_id = ?" if ids else ""
        cursor.execute(f"{FORGET_BUCKETS} AND {of}{only}", (grain, entity, first, last + 1, *marked, *ids))
    if prices:
        joining.write(cursor, dialect, declaration, grain, prices, of, marked, entities)
    for row in rows:
        if row[2] in marked:
            cursor.execute(WRITE, row)
    for mark in sorted(noted):
        cursor.execute(FORGET_MARK, (declaration.table, *mark))


def _check(cursor: Cursor, declaration: Declaration, grain: str, since: Sequence[int], prices: RowPrices) -> None:
    """Check that buckets that have changed since there were prices tell nothing that these do not count."""
    columns = {column.name for column in declaration.columns}
    others = [name for name in (*USED, "settled_calls") if name in columns and name not in prices.counted]
    if not others:
        return
    # Whether any row tells more.
    cursor.execute(
        f"SELECT 1 FROM {declaration.table} WHERE grain = ? AND {declaration.entity_key('type')} = '' "
        f"AND bucket IN ({', '.join('?' * len(since))}) AND ({' OR '.join(f'{name} <> 0' for name in others)}) LIMIT 1",
        (grain, *since),
    )
    if cursor.fetchone():
        raise RowsRefused(problem="rows tell more than there were prices of")


def forget(cursor: Cursor, declaration: Declaration, grain: str, start: int, end: int) -> None:
    """Remove what was priced of these buckets."""
    for entity in whose(declaration):
        cursor.execute(FORGET_BUCKETS, (grain, entity, start, end))


# ── the views ───────────────────────────────────────────────────────────────────────────────────────────────────


def views(declaration: Declaration, writing: Writing) -> Iterator[View]:
    """Yield the views of what calls cost, by hour and by day, of everyone and of each kind of entity."""
    money = {name: sql for column in MONEY for name, sql in writing.dialect.written(column, column).items()}
    for grain in GRAINS:
        for entity in whose(declaration):
            ids = {entity_column(entity): "entity_id"} if entity else {}
            columns = dict.fromkeys((*KEYS[4:], *COUNTS)) | dict.fromkeys(USED)
            named = {name: name for name in columns}
            yield View(
                name=view_name(COST, grain, entity),
                columns={**writing.times("bucket"), **ids, **named, **money},
                source=f"({_rows(declaration, writing.dialect, grain, entity)}) AS costs",
            )


def _rows(declaration: Declaration, dialect: Dialect, grain: str, entity: str) -> str:
    """Return what is priced, what is not, and which calls have come since to what is."""
    noted = f"t.read_model = '{declaration.table}' AND t.grain = '{grain}'"
    return (
        f"SELECT {', '.join(COLUMNS)} FROM costs_priced WHERE grain = '{grain}' AND entity_type = '{entity}' "
        f"AND bucket NOT IN (SELECT t.bucket FROM to_price AS t WHERE {noted} AND {_ANEW}) "
        f"UNION ALL {_not_priced(declaration, dialect, grain, entity)} "
        f"UNION ALL {_come_since(declaration, dialect, grain, entity)}"
    )


_ANEW = f"substr(t.token, 1, 1) = '{ANEW}'"
_PRICED = (
    f"NOT {_ANEW} AND EXISTS (SELECT 1 FROM costs_priced AS p "
    "WHERE p.grain = t.grain AND p.entity_type = '' AND p.bucket = t.bucket)"
)
_CALLS = "CASE WHEN rate LIKE '% +%' THEN coalesce(nullif(requests, 0), calls) ELSE calls END"


def _noted(declaration: Declaration, grain: str, entity: str, *, joined: str = ",") -> str:
    return (
        f"FROM to_price AS t {joined} {declaration.table} AS r WHERE r.grain = t.grain AND r.bucket = t.bucket "
        f"AND t.read_model = '{declaration.table}' AND t.grain = '{grain}' "
        f"AND {declaration.entity_key('type')} = '{entity}' AND pricing <> ''"
    )


def _not_priced(declaration: Declaration, dialect: Dialect, grain: str, entity: str) -> str:
    """Return the rows of which nothing is priced: what calls reported is known."""
    reported, decimals = "pricing = 'reported'", _decimals(declaration)
    cost = f"CASE WHEN {reported} THEN {dialect.money('reported_cost', decimals)} END"
    sql = {
        "grain": "r.grain",
        "bucket": "r.bucket",
        "entity_type": declaration.entity_key("type"),
        "entity_id": declaration.entity_key("id"),
        "currency": f"CASE WHEN {reported} THEN currency ELSE '' END",
        "unknown_reason": f"CASE WHEN {reported} THEN '' ELSE '{NOT_YET}' END",
        "calls": _CALLS,
        "reported_calls": f"CASE WHEN {reported} THEN {_CALLS} ELSE 0 END",
        "computed_calls": "0",
        "unknown_calls": f"CASE WHEN {reported} THEN 0 ELSE {_CALLS} END",
        "cost": cost,
        "reported_cost": cost,
        "computed_cost": dialect.none,
    }
    chosen = ", ".join(sql.get(name, name) for name in COLUMNS)
    return f"SELECT {chosen} {_noted(declaration, grain, entity)} AND NOT ({_PRICED})"


def _come_since(declaration: Declaration, dialect: Dialect, grain: str, entity: str) -> str:
    """Return how many calls have come to what was priced: what they cost and used is shown when they are, too.

    SQLite reads the first table of a CROSS JOIN first: that of the few buckets which are noted.
    """
    keys = ", ".join(("bucket", *KEYS[3:7]))
    of_id = declaration.entity_key("id")
    sql = {
        "grain": f"'{grain}'",
        "entity_type": f"'{entity}'",
        "currency": "''",
        "unknown_reason": f"'{NOT_YET}'",
        "reported_calls": "0",
        "computed_calls": "0",
        "unknown_calls": "calls",
        **dict.fromkeys((*MONEY, *USED), dialect.none),
    }
    return (
        f"SELECT {', '.join(sql.get(name, name) for name in COLUMNS)} FROM (SELECT {keys}, sum(calls) AS calls FROM ("
        f"SELECT r.bucket, {of_id} AS entity_id, provider, model, operation, {_CALLS} AS calls "
        f"{_noted(declaration, grain, entity, joined='CROSS JOIN')} AND {_PRICED} UNION ALL "
        "SELECT p.bucket, entity_id, provider, model, operation, -calls FROM to_price AS t "
        "CROSS JOIN costs_priced AS p WHERE p.grain = t.grain AND p.bucket = t.bucket "
        f"AND t.read_model = '{declaration.table}' AND t.grain = '{grain}' AND p.entity_type = '{entity}' "
        f"AND NOT {_ANEW}) AS both_ways GROUP BY {keys} HAVING sum(calls) > 0) AS later"
    )


def _decimals(declaration: Declaration) -> int:
    return next(measure.decimals for measure in declaration.measures if measure.name == "reported_cost")
