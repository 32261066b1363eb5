"""What a row of an exported file holds: its columns, and the SQL that makes them in each format."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa
from attrs import fields

from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.events.fields import (
    CONTRADICTION,
    EXACT,
    FAMILIES,
    FIELDS,
    LEFT_OUT,
    MILLISECONDS,
    OF_CONTRADICTION,
    OF_LEFT_OUT,
    TEXT,
    VOCABULARY,
    WHOLE,
)
from analytics_es.projection.engine import quote, sql_list
from analytics_es.projection.typed import CHECKSUM, EXACT_COLUMNS, NAMES, RECORDED
from analytics_es.types import Distribution

TIME, DIGITS, TRUTH = "TIMESTAMP", "UINTEGER", "BOOLEAN"
_FIELDS = {name: FIELDS[name] for name in VOCABULARY if name != "attributes"}
_OWN = {"position": WHOLE, "type": TEXT, "source": TEXT, "id": TEXT, "occurred_at": TIME, "recorded_at": TIME}
EVENTS = {**_OWN, **_FIELDS, "attributes": TEXT, "data": TEXT}
# In Parquet, the other fields too, and what `projection.typed` says of the last three: a rebuild reads all of them.
_OTHERS = {name: kind for name, kind in RECORDED.items() if name not in EVENTS}
ARCHIVED = {**EVENTS, **_OTHERS, NAMES: TEXT, CHECKSUM: DIGITS, EXACT_COLUMNS: TRUTH}
# What a file says of itself: by which rules its columns were written. Who changes what a column holds counts on.
EDITION = {b"analytics_es.columns": b"1"}
# Columns of which hardly any two rows hold the same.
UNIQUE = frozenset({"position", "id", "occurred_at", "recorded_at", "data", CHECKSUM})
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
    DIGITS: (pa.uint32(), "()", "{}"),
    TRUTH: (pa.bool_(), "()", "{}"),
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


def typed(form: str, start: int, end: int, *, checked: bool = False) -> str:
    """Return the SELECT of a format's columns from `batch`, a scan of the log, within these microseconds.

    `checked`: all its events are of families whose fields are checked when they are recorded.
    """
    fields = {"csv": _FIELDS, "json": {}, "parquet": RECORDED}[form]
    field = _checked_field if checked else _field
    columns = {
        **{name: name for name in ("position", "type", "source", "id")},
        **{name: f"CAST(coalesce({name}, '') AS {TIME})" for name in ("occurred_at", "recorded_at")},
        **{name: field(name, kind) for name, kind in fields.items()},
        **({"attributes": "CAST(attributes AS VARCHAR)"} if fields else {}),
        "data": """text[strpos(text, ',"data":') + 8:-2]""",  # it is stored last
    }
    if form == "parquet":
        columns |= {NAMES: _NAMES, CHECKSUM: _CHECKSUM, EXACT_COLUMNS: _exact(fields)}
    chosen = [f"{columns[name]} AS {name}" for name in (ARCHIVED if form == "parquet" else columns)]
    return (
        f"SELECT * FROM (SELECT {sql_list(chosen)} FROM ({_parsed(fields, quoted=form == 'parquet')})) "
        f"WHERE epoch_us(occurred_at) >= {start} AND epoch_us(occurred_at) < {end}"
    )


def _parsed(fields: Mapping[str, str], *, quoted: bool) -> str:
    """Return the SELECT of events' fields as texts; `quoted`: and whether decimals are stored as texts."""
    told = dict.fromkeys(("source", "id", "occurred_at", "recorded_at"), TEXT)
    data = {name: "JSON" if quoted and kind == EXACT else TEXT for name, kind in fields.items()}
    stored = {**told, "data": {**data, "attributes": "JSON"}} if fields else told
    parsed = (
        "SELECT *, unnest(event, recursive := true) FROM (SELECT position, type, key, decode(state) AS text, "
        f"split_part(type, '.', 1) IN {FAMILIES} AS checked, "
        f"json_transform(decode(state), {quote(json.dumps(stored))}) AS event FROM batch)"
    )
    decimals = [name for name, kind in data.items() if kind == "JSON"]
    if not decimals:
        return parsed
    as_texts = (f"CASE WHEN {_is_text(name)} THEN {name} ->> '$' ELSE CAST({name} AS VARCHAR) END" for name in decimals)
    replaced = sql_list([f"{text} AS {name}" for text, name in zip(as_texts, decimals, strict=True)])
    are_texts = " AND ".join(f"({name} IS NULL OR {_is_text(name)})" for name in decimals)
    return f"SELECT * REPLACE ({replaced}), {are_texts} AS are_texts FROM ({parsed})"


def _is_text(name: str) -> str:
    return f"starts_with(CAST({name} AS VARCHAR), '\"')"


def _checked_field(name: str, kind: str) -> str:
    return f"TRY_CAST({name} AS {kind})"


def _field(name: str, kind: str) -> str:
    """Return the SQL of a field: those of a family were checked when recorded, a custom event may hold anything."""
    fits = f"checked OR json_type(text, '$.data.{name}') IN {_KINDS[kind][1]}"
    return f"CASE WHEN {name} IS NOT NULL AND ({fits}) THEN TRY_CAST({name} AS {kind}) END"


# ── what a rebuild reads besides ────────────────────────────────────────────────────────────────────────────────


def _listed(mark: str, path: str, beginning: str) -> str:
    words = f"coalesce(string_split(text ->> '$.data.{path}', ' '), [])"
    names = f"list_transform({words}, lambda name: {quote(beginning)} || name)"
    return f"CASE WHEN contains(text, {quote(mark)}) THEN {names} ELSE [] END"


# … with what the policy of privacy left out, and what contradicts itself, as `projection.decoding` has it.
_LOST = _listed(LEFT_OUT, f'"{LEFT_OUT}"', OF_LEFT_OUT)
_SAID = _listed(CONTRADICTION, f'attributes."{CONTRADICTION}"', OF_CONTRADICTION)
_ALL_NAMES = f"json_keys(text, '$.data') || {_LOST} || {_SAID}"
_NAMES = f"CASE WHEN checked THEN CAST(to_json({_ALL_NAMES}) AS VARCHAR) END"
_CHECKSUM = f"TRY_CAST('0x' || key[13:20] AS {DIGITS})"


def _exact(fields: Mapping[str, str]) -> str:
    """Say whether columns surely hold what a fold reads of an event, as it was checked when it was recorded.

    A fold takes numbers as they are in JSON, columns take their texts. This is the same but for true and false, for
    fractions in the place of whole numbers or of decimals, and for durations of more than three decimals.
    """
    whole = sql_list([name for name, kind in fields.items() if kind == WHOLE])
    durations = (name for name, kind in fields.items() if kind == MILLISECONDS)
    by_double = "TRY_CAST(TRY_CAST({0} AS DOUBLE) AS {1}) = TRY_CAST({0} AS {1})"
    conditions = [
        "checked AND are_texts",
        f"ltrim(concat({whole}), '0123456789') = ''",
        *(f"({name} IS NULL OR {by_double.format(name, MILLISECONDS)})" for name in durations),
        f"occurred_at LIKE '____-__-__T%Z' AND occurred_at >= '{EARLIEST.year}' AND occurred_at < '{LATEST.year}'",
        f"{_CHECKSUM} IS NOT NULL",
    ]
    return f"coalesce({' AND '.join(conditions)}, false)"


def schema(columns: Mapping[str, str]) -> pa.Schema:
    """Return the Arrow types of columns."""
    return pa.schema([(name, _KINDS[kind][0]) for name, kind in columns.items()])
