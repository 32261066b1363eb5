"""What a row of an exported file holds: its columns, and the SQL that makes them in each format."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa
from attrs import fields

from analytics_es.events.fields import EXACT, FAMILIES, FIELDS, MILLISECONDS, TEXT, VOCABULARY, WHOLE
from analytics_es.projection import engine
from analytics_es.types import Distribution

TIME = "TIMESTAMP"
_FIELDS = {name: FIELDS[name] for name in VOCABULARY if name != "attributes"}
_OWN = {"position": WHOLE, "type": TEXT, "source": TEXT, "id": TEXT, "occurred_at": TIME, "recorded_at": TIME}
EVENTS = {**_OWN, **_FIELDS, "attributes": TEXT, "data": TEXT}
_BUCKET = {"metric": TEXT, "unit": TEXT, "currency": TEXT, "start": TIME, "granularity": TEXT}
METRICS = {**_BUCKET, **{field.name: WHOLE if field.name == "count" else EXACT for field in fields(Distribution)}}

# In CSV and JSON, decimals are texts, and have as many digits as they have.
PLAIN = "digits"
METRICS_AS_TEXTS = {name: PLAIN if kind == EXACT else kind for name, kind in METRICS.items()}

# Every type of column: in Arrow, the types in JSON that fit, and as text.
_KINDS = {
    TEXT: (pa.string(), "('VARCHAR')", "{}"),
    WHOLE: (pa.int64(), "('UBIGINT', 'BIGINT')", "{}"),
    MILLISECONDS: (pa.decimal128(18, 3), "('UBIGINT', 'BIGINT', 'DOUBLE')", "plain({})"),
    EXACT: (pa.decimal128(38, 18), "('UBIGINT', 'BIGINT', 'DOUBLE', 'VARCHAR')", "plain({})"),
    TIME: (pa.timestamp("us", "UTC"), "()", "iso({})"),
    PLAIN: (pa.string(), "()", "{}"),
}
MACROS = r"""
    CREATE MACRO plain(x) AS rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.');
    CREATE MACRO iso(x) AS strftime(make_timestamp(epoch_us(x)), '%Y-%m-%dT%H:%M:%S.%fZ');
    CREATE MACRO cell(x) AS CASE WHEN regexp_matches(x, '^[-=+@\t\r]|[",\r\n]')
        THEN '"' || CASE WHEN regexp_matches(x, '^[-=+@\t\r]') THEN '''' ELSE '' END || replace(x, '"', '""') || '"'
        ELSE x END;
"""
_CLOUD_EVENT = """
    '{"specversion":"1.0","id":' || to_json(id) || ',"source":' || to_json(source) || ',"type":' || to_json(type)
    || ',"time":"' || iso(occurred_at) || '","position":' || position || ',"recordedat":"' || iso(recorded_at)
    || '","data":' || data || '}'
"""


def _texts(columns: Mapping[str, str], *, text: str = "{}") -> dict[str, str]:
    return {name: (text if kind == TEXT else _KINDS[kind][2]).format(name) for name, kind in columns.items()}


def _cells(columns: Mapping[str, str]) -> str:
    cells = _texts(columns, text="cell({})").values()
    return " || ',' || ".join(f"coalesce(CAST({cell} AS VARCHAR), '')" for cell in cells)


_OBJECT = f"to_json(struct_pack({', '.join(f'{name} := {text}' for name, text in _texts(METRICS_AS_TEXTS).items())}))"
# What each format takes of the typed columns.
OF_EVENTS = {"csv": f"position, {_cells(EVENTS)} AS line", "json": f"position, {_CLOUD_EVENT} AS line", "parquet": "*"}
OF_METRICS = {"csv": f"{_cells(METRICS_AS_TEXTS)} AS line", "json": f"{_OBJECT} AS line", "parquet": "*"}


def typed(start: int, end: int) -> str:
    """Return the SELECT of an event's columns from `batch` (position, type, state), within these microseconds."""
    data = {**dict.fromkeys(_FIELDS, TEXT), "attributes": "JSON"}
    stored = {**dict.fromkeys(("source", "id", "occurred_at", "recorded_at"), TEXT), "data": data}
    checked = f"split_part(type, '.', 1) IN {FAMILIES}"
    parsed = f"json_transform(decode(state), {engine.quote(json.dumps(stored))})"
    columns = [
        "position, type, source, id",
        *(f"CAST(coalesce({name}, '') AS {TIME}) AS {name}" for name in ("occurred_at", "recorded_at")),
        *(f"{_field(name, kind)} AS {name}" for name, kind in _FIELDS.items()),
        "CAST(attributes AS VARCHAR) AS attributes",
        """text[strpos(text, ',"data":') + 8:-2] AS data""",  # it is stored last
    ]
    return (
        f"WITH parsed AS MATERIALIZED "  # once, not for every column
        f"(SELECT position, type, {checked} AS checked, decode(state) AS text, {parsed} AS event FROM batch) "
        f"SELECT * FROM (SELECT {', '.join(columns)} FROM (SELECT *, unnest(event, recursive := true) FROM parsed)) "
        f"WHERE epoch_us(occurred_at) >= {start} AND epoch_us(occurred_at) < {end} ORDER BY position"
    )


def _field(name: str, kind: str) -> str:
    """Return the SQL of a field: those of a family were checked when recorded, a custom event may hold anything."""
    fits = f"checked OR json_type(text, '$.data.{name}') IN {_KINDS[kind][1]}"
    return f"CASE WHEN {name} IS NOT NULL AND ({fits}) THEN TRY_CAST({name} AS {kind}) END"


def schema(columns: Mapping[str, str]) -> pa.Schema:
    """Return the Arrow types of columns."""
    return pa.schema([(name, _KINDS[kind][0]) for name, kind in columns.items()])
