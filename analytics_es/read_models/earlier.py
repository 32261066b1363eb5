"""What a period is compared with: the one before, or, while it goes on, as much of that as has passed of it."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from analytics_es.projection.calendar import DAY, Calendar


def earlier(calendar: Calendar, start: int, end: int, passed: int) -> tuple[int, int]:
    """Return the stretch of time that [start, end) is compared with, of which all before `passed` is over, in seconds.

    Whole months are compared with as many months, whole days with as many days, anything else with as many seconds.
    Of a period that goes on, the same stretch: to the same time of the same day of the month, or of the same day, at
    most to its end: 1 to 29 November, 16:00, with 1 to 29 October, 16:00, and 1 to 30 March with all of February.
    """
    for unit in ("month", "day"):
        if calendar.start(unit, start) == start and calendar.start(unit, end) == end:
            bounds = [*calendar.starts(unit, start, end), end]
            before = _before(calendar, unit, start, len(bounds) - 1)
            return before[0], _same(calendar, unit, bounds, before, passed)
    first = calendar.hour_start(start - (end - start))
    return first, min(_whole_hours(calendar, first + min(passed, end) - start), start)


def _before(calendar: Calendar, unit: str, start: int, count: int) -> list[int]:
    """Return the starts of so many days or months before one, and that one."""
    longest = (count + 2) * (31 * DAY if unit == "month" else DAY)
    return [*calendar.starts(unit, start - longest, start)[-count:], start]


def _same(calendar: Calendar, unit: str, bounds: list[int], before: list[int], passed: int) -> int:
    """Return the end of the same stretch of the period before."""
    place = bisect_right(bounds, passed) - 1
    if place == len(bounds) - 1 or passed == bounds[place]:
        return before[place]
    if unit == "day":
        return _same_time(calendar, bounds[place], passed, before[place], before[place + 1])
    days, others = (calendar.days(*stretch[place : place + 2]) for stretch in (bounds, before))
    day = bisect_right(days, passed) - 1
    if day >= len(others):
        return before[place + 1]
    ends = [*others, before[place + 1]]
    return _same_time(calendar, days[day], passed, others[day], ends[day + 1])


def _same_time(calendar: Calendar, day: int, passed: int, other: int, following: int) -> int:
    """Return when the clocks of another day, which ends with `following`, show what they show now on this day."""
    now, date = calendar.local(passed), calendar.local(other).date()
    if passed == day or now.date() < calendar.local(day).date():  # clocks went back over midnight
        return other
    then = int(datetime.combine(date, now.time(), calendar.zone).timestamp())
    return min(max(_whole_hours(calendar, then), other), following)


def _whole_hours(calendar: Calendar, instant: int) -> int:
    """Return the end of the hour that an instant is in, unless one begins with it."""
    hour = calendar.hour_start(instant)
    return hour if hour == instant else calendar.next_hour(hour)
