"""How people write periods: today, last-month, 2026-11, 2026-W45, 7d. One grammar for Python and the command line."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_LENGTH = re.compile(r"([1-9][0-9]{0,5})([hdwmy])", re.ASCII)
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)
_QUARTER = re.compile(r"([0-9]{4})-[qQ]([1-4])", re.ASCII)
_WEEK = re.compile(r"([0-9]{4})-?[wW]([0-9]{2})", re.ASCII)
_YEAR = re.compile(r"([0-9]{4})", re.ASCII)
_UNITS = {"month": 1, "quarter": 3, "year": 12}

Days = tuple[date, date]  # the first day, and the first after the last


def later(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of that month; raises ValueError beyond the calendar."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))


def before(end: datetime, *, months: int, days: int, rest: timedelta) -> datetime:
    """Return the time so much before another, in its zone: by the calendar, then what passes between two instants.

    Raises ValueError, OverflowError.
    """
    day = later(end.date(), -months) - timedelta(days=days)
    start = end if day == end.date() else datetime.combine(day, end.timetz())
    return (start.astimezone(UTC) - rest).astimezone(end.tzinfo)


class Length(NamedTuple):
    """How long a period is. Hours go by the clock; days, weeks, months and years by the calendar."""

    number: int
    unit: str

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"

    @classmethod
    def read(cls, text: str) -> Length | None:
        """Read 24h, 7d, 2w, 1m or 1y; None for what is no length."""
        match = _LENGTH.fullmatch(text)
        return cls(int(match[1]), match[2]) if match else None

    @property
    def whole_days(self) -> bool:
        """Whether it is made of days."""
        return self.unit != "h"

    def after(self, start: datetime) -> datetime:
        """Return the time this long after another, in its zone; raises ValueError, OverflowError."""
        if self.unit == "h":
            return (start.astimezone(UTC) + timedelta(hours=self.number)).astimezone(start.tzinfo)
        return datetime.combine(self.days_later(start.date()), start.timetz(), start.tzinfo)

    def before(self, end: datetime) -> datetime:
        """Return the time this long before another, in its zone; raises ValueError, OverflowError."""
        return Length(-self.number, self.unit).after(end)

    def days_later(self, day: date) -> date:
        """Return the day this long after another; raises ValueError, OverflowError."""
        if self.unit in ("m", "y"):
            return later(day, self.number * (12 if self.unit == "y" else 1))
        return day + timedelta(days=self.number * (7 if self.unit == "w" else 1))

    def up_to(self, today: date) -> Days:
        """Return the days of which today is the last; raises ValueError, OverflowError."""
        following = today + timedelta(days=1)
        return Length(-self.number, self.unit).days_later(following), following


def days_of(text: str, today: date) -> Days | None:
    """Return the days of a word, month, quarter, week, year or length; None for what is none of these.

    Raises ValueError, OverflowError for what is not in the calendar, such as 2026-13.
    """
    word = re.sub(r"[ _]", "-", text.lower())
    if word in ("today", "yesterday"):
        first = today - timedelta(days=word == "yesterday")
        return first, first + timedelta(days=1)
    which, _, unit = word.partition("-")
    if which in ("this", "last") and unit == "week":
        monday = today - timedelta(days=today.weekday() + 7 * (which == "last"))
        return monday, monday + timedelta(days=7)
    if which in ("this", "last") and unit in _UNITS:
        months = _UNITS[unit]
        first = later(date(today.year, (today.month - 1) // months * months + 1, 1), -months * (which == "last"))
        return first, later(first, months)
    return _written(text, today)


def _written(text: str, today: date) -> Days | None:
    if week := _WEEK.fullmatch(text):
        monday = date.fromisocalendar(int(week[1]), int(week[2]), 1)
        return monday, monday + timedelta(days=7)
    if quarter := _QUARTER.fullmatch(text):
        first = date(int(quarter[1]), int(quarter[2]) * 3 - 2, 1)
        return first, later(first, 3)
    if first_of := first_day(text):
        return first_of, later(first_of, 1)
    if year := _YEAR.fullmatch(text):
        first = date(int(year[1]), 1, 1)
        return first, later(first, 12)
    length = Length.read(text)
    return length.up_to(today) if length and length.whole_days else None


def first_day(text: str) -> date | None:
    """Return the first day of a month that is written as 2026-11; None for what is no month; raises ValueError."""
    month = _MONTH.fullmatch(text)
    return date(int(month[1]), int(month[2]), 1) if month else None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins."""
    return datetime.combine(day, time(), zone)


def is_a_time(text: str) -> bool:
    """Say whether a text is one time of a day, which is no period until it is said how long."""
    with suppress(ValueError):
        date.fromisoformat(text)
        return False
    with suppress(ValueError):
        datetime.fromisoformat(text)
        return True
    return False
