"""The SQL of a fold, made from declarations: how events are decoded, and how one projection's rows follow.

Names inside: fields of events as they are, k_… keys, e_… entities, c0… conditions, v0… values as scaled integers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field

from analytics_es import engine
from analytics_es.engine import quote, quote_name
from analytics_es.events import ENTITIES
from analytics_es.projection import FIELDS, NUMERIC, OPEN_FIELDS, TEXT, Column, Declaration, Measure, columns_for

EMPTY_BUCKETS = "[[],[]]"

# OpenTelemetry's exponential histogram, scale 5: bucket i holds (2^(i/32), 2^((i+1)/32)]; zeros have their own, -2.
BUCKET_OF = "CASE WHEN {v} = 0 THEN -2 ELSE CAST(ceil(log2({v}) * 32) AS INTEGER) - 1 END"

# How an event ended: its status, else what its type says, else that it took some time; NULL where it did not end.
OUTCOME = (
    "CASE WHEN verdict = 'begun' THEN NULL "
    "ELSE coalesce(d.status, verdict, CASE WHEN d.duration_ms IS NOT NULL THEN 'ok' END) END"
)
DERIVED = {
    "type": "type",
    "family": "family",
    "activity": "activity",
    "outcome": OUTCOME,
    "source": "e.source",
    "occurred_at": "epoch_us(TRY_CAST(e.occurred_at AS TIMESTAMP))",
}
IN_MICROSECONDS = {"duration_us": "duration_ms", "time_to_first_chunk_us": "time_to_first_chunk_ms"}
ALWAYS = {"status", "duration_ms"}

MERGED: dict[str, Callable[[str], str]] = {
    "sum": lambda column: f"CAST(sum({column}) AS BIGINT)",
    "min": lambda column: f"min({column})",
    "max": lambda column: f"max({column})",
}


def _list(parts: Sequence[str]) -> str:
    return ", ".join(parts)


# ── decoding ────────────────────────────────────────────────────────────────────────────────────────────────────


def decoding(declarations: Sequence[Declaration]) -> str:
    """Return the SELECT that turns `batch` and `types` into typed columns: those that the projections name."""
    paths = {path for each in declarations for sql in each.expressions for path in engine.references(sql)}
    named = {path[0] for path in paths if len(path) == 1}
    stored = {IN_MICROSECONDS.get(name, name) for name in named - set(DERIVED)} | ALWAYS
    stored |= {ENTITIES[entity] for each in declarations for entity in each.entities}
    own = {outer: sorted({path[1] for path in paths if len(path) == 2 and path[0] == outer}) for outer in OPEN_FIELDS}
    columns = [
        "position",
        *(f"{sql} AS {name}" for name, sql in DERIVED.items()),
        *(f"{_typed(name)} AS {quote_name(name)}" for name in sorted(stored)),
        *(f"CAST({_typed(IN_MICROSECONDS[name])} * 1000 AS BIGINT) AS {name}" for name in sorted(named & set(IN_MICROSECONDS))),
        *(struct for outer, names in own.items() if names for struct in _own_structs(outer, names)),
        f"{_unread(sorted(name for name in stored if FIELDS[name] != TEXT))} AS unread",
        *(f"for_{each.name}" for each in declarations),
    ]
    parsed = f"SELECT position, type, json_transform(state, {quote(json.dumps(_structure(stored, own)))}) AS e FROM batch"
    return f"SELECT {_list(columns)} FROM (SELECT *, e.data AS d FROM ({parsed}) JOIN types USING (type))"


def _typed(name: str) -> str:
    column = f"d.{quote_name(name)}"
    return column if FIELDS[name] == TEXT else f"TRY_CAST({column} AS {FIELDS[name]})"


def _own_structs(outer: str, names: Sequence[str]) -> list[str]:
    """Your own fields twice: as texts for keys and conditions, as numbers for values."""
    source = "d" if outer == "data" else "d.attributes"
    raw = {quote_name(name): f"{source}.{quote_name(name)}" for name in names}
    texts = _list([f"{name} := {sql}" for name, sql in raw.items()])
    numbers = _list([f"{name} := TRY_CAST({sql} AS DECIMAL(38,18))" for name, sql in raw.items()])
    return [f"struct_pack({texts}) AS {outer}", f"struct_pack({numbers}) AS {outer}_numbers"]


def _unread(numbers: Sequence[str]) -> str:
    """Name the fields that are there but are not numbers; NULL for nearly every event."""
    bad = {name: f"(d.{quote_name(name)} IS NOT NULL AND {_typed(name)} IS NULL)" for name in numbers}
    names = _list([f"CASE WHEN {sql} THEN {quote(name)} END" for name, sql in bad.items()])
    return f"CASE WHEN {' OR '.join(bad.values())} THEN [{names}] END"


def _structure(stored: set[str], own: dict[str, list[str]]) -> dict[str, Any]:
    data: dict[str, Any] = dict.fromkeys(sorted({*stored, *own["data"]}), "VARCHAR")
    if own["attributes"]:
        data["attributes"] = dict.fromkeys(own["attributes"], "VARCHAR")
    return {"source": "VARCHAR", "occurred_at": "VARCHAR", "data": data}


# ── folding ─────────────────────────────────────────────────────────────────────────────────────────────────────


@define
class ProjectionSql:
    """The statements of one projection over `decoded`, given where hours and days begin."""

    declaration: Declaration
    hour: str
    day: str
    wheres: list[str] = field(init=False)
    values: list[tuple[str, int]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        measures = self.declaration.measures
        self.wheres = list(dict.fromkeys(each.where for each in measures if each.where))
        self.values = list(dict.fromkeys((each.sql, each.decimals) for each in measures if each.sql))

    @property
    def _keys(self) -> list[str]:
        return [f"k_{each.name}" for each in self.declaration.keys]

    # Additive rows of both grains, in the order of the read model's index.
    def rows(self) -> str:
        """Return the SELECT of row key and measures' columns."""
        declaration = self.declaration
        histograms = [each for each in declaration.measures if each.kind == "histogram"]
        keys = ["grain", "bucket", *self._keys]
        joins = "".join(f" LEFT JOIN {each.name}_packed USING ({_list(keys)})" for each in histograms)
        row_key = [name if name in ("grain", "bucket") else f"k_{name}" for name in declaration.row_key]
        columns = [_final(column) for column in declaration.columns]
        tables = [
            f"spread AS MATERIALIZED ({self._spread()})",
            f"hours AS MATERIALIZED ({self._hours()})",
            f"grains AS ({self._grains()})",
            *(table for each in histograms for table in self._packed(each)),
        ]
        chosen = _list([*row_key, *columns])
        return f"WITH {_list(tables)} SELECT {chosen} FROM grains{joins} ORDER BY {_list(row_key)}"

    def _read(self) -> str:
        """One row an event: its fields, buckets, keys and conditions; your own fields are numbers from here on."""
        declaration = self.declaration
        added = [
            f"{self.hour} AS hour",
            f"{self.day} AS day",
            *(f"coalesce(CAST(({k.sql}) AS VARCHAR), '') AS k_{k.name}" for k in declaration.keys if not k.of_entity),
            *(f"TRY({where}) AS c{i}" for i, where in enumerate(self.wheres)),
        ]
        condition = f"for_{declaration.name}" + (f" AND ({declaration.where})" if declaration.where else "")
        read = f"SELECT *, {_list(added)} FROM decoded WHERE {condition}"
        outers = sorted({path[0] for sql, _ in self.values for path in engine.references(sql)} & set(OPEN_FIELDS))
        if outers:
            replaced = _list([f"{outer}_numbers AS {outer}" for outer in outers])
            return f"SELECT * REPLACE ({replaced}) FROM ({read})"
        return read

    def _spread(self) -> str:
        """One row an event, or one for each entity it belongs to and one for all together."""
        declaration = self.declaration
        kept = [
            "hour",
            "day",
            *(f"k_{k.name}" for k in declaration.keys if not k.of_entity),
            *(f"c{i}" for i in range(len(self.wheres))),
            *(f"{scaled(sql, decimals)} AS v{i}" for i, (sql, decimals) in enumerate(self.values)),
        ]
        if not declaration.entities:
            return f"SELECT {_list(kept)} FROM ({self._read()})"
        belongs = _list([f"{{'t': {quote(entity)}, 'i': {quote_name(ENTITIES[entity])}}}" for entity in declaration.entities])
        entity = f"unnest([{{'t': '', 'i': ''}}, {belongs}]) AS entity"
        keys = f"entity.t AS k_{declaration.entity_key('type')}, entity.i AS k_{declaration.entity_key('id')}"
        return (
            f"SELECT * EXCLUDE (entity), {keys} FROM (SELECT {_list([*kept, entity])} FROM ({self._read()})) "
            "WHERE entity.t = '' OR entity.i <> ''"
        )

    def _hours(self) -> str:
        columns = [f"{sql} AS {name}" for measure in self.declaration.measures for name, sql in self._sums(measure)]
        return f"SELECT hour, day, {_list([*self._keys, *columns])} FROM spread GROUP BY {_list(['hour', 'day', *self._keys])}"

    def _sums(self, measure: Measure) -> list[tuple[str, str]]:
        condition = f"c{self.wheres.index(measure.where)}" if measure.where else ""
        if measure.sql is None:
            return [(measure.name, "count(*)" + (f" FILTER (WHERE {condition})" if condition else ""))]
        value = self._value(measure)
        if measure.kind == "histogram":
            condition = f"{value} >= 0" + (f" AND {condition}" if condition else "")
        only = f" FILTER (WHERE {condition})" if condition else ""
        sums = {
            "count": f"count({value}){only}",
            "sum": f"CAST(sum({value}){only} AS BIGINT)",
            "min": f"min({value}){only}",
            "max": f"max({value}){only}",
        }
        if measure.kind == "histogram":
            return [(f"{measure.name}_{part}", sql) for part, sql in sums.items()]
        return [(measure.name, sums[measure.columns[0].merge])]

    def _value(self, measure: Measure) -> str:
        return f"v{self.values.index((measure.sql or '', measure.decimals))}"

    def _grains(self) -> str:
        """Days are merged from hours."""
        plain = [column for column in self.declaration.columns if column.merge != "histogram"]
        hours = _list([*self._keys, *(column.name for column in plain)])
        days = _list([*self._keys, *(MERGED[column.merge](column.name) for column in plain)])
        return (
            f"SELECT 'hour' AS grain, hour AS bucket, {hours} FROM hours UNION ALL "
            f"SELECT 'day', day, {days} FROM hours GROUP BY {_list(['day', *self._keys])}"
        )

    def _packed(self, measure: Measure) -> list[str]:
        """Histograms are counted in long form, then written as [[indexes],[counts]]."""
        value, name = self._value(measure), measure.name
        condition = f"{value} >= 0" + (f" AND c{self.wheres.index(measure.where)}" if measure.where else "")
        keys = _list([*self._keys, "i"])
        texts = [f"string_agg(CAST({part} AS VARCHAR), ',' ORDER BY i)" for part in ("i", "n")]
        grouped = _list(["grain", "bucket", *self._keys])
        return [
            f"{name}_index AS MATERIALIZED (SELECT hour, day, {_list([*self._keys, BUCKET_OF.format(v=value)])} AS i, "
            f"count(*) AS n FROM spread WHERE {condition} GROUP BY {_list(['hour', 'day', *self._keys, 'i'])})",
            f"{name}_packed AS (SELECT {grouped}, '[[' || {texts[0]} || '],[' || {texts[1]} || ']]' AS {name}_buckets FROM ("
            f"SELECT 'hour' AS grain, hour AS bucket, {keys}, n FROM {name}_index UNION ALL "
            f"SELECT 'day', day, {keys}, CAST(sum(n) AS BIGINT) FROM {name}_index GROUP BY day, {keys}) GROUP BY {grouped})",
        ]

    # Values that are there but could not be read: never silently NULL.
    def unreadable(self) -> str | None:
        """Return the SELECT of (position, hour, measure), None where the declaration can read everything."""
        problems = {each.name: problem for each in self.declaration.measures if (problem := self._problem(each))}
        if not problems:
            return None
        names = _list([f"CASE WHEN {problem} THEN {quote(name)} END" for name, problem in problems.items()])
        return (
            f"SELECT * FROM (SELECT position, hour, unnest([{names}]) AS field FROM ({self._read()}) "
            f"WHERE {' OR '.join(problems.values())}) WHERE field IS NOT NULL ORDER BY ALL"
        )

    def _problem(self, measure: Measure) -> str | None:
        problems = []
        condition = f"c{self.wheres.index(measure.where)}" if measure.where else None
        if measure.where and _has_numbers(measure.where, "text"):
            problems.append(f"({condition} IS NULL AND {_present(measure.where)})")
        if measure.sql:
            value = scaled(measure.sql, measure.decimals)
            wrong = f"({value} IS NULL AND {_present(measure.sql)})"
            if measure.kind == "histogram":
                wrong = f"({wrong} OR {value} < 0)"
            problems.append(f"({condition} AND {wrong})" if condition else wrong)
        return " OR ".join(problems) or None


def _final(column: Column) -> str:
    return f"coalesce({column.name}, {quote(EMPTY_BUCKETS)})" if column.merge == "histogram" else column.name


def scaled(sql: str, decimals: int) -> str:
    """Return the SQL of a value as an integer, times 10^decimals; NULL where it is no number or does not fit."""
    if FIELDS.get(sql) == "BIGINT" and decimals == 0:
        return sql
    factor = f" * {10**decimals}" if decimals else ""
    return f"TRY(CAST(({sql}){factor} AS BIGINT))"


def _has_numbers(sql: str, open_as: Any) -> bool:
    columns = columns_for(engine.references(sql), open_as)
    return any(NUMERIC.fullmatch(kind) or kind.startswith("STRUCT") for kind in columns.values())


def _present(sql: str) -> str:
    """Say whether the event has every field that an expression names, readable or not."""
    parts = []
    for path in engine.references(sql):
        column = ".".join(map(quote_name, path))
        if len(path) == 2:
            parts.append(f"position IN (SELECT position FROM decoded WHERE {column} IS NOT NULL)")
        elif FIELDS[path[0]] == TEXT:
            parts.append(f"{column} IS NOT NULL")
        else:
            stored = IN_MICROSECONDS.get(path[0], path[0])
            parts.append(f"({column} IS NOT NULL OR list_contains(unread, {quote(stored)}))")
    return " AND ".join(parts) or "true"
