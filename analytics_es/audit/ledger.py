"""The ledger: what a read model has taken in of each day, compared with the keys of the log; nothing is folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from operator import itemgetter

from analytics_es.events.event import EARLIEST, LATEST, MICRO
from analytics_es.projection.calendar import Calendar
from analytics_es.store import Store
from analytics_es.types import DayDivergence, LedgerCheck, Listing, Progress

FIRST, LAST = int(EARLIEST.timestamp()), int(LATEST.timestamp())
ALL_TIME = (0, (2**48 - 1) // 1000)  # that keys can name, in seconds
NEAR = 50_000  # positions between two checkpoints for which the log's keys are not asked for again
TOGETHER = 500_000  # events whose keys are asked for at once

Days = Mapping[int, tuple[int, int]]  # start of the day → its events, the sum of their checksums
Stretch = tuple[int, int]


def check_ledger(store: Store, names: Sequence[str], *, progress: Progress | None = None) -> Listing[LedgerCheck]:
    """Compare what read models have taken in of each day with the log, up to each one's checkpoint.

    Where events are sealed meanwhile, it is done again: some would be counted on neither side.
    """
    while True:
        sealed = store.log.seals.horizon().sealed
        checks = _checks(store, names, progress)
        if store.log.seals.horizon().sealed == sealed:
            return Listing(checks, of=LedgerCheck)


def _checks(store: Store, names: Sequence[str], progress: Progress | None) -> list[LedgerCheck]:
    with store.read_models.read() as snapshot:
        taken = {name: (snapshot.positions[name], days(snapshot.ledger(name))) for name in names}
    held: dict[int, Days] = {}
    for position, ledger in sorted(taken.values(), key=itemgetter(0)):
        near = max((checked for checked in held if position - checked <= NEAR), default=None)
        if near is None:
            held[position] = in_log(store, _stretches(ledger), upto=position, progress=progress)
        else:
            held[position] = _and_more(store, held[near], after=near, upto=position)
    head = store.log.head()
    return [
        compared(name, position, ledger, held[position], store.calendar, head=head)
        for name, (position, ledger) in taken.items()
    ]


def days(rows: Sequence[tuple[int, int, int]]) -> Days:
    """Read rows of a ledger."""
    return {day: (events, checksum) for day, events, checksum in rows}


def _and_more(store: Store, days: Days, *, after: int, upto: int) -> Days:
    """Add the events of a short stretch of positions."""
    sums = dict(days)
    if after < upto:
        keys = store.log.scan(after=after, limit=upto - after, upto=upto).column("key").to_pylist()
        _add(sums, store.fold.count_days(keys))
    return sums


def _add(sums: dict[int, tuple[int, int]], more: Sequence[tuple[int, int, int]]) -> None:
    for day, events, checksum in more:
        before = sums.get(day, (0, 0))
        sums[day] = (before[0] + events, before[1] + checksum)


def in_log(store: Store, stretches: Sequence[Stretch], *, upto: int, progress: Progress | None = None) -> Days:
    """Count the log's events, sealed ones too, in stretches of time (seconds) by day, and add up their checksums."""
    sums: dict[int, tuple[int, int]] = {}
    _add(sums, [row for row in store.log.seals.days() if any(start <= row[0] < end for start, end in stretches)])
    for done, (start, end) in enumerate(stretches, 1):
        for keys in store.log.keys(start * MICRO, end * MICRO, upto=upto):
            _add(sums, store.fold.count_days(keys))
        if progress:
            progress("checking", done, len(stretches))
    return sums


def _stretches(ledger: Days) -> list[Stretch]:
    """Divide all of time where a day begins, so that no stretch holds much more than can be asked for at once."""
    edges, together = [ALL_TIME[0]], 0
    for day in sorted(day for day in ledger if FIRST < day < LAST):
        if together + ledger[day][0] > TOGETHER and together:
            edges.append(day)
            together = 0
        together += ledger[day][0]
    edges.append(ALL_TIME[1])
    return list(pairwise(edges))


def compared(
    name: str, position: int, taken: Days, held: Days, calendar: Calendar, *, head: int, whole: bool = True
) -> LedgerCheck:
    """Compare what was taken in with what the log holds; a day that only one of them has differs too.

    Where they are of the `whole` log, there are as many events as positions.
    """
    nothing = (0, 0)
    both = sorted({*taken, *held})
    divergences = [
        DayDivergence(
            projection=name,
            start=instant(calendar, day),
            events=taken.get(day, nothing)[0],
            events_in_log=held.get(day, nothing)[0],
        )
        for day in both
        if taken.get(day) != held.get(day)
    ]
    checkpoint = _checkpoint(position, head, _events(taken), _events(held), whole)
    return LedgerCheck(
        projection=name,
        position=position,
        identical=not divergences and checkpoint is None,
        days=len(both),
        divergences=divergences,
        checkpoint=checkpoint,
    )


def _events(days: Days) -> int:
    return sum(events for events, _ in days.values())


def _checkpoint(position: int, head: int, taken: int, held: int, whole: bool) -> str | None:
    if position > head:
        return f"checkpoint {position:,} is beyond the log's head {head:,}"
    if taken != held:
        return f"{taken:,} events were taken in, but the log holds {held:,} up to checkpoint {position:,}"
    if whole and held < position:
        return f"{position - held:,} events are missing: the log holds {held:,} up to checkpoint {position:,}"
    return None


def instant(calendar: Calendar, start: int) -> datetime | None:
    """Return when a bucket starts, None where that is no time an event can have."""
    return calendar.local(start) if FIRST - 86_400 <= start < LAST else None
