"""The plain way to the rows of a fold: every event is spread over its entities, and what comes of it added up once.

The package adds up first. This is the reference that it is compared with: it does more, and nothing twice.
"""

from __future__ import annotations

from analytics_es.events.fields import ENTITIES, UNREAD
from analytics_es.projection.adding_sql import EMPTY_BUCKETS, short
from analytics_es.projection.declaration import Column, Measure
from analytics_es.projection.engine import quote, quote_name, sql_list
from analytics_es.projection.fold_sql import ProjectionSql

BOTH_GRAINS = "(SELECT *, 'hour' AS grain, hour AS bucket FROM spread UNION ALL SELECT *, 'day', day FROM spread)"


def rows(sql: ProjectionSql) -> str:
    """Return the SELECT of row key and measures' columns, hours and days both of events, in order."""
    declaration = sql.declaration
    row_key = [name if name in ("grain", "bucket") else f"k_{name}" for name in declaration.row_key]
    shown = [short(name) if name.startswith("k_") else name for name in row_key]
    by = sql_list(["grain", "bucket", *(f"k_{key.name}" for key in declaration.keys)])
    sums = [aggregate for measure in declaration.measures for aggregate in _sums(sql, measure)]
    grains = f"SELECT {sql_list([by, *sums])} FROM {BOTH_GRAINS} GROUP BY {by}"
    final = sql_list([*shown, *map(_final, declaration.columns)])
    return (
        f"WITH spread AS ({_spread(sql)}), grains AS ({grains}) SELECT {final} FROM grains ORDER BY {sql_list(row_key)}"
    )


def _spread(sql: ProjectionSql) -> str:
    """One row an event, or one for each entity it belongs to and one for all together."""
    declaration = sql.declaration
    columns = ["hour", "day", *(f"k_{key.name}" for key in declaration.keys if not key.of_entity)]
    columns += [f"c{i}" for i in range(len(sql.wheres))]
    columns += [f"{value} AS v{i}" for i, value in enumerate(sql.values)]
    if not declaration.entities:
        return f"SELECT {sql_list(columns)} FROM ({sql._read()})"
    ids = [quote_name(ENTITIES.get(name, name)) for name in declaration.entities]
    belongs = [f"{{'t': {quote(name)}, 'i': {of_id}}}" for name, of_id in zip(declaration.entities, ids, strict=True)]
    everybody = "{'t': '', 'i': ''}"
    if declaration.rollup:
        pairs = zip(declaration.entities, ids, strict=True)
        belongs += [f"CASE WHEN {of_id} <> '' THEN {{'t': {quote(name)}, 'i': '\\n'}} END" for name, of_id in pairs]
    listed = f"[{everybody}, {sql_list(belongs)}]"
    if sql.unread:
        of_field = f"list_transform(unknown_fields, lambda name: {{'t': {quote(UNREAD)}, 'i': name}})"
        listed = f"list_concat({listed}, {of_field})"
    of_id = "CASE WHEN entity.i = '\\n' THEN '' ELSE entity.i END"  # of all of a kind, which no event names so
    keys = f"entity.t AS k_{declaration.entity_key('type')}, {of_id} AS k_{declaration.entity_key('id')}"
    return (
        f"SELECT * EXCLUDE (entity), {keys} FROM (SELECT {sql_list([*columns, f'unnest({listed}) AS entity'])} "
        f"FROM ({sql._read()})) WHERE entity.t = '' OR entity.i <> ''"
    )


def _sums(sql: ProjectionSql, measure: Measure) -> list[str]:
    sums = [f"{aggregate} AS {name}" for name, aggregate in sql._sums(measure)]
    if measure.kind == "histogram":
        bucketed = sql._bucketed(measure)
        counted = f"histogram({bucketed.index}) FILTER (WHERE {bucketed.condition})"
        sums.append(f"{counted} AS {measure.name}_buckets")
    return sums


def _final(column: Column) -> str:
    """Histograms are written as [[indexes],[counts]], in order."""
    if column.merge != "histogram":
        return column.name
    entries = f"list_sort(map_entries({column.name}))"
    parts = [f"array_to_string(list_transform({entries}, lambda e: e.{part}), ',')" for part in ("key", "value")]
    return f"coalesce('[[' || {parts[0]} || '],[' || {parts[1]} || ']]', {quote(EMPTY_BUCKETS)})"
