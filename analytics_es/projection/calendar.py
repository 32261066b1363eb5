"""The reporting calendar: where hours, days, weeks and months begin in a time zone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from zoneinfo import ZoneInfo

from attrs import field, frozen

from analytics_es.events.event import MICRO

HOUR = 3600
DAY = 24 * HOUR

# Years only cut the scan into pieces to remember, so all are equally long.
_YEAR = 365 * DAY
# A scan begins before its year: the hour and day it begins in are cut off there, and never asked for.
_MARGIN = 7 * DAY
# A week and a month: which day its days have as the first, and seconds that it is shorter than.
_FIRSTS = {"week": lambda day: day - timedelta(days=day.weekday()), "month": lambda day: day.replace(day=1)}
_LONGEST = {"week": 9 * DAY, "month": 33 * DAY}
# Files beside the IANA zones: some are whatever this machine is set to, others count leap seconds.
_NOT_ZONES = ("localtime", "posixrules", "posix/", "right/")


def _zone(name: str) -> ZoneInfo:
    try:
        if name.startswith(_NOT_ZONES):
            raise KeyError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"not an IANA time zone: {name!r:.80}") from None


@frozen
class Buckets:
    """Hours or days under one offset: the first began at `first` and ends at `second`, the others are whole."""

    since: int
    unit: int
    offset: int
    first: int
    second: int

    def start(self, instant: int) -> int:
        """Return the start of the bucket that contains an instant."""
        return self.first if instant < self.second else _floor(instant, self.unit, self.offset)

    def starts(self, instant: int, until: int) -> list[int]:
        """Return the starts of the buckets from the one that contains an instant to the last before `until`."""
        following = max(self.second, _floor(instant, self.unit, self.offset) + self.unit)
        return [self.start(instant), *range(following, until, self.unit)]

    def pieces(self, micros: str) -> list[tuple[int, str]]:
        """Return the SQL of `start`, each piece with the instant from which it holds."""
        # Whole hours of offset move no hour: most zones need one formula for all their segments.
        shift = self.offset % self.unit
        shifted = f"({micros} + {shift * MICRO})" if shift else micros
        formula = f"({shifted} // {self.unit * MICRO} * {self.unit}{f' - {shift}' if shift else ''})"
        if self.first == self.second - self.unit:
            return [(self.since, formula)]
        return [(self.since, str(self.first)), (self.second, formula)]


@frozen
class Segment:
    """A stretch of one UTC offset, from `since` on."""

    since: int
    offset: int
    hours: Buckets
    days: Buckets


@frozen
class Calendar:
    """Hours and days of one IANA time zone, for instants in epoch seconds from 1990 to 2100; they tile time.

    A change of offset begins a new hour. A day begins at the first instant of its date; where clocks then go back
    to the date before (Newfoundland until 2010, at 00:01), the new day goes on. A week begins with its first day from
    Monday on, a month with its first day: the next one, where a date was skipped.
    Raises ValueError for a name that is no zone.
    """

    zone: ZoneInfo = field(converter=_zone)

    def local(self, instant: int) -> datetime:
        """Return what the clocks of the zone show."""
        return datetime.fromtimestamp(instant, self.zone)

    def segments(self, start: int, end: int) -> list[Segment]:
        """Return the stretches of one offset that cover [start, end)."""
        years = range(start // _YEAR, end // _YEAR + 1)
        changes = (segment for year in years for segment in _year(self.zone, year) if segment.since >= year * _YEAR)
        return [self._at(start), *(segment for segment in changes if start < segment.since < end)]

    def hour_start(self, instant: int) -> int:
        """Return the start of the hour that contains an instant."""
        return self._at(instant).hours.start(instant)

    def day_start(self, instant: int) -> int:
        """Return the start of the day that contains an instant."""
        return self._at(instant).days.start(instant)

    def next_hour(self, start: int) -> int:
        """Return the start of the hour after the one that contains `start`."""
        return self.hours(start, start + HOUR + 1)[1]

    def next_day(self, start: int) -> int:
        """Return the start of the day after the one that contains `start`."""
        return self.days(start, start + 3 * DAY)[1]

    def hours(self, start: int, end: int) -> list[int]:
        """Return the starts of all hours that overlap [start, end)."""
        return _starts([segment.hours for segment in self.segments(start, end)], start, end)

    def days(self, start: int, end: int) -> list[int]:
        """Return the starts of all days that overlap [start, end)."""
        return _starts([segment.days for segment in self.segments(start, end)], start, end)

    def starts(self, unit: str, start: int, end: int) -> list[int]:
        """Return the starts of all hours, days, weeks or months that overlap [start, end)."""
        if unit == "hour":
            return self.hours(start, end)
        if start >= end or unit == "day":
            return self.days(start, end)
        days = self.days(start - _LONGEST[unit], end)
        firsts = [next(same) for _, same in groupby(days, lambda day: _FIRSTS[unit](self.local(day).date()))]
        return firsts[bisect_right(firsts, start) - 1 :]

    def start(self, unit: str, instant: int) -> int:
        """Return the start of the hour, day, week or month that contains an instant."""
        return self.starts(unit, instant, instant + 1)[0]

    def sql(self, column: str, start: int, end: int) -> tuple[str, str]:
        """Return DuckDB's hour and day start of `column`, microseconds that lie in [start, end) seconds."""
        end = max(end, start + 1)
        segments = self.segments(start, end)
        hours, days = [segment.hours for segment in segments], [segment.days for segment in segments]
        return _sql(f"({column})", hours, start, end), _sql(f"({column})", days, start, end)

    def _at(self, instant: int) -> Segment:
        year = _year(self.zone, instant // _YEAR)
        return year[bisect_right(year, instant, key=lambda segment: segment.since) - 1]


@lru_cache(maxsize=1024)
def _year(zone: ZoneInfo, year: int) -> tuple[Segment, ...]:
    begin, last = year * _YEAR - _MARGIN, (year + 1) * _YEAR - 1
    offset = _offset(zone, begin)
    segments = [_segment(begin, offset, begin, _date(begin, offset))]
    for instant in range(begin, last, DAY):
        until = min(instant + DAY, last)
        while _offset(zone, until) != segments[-1].offset:
            segments.append(_next_segment(zone, segments[-1], max(instant, segments[-1].since), until))
    return tuple(segments)


def _next_segment(zone: ZoneInfo, before: Segment, first: int, until: int) -> Segment:
    since = first + bisect_left(range(first, until), True, key=lambda second: _offset(zone, second) != before.offset)
    offset = _offset(zone, since)
    date, reached = _date(since, offset), _date(since - 1, before.offset)
    first_day = since if date > reached else before.days.start(since - 1)
    return _segment(since, offset, first_day, max(date, reached))


def _segment(since: int, offset: int, first_day: int, date: int) -> Segment:
    hours = Buckets(since, HOUR, offset, since, _floor(since, HOUR, offset) + HOUR)
    return Segment(since, offset, hours, Buckets(since, DAY, offset, first_day, (date + 1) * DAY - offset))


def _offset(zone: ZoneInfo, instant: int) -> int:
    return (datetime.fromtimestamp(instant, zone).utcoffset() or timedelta()) // timedelta(seconds=1)


def _date(instant: int, offset: int) -> int:
    return (instant + offset) // DAY


def _floor(instant: int, unit: int, offset: int) -> int:
    return (instant + offset) // unit * unit - offset


def _starts(stretches: list[Buckets], start: int, end: int) -> list[int]:
    if start >= end:
        return []
    ends = [*(stretch.since for stretch in stretches[1:]), end]
    starts = dict[int, None]()  # a day in which the offset changes is found on both sides of the change
    for stretch, until in zip(stretches, ends, strict=True):
        starts |= dict.fromkeys(stretch.starts(max(start, stretch.since), until))
    return list(starts)


def _sql(micros: str, stretches: list[Buckets], start: int, end: int) -> str:
    pieces = pairwise([*(piece for stretch in stretches for piece in stretch.pieces(micros)), (end, "")])
    needed = [(since, sql) for (since, sql), (until, _) in pieces if max(since, start) < min(until, end)]
    different = [next(same) for _, same in groupby(needed, itemgetter(1))]
    whens = [f"WHEN {micros} < {until * MICRO} THEN {sql}" for (_, sql), (until, _) in pairwise(different)]
    return f"CASE {' '.join(whens)} ELSE {different[-1][1]} END" if whens else different[-1][1]
