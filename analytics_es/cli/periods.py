"""Which period a command is about: its options, and what they mean together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, get_args

import click
from attrs import fields

from analytics_es.errors import BadWord
from analytics_es.presentation import asked
from analytics_es.presentation.asked import YEARS as YEARS
from analytics_es.presentation.asked import Asked
from analytics_es.presentation.asked import for_a_screen as for_a_screen
from analytics_es.types import Granularity
from analytics_es.types.calendar_words import Length

Command = Callable[..., None]
T = TypeVar("T")

MARK = "--"  # before the name of an option
NOTHING = Asked(mark=MARK)
_WORDS = {
    "today": "All of today.",
    "yesterday": "All of yesterday.",
    "this-week": "The week that it is, Monday to Sunday.",
    "last-week": "The week before.",
    "this-month": "The month that it is, all of it.",
    "last-month": "The month before.",
}


def _as_option(read: Callable[..., T], *texts: str) -> T:
    """Read a text; what is wrong with it is said with the name of its option."""
    try:
        return read(*texts)
    except BadWord as error:
        raise click.BadParameter(str(error)) from None


def length(text: str) -> Length:
    """Read 24h, 7d, 2w, 1m or 1y."""
    return _as_option(asked.length, text)


def moment(text: str, *expected: str) -> datetime:
    """Read a date or time, which has no zone unless it says so."""
    return _as_option(asked.moment, text, *expected)


def until(text: str) -> datetime:
    """Read the end of a period: a date is in it, a time is not."""
    return _as_option(asked.until, text)


def since(text: str) -> Asked:
    """Read how long ago a period begins, or a date or time."""
    if ago := Length.read(text):
        return Asked(length=length(str(ago)), mark=MARK)
    expected = "a length, a date or a time: write 7d, 2w, 1m, 1y, 2026-11-01 or 2026-11-01T12:00"
    return Asked(since=moment(text, expected), mark=MARK)


def taken(options: dict[str, Any]) -> Asked:
    """Return what the options of a period say, which are taken out of all options of a command."""
    named = {word: word for word in _WORDS if options.pop(word.replace("-", "_"))}
    named |= {name: text for name in ("month", "period") if (text := options.pop(name)) is not None}
    names = [field.name for field in fields(Asked) if field.name in options]
    return Asked(named=named, mark=MARK, **{name: options.pop(name) for name in names})


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


def part_options(command: Command) -> Command:
    """Give a command the options that say which part of all time, as its argument `asked`."""

    @functools.wraps(command)
    def asking(**options: Any) -> None:
        command(asked=taken(options), **options)

    decorated: Command = asking
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def options_of_a_period(command: Command) -> Command:
    """Give a command the options that say which period, and its granularity."""
    for option in reversed([*_OPTIONS, _GRANULARITY]):
        command = option(command)
    return command
