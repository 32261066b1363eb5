"""What is to be known of an SQL expression without asking its values: its tree, its columns, whether it may fail.

DuckDB's parser says it. What it said of the projections that come with us is kept in a file beside this one, so that
who opens a store with nothing but these opens no engine.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from analytics_es.projection import engine, growth
from analytics_es.projection.engine import quote_name

Tree = Mapping[str, Any]

# Made by `python -m tests.projection.kept`, and held to what the parser says today by a test.
KEPT = Path(__file__).with_name("kept_expressions.json")

SMALL_ROW = 1024  # bytes

_QUOTED_PATH = re.compile(r'"[^"]+"(\."[^"]+")*')
# Where a part of an expression was written, and what says nothing.
_LEFT_OUT = {"alias", "query_location", "query_location_length", "qualified_name", "order_bys"}
_NOTHING: tuple[Any, ...] = ("", None, [], False)


# ── kept ────────────────────────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def _kept() -> Mapping[str, Any]:
    try:
        kept: Mapping[str, Any] = json.loads(KEPT.read_bytes())
    except (OSError, ValueError):  # it only spares asking
        return {"fingerprints": [], "trees": {}}
    return kept


def is_kept(fingerprint: str) -> bool:
    """Say whether a definition is one that was checked when the file was made."""
    return fingerprint in _kept()["fingerprints"]


# ── trees ───────────────────────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def tree(expression: str) -> Tree:
    """Return the syntax tree of one pure scalar expression, in the parser's words.

    Raises ValueError, in one line, for anything else: no subquery, aggregate, window, parameter, or function that reads
    a clock, a setting or chance.
    """
    if (tree_kept := _kept()["trees"].get(expression)) is not None:
        return tree_kept  # type: ignore[no-any-return]
    if _QUOTED_PATH.fullmatch(expression):
        return {"class": "COLUMN_REF", "column_names": expression[1:-1].split('"."')}
    return parsed(expression)


def parsed(expression: str) -> Tree:
    """Return what the parser says now; `tree` says when it raises."""
    answer = _read(engine.ask("SELECT json_serialize_sql(?)", f"SELECT {expression}")[0][0])
    if answer.get("error"):
        raise ValueError(f"not a SQL expression: {answer['error_message']}")
    node = answer["statements"][0]["node"]
    if len(answer["statements"]) != 1 or node.get("from_table", {}).get("type") != "EMPTY" or node.get("where_clause"):
        raise ValueError("not a SQL expression: a single value is expected, without FROM or WHERE")
    if len(node["select_list"]) != 1:
        raise ValueError("not a SQL expression: a single value is expected, found several")
    _check(node["select_list"][0])
    growth.check(node["select_list"][0], SMALL_ROW)  # also of constants, which the engine makes when it binds them
    return node["select_list"][0]  # type: ignore[no-any-return]


def _read(answer: str) -> Any:
    try:
        return json.loads(answer, object_hook=_brief)
    except RecursionError:
        raise ValueError("it is nested too deeply: divide it among several keys or measures") from None


def _brief(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node of a tree, whose parts were here before, without what nobody asks for: most of it."""
    kept = {name: part for name, part in node.items() if name not in _LEFT_OUT and part not in _NOTHING}
    if kept.get("type") == kept.get("class"):
        kept.pop("type", None)
    return kept


def nodes(part: Any) -> Iterator[Tree]:
    """Yield every node of a tree, from the top; however deep it is."""
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield node
            waiting += reversed(list(node.values()))
        elif isinstance(node, list):
            waiting += reversed(node)


def _check(expression: Any) -> None:
    for node in nodes(expression):
        kind = node.get("class")
        if kind in ("SUBQUERY", "WINDOW", "STAR", "PARAMETER", "LAMBDA"):
            raise ValueError(f"a {kind.lower()} is not allowed in an expression")
        if kind == "FUNCTION" and node["function_name"] not in _pure_functions():
            raise ValueError(f"{node['function_name']}() is not allowed: it is unknown, an aggregate, or not pure")


# ── what follows from a tree ────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def references(expression: str) -> tuple[tuple[str, ...], ...]:
    """Return the columns an expression reads, as dotted paths; raises as `tree` does."""
    columns = (node for node in nodes(tree(expression)) if node.get("class") == "COLUMN_REF")
    return tuple(tuple(node["column_names"]) for node in columns)


_HARMLESS = {"||", "~~", "lower", "ltrim", "rtrim", "trim", "upper"}  # of texts they always make a text


@functools.cache
def computes(expression: str) -> bool:
    """Say whether an expression does more than compare and choose: what casts or calls a function can fail."""
    kinds = ((node.get("class"), node.get("function_name")) for node in nodes(tree(expression)))
    return any(kind == "CAST" or (kind == "FUNCTION" and name not in _HARMLESS) for kind, name in kinds)


# ── what only the engine knows ──────────────────────────────────────────────────────────────────────────────────


@functools.cache
def _pure_functions() -> frozenset[str]:
    """Names of scalar functions whose result depends on their arguments alone."""
    # The scalar functions whose every overload gives the same for the same.
    pure = (
        "SELECT function_name FROM duckdb_functions() WHERE function_type = 'scalar' "
        "GROUP BY 1 HAVING bool_and(stability = 'CONSISTENT')"
    )
    return frozenset(name for (name,) in engine.ask(pure)) | {"nullif", "split_part"}


# Words that a database of read models keeps for itself, and the engine does not.
_WORDS_OF_SQLITE = (
    "add alter autoincrement between commit delete drop escape exists index insert nothing null raise set transaction "
    "update values"
)
_WORDS_OF_POSTGRES = (
    "current_catalog current_date current_role current_schema current_time current_timestamp current_user grant "
    "localtime localtimestamp session_user system_user user cmax cmin ctid tableoid xmax xmin"
)


@functools.cache
def words() -> frozenset[str]:
    """Return the words of SQL that cannot name a column."""
    # The words that the engine's grammar keeps for itself.
    reserved = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')"
    own = frozenset(name for (name,) in engine.ask(reserved))
    return own.union(_WORDS_OF_SQLITE.split(), _WORDS_OF_POSTGRES.split())


def type_of(expression: str, columns: Mapping[str, str]) -> str:
    """Return the type DuckDB gives an expression over these typed columns; raises ValueError where it does not bind."""
    source = ", ".join(f"CAST(NULL AS {kind}) AS {quote_name(name)}" for name, kind in columns.items())
    try:
        # What it binds to, over one row of nothing.
        rows = engine.ask(f"SELECT typeof({expression}) FROM (SELECT {source})")
    except engine.EngineError as error:
        raise ValueError(str(error).splitlines()[0]) from error
    return str(rows[0][0])
