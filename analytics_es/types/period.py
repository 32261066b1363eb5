"""A period of time: what most questions are about."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, Never, get_args
from zoneinfo import ZoneInfo

from attrs import field, frozen

from analytics_es.errors import BadPeriod, UnknownTimezone
from analytics_es.types.calendar_words import Length, before, days_of, first_day, is_a_time, midnight
from analytics_es.types.values import SCALARS, plain, shown

Granularity = Literal["hour", "day", "week", "month", "total"]
Zone = str | ZoneInfo | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOURLY_UP_TO = timedelta(days=3)
_WRITE = "write it as 2026-11-01/2026-11-08, 2026-11-01, 2026-11, 2026-W45, today, this-month, 24h or 7d"
_A_TIME = (
    "it is a time, and does not say how long: write its day, 2026-11-01, or two times, "
    "2026-11-01T15:00/2026-11-01T16:00"
)
_UNITS = ("microseconds", "milliseconds", "seconds", "minutes", "hours", "days", "weeks", "months", "years")


def _aware(instance: Any, attribute: Any, value: datetime) -> None:
    if not isinstance(value, datetime):
        raise BadPeriod(text=f"{value!s:.80}", problem=f"its {attribute.name} is no time (datetime)")
    if value.utcoffset() is None:
        raise BadPeriod(text=str(value), problem=f"its {attribute.name} has no time zone")


def _word(granularity: Granularity) -> Granularity:
    word: Granularity = plain(granularity)
    return word


@frozen
class TimePeriod:
    """A half-open stretch of time [start, end) and the granularity of its series.

    `TimePeriod.today()`, `month("2026-11")` and the like are of the calendar: of that of the store they are put to,
    unless they are given a zone, such as `tz="Europe/Berlin"`. Until then, `start` and `end` are those of UTC.

    start: the first instant of it, aware, in any zone.
    end: the first instant after it, aware, in any zone.
    granularity: of a series: hour, day, week (from Monday), month or total; by default hour up to three days, else day.
    """

    start: datetime = field(validator=_aware)
    end: datetime = field(validator=_aware)
    granularity: Granularity = field(converter=_word)

    @granularity.default
    def _by_length(self) -> Granularity:
        try:
            # Where clocks change, three days are as many hours of the calendar, or hours that pass: either will do.
            lengths = (self.end - self.start, self.end.astimezone(UTC) - self.start.astimezone(UTC))
            return "hour" if min(lengths) <= _HOURLY_UP_TO else "day"
        except (TypeError, AttributeError, OverflowError):
            return "hour"  # to be refused by a validator, which runs later

    @granularity.validator
    def _one_of_five(self, _: Any, value: str) -> None:
        if type(value) not in SCALARS or value not in get_args(Granularity):
            raise BadPeriod(
                text=value if type(value) in SCALARS else shown(value),
                problem="its granularity must be hour, day, week, month or total",
            )

    def __attrs_post_init__(self) -> None:
        # Two times of one zone compare by what its clocks show, which may go back: what counts is the instant.
        if self.start - _EPOCH >= self.end - _EPOCH:
            raise BadPeriod(text=str(self), problem="its start must be before its end")

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"

    def in_zone(self, tz: Zone) -> TimePeriod:
        """Return the period itself; one of the calendar that was given no zone, in this one."""
        return self

    @classmethod
    def last(
        cls,
        *written: Never,
        now: datetime | None = None,
        granularity: Granularity | None = None,
        **length: float,
    ) -> TimePeriod:
        """Return the period that ends now, to the instant: `TimePeriod.last(days=7)`, `last(months=1)`.

        Takes what timedelta takes, and whole months and years. Hours and what is shorter are time that passed, also
        where clocks change; days, weeks, months and years are of the calendar: they begin at the same time on the clock
        of the zone that `now` is in. `parse("7d")` is today and the six days before. Raises BadPeriod.
        """
        end = _at(now)
        text = ", ".join([*map(shown, written), *(f"{unit}={shown(count)}" for unit, count in length.items())])
        if written or not length:
            raise BadPeriod(
                text=text, problem="say how long by units, such as days=7; a text such as '7d' is for parse"
            )
        if unknown := [unit for unit in length if unit not in _UNITS]:
            raise BadPeriod(text=text, problem=f"{unknown[0]} is none of its units, which are {', '.join(_UNITS)}")
        try:
            months = [length.pop(unit, 0) * factor for unit, factor in (("months", 1), ("years", 12))]
            if any(count % 1 for count in months):
                raise BadPeriod(text=text, problem="its months and years must be whole")
            days, rest = length.pop("days", 0) + 7 * length.pop("weeks", 0), timedelta(**length)
            start = before(end, months=int(sum(months)), days=int(days // 1), rest=rest + timedelta(days=days % 1))
        except (OverflowError, ValueError):
            raise BadPeriod(text=text, problem="it begins before the year 1") from None
        except TypeError:
            raise BadPeriod(text=text, problem="each of its units must be a number") from None
        return _of(start, end, granularity)

    @classmethod
    def day(cls, day: date | str, tz: Zone = None, *, granularity: Granularity | None = None) -> TimePeriod:
        """Return one day of the calendar, which may have 23 or 25 hours; without `tz`, of the store's.

        The day is a date, or written as "2026-11-01"; of a time, the day that it is in. Raises BadPeriod,
        UnknownTimezone.
        """
        text = day.isoformat() if isinstance(day, date) else _text(day)
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise BadPeriod(text=text, problem="write the day as 2026-11-01") from None
        return _written(text, tz, None, granularity)

    @classmethod
    def month(cls, month: date | str, tz: Zone = None, *, granularity: Granularity | None = None) -> TimePeriod:
        """Return a month of the calendar, written as "2026-11", or that of a date; without `tz`, of the store's."""
        text = f"{month:%Y-%m}" if isinstance(month, date) else _text(month)
        try:
            first_of = first_day(text)
        except ValueError:
            first_of = None
        if first_of is None:
            raise BadPeriod(text=text, problem="write the month as 2026-11")
        return cls.parse(text, tz, granularity=granularity)

    @classmethod
    def today(
        cls, tz: Zone = None, *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Return the whole day that it is; without `tz`, in the zone of the store that is asked."""
        return cls.parse("today", tz, now=now, granularity=granularity)

    @classmethod
    def yesterday(
        cls, tz: Zone = None, *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Return the day before; without `tz`, in the zone of the store that is asked."""
        return cls.parse("yesterday", tz, now=now, granularity=granularity)

    @classmethod
    def this_week(
        cls, tz: Zone = None, *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Return the week that it is, Monday to Sunday; without `tz`, in the zone of the store that is asked."""
        return cls.parse("this-week", tz, now=now, granularity=granularity)

    @classmethod
    def last_week(
        cls, tz: Zone = None, *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Return the week before, Monday to Sunday; without `tz`, in the zone of the store that is asked."""
        return cls.parse("last-week", tz, now=now, granularity=granularity)

    @classmethod
    def this_month(
        cls, tz: Zone = None, *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Return the whole month that it is; without `tz`, in the zone of the store that is asked."""
        return cls.parse("this-month", tz, now=now, granularity=granularity)

    @classmethod
    def last_month(
        cls, tz: Zone = None, *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Return the month before; without `tz`, in the zone of the store that is asked."""
        return cls.parse("last-month", tz, now=now, granularity=granularity)

    @classmethod
    def parse(
        cls, text: str, tz: Zone = None, *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Read a period as people write it; the command line reads the same.

        - "2026-11-01/2026-11-08": times or dates on either side, the second is not in it
        - "2026-11-01", "2026-11", "2026-W45", "2026-Q4", "2026": a day, month, week (from Monday), quarter or year
        - "today", "yesterday", "this-week", "last-week", and so for month, quarter and year
        - "7d", "2w", "1m", "1y": as many whole days, weeks, months or years, of which today is the last day
        - "24h": hours, to the instant

        A time alone, such as "2026-11-01T15:00", does not say how long it lasts, and is refused. What brings no zone is
        in `tz`, without one in that of the store that is asked. Raises BadPeriod and UnknownTimezone.
        """
        text = _text(text)
        if "/" not in text and is_a_time(text.strip()):
            raise BadPeriod(text=text, problem=_A_TIME)
        return _written(text, tz, now, granularity)


@frozen
class CalendarPeriod(TimePeriod):
    """A period of the calendar that was given no zone: its zone is that of the store that it is put to.

    start: the first instant of it as it were in UTC.
    end: the first instant after it as it were in UTC.
    granularity: of a series.
    written: what it is, as `TimePeriod.parse` reads it.
    read_at: what time it was then, aware.
    """

    written: str = field(kw_only=True)
    read_at: datetime = field(kw_only=True)

    def in_zone(self, tz: Zone) -> TimePeriod:
        """Return what was written as it is meant in a zone."""
        return _written(self.written, tz, self.read_at, self.granularity)


def _written(text: str, tz: Zone, now: datetime | None, granularity: Granularity | None) -> TimePeriod:
    """Return what a text says, where no zone is told as it were in UTC; of a time alone, the day that it is in."""
    zone = None if tz is None else _zone(tz)
    at = _at(now)
    period, in_a_zone = _read(text, zone or ZoneInfo("UTC"), at, granularity)
    if not in_a_zone or zone:
        return period
    bounds = (period.start.astimezone(UTC), period.end.astimezone(UTC))
    return CalendarPeriod(*bounds, period.granularity, written=text, read_at=at)


def _of(start: datetime, end: datetime, granularity: Granularity | None) -> TimePeriod:
    return TimePeriod(start, end, granularity) if granularity is not None else TimePeriod(start, end)


def _read(text: str, zone: ZoneInfo, now: datetime, granularity: Granularity | None) -> tuple[TimePeriod, bool]:
    """Return a period, and whether it depends on the zone."""
    length = Length.read(text)
    try:
        if length and not length.whole_days:
            return _of(length.before(now), now, granularity), False
        if days := days_of(text, now.astimezone(zone).date()):
            return _of(midnight(days[0], zone), midnight(days[1], zone), granularity), True
        start, slash, end = text.partition("/")
        if slash:
            first, last = _instant(start.strip(), zone), _instant(end.strip(), zone)
            placed = [bound.tzinfo is zone for bound in (first, last)]
            return _of(first, last, granularity), any(placed)
        day = _instant(start.strip(), zone).astimezone(zone).date()
        return _of(midnight(day, zone), midnight(day + timedelta(days=1), zone), granularity), True
    except OverflowError:
        raise BadPeriod(text=text, problem="it is not in the years 1 to 9999") from None
    except ValueError:
        raise BadPeriod(text=text, problem=_WRITE) from None


def _instant(text: str, zone: ZoneInfo) -> datetime:
    if first_of := first_day(text):
        return midnight(first_of, zone)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _zone(zone: str | ZoneInfo) -> ZoneInfo:
    if isinstance(zone, ZoneInfo):
        return zone
    name = plain(zone)
    try:
        if type(name) is str:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    raise UnknownTimezone(name=f"{shown(name):.300}")


def _at(now: Any) -> datetime:
    at = datetime.now(UTC) if now is None else now
    if not isinstance(at, datetime) or at.utcoffset() is None:
        problem = "it has no time zone" if isinstance(at, datetime) else "it is no time (datetime)"
        raise BadPeriod(text=f"{shown(at):.80}", problem=f"as a now, {problem}")
    return at


def _text(text: Any) -> str:
    text = plain(text)
    if not isinstance(text, str):
        raise BadPeriod(text=f"{shown(text):.80}", problem=_WRITE)
    return text
