"""One state of the read models, and the SELECTs that merge its rows: the same text on every database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from attrs import frozen

from analytics_es.log import Horizon
from analytics_es.log.database import Cursor
from analytics_es.projection.declaration import MONEY, Column, Declaration, shortened
from analytics_es.projection.fold import WHOLE
from analytics_es.read_models.selection import Span, Where, select, selection
from analytics_es.read_models.stored import form, reading, whole_rows

# How much a read model could not read in some hours, or at no time that it could read either.
COUNT_UNREADABLE = "SELECT count(*) FROM unreadable WHERE projection = ? AND (hour = 0 OR hour >= ? AND hour < ?)"

# The first values that live read models could not read.
LIST_UNREADABLE = (
    "SELECT registry.projection, position, field FROM unreadable JOIN registry ON read_model = unreadable.projection "
    "ORDER BY position, registry.projection, field LIMIT ?"
)

# What read models say of themselves: up to when events are sealed, and which read models lack a part of what is.
SELECT_ABOUT = "SELECT name, value FROM about"
HORIZON, PARTIAL = "horizon", "partial:"
SWAPPED = "swapped:"  # how often rows of a read model were put in the place of others

# How many events of each day a read model has taken in, and the sum of their checksums.
SELECT_LEDGER = "SELECT day, events, checksum FROM ledger WHERE read_model = ? ORDER BY day"

# What was found when all of a read model was verified last, and when a part of it was.
VERIFIED, VERIFIED_PART = "verified:", "verified part:"

UNREADABLE_KEY = ("hour", "position", "field")

# What one projection could not read at these positions; and without what was accepted.
LETTERS = "SELECT position, field, hour FROM unreadable AS u WHERE projection = ? AND position >= ? AND position <= ?"
OPEN_LETTERS = (
    f"{LETTERS} AND NOT EXISTS (SELECT 1 FROM discarded AS d "
    "WHERE d.projection = ? AND d.position = u.position AND d.field = u.field)"
)
COUNT_OPEN_LETTERS = OPEN_LETTERS.replace("SELECT position, field, hour", "SELECT count(*)", 1)
IN_ORDER = " ORDER BY position, field LIMIT ?"

# Which events before a position were set aside as a whole, the last first.
OF_WHOLE = "SELECT position FROM unreadable WHERE projection = ? AND field = ? AND hour > 0"
SET_ASIDE_BEFORE = f"{OF_WHOLE} AND position < ? ORDER BY position DESC LIMIT ?"

# What was accepted as it is.
LIST_DISCARDED = "SELECT projection, position, field FROM discarded"

Rows = list[tuple[Any, ...]]
Fetch = Callable[[str, Sequence[Any]], Rows]


@frozen(kw_only=True)
class Sums:
    """How a database merges the rows of a column: an expression for each kind of merge, and each that is `wide`.

    Where a sum passes 64 bits, `sums` may fail, which `overflow` knows, or give a float: then `exact` gives it.
    `inexact` counts the rows whose `money` no longer is an integer. `arrays`: a statement can be given rows as arrays.
    """

    sums: Mapping[str, str]
    exact: Mapping[str, str]
    overflow: Callable[[Exception], bool]
    inexact: str = "0"
    arrays: bool = False

    def of(self, columns: Sequence[Column], *, exact: Collection[Column]) -> list[str]:
        """Return the expression for each column."""
        forms = [(self.exact if column in exact else self.sums)[form(column)] for column in columns]
        return [expression.format(c=column.name) for expression, column in zip(forms, columns, strict=True)]


@frozen
class Snapshot:
    """One state of the read models: every answer read from it stands on the same positions.

    `of_log` looks into the log in the same state, where that is in the same database. `retired`: by read model, the
    fingerprints of what was live before it.
    """

    positions: Mapping[str, int]
    live: Mapping[str, Declaration]
    _fetch: Fetch
    _merged: Sums
    of_log: Cursor | None = None
    retired: Mapping[str, Collection[str]] = {}

    def sums(
        self,
        declaration: Declaration,
        columns: Sequence[Column],
        spans: Sequence[Span],
        *,
        where: Mapping[str, str] | None = None,
        by: Sequence[str] = (),
        by_time: bool = False,
    ) -> Rows:
        """Merge the rows of these buckets: one tuple a group of bucket (where `by_time`), keys and merged columns."""
        if not spans:
            return []
        rows = self._sums(declaration, columns, spans, where or {}, by, by_time)
        width, read = len(by) + by_time, reading(columns)
        return [(*row[:width], *read(row[width:])) for row in rows if by or by_time or row[-1]]

    def _sums(self, declaration: Declaration, columns: Sequence[Column], *selection: Any) -> Rows:
        """Merge as fast as can be; sums of money pass 64 bits as a rule, with all their decimals."""
        money = {column for measure in declaration.measures if measure.unit == MONEY for column in measure.columns}
        try:
            rows = self._fetch(*select(self._merged.of(columns, exact=money), declaration, columns, *selection))
        except Exception as error:
            if not self._merged.overflow(error):
                raise
        else:
            if not any(type(number) is float for row in rows for number in row):
                return rows
        return self._fetch(*select(self._merged.of(columns, exact=columns), declaration, columns, *selection))

    def days_that_hold(self, declaration: Declaration, text: str) -> set[int]:
        """Return the starts of the days that have a row with this text as a key."""
        held = " OR ".join(f"{key.name} = ?" for key in declaration.keys) or "1 = 0"
        statement = f"SELECT DISTINCT bucket FROM {declaration.table} WHERE grain = 'day' AND ({held})"
        return {day for (day,) in self._fetch(statement, [shortened(text)] * len(declaration.keys))}

    def distinct(
        self,
        declaration: Declaration,
        key: str,
        spans: Sequence[Span],
        *,
        by: Sequence[str],
        where: Where,
        not_empty: str | None = None,
    ) -> Rows:
        """Count the different values of a key exactly, a tuple a group; only of rows where another is `not_empty`."""
        statement, parameters = selection(declaration, [*by, key, *([not_empty] if not_empty else [])], spans, where)
        groups = "".join(f"{name}, " for name in by)
        only = f" WHERE {not_empty} <> ''" if not_empty else ""
        tail = f" GROUP BY {', '.join(by)} ORDER BY {', '.join(by)}" if by else ""
        counted = f"SELECT {groups}count(DISTINCT {key}) FROM ({statement}){only}{tail}"
        return self._fetch(counted, parameters)

    def has_more(self, declaration: Declaration, key: str, spans: Sequence[Span], *, where: Where, than: int) -> bool:
        """Say whether a key has more different values than so many; nothing more is read when it has."""
        rows, parameters = selection(declaration, [key], spans, where)
        some = f"SELECT DISTINCT {key} FROM ({rows}) LIMIT {than + 1}"
        return bool(self._fetch(f"SELECT count(*) FROM ({some})", parameters)[0][0] > than)

    def top(
        self,
        declaration: Declaration,
        columns: Sequence[Column],
        spans: Sequence[Span],
        *,
        where: Mapping[str, str],
        by: str,
        order: str,
        limit: int,
    ) -> tuple[Rows, int]:
        """Return the groups with the most of a column, merged, and how many groups there are in all."""
        rows, parameters = selection(declaration, [by, order], spans, where)
        largest = (
            f"WITH sizes AS MATERIALIZED (SELECT {by}, sum({order}) AS size FROM ({rows}) AS of_period GROUP BY {by}) "
            f"SELECT {by}, (SELECT count(*) FROM sizes) FROM sizes ORDER BY size DESC, {by} LIMIT {limit}"
        )
        names = self._fetch(largest, parameters)
        sums = (self.sums(declaration, columns, spans, where={**where, by: name})[0] for name, _ in names)
        return [(name, *values) for (name, _), values in zip(names, sums, strict=True)], names[0][1] if names else 0

    def busy(self, declaration: Declaration, spans: Sequence[Span], *, by: Sequence[str]) -> Rows:
        """Count the buckets that have rows, for each group of keys."""
        return self.distinct(declaration, "bucket", spans, by=by, where={})

    def rows(self, declaration: Declaration) -> Rows:
        """Return every row, in the order of the index."""
        columns = [*declaration.row_key, *(column.name for column in declaration.columns)]
        order = ", ".join(declaration.row_key)
        rows = self._fetch(f"SELECT {', '.join(columns)} FROM {declaration.table} ORDER BY {order}", ())
        return whole_rows(declaration, rows)

    def page(self, declaration: Declaration, spans: Sequence[Span], *, after: Sequence[Any], limit: int) -> Rows:
        """Return the next rows after a row's key, in the order of the index: of these buckets, or of all."""
        columns = [*declaration.row_key, *(column.name for column in declaration.columns)]
        of_span = "(grain || '' = ? AND bucket >= ? AND bucket < ?)"  # the index is for the order, which is read on
        parameters = [value for span in spans for value in (span.grain, span.start, span.end)]
        source = f"SELECT {', '.join(columns)} FROM {declaration.table}"
        rows = self._page(source, [of_span] * len(spans), parameters, declaration.row_key, after, limit)
        return whole_rows(declaration, rows)

    def unreadable_page(
        self, declaration: Declaration, spans: Sequence[Span], *, after: Sequence[Any], limit: int
    ) -> Rows:
        """Return the next unreadable values after one, as hour, position, field: of these hours, or all."""
        hours = [span for span in spans if span.grain == "hour"]
        parameters = [declaration.table, *(bound for span in hours for bound in (span.start, span.end))]
        source = f"SELECT {', '.join(UNREADABLE_KEY)} FROM (SELECT * FROM unreadable WHERE projection = ?) AS listed"
        of_span = ["(hour + 0 >= ? AND hour + 0 < ?)"] * len(hours)
        return self._page(source, of_span, parameters, UNREADABLE_KEY, after, limit)

    def _page(
        self,
        source: str,
        of_spans: Sequence[str],
        parameters: Sequence[Any],
        key: Sequence[str],
        after: Sequence[Any],
        limit: int,
    ) -> Rows:
        beyond = f"({', '.join(key)}) > ({', '.join('?' * len(key))})"
        conditions = [*([f"({' OR '.join(of_spans)})"] if of_spans else []), *([beyond] if after else [])]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = f"{source}{where} ORDER BY {', '.join(key)} LIMIT {limit}"
        return self._fetch(statement, [*parameters, *after])

    def horizon(self) -> Horizon:
        """Return up to when events are sealed, and buckets kept."""
        return Horizon.read(self._about().get(HORIZON))

    def stands_on(self, name: str) -> tuple[Any, ...]:
        """Return what changes where a projection's rows are more than added to: by others, or by none any more."""
        about, live = self._about(), self.live[name]
        return live, about.get(HORIZON), about.get(f"{SWAPPED}{live.table}")

    def swapped(self, name: str) -> str:
        """Return how often rows of a projection were put in the place of others."""
        return self._about().get(f"{SWAPPED}{self.live[name].table}", "0")

    def verified(self, name: str) -> list[str]:
        """Return what is noted of when a projection was verified last: all of it, and a part."""
        about, table = self._about(), self.live[name].table
        return [about[prefix + table] for prefix in (VERIFIED, VERIFIED_PART) if prefix + table in about]

    def _about(self) -> dict[str, str]:
        return dict(map(tuple, self._fetch(SELECT_ABOUT, ())))

    def partial(self) -> dict[str, int]:
        """Return the projections that lack measures of sealed events, and up to when (seconds)."""
        about = self._about()
        until = {name: about.get(f"{PARTIAL}{declaration.table}") for name, declaration in self.live.items()}
        return {name: int(seconds) for name, seconds in until.items() if seconds}

    def size(self, declaration: Declaration) -> int:
        """Count the rows of a read model."""
        return int(self._fetch(f"SELECT count(*) FROM {declaration.table}", ())[0][0])

    def unreadable(self, name: str, start: int = 0, end: int = 2**62) -> int:
        """Count what a projection could not read in the hours that start in [start, end)."""
        return int(self._fetch(COUNT_UNREADABLE, (self.live[name].table, start, end))[0][0])

    def ledger(self, name: str) -> Rows:
        """Return, day by day, how many events a read model has taken in, and the sum of their checksums."""
        return self._fetch(SELECT_LEDGER, (self.live[name].table,))

    def taken(self, declaration: Declaration) -> int:
        """Count the events that a read model has taken in, live or not."""
        return sum(int(events) for _, events, _ in self._fetch(SELECT_LEDGER, (declaration.table,)))

    def unreadable_values(self, limit: int) -> list[tuple[str, int, str]]:
        """List the first values that could not be read: projection, position, field."""
        return self._fetch(LIST_UNREADABLE, (limit,))

    def letters(
        self, name: str, *, first: int = 0, last: int = 2**62, discarded: bool = False, limit: int = 2**62
    ) -> list[tuple[int, str, int]]:
        """List what a projection could not read, also what was `discarded` or not: position, field, hour."""
        table = self.live[name].table
        if discarded:
            return self._fetch(LETTERS + IN_ORDER, (table, first, last, limit))
        return self._fetch(OPEN_LETTERS + IN_ORDER, (table, first, last, name, limit))

    def open_letters(self, name: str) -> int:
        """Count what a projection could not read and nobody has accepted."""
        return int(self._fetch(COUNT_OPEN_LETTERS, (self.live[name].table, 0, 2**62, name))[0][0])

    def set_aside(self, declaration: Declaration, before: int = 2**62, limit: int = 2**62) -> list[int]:
        """Return the positions of events that were set aside as a whole before a position, the last first."""
        return [row[0] for row in self._fetch(SET_ASIDE_BEFORE, (declaration.table, WHOLE, before, limit))]

    def discarded(self) -> set[tuple[str, int, str]]:
        """Return what was accepted as it is: projection, position, field."""
        return set(map(tuple, self._fetch(LIST_DISCARDED, ())))
