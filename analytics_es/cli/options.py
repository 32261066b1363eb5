"""The options that questions have in common, and the period they ask about."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import fields, frozen

from analytics_es.cli.display import Bar, Form, print_answer
from analytics_es.cli.forms import form_options
from analytics_es.cli.hints import note_asked, note_store
from analytics_es.cli.names import named, names_option
from analytics_es.cli.periods import REPEATED, for_a_screen, options_of_a_period, taken
from analytics_es.cli.periods import moment as moment
from analytics_es.cli.store import OpenStore, Place, existing
from analytics_es.events.event import MAX_SOURCE
from analytics_es.presentation import Block
from analytics_es.presentation.asked import Asked
from analytics_es.projection.calendar import Calendar
from analytics_es.service import AnalyticsService
from analytics_es.types import Granularity, TimePeriod
from analytics_es.types.defaults import SCHEMA

if TYPE_CHECKING:
    from analytics_es.service import AsOf

Command = Callable[..., None]


# ── what an option may be; click adds its name to a BadParameter ────────────────────────────────────────────────


def place(text: str) -> int | datetime:
    """Read a position, or the time of recording."""
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    return moment(text, "a position, a date or a time: write 1200, 2026-11-01 or 2026-11-01T12:00")


def zone(text: str) -> str:
    """Read the name of a time zone."""
    try:
        return str(Calendar(text).zone)
    except ValueError:
        problem = f"{text!r} is not a time zone of the IANA database, such as Europe/Berlin."
        raise click.BadParameter(problem) from None


def source_name(text: str) -> str:
    """Read who tells events."""
    if not 0 < len(text) <= MAX_SOURCE:
        raise click.BadParameter(f"a source has 1 to {MAX_SOURCE} characters.")
    return text


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


def confirm(text: str, yes: bool) -> None:
    """Ask whether to go on, unless that was said already; fail where nobody is there."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked: pass --yes.")
    click.confirm(text, abort=True, err=True)


STORE = "analytics.db"  # unless another is named
PATH = click.Path(path_type=Path)
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
    type=PATH,
    envvar="ANALYTICS_ES_CONFIG",
    show_envvar=True,
    metavar="FILE",
    help="Settings as TOML, such as the policy of privacy.  [default: what the store was told of last]",
)


def store_option(default: str | Callable[[], str], **settings: Any) -> Callable[[Command], Command]:
    """Give a command --db, --schema and --config, and its --tz where it has one, as its one argument `db`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def placed(db: str, schema: str, config: Path | None, tz: str | None = None, **options: Any) -> None:
            place = Place(db, schema, config, tz)
            note_store(() if default == STORE else ("db",), db=place.typed, schema=schema, config=config)
            command(db=place, **options)

        option = click.option("--db", default=default, metavar="PATH|URL", **{"show_default": True, **settings})
        return option(_schema(_config(placed)))

    return decorate


db_option = store_option(
    STORE,
    envvar="ANALYTICS_ES_DB",
    show_envvar=True,
    help="The store: a file, or postgresql://user@host/database.",
)
tz = functools.partial(click.option, "--tz", type=zone, metavar="ZONE")
tz_option = tz(help="Zone of times given without one, and of an answer's hours and days.  [default: the store's]")
zone_option = tz(
    help="Where hours and days begin, if the store is new, such as Europe/Berlin; also the zone of times given without "
    "one.  [default: the store's; UTC for a new one]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, decimals as text.")
top_option = click.option(
    "--top",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Rows of a table; json, csv and md have all.",
)
as_of_option = click.option(
    "--as-of",
    type=place,
    metavar="POSITION|TIME",
    help="Answer as the log stood at a position, or at a time of recording.  [default: now, caught up]",
)
where_option = click.option(
    "--where",
    multiple=True,
    callback=lambda context, option, texts: pairs(texts),
    metavar="KEY=VALUE",
    help="Only where a key has a value; KEY= is what has none, such as nobody's; may be repeated.",
)
strict_ids_option = click.option(
    "--strict-ids",
    multiple=True,
    metavar="SOURCE",
    callback=lambda context, option, sources: list(sources) or None,
    help="From now on, a source and an id are one event whatever its time: of this source, of those that begin as "
    "PREFIX*, or of all (*); may be repeated.",
)
strict_fields_option = click.option(
    "--strict-fields",
    is_flag=True,
    default=None,
    help="Refuse what no projection reads: fields of our families and types by other names, such as prompt_tokens.",
)
durability_option = click.option(
    "--durability",
    type=click.Choice(["commit", "group"]),
    default="commit",
    show_default=True,
    help="When to wait for the disk: with each commit, or, where many processes record in PostgreSQL, together with "
    "them. What is acknowledged is durable either way.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def store_options(command: Command) -> Command:
    """Give a command the options of a store, as its argument `db`, and --json."""
    return db_option(json_option(command))


def reading_options(command: Command) -> Command:
    """Give a command the options of a store, with the zone in which times are read, and --json."""
    return db_option(tz_option(json_option(command)))


def new_store_options(command: Command) -> Command:
    """Give a command the options of a store that it may make, with the zone it is then kept in, and --json."""
    return db_option(zone_option(json_option(command)))


@frozen(kw_only=True)
class Question:
    """What the options of a question say."""

    db: Place
    asked: Asked
    granularity: Granularity | None
    as_json: bool
    as_of: int | datetime | None = None
    names: bool = False

    @contextmanager
    def caught_up(self) -> Iterator[tuple[OpenStore, TimePeriod]]:
        """Open the store, up to date, with the period."""
        with existing(self.db) as store:
            period = self.period(store)
            store.catch_up()
            yield store, period

    @contextmanager
    def answering(self, bar: Bar | None = None) -> Iterator[tuple[AnalyticsService | AsOf, TimePeriod]]:
        """Open what answers, with the period: the store, up to date, or its log as it stood, whose now was then."""
        with existing(self.db) as store:
            period = self._shown(store)  # what is wrong with it is said before anything is caught up
            with store.answering(self.as_of, bar) as service:
                if not isinstance(service, AnalyticsService):
                    period = self._shown(store, service.recorded_at)
                yield service, period

    def period(self, store: OpenStore, now: datetime | None = None) -> TimePeriod:
        """Return the period that is asked for."""
        return self.asked.period(store.reads, self.granularity, now)

    def _shown(self, store: OpenStore, now: datetime | None = None) -> TimePeriod:
        """Return the period, with a series that a screen has room for, if that is where it goes."""
        period = self.period(store, now)
        on_screen = not (self.granularity or self.as_json or Form.asked().is_sheet)
        return for_a_screen(period) if on_screen else period

    def show(self, answer: Any, blocks: Iterable[Block]) -> None:
        """Print an answer: as JSON where that is asked for, else for people."""
        if self.names:
            answer, blocks = named(self.db, answer, blocks, self.as_json)
        print_answer(answer, blocks, self.as_json)


def period_options(command: Command) -> Command:
    """Give a command the options of a period and of a store, as its first argument `question`."""

    @functools.wraps(command)
    def asking(**options: Any) -> None:
        note_asked(REPEATED)
        asked = taken(options)
        names = [field.name for field in fields(Question) if field.name in options]
        command(Question(asked=asked, **{name: options.pop(name) for name in names}), **options)

    return db_option(options_of_a_period(tz_option(json_option(form_options(asking)))))


def question_options(command: Command) -> Command:
    """Give a command the options of a question: a period, a store, and as of when."""
    return as_of_option(names_option(period_options(command)))
