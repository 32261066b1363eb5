"""Which rows of a read model a question is about: their buckets and keys; of a kind of entity, all as one or each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from analytics_es.projection.declaration import Column, Declaration, shortened

Grain = Literal["hour", "day"]
Where = Mapping[str, str | Sequence[str]]  # keys with the text that they have, or one of several


@frozen
class Span:
    """Buckets of one grain that start in [start, end), epoch seconds; told one by one, or all under one `label`."""

    grain: Grain
    start: int
    end: int
    label: int | None = None


def selection(
    declaration: Declaration, columns: Sequence[str], spans: Sequence[Span], where: Where
) -> tuple[str, list[Any]]:
    """Rows of these buckets, each with its bucket or its span's label; of a kind or of its entities, never both."""
    where, only = _once(declaration, columns, where)
    texts = [shortened(text) for of_key in where.values() for text in _texts(of_key)]
    filters = "".join(f" AND {name} {_is_one_of(of_key)}" for name, of_key in where.items()) + only
    chosen = ", ".join(name for name in dict.fromkeys(columns) if name != "bucket")
    parts, parameters = [], []
    for span in spans:
        bucket = "bucket" if span.label is None else str(int(span.label))
        parts.append(
            f"SELECT {bucket} AS bucket{', ' if chosen else ''}{chosen} FROM {declaration.table} "
            f"WHERE grain = ? AND {_within(declaration, span.grain, where)}{filters}"
        )
        parameters += [span.grain, span.start, span.end, *texts]
    return " UNION ALL ".join(parts), parameters


def _once(declaration: Declaration, columns: Sequence[str], where: Where) -> tuple[Where, str]:
    """Of a projection with rows of all entities of a kind, choose these where nothing tells the entities apart."""
    if not declaration.rollup:
        return where, ""
    of_type, of_id = declaration.entity_key("type"), declaration.entity_key("id")
    kinds = where.get(of_type)
    if of_id in where or kinds == "":
        return where, ""
    if of_id not in columns and kinds is not None and {*_texts(kinds)} <= {*declaration.entities}:
        return {**where, of_id: ""}, ""
    each = f"{of_id} <> ''"
    return where, f" AND {each}" if isinstance(kinds, str) else f" AND ({of_type} = '' OR {each})"


def _texts(of_key: str | Sequence[str]) -> Sequence[str]:
    return [of_key] if isinstance(of_key, str) else of_key


def _is_one_of(of_key: str | Sequence[str]) -> str:
    return "= ?" if isinstance(of_key, str) else f"IN ({', '.join('?' * len(of_key))})"


def _within(declaration: Declaration, grain: Grain, where: Where) -> str:
    """One entity is found by its place in each bucket; which buckets there are, the rows of all events together say."""
    within = "bucket >= ? AND bucket < ?"
    if not declaration.entities or declaration.entity_key("id") not in where:
        return within
    of_all = f"grain = '{grain}' AND {declaration.entity_key('type')} = ''"
    return f"bucket IN (SELECT bucket FROM {declaration.table} WHERE {of_all} AND {within})"


def select(
    merged: Sequence[str],
    declaration: Declaration,
    columns: Sequence[Column],
    spans: Sequence[Span],
    where: Mapping[str, str],
    by: Sequence[str],
    by_time: bool,
) -> tuple[str, list[Any]]:
    """Return the SELECT of merged columns by group, and its parameters."""
    rows, parameters = selection(declaration, [*by, *(column.name for column in columns)], spans, where)
    groups = [*(["bucket"] if by_time else []), *by]
    tail = f" GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
    return f"SELECT {', '.join([*groups, *merged, 'count(*)'])} FROM ({rows}){tail}", parameters
