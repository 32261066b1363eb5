"""Rows derived again from the log: swapped in for a period, or kept apart from the live ones."""

from __future__ import annotations

import time
from collections.abc import Sequence

from analytics_es.algebra import Declaration
from analytics_es.errors import FoldFailed
from analytics_es.fold import Fold, Folded
from analytics_es.log import EventLog
from analytics_es.periods import Tiling
from analytics_es.types import AggregationResult, TimePeriod
from analytics_es.views import Span, Views
from analytics_es.views.sqlite import SQLiteViews

MICRO = 1_000_000


def run_aggregation(log: EventLog, views: Views, fold: Fold, tiling: Tiling, asked: TimePeriod) -> AggregationResult:
    """Derive the hours of a period, and the days they lie in, from the log and swap them in beside a running follower.

    The log is read for whole days, because a day's row is of the whole day; hours outside the period stay untouched.
    """
    began = time.monotonic()
    period = _Period(tiling)
    rows = events = position = 0
    for name in views.declarations:
        added, seen, position = _swap(log, views, fold, name, period)
        rows, events = rows + added, max(events, seen)
    return AggregationResult(
        period=tiling.period(asked),
        projections=list(views.declarations),
        rows=rows,
        events=events,
        position=position,
        seconds=round(time.monotonic() - began, 3),
    )


class _Period:
    """The buckets to derive again: hours of the period, days that hold any of them."""

    def __init__(self, tiling: Tiling) -> None:
        days = tiling.calendar.days(tiling.start, tiling.end)
        self.hours = (tiling.start, tiling.end)
        self.days = (days[0], tiling.calendar.next_day(days[-1]))
        self.spans = [Span("hour", *self.hours), Span("day", *self.days)]
        self.within = (self.days[0] * MICRO, self.days[1] * MICRO)

    def keep(self, declaration: Declaration, folded: Folded) -> Folded:
        """Leave out what lies in the same days but in other hours."""
        grain, bucket = declaration.row_key.index("grain"), declaration.row_key.index("bucket")
        bounds = {"hour": self.hours, "day": self.days}
        rows = [row for row in folded.rows if bounds[row[grain]][0] <= row[bucket] < bounds[row[grain]][1]]
        unreadable = [each for each in folded.unreadable if self.hours[0] <= each[1] < self.hours[1]]
        return Folded(rows=rows, unreadable=unreadable)


def _swap(log: EventLog, views: Views, fold: Fold, name: str, period: _Period) -> tuple[int, int, int]:
    """Fold up to the checkpoint outside of any transaction, then only what a runner added since inside of it."""
    declaration = views.declarations[name]
    with views.read() as snapshot:
        position = snapshot.positions[name]
    parts, events = _parts(log, fold, declaration, period, after=0, upto=position)
    with views.replacing(name) as swap:
        if swap.position > position:
            late, more = _parts(log, fold, declaration, period, after=position, upto=swap.position)
            parts, events = parts + late, events + more
        swap.delete(period.spans, period.hours)
        for part in parts:
            swap.merge(part)
        return sum(len(part.rows) for part in parts), events, swap.position


def _parts(
    log: EventLog, fold: Fold, declaration: Declaration, period: _Period, *, after: int, upto: int
) -> tuple[list[Folded], int]:
    parts, events = [], 0
    for batch in log.scan_period(*period.within, after=after, upto=upto):
        folded = fold(batch, [declaration.name], within=period.within)[declaration.name]
        if isinstance(folded, FoldFailed):
            raise folded
        parts.append(period.keep(declaration, folded))
        events += batch.num_rows
    return parts, events


def derived(log: EventLog, declarations: Sequence[Declaration], fold: Fold, tiling: Tiling) -> tuple[Views, int]:
    """Return read models in memory that hold just a period, folded from the log, and the log's head they stand on."""
    head = log.head()
    views = SQLiteViews(None, declarations, log=log.identity, timezone=str(tiling.calendar.zone))
    within = (tiling.start * MICRO, tiling.end * MICRO)
    position = 0
    for batch in log.scan_period(*within, upto=head):
        last = batch.column("position")[-1].as_py()
        for name, folded in fold(batch, within=within).items():
            if isinstance(folded, FoldFailed):
                raise folded
            views.commit(name, folded, expected=position, position=last)
        position = last
    for declaration in declarations:
        if position < head:
            views.commit(declaration.name, Folded(rows=[], unreadable=[]), expected=position, position=head)
    return views, head
