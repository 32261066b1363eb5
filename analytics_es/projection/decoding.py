"""The SQL that decodes events: stored JSON becomes the typed columns that projections name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import frozen

from analytics_es.events.checks import MAX_INTEGER
from analytics_es.events.fields import (
    CONTRADICTION,
    EXACT,
    FIELDS,
    LEFT_OUT,
    OF_CONTRADICTION,
    OF_LEFT_OUT,
    OPEN_FIELDS,
    TEXT,
    WHOLE,
    named_by,
)
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.engine import quote, quote_name, sql_list
from analytics_es.projection.expressions import references

# How an event ended: its status, else what its type says; unknown where it only took some time, NULL where it did not
# end.
OUTCOME = (
    "CASE WHEN verdict = 'begun' THEN NULL "
    "ELSE coalesce(d.status, verdict, CASE WHEN d.duration_ms IS NOT NULL THEN 'unknown' END) END"
)
DERIVED = {
    "position": "position",
    "type": "type",
    "family": "family",
    "activity": "activity",
    "outcome": OUTCOME,
    "source": "e.source",
    "occurred_at": "epoch_us(e.occurred_at)",
    "minute": "CAST(minute(e.occurred_at) AS BIGINT)",
}
# The names of the fields of an event of our families, one text for all events that have the same.
APART = "\x1f"
_FIELDS = f"CASE WHEN NOT open THEN array_to_string(json_keys(state, '$.data'), {quote(APART)}) END"


def _listed(path: str, beginning: str) -> str:
    """Return the SQL of the words at a path, each as a name that begins so."""
    return f"{quote(beginning)} || replace(state ->> '$.data.{path}', ' ', {quote(APART + beginning)})"


# … and of any event what the policy of privacy left out, and what contradicts itself, which few events tell of.
_LOST = _listed(f'"{LEFT_OUT}"', OF_LEFT_OUT)
_SAID = _listed(f'attributes."{CONTRADICTION}"', OF_CONTRADICTION)
SHAPE = (
    f"CASE WHEN contains(state, {quote(LEFT_OUT)}) OR contains(state, {quote(CONTRADICTION)}) "
    f"THEN nullif(concat_ws({quote(APART)}, {_FIELDS}, {_LOST}, {_SAID}), '') ELSE {_FIELDS} END AS shape"
)
RARELY = {"minute"}  # decoded only where it is named
MOST_DECIMALS = 18  # of a number that is exact
IN_MICROSECONDS = {"duration_us": "duration_ms", "time_to_first_chunk_us": "time_to_first_chunk_ms"}
ALWAYS = {"status", "duration_ms"}


@frozen(kw_only=True)
class Needed:
    """What projections name of events: fields that are stored, and your own ones by the field that they are in."""

    declarations: Sequence[Declaration]
    named: set[str]
    stored: set[str]
    own: Mapping[str, list[str]]

    @classmethod
    def by(cls, declarations: Sequence[Declaration]) -> Needed:
        """Read the expressions of projections, and their entities."""
        paths = {path for projection in declarations for sql in projection.expressions for path in references(sql)}
        of_entities = {named_by(entity) for projection in declarations for entity in projection.entities}
        named = {path[0] for path in paths if len(path) == 1} - {"position"}  # which is no field, but always there
        stored = {IN_MICROSECONDS.get(name, name) for name in named - set(DERIVED)} | ALWAYS
        stored |= {path[0] for path in of_entities if len(path) == 1}
        open_paths = {path for path in paths | of_entities if len(path) == 2}
        own = {outer: sorted({inner for name, inner in open_paths if name == outer}) for outer in OPEN_FIELDS}
        return cls(declarations=declarations, named=named, stored=stored, own=own)

    @property
    def numbers(self) -> list[str]:
        """The names of the stored fields that are numbers."""
        return sorted(name for name in self.stored if FIELDS[name] != TEXT)

    @property
    def clash(self) -> str | None:
        """A field that the engine does not tell from another one, whichever of the projections read it."""
        attributes = self.own["attributes"]
        data = [*self.own["data"], *self.stored, *(["attributes"] if attributes else [])]
        for names in (data, attributes):
            spelled = Counter(name.lower() for name in names)
            if clash := next((name for name in names if spelled[name.lower()] > 1), None):
                return clash
        return None

    @property
    def shaped(self) -> bool:
        """Whether projections count what nobody reads: then every event says which fields it has."""
        return any(projection.known for projection in self.declarations)

    def columns(self, shape: str, *, looked_at: str = "open") -> str:
        """Return the columns of `decoded`, from what an event says (e), its data (d), and these as texts (t).

        `looked_at`: of which events there are texts, and every value of them is looked at.
        """
        numbers, named, own = self.numbers, self.named, self.own
        scales = {name: _decimals(self.declarations, name) for name in numbers}
        in_micros = sorted(named & set(IN_MICROSECONDS))
        columns = [
            *(f"{sql} AS {name}" for name, sql in DERIVED.items() if name in named or name not in RARELY),
            *(f"d.{quote_name(name)} AS {quote_name(name)}" for name in sorted(self.stored - set(numbers))),
            *(f"{_number(name)} AS {quote_name(name)}" for name in numbers),
            *(f"{scaled(_number(IN_MICROSECONDS[name]), 3)} AS {name}" for name in in_micros),
            *(struct for outer, names in own.items() if names for struct in _own_structs(outer, names)),
            f"{_all_unread(numbers, scales, _measured(self.declarations), looked_at)} AS unread",
            *([shape] if shape else []),
            *(f"for_{projection.name}" for projection in self.declarations),
        ]
        return sql_list(columns)


def decoding(declarations: Sequence[Declaration], *, looked_at: str = "open", shaped: bool = False) -> str:
    """Return the SELECT that turns `batch` and `types` into typed columns: those that the projections name.

    Events of the six families were validated when recorded. Those of other families may hold anything in a field (they
    are `open`): these are read as text first. What is there but is not a number, or too large, is named in `unread`.
    Of what other hands have stored as of the six families, only if all are `looked_at`, which takes half as long again.
    """
    needed = Needed.by(declarations)
    typed = quote(json.dumps(_structure(needed.stored, needed.own)))
    texts = quote(json.dumps({"data": dict.fromkeys(needed.numbers, TEXT)}))
    parsed = (
        f"SELECT position, state, types.*, json_transform(state, {typed}) AS e, "
        f"CASE WHEN {looked_at} THEN json_transform(state, {texts}) END AS raw FROM batch JOIN types USING (type)"
    )
    columns = needed.columns(SHAPE if shaped or needed.shaped else "", looked_at=looked_at)
    return f"SELECT {columns} FROM (SELECT *, e.data AS d, raw.data AS t FROM ({parsed}))"


def _decimals(declarations: Sequence[Declaration], name: str) -> int:
    """Return the most decimals that any histogram keeps of a field: its scaled value must fit 64 bits."""
    measures = [own for projection in declarations for own in projection.measures if own.kind == "histogram"]
    decimals = [measure.decimals for measure in measures if measure.sql and (name,) in references(measure.sql)]
    return max(decimals, default=0)


def _measured(declarations: Sequence[Declaration]) -> set[str]:
    """Return the fields that histograms are of, which leave out what is below 0."""
    measures = [own for projection in declarations for own in projection.measures if own.kind == "histogram"]
    paths = {path for measure in measures if measure.sql for path in references(measure.sql)}
    return {IN_MICROSECONDS.get(path[0], path[0]) for path in paths if len(path) == 1}


def _number(name: str) -> str:
    kind = FIELDS[name]
    return f"CASE WHEN open THEN TRY_CAST(t.{quote_name(name)} AS {kind}) ELSE d.{quote_name(name)} END"


def _all_unread(numbers: Sequence[str], scales: Mapping[str, int], measured: Collection[str], looked_at: str) -> str:
    """Name the fields that are there and cannot be read; of validated events, large ones, and those below 0.

    What is below 0 is one only for a histogram: whoever reads this looks once more at what is left out of what.
    """
    most = {name: MAX_INTEGER // 10 ** scales[name] for name in numbers if scales[name]}
    # Not by its size, which the least of all numbers has none of.
    large = [f"d.{quote_name(name)} NOT BETWEEN {-number} AND {number}" for name, number in most.items()]
    large += [f"d.{quote_name(name)} < 0" for name in numbers if name in measured]
    listed = sql_list([_unread(name, scales[name], name in measured) for name in numbers])
    return f"CASE WHEN {' OR '.join([looked_at, *large])} THEN list_filter([{listed}], lambda x: x IS NOT NULL) END"


def _unread(name: str, decimals: int, measured: bool) -> str:
    there = f"(t.{quote_name(name)} IS NOT NULL OR d.{quote_name(name)} IS NOT NULL)"
    # That a number is too large for 64 bits is so only where a histogram keeps decimals of it: all others have read it.
    read = scaled(_number(name), decimals) if decimals else _number(name)
    wrong = f"{read} IS NULL" + (f" OR {_number(name)} < 0" if measured else "")
    return f"CASE WHEN {there} AND ({wrong}) THEN {quote(name)} END"


def _own_structs(outer: str, names: Sequence[str]) -> list[str]:
    """Your own fields twice: as texts for keys and conditions, as numbers for values."""
    source = "d" if outer == "data" else "d.attributes"
    raw = {quote_name(name): f"{source}.{quote_name(name)}" for name in names}
    texts = sql_list([f"{name} := {sql}" for name, sql in raw.items()])
    numbers = sql_list([f"{name} := TRY_CAST({sql} AS DECIMAL(38,18))" for name, sql in raw.items()])
    return [f"struct_pack({texts}) AS {outer}", f"struct_pack({numbers}) AS {outer}_numbers"]


def _structure(stored: set[str], own: Mapping[str, list[str]]) -> dict[str, Any]:
    data: dict[str, Any] = {name: FIELDS[name] for name in sorted(stored)}
    data |= dict.fromkeys(own["data"], TEXT)
    if own["attributes"]:
        data["attributes"] = dict.fromkeys(own["attributes"], TEXT)
    return {"source": TEXT, "occurred_at": "TIMESTAMP", "data": data}


def scaled(sql: str, decimals: int) -> str:
    """Return the SQL of a value as an integer of 64 bits, times 10^decimals; NULL where it does not fit."""
    if FIELDS.get(sql) == WHOLE and decimals == 0:
        return sql
    factor = f" * {10**decimals}" if decimals else ""
    return f"TRY(CAST(CAST(({sql}) AS DECIMAL(38,{decimals})){factor} AS BIGINT))"


def exact(sql: str, decimals: int) -> str:
    """Return the SQL of a value as a decimal of 128 bits with so many decimals; NULL where it does not fit."""
    if FIELDS.get(sql) in ((WHOLE,) if decimals == 0 else (EXACT,) if decimals == MOST_DECIMALS else ()):
        return sql
    return f"TRY(CAST(({sql}) AS DECIMAL(38,{decimals})))"
