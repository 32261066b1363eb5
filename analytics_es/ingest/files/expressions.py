"""The expressions of a mapping → the SQL that evaluates them over the columns of a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from analytics_es.ingest.files.batches import Batch
from analytics_es.ingest.files.mapping import Mapping, Place, bad_expression
from analytics_es.ingest.problems import in_one_line
from analytics_es.projection import engine, expressions, growth

_ZONED = re.compile("TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ_NS")


class Query(NamedTuple):
    """One [[event]] table, bound to the columns of a file; `data` tells for each value its place and if it is JSON."""

    number: int
    sql: str
    data: list[tuple[Place, bool]]
    trees: list[growth.Tree]  # of its expressions
    columns: list[str]  # that these read, and the file has
    bounds: list[int]  # how much is made of a row that has up to 2^n bytes

    def made(self, sizes: Iterable[int]) -> int:
        """Return how much is made at most of a row whose columns have so many bytes."""
        row = {name.lower(): size for name, size in zip(self.columns, sizes, strict=True)}
        return sum(growth.made(tree, row) for tree in self.trees)


def bind(mapping: Mapping, number: int, kinds: dict[str, str], batch: Batch, file: str) -> Query:
    """Bind one [[event]] table to columns of these kinds; raises BadMapping where an expression does not fit them."""
    table = mapping.tables[number]

    def bound(place: Place, write: Callable[[str, str], str]) -> str:
        expression = f"(\n{table.get(place, 'NULL')}\n)"
        try:
            return write(expression, expressions.type_of(expression, kinds))
        except ValueError as error:
            problem = f"{in_one_line(error)} (the columns of {file} are: {', '.join(batch.names)})"
            raise bad_expression(mapping.path, number + 1, place, problem) from error

    common = {"type": _as_text, "occurred_at": _as_time, "id": _as_text, "source": _as_text}
    data = {place: bound(place, _as_value) for place in table if place[0] == "data"}
    fields = [*(bound((key,), write) for key, write in common.items()), *data.values()]
    where = bound(("where",), lambda sql, _: f"CAST({sql} AS BOOLEAN)") if ("where",) in table else "TRUE"
    empty = "".join(f", NULL AS {engine.quote_name(name)}" for name in batch.empty)
    # The fields of the events that one [[event]] table makes of some rows; CASE keeps it from looking at other rows.
    sql = f"""
        SELECT __row, {", ".join(fields)} FROM (SELECT *{empty} FROM batch)
        WHERE CASE WHEN __row BETWEEN ? AND ? THEN {where} END ORDER BY __row
    """
    trees = [expressions.tree(expression) for expression in table.values()]
    read = {path[0].lower() for expression in table.values() for path in expressions.references(expression)}
    columns = [name for name in kinds if name.lower() in read and name not in batch.empty]
    places = [(place, value.startswith("to_json")) for place, value in data.items()]
    return Query(number, sql, places, trees, columns, growth.bounds(trees))


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
