"""Two states of one read model, compared row for row in the order of their keys; and what a difference is, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from attrs import Factory, define, evolve

from analytics_es.audit.ledger import FIRST, LAST, instant
from analytics_es.events.event import MICRO
from analytics_es.log import EventLog
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold
from analytics_es.queries.figures import exact
from analytics_es.types import ColumnDifference, Divergence, UnreadableDivergence

PAGE = 5_000  # rows that are held of each side
LISTED = 20  # positions of a divergence

Row = tuple[Any, ...]
Pair = tuple[Row | None, Row | None]  # as it is live, and as it should be
Page = Callable[[Row], Sequence[Row]]  # the next rows after a key
Stored = int | str | None


@define
class Differences:
    """How many rows there are on either side, how many differ, and the first of those."""

    limit: int
    rows: int = 0
    differ: int = 0
    listed: list[Pair] = Factory(list)

    def add(self, pair: Pair) -> None:
        """Count a difference, and list it if it is one of the first."""
        self.differ += 1
        if len(self.listed) < self.limit:
            self.listed.append(pair)


def compare(live: Page, expected: Page, width: int, limit: int) -> Differences:
    """Compare all rows; the first columns are their key. Where pages are equal, no row is looked at."""
    differences, after = Differences(limit), ()
    while True:
        ours, theirs = live(after), expected(after)
        ends = [page[-1][:width] for page in (ours, theirs) if len(page) >= PAGE]
        if ours == theirs:
            differences.rows += len(ours)
        else:
            _walk(differences, ours, theirs, width, min(ends, default=None))
        if not ends:
            return differences
        after = min(ends)  # both go on from one key, so that pages may be equal again


def _walk(differences: Differences, ours: Sequence[Row], theirs: Sequence[Row], width: int, end: Row | None) -> None:
    """Compare row for row up to a key, beyond which one side was not read."""
    live, expected = ({row[:width]: row for row in page if not end or row[:width] <= end} for page in (ours, theirs))
    keys = sorted({*live, *expected})
    differences.rows += len(keys)
    for key in keys:
        if live.get(key) != expected.get(key):
            differences.add((live.get(key), expected.get(key)))


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────────


def unreadable(name: str, pairs: Sequence[Pair]) -> list[UnreadableDivergence]:
    """Say which unreadable values are listed that should not be, and which are not."""
    return [
        UnreadableDivergence(projection=name, kind="extra" if live else "missing", position=position, field=str(field))
        for live, expected in pairs
        for _, position, field in [live or expected or (0, 0, "")]
    ]


def divergences(
    log: EventLog, fold: Fold, declaration: Declaration, pairs: Sequence[Pair], *, upto: int
) -> list[Divergence]:
    """Say what is wrong with rows, and which events of the log they are made of, up to a position."""
    divergences: list[Divergence] = []
    for (grain, bucket), group in groupby(sorted(pairs, key=_in_time(declaration)), _in_time(declaration)):
        same = [_divergence(declaration, fold.calendar, grain, bucket, *pair) for pair in group]
        divergences += _with_positions(log, fold, declaration, same, _within(fold.calendar, grain, bucket), upto)
    return divergences


def _in_time(declaration: Declaration) -> Callable[[Pair], tuple[str, int]]:
    grain, bucket = declaration.row_key.index("grain"), declaration.row_key.index("bucket")

    def of(pair: Pair) -> tuple[str, int]:
        row = pair[0] or pair[1] or ()
        return row[grain], row[bucket]

    return of


def _divergence(
    declaration: Declaration, calendar: Calendar, grain: str, bucket: int, live: Row | None, expected: Row | None
) -> Divergence:
    width = len(declaration.row_key)
    key = dict(zip(declaration.row_key, (live or expected or ()), strict=False))
    return Divergence(
        projection=declaration.name,
        kind="extra" if expected is None else "missing" if live is None else "changed",
        grain=grain,
        start=instant(calendar, bucket),
        keys={own.name: key[own.name] for own in declaration.keys},
        differences=list(_differences(declaration, live and live[width:], expected and expected[width:])),
        positions=[],
        events=0,
    )


def _differences(declaration: Declaration, live: Row | None, expected: Row | None) -> Iterator[ColumnDifference]:
    columns = [(column.name, measure) for measure in declaration.measures for column in measure.columns]
    nothing = (None,) * len(columns)
    for (name, measure), live_value, expected_value in zip(columns, live or nothing, expected or nothing, strict=True):
        if live_value != expected_value:
            decimals = 0 if name.removeprefix(measure.name) == "_count" else measure.decimals
            ours, theirs = _scaled(live_value, decimals), _scaled(expected_value, decimals)
            by = ours - theirs if isinstance(live_value, int) and isinstance(expected_value, int) else None  # type: ignore[operator]
            yield ColumnDifference(column=name, live=ours, expected=theirs, by=by)


def _scaled(value: Stored, decimals: int) -> int | Decimal | str | None:
    return exact(value, decimals) if isinstance(value, int) and decimals else value


# ── the events involved ─────────────────────────────────────────────────────────────────────────────────────────


def _within(calendar: Calendar, grain: str, bucket: int) -> tuple[int, int]:
    """Return a bucket's microseconds; none where it is no time that an event can have."""
    if not FIRST <= bucket < LAST:
        return 0, 0
    end = calendar.next_hour(bucket) if grain == "hour" else calendar.next_day(bucket)
    return bucket * MICRO, end * MICRO


def _with_positions(
    log: EventLog,
    fold: Fold,
    declaration: Declaration,
    divergences: Sequence[Divergence],
    within: tuple[int, int],
    upto: int,
) -> list[Divergence]:
    """Replay one bucket for all its rows, by the declaration's own filter and keys."""
    counts, positions = [0] * len(divergences), [list[int]() for _ in divergences]
    keys_alone = evolve(declaration, measures=())  # the events of a row, whatever its measures take of them
    for batch in log.scan_period(*within, upto=upto) if within[1] else ():
        for number, divergence in enumerate(divergences):
            events = fold.by_event(batch, keys_alone, divergence.keys, within=within)
            counts[number] += events.num_rows
            positions[number] += events["position"].slice(0, LISTED - len(positions[number])).to_pylist()
    return [
        evolve(divergence, events=count, positions=listed)
        for divergence, count, listed in zip(divergences, counts, positions, strict=True)
    ]
