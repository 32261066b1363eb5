"""The store of a command: found or created, opened in the zone it keeps, caught up."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
from attrs import frozen
from click.core import ParameterSource

from analytics_es.cli.display import Bar
from analytics_es.cli.hints import complete
from analytics_es.errors import FoldFailed, NoSuchStore, NotAFile, OtherTimezone, RowsRefused
from analytics_es.ingest.sessions.places import default_store
from analytics_es.log import log_path, on_server, redacted
from analytics_es.presentation.words import safe
from analytics_es.service import AnalyticsService
from analytics_es.store import exists

if TYPE_CHECKING:
    from analytics_es.service import AsOf


@frozen
class OpenStore:
    """An open store, the zone its hours and days are kept in, and the zone in which times without one are read."""

    service: AnalyticsService
    keeps: str
    reads: ZoneInfo

    def read(self, moment: datetime) -> datetime:
        """Place a time without a zone."""
        return moment if moment.tzinfo else moment.replace(tzinfo=self.reads)

    def place(self, at: int | datetime) -> int | datetime:
        """Return a position, or a time with its zone."""
        return self.read(at) if isinstance(at, datetime) else at

    @contextmanager
    def answering(self, as_of: int | datetime | None, bar: Bar | None = None) -> Iterator[AnalyticsService | AsOf]:
        """Give what answers, with a `bar` where that may take long: the service, caught up, or the log as it stood."""
        if as_of is None:
            self.catch_up()
            with bar or nullcontext():
                yield self.service
        else:
            with self.service.as_of(self.place(as_of)) as then, bar or Bar("replaying"):
                yield then

    def catch_up(self) -> None:
        """Bring the read models up to date; a projection that cannot go on is told, and answers say that they lag."""
        with Bar("catching up") as bar:
            try:
                self.service.catch_up(bar.report, thresholds=False)  # a question records nothing
            except (FoldFailed, RowsRefused) as error:
                from analytics_es.types.sentences import of_error

                click.echo(f"warning: {safe(complete(of_error(error)))}", err=True)


@frozen
class Place:
    """Where a store is, its settings file, and the zone of times given without one; shown without its password."""

    address: str
    schema: str
    config: Path | None = None
    tz: str | None = None

    @property
    def options(self) -> str:
        """What to type to name it again, but for the password."""
        schema = ["--schema", self.schema] if on_server(self.address) else []
        config = ["--config", str(self.config)] if self.config else []
        return shlex.join(["--db", self.typed, *schema, *config])

    @property
    def typed(self) -> str:
        """How its address is typed again, without a password, which the database then asks for elsewhere."""
        return redacted(self.address).replace(":***@", "@")

    def __str__(self) -> str:
        shown = redacted(self.address)
        return f"schema {self.schema} of {shown}" if on_server(self.address) else shown


@contextmanager
def existing(db: Place, **options: Any) -> Iterator[OpenStore]:
    """Open a store that is there; raises NoSuchStore, with nothing created."""
    _refuse_directory(db)
    if not exists(db.address, schema=db.schema):
        raise NoSuchStore(path=db, advice=_advice(db))
    with opened(db, **options) as store:
        yield store


def _advice(db: Place) -> str:
    """Say what to do about a store that is not there; who named none may mean the ledger of agents."""
    ledger = default_store()
    if db.address == str(ledger):
        return "analytics-es agents makes it, from what your agents have written"
    advice = "record or import something first, or check --db"
    context = click.get_current_context(silent=True)
    is_named = context is None or context.get_parameter_source("db") is not ParameterSource.DEFAULT
    if is_named or not ledger.exists():
        return advice
    return f"{advice} (the ledger of your coding agents: --db {shlex.quote(str(ledger))})"


@contextmanager
def opened(db: Place, *, zone: str = "UTC", **options: Any) -> Iterator[OpenStore]:
    """Open a store, or create it in the zone that is asked for, else in `zone`; of one that is there it never changes.

    The options are those of AnalyticsService.open; by default nothing is followed.
    """
    _refuse_directory(db)
    service, keeps = _open(db, db.tz or zone, {"follow": False, **options})
    with service:
        if db.config:
            _note_changes(service, db.config)
        yield OpenStore(service, keeps, ZoneInfo(db.tz or keeps))


def _note_changes(service: AnalyticsService, config: Path) -> None:
    """Say what the settings change of what is in force in the store: it may be that more is stored from now on."""
    for before, now in service._parts.changes():
        change = f"{before} → {now}" if before != now else f"{now} with other rules"
        text = f"note: this store was kept under {change} as {config} says, from the next event that is recorded so"
        click.echo(safe(text), err=True)


def _refuse_directory(db: Place) -> None:
    path = None if on_server(db.address) else log_path(db.address)
    if path and path.is_dir():
        raise NotAFile(path=path)


def _open(db: Place, timezone: str, options: dict[str, Any]) -> tuple[AnalyticsService, str]:
    def attempt(name: str) -> AnalyticsService:
        return AnalyticsService.open(db.address, schema=db.schema, timezone=name, settings=db.config, **options)

    try:
        return attempt(timezone), timezone
    except OtherTimezone as error:
        stored = str(error.details["stored"])
        return attempt(stored), stored
