"""The SQL that adds events up to rows: by all that they are of together, then for each entity, and hours to days.

Events of one task are of one job, one user and one agent. There are far fewer combinations of entities than events, so
it is these that are spread over their entities, not events. Names inside, none of which a measure can have: k_… keys,
_e… ids of entities, _unknown names of fields, _index and _count of buckets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from analytics_es.events.fields import UNREAD
from analytics_es.projection.declaration import LONGEST_KEY, SHORT, Column, Declaration
from analytics_es.projection.engine import quote, sql_list

EMPTY_BUCKETS = "[[],[]]"
UNKNOWN = "_unknown"


@frozen
class Bucketed:
    """What a histogram counts of an event: the index of a bucket, where a condition holds."""

    index: str
    condition: str


@frozen(kw_only=True)
class Adding:
    """How `events`, a SELECT of one row an event, add up to the rows of a projection.

    sums: the aggregates of every column that is no histogram, in their order.
    histograms: what is counted for each column that is one.
    unread: whether events name fields that are not known.
    """

    declaration: Declaration
    events: str
    sums: Sequence[str]
    histograms: Mapping[str, Bucketed]
    unread: bool
    _keys: list[str] = field(init=False)
    _together: list[str] = field(init=False)  # what events are added up by before they are spread

    @_keys.default
    def _all_keys(self) -> list[str]:
        return [f"k_{key.name}" for key in self.declaration.keys]

    @_together.default
    def _keys_and_entities(self) -> list[str]:
        return ["hour", "day", *own_keys(self.declaration), *entities(self.declaration, self.unread)]

    # Additive rows of both grains, in the order of the read model's index.
    def rows(self) -> str:
        """Return the SELECT of row key and measures' columns."""
        row_key = [name if name in ("grain", "bucket") else f"k_{name}" for name in self.declaration.row_key]
        shown = [short(name) if name.startswith("k_") else name for name in row_key]
        columns = [*shown, *(self._final(column) for column in self.declaration.columns)]
        once = "MATERIALIZED " if self.histograms else ""  # sums and histograms read them
        tables = [f"events AS {once}({self.events})", *self._hours_and_days()]
        joined = "grains"
        for n, (name, bucketed) in enumerate(self.histograms.items()):
            tables += self._histogram(n, name, bucketed)
            joined += f" LEFT JOIN texts{n} USING ({sql_list(['grain', 'bucket', *self._keys])})"
        return f"WITH {sql_list(tables)} SELECT {sql_list(columns)} FROM {joined} ORDER BY {sql_list(row_key)}"

    def _hours_and_days(self) -> list[str]:
        """The tables of what is no histogram."""
        columns = [column for column in self.declaration.columns if column.merge != "histogram"]
        names, merged = [column.name for column in columns], [_merged(column) for column in columns]
        return [*self._hours("", self.sums, names, merged), f"grains AS ({self._grains('', names, merged)})"]

    def _histogram(self, n: int, name: str, bucketed: Bucketed) -> list[str]:
        """The tables of a histogram: how many events are in each bucket, and that as a text, [[indexes],[counts]]."""
        sums, names = [f"{bucketed.index} AS _index", "count(*) AS _count"], ["_index", "_count"]
        merged = ["_index", "CAST(sum(_count) AS BIGINT) AS _count"]
        hours = self._hours(str(n), sums, names, merged, by=["_index"], where=f" WHERE {bucketed.condition}")
        indexes, counts = (f"string_agg({part}, ',' ORDER BY _index)" for part in names)
        keys = sql_list(["grain", "bucket", *self._keys])
        text = (
            f"SELECT {keys}, '[[' || {indexes} || '],[' || {counts} || ']]' AS {name} "
            f"FROM ({self._grains(str(n), names, merged, by=['_index'])}) GROUP BY {keys}"
        )
        return [*hours, f"texts{n} AS ({text})"]

    def _hours(
        self,
        n: str,
        sums: Sequence[str],
        names: Sequence[str],
        merged: Sequence[str],
        *,
        by: Sequence[str] = (),
        where: str = "",
    ) -> list[str]:
        """The table of hours: sums of events, which are merged again where these are spread."""
        together, keys = (sql_list([*keys, *by]) for keys in (self._together, ["hour", "day", *self._keys]))
        added = f"SELECT {sql_list([*self._together, *sums])} FROM events{where} GROUP BY {together}"
        if not self.declaration.entities:
            return [f"hours{n} AS MATERIALIZED ({added})"]
        columns = ["hour", "day", *own_keys(self.declaration), *names]
        spread_out = spread(self.declaration, f"added{n}", columns, unread=self.unread)
        hours = f"SELECT {sql_list(['hour', 'day', *self._keys, *merged])} FROM ({spread_out}) GROUP BY {keys}"
        return [f"added{n} AS ({added})", f"hours{n} AS MATERIALIZED ({hours})"]

    def _grains(self, n: str, names: Sequence[str], merged: Sequence[str], *, by: Sequence[str] = ()) -> str:
        """Days are merged from hours."""
        return (
            f"SELECT 'hour' AS grain, hour AS bucket, {sql_list([*self._keys, *names])} FROM hours{n} UNION ALL "
            f"SELECT 'day', day, {sql_list([*self._keys, *merged])} FROM hours{n} "
            f"GROUP BY {sql_list(['day', *self._keys, *by])}"
        )

    def _final(self, column: Column) -> str:
        return column.name if column.merge != "histogram" else f"coalesce({column.name}, {quote(EMPTY_BUCKETS)})"


def own_keys(declaration: Declaration) -> list[str]:
    """Return the columns of keys that are no entity's."""
    return [f"k_{key.name}" for key in declaration.keys if not key.of_entity]


def entities(declaration: Declaration, unread: bool) -> list[str]:
    """Return the columns that say what an event is spread over."""
    return [f"_e{n}" for n in range(len(declaration.entities))] + ([UNKNOWN] if unread else [])


def spread(declaration: Declaration, source: str, columns: Sequence[str], *, unread: bool) -> str:
    """Return the SELECT of one row of the source, or one for each entity it belongs to and one for all together.

    Where a projection keeps one, also a row of all entities of a kind, for each that it belongs to.
    """
    if not declaration.entities:
        return f"SELECT {sql_list(columns)} FROM {source}"
    ids = {f"nullif(_e{n}, '')": name for n, name in enumerate(declaration.entities)}
    if declaration.rollup:
        ids |= {f"CASE WHEN _e{n} <> '' THEN '' END": name for n, name in enumerate(declaration.entities)}
    belongs = sql_list([f"{{'t': {quote(name)}, 'i': {sql}}}" for sql, name in ids.items()])
    listed = f"[{{'t': '', 'i': ''}}, {belongs}]"
    if unread:
        of_field = f"list_transform({UNKNOWN}, lambda _name: {{'t': {quote(UNREAD)}, 'i': nullif(_name, '')}})"
        listed = f"list_concat({listed}, {of_field})"
    keys = f"_of.t AS k_{declaration.entity_key('type')}, _of.i AS k_{declaration.entity_key('id')}"
    return (
        f"SELECT * EXCLUDE (_of), {keys} FROM (SELECT {sql_list([*columns, f'unnest({listed}) AS _of'])} "
        f"FROM {source}) WHERE _of.i IS NOT NULL"
    )


def short(key: str) -> str:
    """Return the SQL of a key as a row holds it; `declaration.shortened` says why."""
    # chr(8230) is "…": of a statement in ASCII, the driver looks at no character one by one.
    shortened = f"left({key}, {SHORT}) || chr(8230) || left(sha256({key}), 32)"
    return f"CASE WHEN strlen({key}) > {LONGEST_KEY} THEN {shortened} ELSE {key} END"


def _merged(column: Column) -> str:
    """What several rows have in a column, merged; how many events there are fits 64 bits."""
    merged = f"{column.merge}({column.name})"
    return f"{merged if column.wide or column.merge != 'sum' else f'CAST({merged} AS BIGINT)'} AS {column.name}"
