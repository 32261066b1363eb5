"""Read models as they were at a position, from those of now: for one question or a few about a period.

What is recorded between that position and now lies in some hours. Only these are derived from the log again; all others
are taken as they are, and the days that hold any of these are merged from their hours. A row is never taken apart: what
is smallest or largest could not be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

from attrs import Factory, define, frozen

from analytics_es.errors import RowsRefused
from analytics_es.events.event import MICRO
from analytics_es.events.fields import UNREAD
from analytics_es.log import EventLog, LogSlice, gathered
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, Folded
from analytics_es.projection.loading import Day
from analytics_es.projection.rows import Row
from analytics_es.read_models.copying import copying
from analytics_es.read_models.halving import Intake, Take
from analytics_es.read_models.rollups import merged
from analytics_es.read_models.seeds import Seeds
from analytics_es.read_models.snapshot import Snapshot
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.read_models.store import ReadModels
from analytics_es.read_models.stored import whole_rows
from analytics_es.read_models.tiling import Tiling

Kinds = Mapping[str, Collection[str] | None]  # of each projection, the entities whose rows are asked for; None: all

# The rows of a period; of those of entities, one kind at a time, as the index has them.
ROWS = "SELECT {columns} FROM {table} WHERE grain = ?{of_kind} AND bucket >= ? AND bucket < ?"
OF_KIND = " AND {type} = ?"

# These rows but of some buckets, copied within the database.
COPY = "INSERT INTO main.{table} ({columns}) {rows} AND bucket NOT IN ({left_out})"

# What was unreadable at any time, and at no time that could be read.
UNREADABLE = "SELECT position, hour, field FROM unreadable WHERE projection = ? AND hour >= ? AND hour < ?"


class _Unsure(Exception):
    """Something is not as it usually is: the log tells all of it."""


@frozen
class _Noted(Seeds):
    """Sealed events are noted; what they add is among the rows that are taken."""

    def __call__(self, declaration: Declaration) -> Iterator[Folded]:
        """Yield nothing."""
        return iter(())

    def days(self) -> list[Day]:
        """Return no days."""
        return []


def rewound(
    log: EventLog, live: ReadModels, fold: Fold, tiling: Tiling, position: int, kinds: Kinds
) -> ReadModels | None:
    """Return read models in memory of the days of a period as they were at a position; None where that is not sure.

    They are of the projections that `kinds` names, as the live ones are defined.
    """
    horizon, days = log.seals.horizon(), tiling.whole_days()
    since = max(horizon.hours, horizon.days)  # 0 where all is kept, also of a period that begins before 1970
    if (since and days[0] < since) or (days[0] < horizon.until and position < horizon.position):
        return None
    declarations = [live.declarations[name] for name in kinds]
    calendar = tiling.calendar
    read_models = SQLiteReadModels(
        None, declarations, log=log.identity, timezone=str(calendar.zone), seeds=_Noted(log, within=days)
    )
    try:
        _Rewinding(read_models, declarations, kinds, calendar, days).fill(log, live, fold.of(declarations), position)
        if log.seals.horizon().sealed == horizon.sealed:
            return read_models
    except (_Unsure, RowsRefused):
        pass
    except BaseException:
        read_models.close()
        raise
    read_models.close()
    return None


@define
class _Rewinding:
    """Fills read models in memory with the rows of [start, end) in seconds, which begins and ends with a day."""

    read_models: SQLiteReadModels
    declarations: Sequence[Declaration]
    kinds: Kinds
    calendar: Calendar
    days: tuple[int, int]
    hours: set[int] = Factory(set)  # that are derived again
    derived_days: set[int] = Factory(set)  # that hold any of them

    def fill(self, log: EventLog, live: ReadModels, fold: Fold, position: int) -> None:
        """Take over what is as it was, and derive what is not."""
        raw = isinstance(live, SQLiteReadModels)
        with copying(live, self.read_models) as (snapshot, copy):
            self._check(snapshot)
            positions = [position, *(snapshot.positions[declared.name] for declared in self.declarations)]
            self._touch(log.slots(min(positions), max(positions)))
            for declared in self.declarations:
                with nullcontext(copy) if copy else self.read_models.writing() as cursor:
                    self._take_over(snapshot, declared, cursor, copies=copy is not None, raw=raw)
        self._derive(LogSlice(log, upto=position), fold)
        for declared in self.declarations:
            for day in sorted(self.derived_days):
                self._merge_day(declared, day)
            if position:
                self.read_models.commit(declared, Folded(rows=[], unreadable=[]), expected=0, position=position)

    def _check(self, snapshot: Snapshot) -> None:
        partial = snapshot.partial()
        for declared in self.declarations:
            live = snapshot.live[declared.name]
            if live.definition != declared.definition or declared.name in partial:
                raise _Unsure
            if snapshot._fetch(UNREADABLE, (live.table, 0, 1)):
                raise _Unsure

    def _touch(self, slots: Iterable[tuple[int, int]]) -> None:
        """Note the hours of events, which lie in these slots of milliseconds, and the days of these hours."""
        start, end = self.days
        for first, last in slots:
            hours = self.calendar.hours(first // 1000, last // 1000 + 1)
            self.hours |= {hour for hour in map(self.calendar.hour_start, hours) if start <= hour < end}
        self.derived_days = {self.calendar.day_start(hour) for hour in self.hours}

    # ── what is as it was ───────────────────────────────────────────────────────────────────────────────────────

    def _take_over(self, snapshot: Snapshot, declared: Declaration, cursor: Any, *, copies: bool, raw: bool) -> None:
        live = snapshot.live[declared.name]
        for grain, left_out in (("hour", self.hours), ("day", self.derived_days)):
            if copies:
                self._copy(declared, live.table, cursor, grain, left_out)
            else:
                self._insert(declared, self._rows(snapshot, declared, grain, left_out), cursor, raw=raw)
        unreadable = [
            (place, hour, field)
            for place, hour, field in snapshot._fetch(UNREADABLE, (live.table, *self.days))
            if hour not in self.hours
        ]
        self.read_models.merge(cursor, declared, Folded(rows=[], unreadable=unreadable))

    def _copy(self, declared: Declaration, table: str, cursor: Any, grain: str, left_out: Iterable[int]) -> None:
        columns, buckets = ", ".join(_names(declared)), ", ".join(map(str, sorted(left_out)))
        for parameters, of_kind in self._of_kinds(declared, grain):
            rows = ROWS.format(columns=columns, table=f"live.{table}", of_kind=of_kind)
            statement = COPY.format(table=declared.table, columns=columns, rows=rows, left_out=buckets)
            cursor.execute(statement, (*parameters, *self.days))

    def _rows(self, snapshot: Snapshot, declared: Declaration, grain: str, left_out: Collection[int]) -> list[Row]:
        names, table, rows = _names(declared), snapshot.live[declared.name].table, list[Row]()
        bucket = names.index("bucket")
        for parameters, of_kind in self._of_kinds(declared, grain):
            statement = ROWS.format(columns=", ".join(names), table=table, of_kind=of_kind)
            fetched = snapshot._fetch(statement, (*parameters, *self.days))
            rows += [row for row in fetched if row[bucket] not in left_out] if left_out else fetched
        return rows

    def _of_kinds(self, declared: Declaration, grain: str) -> Iterator[tuple[list[str], str]]:
        if not declared.entities:
            yield [grain], ""
            return
        of_kind = OF_KIND.format(type=declared.entity_key("type"))
        for kind in ("", UNREAD, *self._entities(declared)):
            yield [grain, kind], of_kind

    def _entities(self, declared: Declaration) -> Sequence[str]:
        kinds = self.kinds[declared.name]
        return [kind for kind in declared.entities if kinds is None or kind in kinds]

    def _insert(self, declared: Declaration, rows: Sequence[Row], cursor: Any, *, raw: bool) -> None:
        """Write rows as another database gave them, or, `raw`, as this one has stored them."""
        if not raw:
            self.read_models.merge(cursor, declared, Folded(rows=whole_rows(declared, list(rows)), unreadable=[]))
            return
        names = _names(declared)
        statement = f"INSERT INTO {declared.table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        cursor.executemany(statement, rows)

    def _merge(self, declared: Declaration, folded: Folded) -> None:
        with self.read_models.writing() as cursor:
            self.read_models.merge(cursor, declared, folded)

    # ── what is not ─────────────────────────────────────────────────────────────────────────────────────────────

    def _derive(self, log: EventLog, fold: Fold) -> None:
        """Fold the events of these hours, up to where the log ends; of the day's other events, no row is taken."""
        intake, within = Intake(lambda: fold), (self.days[0] * MICRO, self.days[1] * MICRO)
        names = [declared.name for declared in self.declarations]
        stretches = (log.scan_period(first * MICRO, end * MICRO) for first, end in self._runs())
        for batch in gathered(chain.from_iterable(stretches)):
            result = fold(batch, names, within=within)
            for declared in self.declarations:
                intake(declared, result[declared.name], batch, self._taking(declared), within=within)

    def _runs(self) -> Iterator[tuple[int, int]]:
        """Yield the hours in stretches, as short as they are."""
        first = end = None
        for hour in sorted(self.hours):
            if hour != end:
                if first is not None and end is not None:
                    yield first, end
                first = hour
            end = self.calendar.next_hour(hour)
        if first is not None and end is not None:
            yield first, end

    def _taking(self, declared: Declaration) -> Take:
        grain, bucket = declared.row_key.index("grain"), declared.row_key.index("bucket")
        of_kind = self._is_of_kind(declared)

        def take(folded: Folded, _: int | None) -> None:
            if any(not hour for _, hour, _ in folded.unreadable):
                raise _Unsure
            hours = self.hours
            rows = [row for row in folded.rows if row[grain] == "hour" and row[bucket] in hours and of_kind(row)]
            unreadable = [letter for letter in folded.unreadable if letter[1] in hours]
            self._merge(declared, Folded(rows=rows, unreadable=unreadable))

        return take

    def _is_of_kind(self, declared: Declaration) -> Callable[[Row], bool]:
        if not declared.entities:
            return lambda row: True
        place, kinds = declared.row_key.index(declared.entity_key("type")), {"", UNREAD, *self._entities(declared)}
        return lambda row: row[place] in kinds

    def _merge_day(self, declared: Declaration, day: int) -> None:
        """Merge the hours of a day, as a fold does."""
        width, names = len(declared.row_key), _names(declared)
        grain, bucket = names.index("grain"), names.index("bucket")
        groups: dict[Row, list[Row]] = {}
        with self.read_models.read() as snapshot:
            for parameters, of_kind in self._of_kinds(declared, "hour"):
                statement = ROWS.format(columns=", ".join(names), table=declared.table, of_kind=of_kind)
                rows = snapshot._fetch(statement, (*parameters, day, self.calendar.next_day(day)))
                for row in whole_rows(declared, rows):
                    groups.setdefault(_at(row[:width], {grain: "day", bucket: day}), []).append(row[width:])
        self._merge(declared, Folded(rows=list(merged(declared, groups)), unreadable=[]))


def _names(declared: Declaration) -> list[str]:
    return [*declared.row_key, *(column.name for column in declared.columns)]


def _at(key: Row, places: Mapping[int, Any]) -> Row:
    return tuple(places.get(place, part) for place, part in enumerate(key))
