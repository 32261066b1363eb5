"""Aggregation: the rows of a period derived again from the log, and swapped in beside a running follower."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from analytics_es.errors import EventsNotFolded
from analytics_es.events.event import MICRO
from analytics_es.log import EventLog
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, Folded, succeeded
from analytics_es.projection.rows import PIECE
from analytics_es.read_models.halving import AT_FAULT, Halving
from analytics_es.read_models.registry import Live
from analytics_es.read_models.seeds import Seeds
from analytics_es.read_models.selection import Span
from analytics_es.read_models.store import ReadModels
from analytics_es.read_models.tiling import Tiling
from analytics_es.types import AggregationResult, TimePeriod

NEAR = 10_000  # events that are folded while nobody else can commit


def run_aggregation(
    log: EventLog,
    read_models: ReadModels,
    fold: Fold,
    tiling: Tiling,
    period: TimePeriod,
    names: Sequence[str] | None = None,
) -> AggregationResult:
    """Derive the hours of a period, and the days they lie in, from the log and swap them in beside a running follower.

    The log is read for whole days, because a day's row is of the whole day; hours outside the period stay untouched.
    For who is `rebuilding`: beside a seal, what it takes from the log would be in neither.
    """
    began = time.monotonic()
    aggregation = _Aggregation(log, read_models, fold, (tiling.start, tiling.end), tiling.whole_days())
    live = read_models.live()
    names = list(read_models.declarations if names is None else names)
    rows = events = position = 0
    for group in _at_one_position(live[name] for name in dict.fromkeys(names)):
        for added, seen, at in aggregation.derive(group):
            rows, events, position = rows + added, max(events, seen), at
    return AggregationResult(
        period=tiling.period(period),
        projections=list(dict.fromkeys(names)),
        rows=rows,
        events=events,
        position=position,
        seconds=round(time.monotonic() - began, 3),
    )


def _at_one_position(read_models: Iterable[Live]) -> list[list[Live]]:
    """Put together what one pass over the log serves."""
    groups: dict[int, list[Live]] = {}
    for read_model in read_models:
        groups.setdefault(read_model.position, []).append(read_model)
    return list(groups.values())


@frozen
class _Aggregation:
    """Derives again the hours of a period, and the days that hold any of them; both [start, end) in seconds."""

    log: EventLog
    read_models: ReadModels
    fold: Fold
    hours: tuple[int, int]
    days: tuple[int, int]

    def keep(self, declaration: Declaration, folded: Folded) -> Folded:
        """Leave out what lies in the same days but in other hours."""
        grain, bucket = declaration.row_key.index("grain"), declaration.row_key.index("bucket")
        bounds = {"hour": self.hours, "day": self.days}
        rows = [row for row in folded.rows if bounds[row[grain]][0] <= row[bucket] < bounds[row[grain]][1]]
        first, end = self.hours
        return Folded(
            rows=rows, unreadable=[value for value in folded.unreadable if first <= value[1] < end or not value[1]]
        )

    def derive(self, group: Sequence[Live]) -> Iterator[tuple[int, int, int]]:
        """Derive and swap in what is at one position: for each read model, rows, events, and the position reached."""
        try:
            parts, seen = self.from_the_beginning(group, upto=group[0].position)
        except EventsNotFolded:
            yield from map(self.sift, group)
            return
        for live in group:
            try:
                added, more, position = self.swap(live, parts[live.declaration.name])
                yield added, seen + more, position
            except AT_FAULT:
                yield self.sift(live)

    def sift(self, live: Live) -> tuple[int, int, int]:
        """Derive and swap in piece by piece, setting aside what cannot be folded or merged; nobody writes meanwhile."""
        rows = events = 0
        within = self.days[0] * MICRO, self.days[1] * MICRO
        with self.read_models.replacing(live.declaration.name) as (cursor, now):

            def take(folded: Folded, _: int | None) -> None:
                nonlocal rows
                part = self.keep(now.declaration, folded)
                with self.read_models.attempting(cursor):
                    self.read_models.merge(cursor, now.declaration, part)
                rows += len(part.rows)

            self.read_models.delete(cursor, now.declaration, self.spans())
            for part in Seeds(self.log, within=self.days)(now.declaration):
                take(part, None)
            halving = Halving(now.declaration, self.fold.of([now.declaration]), PIECE)
            for batch in self.log.scan_period(*within, upto=now.position, checked=True):
                halving.take_in(batch, take, within=within)
                events += batch.num_rows
            return rows, events, now.position

    def spans(self) -> list[Span]:
        """Return what is derived again."""
        return [Span("hour", *self.hours), Span("day", *self.days)]

    def swap(self, live: Live, parts: list[Folded]) -> tuple[int, int, int]:
        """Swap in what was folded up to a checkpoint, and what a runner added since; rows, more events, position."""
        name, events = live.declaration.name, 0
        while (
            now := self.read_models.live()[name]
        ).position - live.position > NEAR and now.declaration == live.declaration:
            late, more = self.parts([live], after=live.position, upto=now.position)
            parts, events, live = parts + late[name], events + more, now
        with self.read_models.replacing(name) as (cursor, now):
            if now.declaration == live.declaration:
                if now.position > live.position:
                    late, more = self.parts([live], after=live.position, upto=now.position)
                    parts, events = parts + late[name], events + more
                self.read_models.delete(cursor, now.declaration, self.spans())
                for part in parts:
                    self.read_models.merge(cursor, now.declaration, part)
                return sum(len(part.rows) for part in parts), events, now.position
        # A rebuild was promoted meanwhile: once more, of what is live now.
        live = self.read_models.live()[name]
        again, _ = self.from_the_beginning([live], upto=live.position)
        return self.swap(live, again[name])

    def from_the_beginning(self, group: Sequence[Live], *, upto: int) -> tuple[dict[str, list[Folded]], int]:
        """Fold what lies up to a position, after the rows of sealed events; also how many events were folded."""
        seeds = Seeds(self.log, within=self.days)
        late, events = self.parts(group, after=0, upto=upto)
        parts = {
            live.declaration.name: [self.keep(live.declaration, part) for part in seeds(live.declaration)]
            for live in group
        }
        return {name: parts[name] + late[name] for name in parts}, events

    def parts(self, group: Sequence[Live], *, after: int, upto: int) -> tuple[dict[str, list[Folded]], int]:
        """Fold what lies in (after, upto]; also how many events were folded."""
        declarations = {live.declaration.name: live.declaration for live in group}
        parts: dict[str, list[Folded]] = {name: [] for name in declarations}
        events, fold = 0, self.fold.of(declarations.values())
        within = self.days[0] * MICRO, self.days[1] * MICRO
        for batch in self.log.scan_period(*within, after=after, upto=upto, checked=True):
            for name, result in fold(batch, within=within).items():
                parts[name].append(self.keep(declarations[name], succeeded(result)))
            events += batch.num_rows
        return parts, events
