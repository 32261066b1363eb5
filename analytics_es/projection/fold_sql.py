"""The SQL of a fold, made from a declaration: how the rows of one projection follow from decoded events.

Names inside: fields of events as they are, k_… keys, "attributes.x" tags as texts, c0… conditions, v0… values: decimals
of 128 bits, of which batches have sums far from any limit, or, for histograms, scaled integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, evolve, field

from analytics_es.events.fields import FIELDS, OPEN_FIELDS, TAG, TEXT, UNREAD, named_by
from analytics_es.projection import expressions
from analytics_es.projection.declaration import LONGEST_KEY, SHORT, Column, Declaration, Key, Measure
from analytics_es.projection.decoding import APART, IN_MICROSECONDS, exact, scaled
from analytics_es.projection.engine import quote, quote_name, sql_list

EMPTY_BUCKETS = "[[],[]]"
OCCURRED = "occurred at"  # names a column in microseconds, as no key and no measure can be named

# OpenTelemetry's exponential histogram, scale 5: bucket i holds (2^(i/32), 2^((i+1)/32)]; zeros have their own, -2.
# Beyond 10^13 a logarithm has too few digits to tell both sides of a bound apart; one of v / 2^n, near 1, has enough to
# 2^52. What is below 0 is filtered out, but must not fail on the way.
BUCKET_OF = (
    "CASE WHEN {v} <= 0 THEN -2 WHEN {v} < 10000000000000 THEN CAST(ceil(log2({v}) * 32) AS INTEGER) - 1 "
    "ELSE CAST(round(log2({v})) * 32 + ceil(log2({v} / pow(2, round(log2({v})))) * 32) AS INTEGER) - 1 END"
)

BOTH_GRAINS = "(SELECT *, 'hour' AS grain, hour AS bucket FROM spread UNION ALL SELECT *, 'day', day FROM spread)"


def _shortened(key: str) -> str:
    """A key as a row holds it; `declaration.shortened` says why."""
    short = f"left({key}, {SHORT}) || '…' || left(sha256({key}), 32)"
    return f"CASE WHEN strlen({key}) > {LONGEST_KEY} THEN {short} ELSE {key} END"


def narrowed(declaration: Declaration, where: Mapping[str, str]) -> tuple[Declaration, Mapping[str, str]]:
    """Return a definition that spreads events over no more entities than rows of these keys are of, and their keys."""
    if not declaration.entities:
        return declaration, where
    of_type, of_id = declaration.entity_key("type"), declaration.entity_key("id")
    if where.get(of_type) == "" and of_id not in where:  # every event once: as if there were no entities
        return declaration.crossed(()), {name: text for name, text in where.items() if name != of_type}
    entities = tuple(entity for entity in declaration.entities if entity == where.get(of_type))
    known = declaration.known if where.get(of_type) == UNREAD else ()
    return evolve(declaration, entities=entities or declaration.entities, known=known), where


@define
class ProjectionSql:
    """The statements of one projection over `decoded`, given where hours and days begin."""

    declaration: Declaration
    hour: str
    day: str
    unread: bool = False  # whether events may have fields that are not known
    wheres: list[str] = field(init=False)
    values: list[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        measures = self.declaration.measures
        self.wheres = list(dict.fromkeys(measure.where for measure in measures if measure.where))
        self.values = list(dict.fromkeys(_value(measure) for measure in measures if measure.sql))

    @property
    def _keys(self) -> list[str]:
        return [f"k_{key.name}" for key in self.declaration.keys]

    @property
    def _measured(self) -> list[str]:
        return list(dict.fromkeys(measure.sql for measure in self.declaration.measures if measure.sql))

    @property
    def _own_keys(self) -> list[Key]:
        return [key for key in self.declaration.keys if not key.of_entity]

    # Additive rows of both grains, in the order of the read model's index.
    def rows(self) -> str:
        """Return the SELECT of row key and measures' columns."""
        declaration = self.declaration
        row_key = [name if name in ("grain", "bucket") else f"k_{name}" for name in declaration.row_key]
        keys = [_shortened(name) if name.startswith("k_") else name for name in row_key]
        columns = sql_list([*keys, *(_final(column) for column in declaration.columns)])
        # Histograms cannot be merged in SQL, so where there is one, days are counted from events as hours are.
        if any(column.merge == "histogram" for column in declaration.columns):
            tables = f"grains AS ({self._grouped('grain', 'bucket', table=BOTH_GRAINS)})"
        else:
            hours = self._grouped("hour", "day", table="spread")
            tables = f"hours AS MATERIALIZED ({hours}), grains AS ({self._grains()})"
        return f"WITH spread AS ({self._spread()}), {tables} SELECT {columns} FROM grains ORDER BY {sql_list(row_key)}"

    def _read(self, *more: str) -> str:
        """One row an event: its fields, buckets, keys and conditions; your own fields are numbers from here on."""
        declaration = self.declaration
        added = [
            f"{self.hour} AS hour",
            f"{self.day} AS day",
            *(f"coalesce(TRY(CAST(({key.sql}) AS VARCHAR)), '') AS k_{key.name}" for key in self._own_keys),
            *(f"TRY({where}) AS c{i}" for i, where in enumerate(self.wheres)),
            *(f"attributes.{quote_name(tag)} AS {_tagged(tag)}" for tag in declaration.tags),
            *more,
        ]
        condition = f"for_{declaration.name}" + (f" AND TRY({declaration.where})" if declaration.where else "")
        read = f"SELECT *, {sql_list(added)} FROM {self._decoded()} WHERE {condition}"
        outers = sorted({path[0] for sql in self._measured for path in expressions.references(sql)} & set(OPEN_FIELDS))
        if outers:
            replaced = sql_list([f"{outer}_numbers AS {outer}" for outer in outers])
            texts = sql_list([f"{outer} AS {outer}_texts" for outer in outers])
            return f"SELECT * REPLACE ({replaced}), {texts} FROM ({read})"
        return read

    def _decoded(self) -> str:
        """Decoded events; where some of their fields are not known, with the names of these."""
        if not self.unread:
            return "decoded"
        known = sql_list([quote(name) for name in self.declaration.known])
        fields = f"list_filter(string_split(shape, '{APART}'), lambda name: name NOT IN ({known}))"
        shapes = f"SELECT shape, {fields} AS unknown_fields FROM (SELECT DISTINCT shape FROM decoded)"
        return f"(SELECT * FROM decoded LEFT JOIN ({shapes}) USING (shape))"

    def _spread(self, *more: str) -> str:
        """One row an event, or one for each entity it belongs to and one for all together."""
        declaration = self.declaration
        columns = [
            *more,
            "hour",
            "day",
            *(f"k_{key.name}" for key in self._own_keys),
            *(f"c{i}" for i in range(len(self.wheres))),
            *(f"{sql} AS v{i}" for i, sql in enumerate(self.values)),
        ]
        if not declaration.entities:
            return f"SELECT {sql_list(columns)} FROM ({self._read()})"
        belongs = sql_list([f"{{'t': {quote(name)}, 'i': {_entity_id(name)}}}" for name in declaration.entities])
        listed = f"[{{'t': '', 'i': ''}}, {belongs}]"
        if self.unread:
            of_field = f"list_transform(unknown_fields, lambda name: {{'t': {quote(UNREAD)}, 'i': name}})"
            listed = f"list_concat({listed}, {of_field})"
        entity = f"unnest({listed}) AS entity"
        keys = f"entity.t AS k_{declaration.entity_key('type')}, entity.i AS k_{declaration.entity_key('id')}"
        return (
            f"SELECT * EXCLUDE (entity), {keys} FROM (SELECT {sql_list([*columns, entity])} FROM ({self._read()})) "
            "WHERE entity.t = '' OR entity.i <> ''"
        )

    def _grouped(self, *groups: str, table: str) -> str:
        """One row a group and combination of keys: what its events add up to."""
        by = sql_list([*groups, *self._keys])
        sums = [f"{sql} AS {name}" for measure in self.declaration.measures for name, sql in self._sums(measure)]
        return f"SELECT {sql_list([by, *sums])} FROM {table} GROUP BY {by}"

    def _sums(self, measure: Measure) -> list[tuple[str, str]]:
        conditions = self._conditions(measure)
        only = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
        if measure.sql is None:
            return [(measure.name, f"count(*){only}")]
        value = self._value(measure)
        sums = {
            "count": f"count({value}){only}",
            "sum": f"sum({value}){only}",
            "min": f"min({value}){only}",
            "max": f"max({value}){only}",
            "buckets": f"histogram({BUCKET_OF.format(v=value)}){only}",
        }
        if measure.kind == "histogram":
            return [(f"{measure.name}_{part}", sql) for part, sql in sums.items()]
        return [(measure.name, sums[measure.columns[0].merge])]

    def _conditions(self, measure: Measure) -> list[str]:
        """What a measure takes; a value that is NULL never counts."""
        own = [f"c{self.wheres.index(measure.where)}"] if measure.where else []
        return [f"{self._value(measure)} >= 0", *own] if measure.kind == "histogram" else own

    def _value(self, measure: Measure) -> str:
        return f"v{self.values.index(_value(measure))}"

    def _grains(self) -> str:
        """Days are merged from hours."""
        columns = self.declaration.columns
        hours = sql_list([*self._keys, *(column.name for column in columns)])
        days = sql_list([*self._keys, *(_merged(column) for column in columns)])
        return (
            f"SELECT 'hour' AS grain, hour AS bucket, {hours} FROM hours UNION ALL "
            f"SELECT 'day', day, {days} FROM hours GROUP BY {sql_list(['day', *self._keys])}"
        )

    # What would be merged into rows, event by event: the same values under the same conditions.
    def by_event(self, where: Iterable[str]) -> str:
        """Return the SELECT of position, time, keys and measures' columns; parameters are the values of some keys."""
        keys = {key.name: _shortened(f"k_{key.name}") for key in self.declaration.keys}
        columns = [column for measure in self.declaration.measures for column in self._of_event(measure)]
        shown = ["position", f"occurred_at AS {quote_name(OCCURRED)}", *(f"{k} AS {name}" for name, k in keys.items())]
        only = " AND ".join(f"{keys[name]} = ?" for name in where) or "true"
        spread = self._spread("position", "occurred_at")
        order = sql_list(["position", *(f"k_{key.name}" for key in self.declaration.keys if key.of_entity)])
        return f"SELECT {sql_list([*shown, *columns])} FROM ({spread}) WHERE {only} ORDER BY {order}"

    def _of_event(self, measure: Measure) -> Iterator[str]:
        conditions = " AND ".join(self._conditions(measure)) or "true"
        value = self._value(measure) if measure.sql else "1"
        counted = f"CAST(coalesce({conditions} AND {value} IS NOT NULL, false) AS BIGINT)"
        for column in measure.columns:
            if measure.sql is None or column.name == f"{measure.name}_count":
                yield f"{counted} AS {column.name}"
            else:
                own = BUCKET_OF.format(v=value) if column.merge == "histogram" else value
                yield f"CASE WHEN {conditions} THEN {own} END AS {column.name}"

    def may_fail(self) -> bool:
        """Say whether an expression can fail on fields that are all readable: yours, or one that computes."""
        texts = [*self.wheres, *(key.sql for key in self._own_keys), self.declaration.where or "true"]
        values = [sql for sql in self._measured if sql not in FIELDS]
        return any(map(_computes, [*texts, *values])) or any(
            path[1:] for sql in values for path in expressions.references(sql)
        )

    # What is there but could not be read, never silently NULL: a measure is left out, a key is "".
    def unreadable(self) -> str:
        """Return the SELECT of (position, hour, field)."""
        problems = {key.name: f"({_unclear(f'a_{key.name}', key.sql)})" for key in self._own_keys}
        problems |= {measure.name: self._problem(measure) for measure in self.declaration.measures}
        names = sql_list([f"CASE WHEN {problem} THEN {quote(name)} END" for name, problem in problems.items()])
        absent = [
            *(f"{_absent(key.sql)} AS a_{key.name}" for key in self._own_keys),
            *(f"{_absent(where)} AS a{i}" for i, where in enumerate(self.wheres)),
        ]
        where = self.declaration.where or "true"
        return (
            f"SELECT * FROM (SELECT position, hour, unnest([{names}]) AS field FROM ({self._read(*absent)}) "
            f"WHERE {' OR '.join(problems.values())}) WHERE field IS NOT NULL "
            f"UNION ALL SELECT position, {self.hour}, 'where' FROM decoded "
            f"WHERE for_{self.declaration.name} AND ({_unclear(_absent(where), where)}) ORDER BY ALL"
        )

    def _problem(self, measure: Measure) -> str:
        """Its condition or its value failed, does not fit, or is NULL because a field it names cannot be read."""
        problems = ["false"]
        condition = "true"
        if measure.where:
            i = self.wheres.index(measure.where)
            condition = f"c{i}"
            problems.append(f"({_unclear(f'a{i}', measure.where)})")
        if measure.sql:
            value = _value(measure)
            absent = _absent(measure.sql)
            wrong = f"({value} IS NULL AND (NOT {absent} OR {_unclear(absent, measure.sql, own_numbers=True)}))"
            if measure.kind == "histogram":
                wrong = f"({wrong} OR {value} < 0)"
            problems.append(f"({condition} AND {wrong})")
        return " OR ".join(problems)


def _value(measure: Measure) -> str:
    """Return the SQL of what a measure takes of an event; a histogram's buckets are of whole numbers."""
    return (scaled if measure.kind == "histogram" else exact)(measure.sql or "", measure.decimals)


def _merged(column: Column) -> str:
    """Hours into days; how many events there are fits 64 bits."""
    merged = f"{column.merge}({column.name})"
    return merged if column.wide or column.merge != "sum" else f"CAST({merged} AS BIGINT)"


def _entity_id(entity: str) -> str:
    path = named_by(entity)
    return quote_name(path[0]) if len(path) == 1 else _tagged(path[1])


def _tagged(tag: str) -> str:
    """The text of an attribute: where values add up, `attributes` holds numbers."""
    return quote_name(f"{TAG}{tag}")


def _final(column: Column) -> str:
    """Histograms are written as [[indexes],[counts]], in order."""
    if column.merge != "histogram":
        return column.name
    entries = f"list_sort(map_entries({column.name}))"
    parts = [f"array_to_string(list_transform({entries}, lambda e: e.{part}), ',')" for part in ("key", "value")]
    return f"coalesce('[[' || {parts[0]} || '],[' || {parts[1]} || ']]', {quote(EMPTY_BUCKETS)})"


def _computes(sql: str) -> bool:
    """Say whether a text or a condition may fail: it casts, or calls a function, or compares a field of yours."""
    paths = expressions.references(sql)
    own = any(path[0] in OPEN_FIELDS for path in paths) and sql not in map(".".join, paths)
    return own or expressions.computes(sql)


def _absent(sql: str) -> str:
    """Say whether an expression is NULL; NULL where it fails."""
    return f"TRY(({sql}) IS NULL)"


def _unclear(absent: str, sql: str, *, own_numbers: bool = False) -> str:
    """Say whether an expression failed, or is NULL with a field that is there and cannot be read."""
    return f"{absent} IS NULL OR ({absent} AND ({_garbled(sql, own_numbers)}))"


def _garbled(sql: str, own_numbers: bool) -> str:
    """Say whether the event has a field that an expression names as a number, and it is none."""
    parts = []
    for path in expressions.references(sql):
        column = ".".join(map(quote_name, path))
        if len(path) == 1 and FIELDS.get(path[0], TEXT) != TEXT:
            stored = IN_MICROSECONDS.get(path[0], path[0])
            parts.append(f"coalesce(list_contains(unread, {quote(stored)}), false)")
        elif len(path) == 2 and own_numbers:
            parts.append(f"({quote_name(path[0] + '_texts')}.{quote_name(path[1])} IS NOT NULL AND {column} IS NULL)")
    return " OR ".join(parts) or "false"
