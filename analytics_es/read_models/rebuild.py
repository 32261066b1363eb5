"""Rows derived again from the log: whole read models beside the live ones, a period of them, or a copy kept apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress

from analytics_es.errors import AnalyticsError, FoldFailed, RebuildLost, RebuildStopped
from analytics_es.log import EventLog
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, Folded
from analytics_es.read_models import Live, ReadModels, Span
from analytics_es.read_models.replay import Replay, Result
from analytics_es.read_models.seeds import NOTHING, Seeds, check_exact
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.read_models.tiling import Tiling
from analytics_es.types import AggregationResult, Progress, RebuildResult, TimePeriod

MICRO = 1_000_000

OpenReplay = Callable[[Sequence[Declaration]], AbstractContextManager[Replay]]


# ── beside the live ones ────────────────────────────────────────────────────────────────────────────────────────


def rebuild(
    log: EventLog,
    read_models: ReadModels,
    names: Sequence[str],
    replaying: OpenReplay,
    *,
    set_aside: bool = False,
    seeds: Seeds | None = None,
    progress: Progress | None = None,
) -> RebuildResult:
    """Fill new read models beside the live ones, in one pass over the log for all, and promote them in one transaction.

    The live ones serve and are followed until then; whatever goes wrong, they stay as they are. A value that cannot be
    read stops it, unless it is to be `set_aside` as a follower does. They begin with the rows of sealed events, or with
    other `seeds`. Raises RebuildRunning, RebuildStopped, FoldFailed.
    """
    began = time.monotonic()
    with read_models.rebuilding():
        read_models.clear_away()
        try:
            beside = read_models.begin_beside(names, seeds)
            with replaying(beside) as replay:
                filling = _Filling(log, read_models, beside, replay, set_aside, progress)
                position = filling.catch_up()
                read_models.expire(beside)
                while not read_models.promote(beside):  # a follower was faster: what it added since is merged
                    position = filling.catch_up()
        finally:
            with suppress(AnalyticsError):  # else the next start does it
                read_models.clear_away()
    with read_models.read() as snapshot:
        rows = sum(snapshot.size(snapshot.live[name]) for name in names)
    seconds = time.monotonic() - began
    return RebuildResult(
        projections=list(names),
        events=filling.events,
        rows=rows,
        position=position,
        unreadable=filling.unreadable,
        seconds=round(seconds, 3),
        events_per_second=round(filling.events / seconds) if seconds else 0,
    )


class _Filling:
    """Brings read models that are set aside up to the log's head."""

    def __init__(
        self,
        log: EventLog,
        read_models: ReadModels,
        beside: Sequence[Declaration],
        replay: Replay,
        set_aside: bool,
        progress: Progress | None,
    ) -> None:
        self._log, self._read_models, self._beside, self._replay = log, read_models, beside, replay
        self._set_aside, self._progress = set_aside, progress
        self._position = self.events = self.unreadable = 0

    def catch_up(self) -> int:
        """Fold and commit what the log holds beyond what is done; returns the position reached."""
        head = self._log.head()
        for part, result in self._replay(self._position, head):
            self._commit(result, part.upto)
            self._position = part.upto
            if self._progress:
                self._progress("rebuilding", min(self.events, head), head)
        return self._position

    def _commit(self, result: Result, position: int) -> None:
        self.events += next(
            (sum(n for _, n, _ in each.days) for each in result.values() if isinstance(each, Folded)), 0
        )
        for declaration in self._beside:
            folded = result[declaration.name]
            if isinstance(folded, FoldFailed):
                raise folded
            if folded.unreadable and not self._set_aside:
                self._stop_at(declaration.name, folded)
            self.unreadable += len(folded.unreadable)
            if not self._read_models.commit(declaration, folded, expected=self._position, position=position):
                raise RebuildLost(projection=declaration.name)

    def _stop_at(self, name: str, folded: Folded) -> None:
        """Stop at the first value that is not accepted as it is."""
        with self._read_models.read() as snapshot:
            accepted = snapshot.discarded()
        for position, _, field in sorted(folded.unreadable):
            if (name, position, field) not in accepted:
                row = self._log.at(position) or {"type": "of the archive"}
                raise RebuildStopped(projection=name, position=position, type=row["type"], field=field)


def owed(read_models: ReadModels, live: Mapping[str, Live], head: int, *, least: int) -> list[str]:
    """Name the projections that a follower rebuilds by itself: changed ones, and new ones where the log is long.

    A definition that was live before is not: another process may still hold it, and both would rebuild for ever.
    """
    return [name for name, each in live.items() if _owed(read_models.declarations[name], each, head - least)]


def _owed(declared: Declaration, live: Live, far: int) -> bool:
    if declared.definition == live.declaration.definition:
        return live.position == 0 and far >= 0
    return declared.version >= live.declaration.version and declared.fingerprint not in live.retired


# ── a period ────────────────────────────────────────────────────────────────────────────────────────────────────


def run_aggregation(
    log: EventLog,
    read_models: ReadModels,
    fold: Fold,
    tiling: Tiling,
    asked: TimePeriod,
    names: Sequence[str] | None = None,
) -> AggregationResult:
    """Derive the hours of a period, and the days they lie in, from the log and swap them in beside a running follower.

    The log is read for whole days, because a day's row is of the whole day; hours outside the period stay untouched.
    """
    began = time.monotonic()
    period, live = _Period(tiling), read_models.live()
    wanted = {name: live[name] for name in (read_models.declarations if names is None else names)}
    rows = events = position = 0
    for group in _at_one_position(wanted):
        parts, seen = _parts(log, _fold_of(fold, read_models, group), group, period, after=0, upto=group[0].position)
        for each in group:
            added, more, position = _swap(log, read_models, fold, each, parts[each.declaration.name], period)
            rows, events = rows + added, max(events, seen + more)
    return AggregationResult(
        period=tiling.period(asked),
        projections=list(wanted),
        rows=rows,
        events=events,
        position=position,
        seconds=round(time.monotonic() - began, 3),
    )


def _at_one_position(live: Mapping[str, Live]) -> list[list[Live]]:
    """Put together what one pass over the log serves."""
    groups: dict[int, list[Live]] = {}
    for each in live.values():
        groups.setdefault(each.position, []).append(each)
    return list(groups.values())


def _fold_of(fold: Fold, read_models: ReadModels, live: Sequence[Live]) -> Fold:
    definitions = [each.declaration for each in live]
    current = all(each.definition == read_models.declarations[each.name].definition for each in definitions)
    return fold if current else fold.of(definitions)


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


def _swap(
    log: EventLog, read_models: ReadModels, fold: Fold, live: Live, parts: list[Folded], period: _Period
) -> tuple[int, int, int]:
    """Swap in what was folded up to a checkpoint, and what a runner has added since; rows, further events, position."""
    name, events = live.declaration.name, 0
    with read_models.replacing(name) as swap:
        if swap.declaration == live.declaration:
            if swap.position > live.position:
                late, events = _parts(
                    log, _fold_of(fold, read_models, [live]), [live], period, after=live.position, upto=swap.position
                )
                parts = parts + late[name]
            swap.delete(period.spans, period.hours)
            for part in parts:
                swap.merge(part)
            return sum(len(part.rows) for part in parts), events, swap.position
    # A rebuild was promoted meanwhile: once more, of what is live now.
    live = read_models.live()[name]
    again, _ = _parts(log, _fold_of(fold, read_models, [live]), [live], period, after=0, upto=live.position)
    return _swap(log, read_models, fold, live, again[name], period)


def _parts(
    log: EventLog, fold: Fold, live: Sequence[Live], period: _Period, *, after: int, upto: int
) -> tuple[dict[str, list[Folded]], int]:
    parts: dict[str, list[Folded]] = {each.declaration.name: [] for each in live}
    if not after:
        seeds = Seeds(log, within=period.days)
        for each in live:
            parts[each.declaration.name] += [period.keep(each.declaration, part) for part in seeds(each.declaration)]
    events = 0
    for batch in log.scan_period(*period.within, after=after, upto=upto):
        folded = fold(batch, list(parts), within=period.within)
        for each in live:
            part = folded[each.declaration.name]
            if isinstance(part, FoldFailed):
                raise part
            parts[each.declaration.name].append(period.keep(each.declaration, part))
        events += batch.num_rows
    return parts, events


def derived(
    log: EventLog,
    declarations: Sequence[Declaration],
    fold: Fold,
    tiling: Tiling,
    *,
    seeds: Seeds | None = None,
    progress: Progress | None = None,
) -> tuple[ReadModels, int]:
    """Return read models in memory that hold just a period, folded from the log, and the log's head they stand on.

    They begin with the rows of sealed events, or with other `seeds`. Raises SealedPeriod where the log's sealed events
    would have to be told apart by position.
    """
    head, days = log.head(), _Period(tiling).days
    if seeds is None and not log.begins:
        check_exact(log, days[0], head, "an answer as of then, with the period before,")
    if seeds is None:
        seeds = NOTHING if log.begins else Seeds(log, within=days)
    read_models = SQLiteReadModels(
        None, declarations, log=log.identity, timezone=str(tiling.calendar.zone), seeds=seeds
    )
    within = (tiling.start * MICRO, tiling.end * MICRO)
    position = 0
    for batch in log.scan_period(*within, upto=head):
        last = batch.column("position")[-1].as_py()
        for name, folded in fold(batch, within=within).items():
            if isinstance(folded, FoldFailed):
                raise folded
            read_models.commit(name, folded, expected=position, position=last)
        position = last
        if progress:
            progress("deriving", position, head)
    for declaration in declarations:
        if position < head:
            read_models.commit(declaration.name, Folded(rows=[], unreadable=[]), expected=position, position=head)
    return read_models, head
