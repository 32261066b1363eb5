"""The expressions of a mapping → the SQL that evaluates them over the columns of a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from analytics_es.ingest.files.batches import Batch
from analytics_es.ingest.files.definitions import COLUMN
from analytics_es.ingest.files.lists import Elements, elements
from analytics_es.ingest.files.mapping import EACH, FILENAME, LET, Place, bad_expression
from analytics_es.ingest.files.mapping import Mapping as EventMapping
from analytics_es.ingest.files.paths import as_sql
from analytics_es.ingest.problems import in_one_line
from analytics_es.projection import engine, expressions, growth

_ZONED = re.compile("TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ_NS")


MOST_NAMED = 100  # columns in a message
MOST_TOGETHER = 2**32  # bytes of a row that are laid beside the elements of its list, all together


class Query(NamedTuple):
    """One [[event]] table, bound to the columns of a file.

    Its events are numbered by row, or, where it goes through lists, by element of a batch: `elements` makes the table
    of these, and `no_lists` asks for rows that have something else where the list is. `source` is what it reads from.
    `data` tells for each value its place and if it is JSON, `id_is_whole` that an id tells elements apart.
    """

    number: int
    sql: str
    source: str
    data: list[tuple[Place, bool]]
    trees: list[growth.Tree]  # of its expressions
    named: dict[str, growth.Tree]  # of the columns that are computed before these
    columns: list[str]  # that these read, and the file has
    bounds: list[int]  # how much is made of a row that has up to 2^n bytes
    elements: str = ""
    no_lists: str = ""
    id_is_whole: bool = True

    @property
    def numbered_by(self) -> str:
        """Return the column that numbers what gives an event."""
        return "__element" if self.elements else "__row"

    def made(self, sizes: Iterable[int]) -> int:
        """Return how much is made at most of a row whose columns have so many bytes."""
        row = {name.lower(): size for name, size in zip(self.columns, sizes, strict=True)}
        return growth.made_by(self.named, self.trees, row)


def bind(mapping: EventMapping, number: int, kinds: dict[str, str], batch: Batch, file: str) -> Query:
    """Bind one [[event]] table to columns of these kinds; raises BadMapping where an expression does not fit them."""
    table, steps = mapping.tables[number], mapping.each[number]

    def bound(place: Place, write: Callable[[str, str], str]) -> str:
        told = table.get(place, "NULL")
        expression = f"(\n{told}\n)"
        read = {path[0].lower() for path in expressions.references(told)}
        try:
            used = {name: kind for name, kind in kinds.items() if name.lower() in read}
            return write(expression, expressions.type_of(expression, used or {"__row": "BIGINT"}))
        except ValueError as error:
            problem = f"{in_one_line(error)} {_columns(batch, file)}"
            raise bad_expression(mapping.path, number + 1, place, problem) from error

    nulls = "".join(f", NULL AS {engine.quote_name(name)}" for name in batch.empty)
    if FILENAME not in map(str.lower, kinds):
        kinds = {**kinds, FILENAME: "VARCHAR"}
        nulls += f", {engine.quote(file)} AS {FILENAME}"
    batch_sql = f"(SELECT *{nulls} FROM batch)"
    listed: Elements | None = None
    if steps:
        listed = elements(number, steps, kinds, _kind_of_list(mapping, number, kinds, batch, file))
        shadowed = [name for name in kinds if name.lower() == EACH]
        kinds = {name: kind for name, kind in kinds.items() if name not in shadowed} | {EACH: listed.kind}
        exclude = f" EXCLUDE ({engine.quote_name(shadowed[0])})" if shadowed else ""
        batch_sql = f"(SELECT *{exclude} FROM {batch_sql})"
    kinds, lets = dict(kinds), {f"{COLUMN}{name}": expression for (_, name), expression in _lets(table)}
    for name in lets:
        kinds[name] = bound((LET, name.removeprefix(COLUMN)), lambda _, kind: kind)
    common = {"type": _as_text, "occurred_at": _as_time, "id": _as_text, "known_by": _as_text, "source": _as_text}
    data = {place: bound(place, _as_value) for place in table if place[0] == "data"}
    fields = [*(bound((key,), write) for key, write in common.items()), *data.values()]
    where = bound(("where",), lambda sql, _: f"CAST({sql} AS BOOLEAN)") if ("where",) in table else "TRUE"
    trees = [expressions.tree(expression) for place, expression in table.items() if place[0] != LET]
    named = {name: expressions.tree(expression) for name, expression in lets.items()}
    read = {path[0].lower() for expression in table.values() for path in expressions.references(expression)}
    columns = [name for name in kinds if name.lower() in read and name not in (*batch.empty, FILENAME, *lets)]
    places = [(place, value.startswith("to_json")) for place, value in data.items()]
    by, source, of_elements, no_lists = "__row", batch_sql, "", ""
    if listed:
        by, source = "__element", f"(SELECT * FROM {_TABLE}{number} JOIN {batch_sql} USING (__row))"
        beside = [name for name in columns if name != EACH]
        of_elements = _elements_of_a_batch(number, listed, batch_sql, beside)
        no_lists = _no_lists(listed, batch_sql, where, beside, lets)
    # The fields of the events that one [[event]] table makes of some rows. CASE keeps it from looking at others, and
    # so does MATERIALIZED: casts of what is within an object would be made where the object is read, for every row.
    sql = f"""
        WITH stretch AS MATERIALIZED (SELECT * FROM {source} WHERE {by} BETWEEN $1 AND $2){_computed(lets)}
        SELECT {by}, {", ".join(fields)} FROM {_last(lets)}
        WHERE CASE WHEN {by} BETWEEN $1 AND $2 THEN {where} END ORDER BY {by}
    """
    bounds, id_is_whole = growth.bounds(trees, named), not listed or _says_which(table.get(("id",)))
    return Query(number, sql, source, places, trees, named, columns, bounds, of_elements, no_lists, id_is_whole)


def _lets(table: dict[Place, str]) -> Iterator[tuple[Place, str]]:
    return ((place, expression) for place, expression in table.items() if place[0] == LET)


def _levels(lets: Mapping[str, str]) -> list[dict[str, str]]:
    """Return named expressions level by level: those of one read columns of the levels before."""
    levels, level_of = list[dict[str, str]](), dict[str, int]()
    for name, expression in lets.items():
        read = {path[0] for path in expressions.references(expression)}
        level_of[name] = 1 + max((level_of[other] for other in read if other in level_of), default=-1)
        if level_of[name] == len(levels):
            levels.append({})
        levels[level_of[name]][name] = expression
    return levels


def _computed(lets: Mapping[str, str]) -> str:
    """Return the tables of a stretch with the columns that are computed, each of them once."""
    tables, above = list[str](), "stretch"
    for depth, level in enumerate(_levels(lets)):
        columns = ", ".join(f"({expression}) AS {engine.quote_name(name)}" for name, expression in level.items())
        tables.append(f", stretch{depth} AS MATERIALIZED (SELECT *, {columns} FROM {above})")
        above = f"stretch{depth}"
    return "".join(tables)


def _last(lets: Mapping[str, str]) -> str:
    return f"stretch{len(_levels(lets)) - 1}" if lets else "stretch"


def _columns(batch: Batch, file: str) -> str:
    """Say which columns a file has, the first of many."""
    more = f" and {len(batch.names) - MOST_NAMED:,} more" if len(batch.names) > MOST_NAMED else ""
    return f"(the columns of {file} are: {', '.join(batch.names[:MOST_NAMED])}{more})"


def check_times(mapping: EventMapping, batch: Batch, file: str) -> None:
    """Raise BadMapping for a file that has nothing of what any table takes its time from: no row could be an event."""
    missing = {name.lower() for name in batch.missing}
    place = ("occurred_at",)
    for table, steps in zip(mapping.tables, mapping.each, strict=True):
        read = [path[0].lower() for path in expressions.references(table[place])]
        if not read or not missing.issuperset(name for name in read) or (steps and EACH in read):
            return
    problem = f"no column {mapping.tables[0][place]!r:.80} {_columns(batch, file)}"
    raise bad_expression(mapping.path, 1, place, problem)


def _kind_of_list(mapping: EventMapping, number: int, kinds: dict[str, str], batch: Batch, file: str) -> str:
    """Return the type of the list that a table goes through; raises BadMapping where the file lacks it, and may not."""
    steps = mapping.each[number]
    try:
        if f"__each{number}" not in kinds:
            return expressions.type_of(as_sql(steps), kinds)
        if str(steps[0]).lower() not in map(str.lower, (*batch.names, *batch.missing)):
            raise ValueError(f"no column {steps[0]!r:.80}")
        return kinds[f"__each{number}"]
    except ValueError as error:
        problem = f"{in_one_line(error)} {_columns(batch, file)}"
        raise bad_expression(mapping.path, number + 1, (EACH,), problem) from error


def _says_which(id: str | None) -> bool:
    """Say whether an id is one of an element, rather than of its row."""
    return id is None or any(path[0].lower() == EACH for path in expressions.references(id))


_TABLE = "elements"


def _elements_of_a_batch(number: int, listed: Elements, batch_sql: str, columns: list[str]) -> str:
    """Return the statement that makes the table of the elements of a batch, each with its size and its row's."""
    size = _sizes_of(columns)
    # Elements, numbered through the batch, with about how many bytes are read for each; not those of too much together.
    return f"""
        CREATE OR REPLACE TEMP TABLE {_TABLE}{number} AS
        SELECT row_number() OVER (ORDER BY __row, __place) AS __element, __row, __place, {EACH},
            __size + coalesce(strlen(CAST({EACH} AS VARCHAR)), 0) AS __size
        FROM (
            SELECT __row, __size, generate_subscripts(__list, 1) AS __place, unnest(__list) AS {EACH}
            FROM (SELECT __row, {listed.sql} AS __list, {size} AS __size FROM {batch_sql})
            WHERE len(__list) * __size <= {MOST_TOGETHER}
        )
    """


def _no_lists(listed: Elements, batch_sql: str, where: str, columns: list[str], lets: Mapping[str, str]) -> str:
    """Return the query of rows with something else than a list, unless `where` says that they do not matter."""
    too_much = f"'its list has ' || len({listed.sql}) || ' elements, too many for a row that is so long'"
    instead = f"""
        coalesce({listed.instead},
            CASE WHEN len({listed.sql}) * ({_sizes_of(columns)}) > {MOST_TOGETHER} THEN {too_much} END)
    """
    # Rows that have no list where one should be, or too much of it; CASE keeps it from looking at other rows.
    return f"""
        WITH stretch AS MATERIALIZED (
            SELECT *, CAST(NULL AS {listed.kind}) AS {EACH}, {instead} AS __instead
            FROM {batch_sql} WHERE __row BETWEEN $1 AND $2
        ){_computed(lets)}
        SELECT __row, __instead FROM {_last(lets)}
        WHERE CASE WHEN __row BETWEEN $1 AND $2 AND __instead IS NOT NULL THEN coalesce({where}, TRUE) END
        ORDER BY __row
    """


def _sizes_of(columns: list[str]) -> str:
    lengths = (f"coalesce(strlen(CAST({engine.quote_name(name)} AS VARCHAR)), 0)" for name in columns)
    return " + ".join(["64", *lengths])


def _as_text(sql: str, kind: str) -> str:
    return f"json_extract_string({sql}, '$')" if kind == "JSON" else f"CAST({sql} AS VARCHAR)"


def _as_time(sql: str, kind: str) -> str:
    """Return a time as text or Unix microseconds; epoch_us would round nanoseconds up."""
    if kind in ("VARCHAR", '"NULL"'):
        return sql
    if not kind.startswith(("TIMESTAMP", "DATE")):
        raise ValueError(f"is {kind}, not a time: use a TIMESTAMP or ISO 8601 text, for example to_timestamp(seconds)")
    return f"epoch_ns({sql}) // 1000" if kind.endswith("_NS") else f"epoch_us({sql})"


def _as_value(sql: str, kind: str) -> str:
    """Return a value as the engine's client can hand it over: not JSON, nor, without pytz, times with a zone."""
    if "JSON" in kind:
        return f"to_json({sql})"
    if _ZONED.fullmatch(kind):
        return f"strftime({sql}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"CAST({sql} AS {_ZONED.sub('VARCHAR', kind)})" if _ZONED.search(kind) else sql
