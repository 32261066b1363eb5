"""The SQL of a fold, made from a declaration: how the rows of one projection follow from decoded events.

Names inside: fields of events as they are, k_… keys, "attributes.x" tags as texts, c0… conditions, v0… values: decimals
of 128 bits, of which batches have sums far from any limit, or, for histograms, scaled integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, evolve, field

from analytics_es.events.fields import FIELDS, LEFT_OUT, OPEN_FIELDS, TAG, TEXT, UNREAD, named_by
from analytics_es.projection import expressions
from analytics_es.projection.adding_sql import UNKNOWN, Adding, Bucketed, own_keys, short, spread
from analytics_es.projection.declaration import Declaration, Key, Measure
from analytics_es.projection.decoding import APART, IN_MICROSECONDS, exact, scaled
from analytics_es.projection.engine import quote, quote_name, sql_list

OCCURRED = "occurred at"  # names a column in microseconds, as no key and no measure can be named

# OpenTelemetry's exponential histogram, scale 5: bucket i holds (2^(i/32), 2^((i+1)/32)]; zeros have their own, -2.
# Beyond 10^13 a logarithm has too few digits to tell both sides of a bound apart; one of v / 2^n, near 1, has enough to
# 2^52. What is below 0 is filtered out, but must not fail on the way.
BUCKET_OF = (
    "CASE WHEN {v} <= 0 THEN -2 WHEN {v} < 10000000000000 THEN CAST(ceil(log2({v}) * 32) AS INTEGER) - 1 "
    "ELSE CAST(round(log2({v})) * 32 + ceil(log2({v} / pow(2, round(log2({v})))) * 32) AS INTEGER) - 1 END"
)


def narrowed(declaration: Declaration, where: Mapping[str, str]) -> tuple[Declaration, Mapping[str, str]]:
    """Return a definition that spreads events over no more entities than rows of these keys are of, and their keys."""
    if not declaration.entities:
        return declaration, where
    of_type, of_id = declaration.entity_key("type"), declaration.entity_key("id")
    if where.get(of_type) == "" and of_id not in where:  # every event once: as if there were no entities
        return declaration.crossed(()), {name: text for name, text in where.items() if name != of_type}
    entities = tuple(entity for entity in declaration.entities if entity == where.get(of_type))
    known = declaration.known if where.get(of_type) == UNREAD else ()
    rollup = declaration.rollup and where.get(of_id) == ""  # else an event is in the row of its own entity alone
    return evolve(declaration, entities=entities or declaration.entities, known=known, rollup=rollup), where


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

    def rows(self) -> str:
        """Return the SELECT of row key and measures' columns: additive rows of both grains, in order of the index."""
        measures = self.declaration.measures
        adding = Adding(
            declaration=self.declaration,
            events=self._events(),
            sums=[f"{sql} AS {name}" for measure in measures for name, sql in self._sums(measure)],
            histograms={f"{own.name}_buckets": self._bucketed(own) for own in measures if own.kind == "histogram"},
            unread=self.unread,
        )
        return adding.rows()

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
        known = sql_list([quote(name) for name in (*self.declaration.known, LEFT_OUT)])
        fields = f"list_filter(string_split(shape, '{APART}'), lambda name: name NOT IN ({known}))"
        shapes = f"SELECT shape, {fields} AS unknown_fields FROM (SELECT DISTINCT shape FROM decoded)"
        return f"(SELECT * FROM decoded LEFT JOIN ({shapes}) USING (shape))"

    def _events(self, *more: str) -> str:
        """One row an event: what it is of, its conditions and its values."""
        columns = [
            *more,
            "hour",
            "day",
            *own_keys(self.declaration),
            *(f"{_entity_id(name)} AS _e{n}" for n, name in enumerate(self.declaration.entities)),
            *([f"unknown_fields AS {UNKNOWN}"] if self.unread else []),
            *(f"c{i}" for i in range(len(self.wheres))),
            *(f"{sql} AS v{i}" for i, sql in enumerate(self.values)),
        ]
        return f"SELECT {sql_list(columns)} FROM ({self._read()})"

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
        }
        if measure.kind == "histogram":
            return [(f"{measure.name}_{part}", sql) for part, sql in sums.items()]
        return [(measure.name, sums[measure.columns[0].merge])]

    def _bucketed(self, measure: Measure) -> Bucketed:
        index = BUCKET_OF.format(v=self._value(measure))
        return Bucketed(index, " AND ".join(self._conditions(measure)))

    def _conditions(self, measure: Measure) -> list[str]:
        """What a measure takes; a value that is NULL never counts."""
        own = [f"c{self.wheres.index(measure.where)}"] if measure.where else []
        return [f"{self._value(measure)} >= 0", *own] if measure.kind == "histogram" else own

    def _value(self, measure: Measure) -> str:
        return f"v{self.values.index(_value(measure))}"

    # What would be merged into rows, event by event: the same values under the same conditions.
    def by_event(self, where: Iterable[str]) -> str:
        """Return the SELECT of position, time, keys and measures' columns; parameters are the values of some keys."""
        keys = {key.name: short(f"k_{key.name}") for key in self.declaration.keys}
        columns = [column for measure in self.declaration.measures for column in self._of_event(measure)]
        shown = ["position", f"occurred_at AS {quote_name(OCCURRED)}", *(f"{k} AS {name}" for name, k in keys.items())]
        only = " AND ".join(f"{keys[name]} = ?" for name in where) or "true"
        declared = [*own_keys(self.declaration), *(f"c{i}" for i in range(len(self.wheres)))]
        taken = ["position", "occurred_at", *declared, *(f"v{i}" for i in range(len(self.values)))]
        events = f"({self._events('position', 'occurred_at')})"
        spread_out = spread(self.declaration, events, taken, unread=self.unread)
        order = sql_list(["position", *(f"k_{key.name}" for key in self.declaration.keys if key.of_entity)])
        return f"SELECT {sql_list([*shown, *columns])} FROM ({spread_out}) WHERE {only} ORDER BY {order}"

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


def _entity_id(entity: str) -> str:
    path = named_by(entity)
    return quote_name(path[0]) if len(path) == 1 else _tagged(path[1])


def _tagged(tag: str) -> str:
    """The text of an attribute: where values add up, `attributes` holds numbers."""
    return quote_name(f"{TAG}{tag}")


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
