"""Which period a command is about: its options, and what they mean together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import click
from attrs import evolve, fields, frozen

from analytics_es.errors import BadPeriod
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.types import Granularity, TimePeriod
from analytics_es.types.calendar_words import Length, midnight

Command = Callable[..., None]
YEARS = f"{EARLIEST.year} to {LATEST.year - 1}"  # of which events can be
WEEK = Length(7, "d")

_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "m": 31, "y": 366}
_WORDS = {
    "today": "All of today.",
    "yesterday": "All of yesterday.",
    "this-week": "The week that it is, Monday to Sunday.",
    "last-week": "The week before.",
    "this-month": "The month that it is, all of it.",
    "last-month": "The month before.",
}
# How long a series may be on a screen, by the day and by the week; JSON and files have what was asked for.
_BY_DAY, _BY_WEEK = timedelta(days=36), timedelta(days=366)


def length(text: str) -> Length:
    """Read 24h, 7d, 2w, 1m or 1y."""
    length = Length.read(text)
    if length is None:
        raise click.BadParameter(f"{text!r} is not a length: write 24h, 7d, 2w, 1m or 1y.")
    if length.number * _DAYS[length.unit] > (LATEST - EARLIEST).days:
        raise click.BadParameter(f"{text!r} is longer than the years {YEARS}.")
    return length


def moment(text: str, expected: str = "a date or time: write 2026-11-01 or 2026-11-01T12:00") -> datetime:
    """Read a date or time, which has no zone unless it says so."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(f"{text!r} is not {expected}.") from None
    if not EARLIEST.year <= instant.year < LATEST.year:
        raise click.BadParameter(f"{text!r} is outside the years {YEARS}.")
    return instant


def until(text: str) -> datetime:
    """Read the end of a period: a date is in it, a time is not."""
    instant = moment(text)
    try:
        return instant + timedelta(days=1) if date.fromisoformat(text.strip()) else instant
    except ValueError:
        return instant


def since(text: str) -> Asked:
    """Read how long ago a period begins, or a date or time."""
    if ago := Length.read(text):
        return Asked(length=length(str(ago)))
    expected = "a length, a date or a time: write 7d, 2w, 1m, 1y, 2026-11-01 or 2026-11-01T12:00"
    return Asked(since=moment(text, expected))


_time = functools.partial(click.option, metavar="TIME")
_OPTIONS = [
    *(click.option(f"--{word}", word.replace("-", "_"), is_flag=True, help=text) for word, text in _WORDS.items()),
    click.option("--month", metavar="MONTH", help="A month of the calendar: 2026-11."),
    click.option("--period", metavar="PERIOD", help="2026-11-01, 2026-W45, 2026-Q4, 2026, last-quarter, this-year …"),
    _time("--from", "start", type=moment, help="Begin here: a date, or an ISO 8601 time."),
    _time("--to", "end", type=moment, help="End before this.  [default: now]"),
    _time("--since", type=moment, help="Begin here; the same as --from."),
    _time("--until", type=until, help="End with this day; before it, if it is a time."),
    click.option(
        "--last",
        "length",
        type=length,
        metavar="LENGTH",
        help="So long before --to, or after --from: 24h, 7d, 2w, 1m, 1y. Alone, all but hours are whole days, of which "
        "today is the last.  [default: 7d]",
    ),
]
_GRANULARITY = click.option(
    "--granularity",
    type=click.Choice(get_args(Granularity)),
    help="Buckets of the series, weeks from Monday.  [default: hour up to 3 days, day beyond; on a screen week beyond "
    "5 weeks, month beyond a year]",
)
# What a command that is shown to be copied repeats: which period, in which zone, as of when.
REPEATED = [*(option.replace("-", "_") for option in _WORDS), "month", "period", "start", "end", "since", "until"]
REPEATED += ["length", "tz", "as_of"]


@frozen(kw_only=True)
class Asked:
    """What the options of a period say: one that is `named`, by an option, or its start, end and length."""

    named: Mapping[str, str] = {}
    start: datetime | None = None
    end: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    length: Length | None = None

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Asked:
        """Return what the options say, which are taken out of all options of a command."""
        named = {f"--{word}": word for word in _WORDS if options.pop(word.replace("-", "_"))}
        named |= {f"--{name}": text for name in ("month", "period") if (text := options.pop(name)) is not None}
        names = [field.name for field in fields(cls) if field.name in options]
        return cls(named=named, **{name: options.pop(name) for name in names})

    def period(self, zone: ZoneInfo, granularity: Granularity | None, now: datetime | None = None) -> TimePeriod:
        """Return the period in a zone; raises click.UsageError."""
        self._check()
        try:
            return self._period(zone, granularity, (now or datetime.now(UTC)).astimezone(zone))
        except (BadPeriod, ValueError, OverflowError) as error:
            raise click.UsageError(str(error)) from error

    def begins(self) -> bool:
        """Say whether the options say when the period begins."""
        return bool(self.named or self.start or self.since or self.length)

    def part(self, zone: ZoneInfo) -> TimePeriod | None:
        """Return the period, None where nothing is said of it; where it does not begin, all before its end."""
        if self == Asked():
            return None
        said = self if self.begins() else evolve(self, start=EARLIEST)
        return said.period(zone, "total")

    def _check(self) -> None:
        named = [*self.named]
        bounds = {"--from": self.start, "--to": self.end, "--since": self.since, "--until": self.until}
        others = [option for option, given in {**bounds, "--last": self.length}.items() if given]
        if named and len([*named, *others]) > 1:
            rest = ", ".join([*named[1:], *others])
            raise click.UsageError(f"{named[0]} is a whole period: leave out {rest}, or {named[0]}.")
        for one, other in (("--from", "--since"), ("--to", "--until")):
            if bounds[one] and bounds[other]:
                raise click.UsageError(f"{one} and {other} say the same: leave out one of them.")
        if len(others) == 3:
            raise click.UsageError(f"--last goes with {others[0]} or with {others[1]}, not with both.")

    def _period(self, zone: ZoneInfo, granularity: Granularity | None, now: datetime) -> TimePeriod:
        for option, text in self.named.items():
            if option == "--month":
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
                begins, ends = ("--from", "--since")[not self.start], ("--to", "--until")[not self.end]
                raise click.UsageError(f"{begins} must be before {ends if last else 'now'}.")
        return TimePeriod(start, end, granularity) if granularity else TimePeriod(start, end)


def _placed(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    return instant if instant is None or instant.tzinfo else instant.replace(tzinfo=zone)


def for_a_screen(period: TimePeriod) -> TimePeriod:
    """Return a period with the series that a screen has room for: weeks where it is long, else months."""
    span = period.end - period.start
    if span <= _BY_DAY:
        return period
    return evolve(period, granularity="week" if span <= _BY_WEEK else "month")


def part_options(command: Command) -> Command:
    """Give a command the options that say which part of all time, as its argument `asked`."""

    @functools.wraps(command)
    def asking(**options: Any) -> None:
        command(asked=Asked.taken(options), **options)

    decorated: Command = asking
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def options_of_a_period(command: Command) -> Command:
    """Give a command the options that say which period, and its granularity."""
    for option in reversed([*_OPTIONS, _GRANULARITY]):
        command = option(command)
    return command
