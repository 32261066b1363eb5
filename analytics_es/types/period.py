"""A period of time: what most questions are about."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from attrs import field, frozen

from analytics_es.errors import BadPeriod, UnknownTimezone

Granularity = Literal["hour", "day", "total"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOURLY_UP_TO = timedelta(days=3)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def _aware(instance: Any, attribute: Any, value: datetime) -> None:
    if value.utcoffset() is None:
        raise BadPeriod(text=str(value), problem=f"its {attribute.name} has no time zone")


@frozen
class TimePeriod:
    """A half-open stretch of time [start, end) and the granularity of its series.

    start: the first instant of it, aware, in any zone.
    end: the first instant after it, aware, in any zone.
    granularity: of a series: hour, day or total; without one, hour up to three days, day beyond.
    """

    start: datetime = field(validator=_aware)
    end: datetime = field(validator=_aware)
    granularity: Granularity = field()

    @granularity.default
    def _by_length(self) -> Granularity:
        if (self.start.tzinfo is None) != (self.end.tzinfo is None):
            return "hour"  # to be refused by a validator, which runs later
        return "hour" if self.end - self.start <= _HOURLY_UP_TO else "day"

    @granularity.validator
    def _one_of_three(self, _: Any, value: str) -> None:
        if value not in ("hour", "day", "total"):
            raise BadPeriod(text=value, problem="its granularity must be hour, day or total")

    def __attrs_post_init__(self) -> None:
        # Two times of one zone compare by what its clocks show, which may go back: what counts is the instant.
        if self.start - _EPOCH >= self.end - _EPOCH:
            raise BadPeriod(text=str(self), problem="its start must be before its end")

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"

    @classmethod
    def last(
        cls, *, now: datetime | None = None, granularity: Granularity | None = None, **length: float
    ) -> TimePeriod:
        """Return the period that ends now: `TimePeriod.last(days=7)`; takes what timedelta takes."""
        end = now or datetime.now(UTC)
        try:
            start = end - timedelta(**length)
        except OverflowError:
            text = ", ".join(f"{unit}={count}" for unit, count in length.items())
            raise BadPeriod(text=text, problem="it begins before the year 1") from None
        return cls._of(start, end, granularity)

    @classmethod
    def day(cls, day: date, tz: str = "UTC", *, granularity: Granularity | None = None) -> TimePeriod:
        """Return one calendar day in a time zone; it may have 23 or 25 hours. Raises UnknownTimezone."""
        zone = _zone(tz)
        try:
            following = day + timedelta(days=1)
        except OverflowError:
            raise BadPeriod(text=str(day), problem="it is the last day there is") from None
        return cls._of(_midnight(day, zone), _midnight(following, zone), granularity)

    @classmethod
    def parse(
        cls, text: str, tz: str = "UTC", *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Read "2026-11-01/2026-11-08", with dates or times on either side, one date, or a length such as "7d".

        Dates and times without a zone are in `tz`. Raises BadPeriod and UnknownTimezone.
        """
        length = re.fullmatch(r"([1-9][0-9]{0,5})([hdw])", text)
        if length:
            return cls.last(now=now, granularity=granularity, **{_UNITS[length[2]]: int(length[1])})
        start, slash, end = text.partition("/")
        zone = _zone(tz)
        first = _instant(text, start, zone)
        if slash:
            return cls._of(first, _instant(text, end, zone), granularity)
        try:
            day = first.astimezone(zone).date()
        except OverflowError:
            raise BadPeriod(text=text, problem=f"it is no day of the years 1 to 9999 in {tz}") from None
        return cls.day(day, tz, granularity=granularity)

    @classmethod
    def _of(cls, start: datetime, end: datetime, granularity: Granularity | None) -> TimePeriod:
        return cls(start, end, granularity) if granularity else cls(start, end)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnknownTimezone(name=name) from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _instant(text: str, part: str, zone: ZoneInfo) -> datetime:
    try:
        when = datetime.fromisoformat(part.strip())
    except ValueError:
        raise BadPeriod(text=text, problem="write it as 2026-11-01/2026-11-08, 2026-11-01 or 7d") from None
    return when if when.tzinfo else when.replace(tzinfo=zone)
