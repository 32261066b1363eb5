"""Periods as the read models keep time: whole hours, tiled by the fewest buckets, and the period before."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from analytics_es.errors import BadPeriod
from analytics_es.events.event import EARLIEST, LATEST, MICRO
from analytics_es.projection.calendar import Calendar
from analytics_es.read_models.earlier import earlier
from analytics_es.read_models.selection import Span
from analytics_es.types import TimePeriod


def calendar_of(period: TimePeriod, default: Calendar) -> Calendar:
    """Return the calendar of the IANA zone that a period's start is given in, of any other start the default.

    `datetime.UTC` and other fixed offsets say when, not whose days are meant.
    """
    zone = period.start.tzinfo
    if not isinstance(zone, ZoneInfo) or zone.key is None:
        return default
    try:
        return Calendar(zone.key)
    except ValueError:  # a file of the system that is no zone
        return default


@frozen
class Tiling:
    """A period widened to the whole hours that hold it, in a calendar; all instants are epoch seconds."""

    calendar: Calendar
    start: int
    end: int
    by_hours: bool = False  # there are no buckets of its days

    @classmethod
    def of(cls, calendar: Calendar, period: TimePeriod, *, by_hours: bool = False) -> Tiling:
        """Widen a period to whole hours; one that was given no zone is in the calendar's.

        Raises BadPeriod for times that no event can have.
        """
        period = period.in_zone(calendar.zone)
        if period.start - EARLIEST < timedelta(0) or period.end - LATEST > timedelta(0):
            raise BadPeriod(text=str(period), problem="it is outside the years 1990 to 2100")
        end = -(-period.end.timestamp() // 1)
        last = calendar.hour_start(int(end))
        return cls(
            calendar,
            calendar.hour_start(int(period.start.timestamp() // 1)),
            last if last == end else calendar.next_hour(last),
            by_hours,
        )

    def coarsened(self, since: int) -> Tiling:
        """Return the whole days that hold this one, on the side where hours that start before `since` are gone."""
        start, end = self.start, self.end
        if self.by_hours:
            return self
        if start < since:
            start = self.calendar.day_start(start)
        if end <= since and self.calendar.day_start(end) != end:
            end = self.calendar.next_day(end)
        return evolve(self, start=start, end=end)

    def spans(self) -> list[Span]:
        """Return day buckets for whole days and hour buckets for what is left on either side, unlabelled."""
        first, last = self._days()
        if self.by_hours or first >= last:
            return self.hours()
        edges = [Span("hour", self.start, first), Span("day", first, last), Span("hour", last, self.end)]
        return [span for span in edges if span.start < span.end]

    def series(self, granularity: str) -> tuple[list[Span], list[int]]:
        """Return spans labelled so that each point of a series is one label, and all labels in order.

        The first point begins where the period does, within its day, week or month.
        """
        if granularity == "hour":
            return self.hours(), self.calendar.hours(self.start, self.end)
        if granularity == "total":
            return [evolve(span, label=self.start) for span in self.spans()], [self.start]
        if granularity != "day":
            labels = self._clipped(granularity)
            parts = [self.part(start, end) for start, end in pairwise([*labels, self.end])]
            return [evolve(span, label=part.start) for part in parts for span in part.spans()], labels
        first, last = self._days()
        if self.by_hours or first >= last:
            days = self._clipped("day")
            ends = [*days[1:], self.end]
            return [Span("hour", start, end, start) for start, end in zip(days, ends, strict=True)], days
        labels = self.calendar.days(first, last)
        spans = [evolve(span, label=span.start if span.grain == "hour" else None) for span in self.spans()]
        head = [self.start] if self.start < first else []
        tail = [last] if last < self.end else []
        return spans, [*head, *labels, *tail]

    def label(self, granularity: str, instant: int) -> int:
        """Return where the point of a series begins that an instant is in."""
        return self.start if granularity == "total" else max(self.calendar.start(granularity, instant), self.start)

    def _clipped(self, unit: str) -> list[int]:
        """Return the starts of days, weeks or months, the first one's within the period."""
        return [max(start, self.start) for start in self.calendar.starts(unit, self.start, self.end)]

    def whole_days(self) -> tuple[int, int]:
        """Return the bounds of the days that it lies in: [start, end)."""
        days = self.calendar.days(self.start, self.end)
        return days[0], self.calendar.next_day(days[-1])

    @property
    def within(self) -> tuple[int, int]:
        """Its bounds in microseconds: [start, end)."""
        return self.start * MICRO, self.end * MICRO

    def hours(self) -> list[Span]:
        """Return the period as hour buckets alone."""
        return [Span("hour", self.start, self.end)]

    def before(self, now: float | None = None) -> Tiling:
        """Return the period before; with `now`, as much of it as has passed of this one, in whole hours."""
        passed = self.end if now is None else min(max(self._hour_after(now), self.start), self.end)
        return self.part(*earlier(self.calendar, self.start, self.end, passed))

    def _hour_after(self, now: float) -> int:
        """Return the end of the hour that it is, unless one begins just now."""
        whole = int(-(-now // 1))
        hour = self.calendar.hour_start(whole)
        return hour if hour == whole else self.calendar.next_hour(hour)

    def part(self, start: int, end: int) -> Tiling:
        """Return a stretch of the same time, kept in the same way."""
        return evolve(self, start=start, end=end)

    def with_before(self) -> Tiling:
        """Return this stretch of time and the period before as one; of all time, before which no event is, this one."""
        if self.start <= EARLIEST.timestamp():
            return self
        return self.part(self.before().start, self.end)

    def falls_on(self, calendar: Calendar) -> bool:
        """Say whether all its hours are hours of another calendar."""
        bounds = {*self.calendar.hours(self.start, self.end), self.end}
        return bounds <= {*calendar.hours(self.start, self.end), calendar.hour_start(self.end)}

    def local(self, instant: int) -> datetime:
        """Return an instant as an aware datetime in the reporting zone."""
        return self.calendar.local(instant)

    def period(self, period: TimePeriod) -> TimePeriod:
        """Return the period that this one is of as it is widened, with its granularity."""
        return TimePeriod(self.local(self.start), self.local(self.end), period.granularity)

    def whole(self) -> TimePeriod:
        """Return it as a period of one point."""
        return TimePeriod(self.local(self.start), self.local(self.end), "total")

    def _days(self) -> tuple[int, int]:
        """Return the bounds of the whole days inside."""
        first = self.calendar.day_start(self.start)
        if first < self.start:
            first = self.calendar.next_day(first)
        return first, self.calendar.day_start(self.end)
