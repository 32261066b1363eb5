"""The options that questions have in common, and the period they ask about."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
from attrs import fields, frozen

from analytics_es.cli.display import Bar, Block, render
from analytics_es.cli.store import Place, Store, existing
from analytics_es.errors import BadPeriod
from analytics_es.events.codec import to_json
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.projection.calendar import Calendar
from analytics_es.service.as_of import AsOf
from analytics_es.service.service import AnalyticsService
from analytics_es.store import SCHEMA
from analytics_es.types import Granularity, TimePeriod

Command = Callable[..., None]
_YEARS = f"{EARLIEST.year} to {LATEST.year - 1}"  # of which events can be


class Length(NamedTuple):
    """How long a period is: days and weeks by the calendar, hours by the clock."""

    length: timedelta
    by_calendar: bool

    def after(self, start: datetime) -> datetime:
        """Return the time this long after another, in its zone."""
        if self.by_calendar:
            return start + self.length
        return (start.astimezone(UTC) + self.length).astimezone(start.tzinfo)

    def before(self, end: datetime) -> datetime:
        """Return the time this long before another, in its zone."""
        return Length(-self.length, self.by_calendar).after(end)


# ── what an option may be; click adds its name to a BadParameter ────────────────────────────────────────────────


def length(text: str) -> Length:
    """Read 24h, 7d or 2w."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([hdw])", text)
    if not found:
        raise click.BadParameter(f"{text!r} is not a length: write 24h, 7d or 2w.")
    number, unit = int(found[1]), found[2]
    read = timedelta(hours=number * {"h": 1, "d": 24, "w": 168}[unit])
    if read > LATEST - EARLIEST:
        raise click.BadParameter(f"{text!r} is longer than the years {_YEARS}.")
    return Length(read, unit != "h")


def moment(text: str) -> datetime:
    """Read a date or time, which has no zone unless it says so."""
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a date or time: write 2026-11-01 or 2026-11-01T12:00.") from None
    if not EARLIEST.year <= read.year < LATEST.year:
        raise click.BadParameter(f"{text!r} is outside the years {_YEARS}.")
    return read


def place(text: str) -> int | datetime:
    """Read a position, or the time of recording."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else moment(text)


def zone(text: str) -> str:
    """Read the name of a time zone."""
    try:
        return str(Calendar(text).zone)
    except ValueError:
        problem = f"{text!r} is not a time zone of the IANA database, such as Europe/Berlin."
        raise click.BadParameter(problem) from None


WEEK = Length(timedelta(days=7), True)

_schema = click.option(
    "--schema",
    default=SCHEMA,
    show_default=True,
    envvar="ANALYTICS_ES_SCHEMA",
    show_envvar=True,
    metavar="NAME",
    help="Where in a PostgreSQL database the store is.",
)
_config = click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="ANALYTICS_ES_CONFIG",
    show_envvar=True,
    metavar="FILE",
    help="Settings as TOML, such as the policy of privacy.",
)


def store_option(default: str, **how: Any) -> Callable[[Command], Command]:
    """Give a command --db and --schema, as its one argument `db`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def placed(*args: Any, db: str, schema: str, config: Path | None, **given: Any) -> None:
            command(*args, db=Place(db, schema, config), **given)

        option = click.option("--db", default=default, show_default=True, metavar="PATH|URL", **how)
        return option(_schema(_config(placed)))

    return decorate


db_option = store_option(
    "analytics.db",
    envvar="ANALYTICS_ES_DB",
    show_envvar=True,
    help="The store: a file, or postgresql://user@host/database.",
)
tz_option = click.option(
    "--tz",
    type=zone,
    metavar="ZONE",
    help="Zone of times given without one, and of an answer's hours and days.  [default: the store's]",
)
zone_option = click.option(
    "--tz",
    type=zone,
    metavar="ZONE",
    help="Where hours and days begin, if the store is new, such as Europe/Berlin; also the zone of times given without "
    "one.  [default: the store's; UTC for a new one]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, decimals as text.")
top_option = click.option(
    "--top", type=click.IntRange(min=1), default=20, show_default=True, help="Rows of a table; JSON has all."
)
as_of_option = click.option(
    "--as-of",
    type=place,
    metavar="POSITION|TIME",
    help="Answer as the log stood at a position, or at a time of recording.  [default: now, caught up]",
)
_PERIOD = [
    click.option("--from", "start", type=moment, metavar="TIME", help="Begin here: a date, or an ISO 8601 time."),
    click.option("--to", "end", type=moment, metavar="TIME", help="End before this.  [default: now]"),
    click.option(
        "--last",
        "length",
        type=length,
        metavar="LENGTH",
        help="So long before --to, or after --from: 24h, 7d, 2w.  [default: 7d]",
    ),
    click.option(
        "--granularity",
        type=click.Choice(get_args(Granularity)),
        help="Buckets of the series.  [default: hour up to 3 days, day beyond]",
    ),
]


@frozen(kw_only=True)
class Asked:
    """What the options of a question say."""

    db: Place
    tz: str | None
    start: datetime | None
    end: datetime | None
    length: Length | None
    granularity: Granularity | None
    as_json: bool
    as_of: int | datetime | None = None

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store that is asked."""
        with existing(self.db, self.tz) as store:
            yield store

    @contextmanager
    def caught_up(self) -> Iterator[tuple[Store, TimePeriod]]:
        """Open the store, up to date, with the period."""
        with self.store() as store:
            period = self.period(store)
            store.catch_up()
            yield store, period

    @contextmanager
    def answering(self, bar: Bar | None = None) -> Iterator[tuple[AnalyticsService | AsOf, TimePeriod]]:
        """Open what answers, with the period: the store, up to date, or its log as it stood, whose now was then.

        `bar` is there for what the question takes, where that may be long.
        """
        if self.as_of is None:
            with self.caught_up() as (store, period), bar or nullcontext():
                yield store.service, period
            return
        with self.store() as store, store.service.as_of(store.place(self.as_of)) as then:
            period = self.period(store, then.recorded_at)
            with bar or Bar("replaying"):
                yield then, period

    def period(self, store: Store, now: datetime | None = None) -> TimePeriod:
        """Return the period that --from, --to and --last mean together."""
        if self.start and self.end and self.length:
            raise click.UsageError("--last goes with --from or with --to, not with both.")
        length = self.length or WEEK
        end = store.read(self.end) if self.end else (now or datetime.now(UTC)).astimezone(store.reads)
        start = store.read(self.start) if self.start else length.before(end)
        if self.start and self.length:
            end = length.after(start)
        try:
            return TimePeriod(start, end, self.granularity) if self.granularity else TimePeriod(start, end)
        except BadPeriod as error:
            raise click.UsageError(str(error)) from error

    def tell(self, answer: Any, blocks: Callable[[], Sequence[Block]]) -> None:
        """Print an answer: as JSON where that is asked for, else for people."""
        if self.as_json:
            click.echo(to_json(answer))
        else:
            render.show(blocks())


def about_period(command: Command) -> Command:
    """Give a command the options of a period and of a store, as its first argument `asked`."""

    @functools.wraps(command)
    def asking(**given: Any) -> None:
        asked = Asked(**{field.name: given.pop(field.name) for field in fields(Asked) if field.name in given})
        command(asked, **given)

    decorated: Command = asking
    for option in (json_option, tz_option, *reversed(_PERIOD)):
        decorated = option(decorated)
    return db_option(decorated)


def question(command: Command) -> Command:
    """Give a command the options of a question: a period, a store, and as of when."""
    return as_of_option(about_period(command))


def pairs(texts: Sequence[str], option: str = "--where", form: str = "KEY=VALUE") -> dict[str, str]:
    """Read KEY=VALUE, each key once."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or key in pairs:
            problem = "is given twice" if key in pairs else f"is not {form}"
            raise click.BadParameter(f"{text!r} {problem}.", param_hint=option)
        pairs[key] = value
    return pairs
