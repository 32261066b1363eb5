"""Which period is asked for, in the words that the command line and the address of a page have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from analytics_es.errors import BadPeriod, BadWord
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.types import Granularity, TimePeriod
from analytics_es.types.calendar_words import Length, midnight

YEARS = f"{EARLIEST.year} to {LATEST.year - 1}"  # of which events can be
WEEK = Length(7, "d")
WORDS = ("today", "yesterday", "this-week", "last-week", "this-month", "last-month")  # each a period of its own

_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "m": 31, "y": 366}
# How long a series may be on a screen, by the day and by the week; JSON and files have what was asked for.
_BY_DAY, _BY_WEEK = timedelta(days=36), timedelta(days=366)
# Parts of a series over HTTP, such as 100 days by the hour, and a year: what has more keeps others waiting.
ON_A_PAGE, FOR_PROGRAMS = 2_500, 10_000
_SERIES = ("hour", "day", "week", "month")


def length(text: str) -> Length:
    """Read 24h, 7d, 2w, 1m or 1y; raises BadWord."""
    length = Length.read(text)
    if length is None:
        raise BadWord(problem=f"{text!r} is not a length: write 24h, 7d, 2w, 1m or 1y.")
    if length.number * _DAYS[length.unit] > (LATEST - EARLIEST).days:
        raise BadWord(problem=f"{text!r} is longer than the years {YEARS}.")
    return length


def moment(text: str, expected: str = "a date or time: write 2026-11-01 or 2026-11-01T12:00") -> datetime:
    """Read a date or time, which has no zone unless it says so; raises BadWord."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadWord(problem=f"{text!r} is not {expected}.") from None
    if not EARLIEST.year <= instant.year < LATEST.year:
        raise BadWord(problem=f"{text!r} is outside the years {YEARS}.")
    return instant


def until(text: str) -> datetime:
    """Read the end of a period: a date is in it, a time is not; raises BadWord."""
    instant = moment(text)
    try:
        return instant + timedelta(days=1) if date.fromisoformat(text.strip()) else instant
    except ValueError:
        return instant


@frozen(kw_only=True)
class Asked:
    """What is said of a period: one that is `named`, by a word, or its start, end and length.

    `mark` is what stands before the name of each word where they are said, "--" on the command line.
    """

    named: Mapping[str, str] = {}
    start: datetime | None = None
    end: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    length: Length | None = None
    mark: str = ""

    def period(self, zone: ZoneInfo, granularity: Granularity | None, now: datetime | None = None) -> TimePeriod:
        """Return the period in a zone; raises BadWord."""
        self._check()
        try:
            return self._period(zone, granularity, (now or datetime.now(UTC)).astimezone(zone))
        except (BadPeriod, ValueError, OverflowError) as error:
            raise BadWord(problem=str(error)) from error

    def begins(self) -> bool:
        """Say whether it is said when the period begins."""
        return bool(self.named or self.start or self.since or self.length)

    def part(self, zone: ZoneInfo) -> TimePeriod | None:
        """Return the period, None where nothing is said of it; where it does not begin, all before its end."""
        if self == Asked(mark=self.mark):
            return None
        said = self if self.begins() else evolve(self, start=EARLIEST)
        return said.period(zone, "total")

    def _check(self) -> None:
        mark, named = self.mark, [f"{self.mark}{word}" for word in self.named]
        bounds = {"from": self.start, "to": self.end, "since": self.since, "until": self.until}
        others = [f"{mark}{word}" for word, bound in {**bounds, "last": self.length}.items() if bound]
        if named and len([*named, *others]) > 1:
            rest = ", ".join([*named[1:], *others])
            raise BadWord(problem=f"{named[0]} is a whole period: leave out {rest}, or {named[0]}.")
        for one, other in (("from", "since"), ("to", "until")):
            if bounds[one] and bounds[other]:
                raise BadWord(problem=f"{mark}{one} and {mark}{other} say the same: leave out one of them.")
        if len(others) == 3:
            raise BadWord(problem=f"{mark}last goes with {others[0]} or with {others[1]}, not with both.")

    def _period(self, zone: ZoneInfo, granularity: Granularity | None, now: datetime) -> TimePeriod:
        for word, text in self.named.items():
            if word == "month":
                return TimePeriod.month(text, zone, granularity=granularity)
            return TimePeriod.parse(text, zone, now=now, granularity=granularity)
        first, last, length = self.start or self.since, self.end or self.until, self.length or WEEK
        if not first and not last and length.whole_days:
            start, end = (midnight(day, zone) for day in length.up_to(now.date()))
        else:
            end = _placed(last, zone) or now
            start = _placed(first, zone) or length.before(end)
            end = length.after(start) if first and self.length else end
            if first and not self.length and start.timestamp() >= end.timestamp():
                begins, ends = ("from", "since")[not self.start], ("to", "until")[not self.end]
                before = f"{self.mark}{ends}" if last else "now"
                raise BadWord(problem=f"{self.mark}{begins} must be before {before}.")
        return TimePeriod(start, end, granularity) if granularity else TimePeriod(start, end)


def _placed(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return a time in a zone: what says how far it is from UTC says no zone, and so not where hours and days begin."""
    if instant is None or instant.tzinfo is None:
        return instant and instant.replace(tzinfo=zone)
    return instant.astimezone(zone)


def for_a_screen(period: TimePeriod) -> TimePeriod:
    """Return a period with the series that a screen has room for: weeks where it is long, else months."""
    span = period.end - period.start
    if span <= _BY_DAY:
        return period
    return evolve(period, granularity="week" if span <= _BY_WEEK else "month")


def check_parts(period: TimePeriod, most: int) -> None:
    """Raise BadWord where the series of a period has more parts than there is room for."""
    name = period.granularity
    if name == "total" or (parts := _parts(period, name)) <= most:
        return
    longer = next((other for other in _SERIES if _parts(period, other) <= most), "total")
    whole = ", or take .json, .csv or .arrow, which have all of them" if parts <= FOR_PROGRAMS else ""
    raise BadWord(
        problem=f"A series by the {name} would have {parts:,} parts, and has {most:,} at most here: "
        f"say granularity={longer}, or a shorter period{whole}."
    )


def _parts(period: TimePeriod, granularity: str) -> int:
    """Return how many hours, days, weeks or months of its zone a period overlaps."""
    if granularity == "hour":  # clocks skip one, and show one twice
        start = period.start.replace(minute=0, second=0, microsecond=0)
        return -((start.astimezone(UTC) - period.end.astimezone(UTC)) // timedelta(hours=1))
    first, last = period.start.date(), (period.end - timedelta(microseconds=1)).date()
    if granularity == "month":
        return 12 * (last.year - first.year) + last.month - first.month + 1
    days = (last - first).days + 1
    return days if granularity == "day" else (days + first.weekday() + 6) // 7
