"""A declaration as one Python function: what `fold_sql` says in SQL, for a few events that are surely read alike."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from analytics_es.events.checks import MAX_INTEGER
from analytics_es.events.fields import EXACT, FIELDS, LEFT_OUT, MILLISECONDS, TEXT, WHOLE, named_by
from analytics_es.projection import certain, expressions
from analytics_es.projection.adding_sql import EMPTY_BUCKETS
from analytics_es.projection.bounds import Bounds
from analytics_es.projection.certain import MOST, MOST_TO_ADD, Unsure
from analytics_es.projection.code import Code
from analytics_es.projection.declaration import Declaration, Measure, shortened
from analytics_es.projection.decoding import IN_MICROSECONDS
from analytics_es.projection.rows import Row
from analytics_es.projection.said import said_of_itself
from analytics_es.projection.translation import Translator

# What is known of an event beside its data, in the order of a row of events.
ENVELOPE = (
    "is_open",
    "f_type",
    "f_family",
    "f_activity",
    "verdict",
    "f_source",
    "f_occurred_at",
    "hour",
    "day",
    "data",
)
Event = tuple[Any, ...]
Groups = dict[Row, list[Any]]

_DERIVED = {
    "outcome": "None if verdict == 'begun' else outcome(data, verdict)",
    "minute": "f_occurred_at // 60_000_000 % 60",
}
_SHORT = 64  # characters that are never more than the bytes of a key
_OWN_MOST = MOST * certain.EIGHTEENTHS


@frozen
class Compiled:
    """What folds events for one projection; `source` is the function's, to look at."""

    declaration: Declaration
    source: str
    add: Callable[[Iterable[Event], Groups], None]

    def __call__(self, events: Iterable[Event]) -> list[Row]:
        """Return the rows that events give; raises Unsure."""
        groups: Groups = {}
        self.add(events, groups)
        columns = self.declaration.columns
        spread = [place for place, column in enumerate(columns) if column.merge == "histogram"]
        for sums in groups.values():
            for place in spread:
                sums[place] = _written(sums[place])
        return [(*map(_key, key), *groups[key]) for key in sorted(groups)]


def _key(part: Any) -> Any:
    return shortened(part) if type(part) is str and len(part) > _SHORT else part


def _written(buckets: dict[int, int]) -> str:
    if not buckets:
        return EMPTY_BUCKETS
    indexes = sorted(buckets)
    return f"[[{','.join(map(str, indexes))}],[{','.join(str(buckets[index]) for index in indexes)}]]"


@functools.lru_cache(maxsize=256)
def compiled(declaration: Declaration, bounds: tuple[tuple[str, Bounds], ...]) -> Compiled:
    """Compile a declaration; raises Unsure, saying which part of it is not surely the same in Python."""
    names_of_columns = [key.name for key in declaration.keys] + [own.name for own in declaration.measures]
    if not all(map(str.isidentifier, names_of_columns)):
        raise Unsure("a name that is none")  # as a store may keep one: definitions of its own are not checked again
    writer = _Writer(declaration, dict(bounds))
    source = "\n".join(writer.lines())
    names = {name: getattr(certain, name) for name in dir(certain)} | writer.constants | {"outcome": _outcome}
    try:
        exec(compile(source, f"<fold of {declaration.name}>", "exec"), names)  # noqa: S102  # made here of parsed trees
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise Unsure("an expression that is nested too deeply") from error
    return Compiled(declaration, source, names["fold"])


def _outcome(data: dict[str, Any], verdict: str | None) -> str | None:
    """How an event ended that did not begin: `decoding.OUTCOME` says why."""
    status = certain.text(data.get("status"))
    if status is not None or verdict is not None:
        return verdict if status is None else status
    most = MOST * certain.THOUSANDTHS
    return None if certain.thousandths(data.get("duration_ms"), -most, most) is None else "unknown"


class _Writer:
    """Writes the function of one declaration."""

    def __init__(self, declaration: Declaration, bounds: dict[str, Bounds]) -> None:
        self._declaration, self._bounds = declaration, bounds
        self._translator = Translator()
        self.constants = self._translator.constants
        self._wheres = list(dict.fromkeys(own.where for own in declaration.measures if own.where))
        self._values = list(dict.fromkeys(_value_of(own) for own in declaration.measures if own.sql))

    def lines(self) -> list[str]:
        """Return the lines of the function; raises Unsure."""
        computed = [*self._filter(), *self._keys(), *self._conditions(), *self._measured()]
        entities = self._entities()
        head = ["def fold(events, groups):", f" for {', '.join(ENVELOPE)} in events:", "  get = data.get"]
        inner = "   " if self._declaration.entities else "  "
        return [*head, *(f"  {line}" for line in [*self._read(), *computed, *entities]), *self._added(inner)]

    # ── what is read ────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> Iterator[str]:
        """What the expressions name of an event; what is there and is odd is not sure."""
        outers = {path[0] for path in self._translator.own} | {"attributes" for _ in self._declaration.tags}
        if "attributes" in outers:
            yield "attributes = get('attributes')"
            yield "if attributes is None: attributes = {}"
            yield "elif type(attributes) is not dict: raise Unsure('attributes that are no mapping')"
        for (outer, inner, as_number), source in self._translator.own.items():
            read = f"{outer}.get({inner!r})"
            bounds = f"{-_OWN_MOST}, {_OWN_MOST}, as_text=True"
            yield f"{source} = eighteenths({read}, {bounds})" if as_number else f"{source} = text({read})"
        for name in sorted(self._translator.fields):
            yield from self._read_field(name)

    def _read_field(self, name: str) -> Iterator[str]:
        variable, kind = f"f_{name}", FIELDS[name]
        if name in _DERIVED:
            yield f"{variable} = {_DERIVED[name]}"
        elif name == "source":
            yield f"if type({variable}) is not str: {variable} = text({variable})"
        elif variable not in ENVELOPE:
            yield f"{variable} = get({IN_MICROSECONDS.get(name, name)!r})"
            condition = f"{variable} is not None{self._unless(variable, name)}"
            yield f"if {condition}: {variable} = {self._exactly(variable, name, kind)}"

    def _unless(self, variable: str, name: str) -> str:
        """What most values are, which are as they are."""
        if FIELDS[name] == TEXT:
            return f" and type({variable}) is not str"
        if FIELDS[name] == WHOLE and name not in IN_MICROSECONDS:
            bounds = self._bounds[name]
            return f" and not (type({variable}) is int and {bounds.least} <= {variable} <= {bounds.most})"
        return ""

    def _exactly(self, variable: str, name: str, kind: str) -> str:
        if kind == TEXT:
            return f"text({variable})"
        bounds = f"{self._bounds[name].least}, {self._bounds[name].most}"
        if kind == EXACT:
            return f"eighteenths({variable}, {bounds}, as_text=is_open)"
        function = "thousandths" if kind == MILLISECONDS or name in IN_MICROSECONDS else "whole"
        return f"{function}({variable}, {bounds})"

    # ── what is computed ────────────────────────────────────────────────────────────────────────────────────────

    def _filter(self) -> Iterator[str]:
        if where := self._declaration.where:
            yield f"if not {self._truth('its filter', where)}: continue"

    def _truth(self, part: str, sql: str) -> str:
        with _naming(part):
            return self._translator.truth(expressions.tree(sql)).true

    def _keys(self) -> Iterator[str]:
        for place, key in enumerate(self._declaration.keys):
            if not key.of_entity:
                code = self._value(f"the key {key.name}", key.sql).as_text(self._translator.fresh)
                yield f"k{place} = {code.source}"
                yield f"if k{place} is None: k{place} = ''"

    def _value(self, part: str, sql: str) -> Code:
        with _naming(part):
            return self._translator.value(expressions.tree(sql))

    def _conditions(self) -> Iterator[str]:
        for place, where in enumerate(self._wheres):
            yield f"c{place} = {self._truth('a condition', where)}"

    def _measured(self) -> Iterator[str]:
        self._translator.numbers = True
        for place, (sql, decimals, is_spread) in enumerate(self._values):
            code = self._value(f"the value {sql:.60}", sql)
            yield f"v{place} = {self._number(code, sql, decimals, is_spread)}"
            if is_spread:
                yield f"if v{place} is not None and v{place} < 0: raise Unsure('a value below 0')"

    def _number(self, code: Code, sql: str, decimals: int, is_spread: bool) -> str:
        """A value to the decimals that are kept."""
        if code.kind != "number":
            raise Unsure(f"the value {sql:.60}: no number")
        if FIELDS.get(sql) == WHOLE and not decimals:
            return code.source
        fresh = self._translator.fresh
        if decimals >= code.decimals:
            made = code.scaled(fresh, decimals)
        else:
            made = code.mapped(fresh, f"rounded({{}}, {10 ** (code.decimals - decimals)})")
        return made.mapped(fresh, f"bounded({{}}, {MAX_INTEGER if is_spread else MOST_TO_ADD})").source

    def _entities(self) -> Iterator[str]:
        """What an event is spread over: what it belongs to, and all together."""
        declaration = self._declaration
        if not declaration.entities:
            return
        yield "entities = [('', '')]"
        for entity in declaration.entities:
            path = named_by(entity)
            yield f"entity = {'get' if len(path) == 1 else 'attributes.get'}({path[-1]!r})"
            yield "if entity is not None and type(entity) is not str: entity = text(entity)"
            both = f"({entity!r}, entity)" + (f", ({entity!r}, '')" if declaration.rollup else "")
            yield f"if entity: entities += [{both}]"
        if declaration.known:
            self.constants["known"] = frozenset((*declaration.known, LEFT_OUT))
            yield from said_of_itself()
        yield "for entity_type, entity_id in entities:"

    # ── what is added up ────────────────────────────────────────────────────────────────────────────────────────

    def _added(self, margin: str) -> Iterator[str]:
        parts = {"type": "entity_type", "id": "entity_id"}
        keys = enumerate(self._declaration.keys)  # by their places: a definition that was kept may name them anyhow
        named = {key.name: parts.get(key.of_entity or "", f"k{place}") for place, key in keys}
        rows = [
            ", ".join(
                {"grain": repr(grain), "bucket": grain}.get(name) or named[name] for name in self._declaration.row_key
            )
            for grain in ("hour", "day")
        ]
        starts, sums = self._sums()
        yield f"{margin}for key in (({rows[0]},), ({rows[1]},)):"
        yield f"{margin} sums = groups.get(key)"
        yield f"{margin} if sums is None: sums = groups[key] = [{', '.join(starts)}]"
        for condition, statements in sums:
            yield f"{margin} if {condition}:"
            yield from (f"{margin}  {statement}" for statement in statements)

    def _sums(self) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """Return what every column begins with, and what is done to them under which condition."""
        starts, sums = list[str](), list[tuple[str, list[str]]]()
        for measure in self._declaration.measures:
            own = [f"c{self._wheres.index(measure.where)}"] if measure.where else []
            value = f"v{self._values.index(_value_of(measure))}" if measure.sql else ""
            there = [f"{value} is not None"] if value else []
            sums.append((" and ".join([*there, *own]) or "True", _statements(measure, value, len(starts))))
            starts += _STARTS[measure.kind]
        return starts, sums


@contextmanager
def _naming(part: str) -> Iterator[None]:
    """Say in which part of a declaration it is that something is not sure."""
    try:
        yield
    except Unsure as unsure:
        raise Unsure(f"{part}: {unsure}") from None


_STARTS = {
    "count": ["0"],
    "total": ["None"],
    "smallest": ["None"],
    "largest": ["None"],
    "histogram": ["0", "None", "None", "None", "{}"],
}


def _value_of(measure: Measure) -> tuple[str, int, bool]:
    return measure.sql or "", measure.decimals, measure.kind == "histogram"


def _statements(measure: Measure, value: str, place: int) -> list[str]:
    if measure.kind == "count":
        return [f"sums[{place}] += 1"]
    if measure.kind == "total":
        return [_sum(place, value)]
    if measure.kind in ("smallest", "largest"):
        return [_extreme(place, value, "<" if measure.kind == "smallest" else ">")]
    counted = f"bucket = bucket_of({value}); sums[{place + 4}][bucket] = sums[{place + 4}].get(bucket, 0) + 1"
    extremes = [_extreme(place + 2, value, "<"), _extreme(place + 3, value, ">")]
    return [f"sums[{place}] += 1", _sum(place + 1, value), *extremes, counted]


def _sum(place: int, value: str) -> str:
    return f"sums[{place}] = {value} if sums[{place}] is None else sums[{place}] + {value}"


def _extreme(place: int, value: str, sign: str) -> str:
    return f"if sums[{place}] is None or {value} {sign} sums[{place}]: sums[{place}] = {value}"
