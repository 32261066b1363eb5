"""run: the read models kept up to date, messages of a bus recorded, events sealed at night."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
from attrs import define, evolve, frozen
from click.core import ParameterSource
from rich.console import Group
from rich.live import Live
from rich.text import Text

from analytics_es.cli.display.render import make_console
from analytics_es.cli.hints import note_store
from analytics_es.cli.run_log import (
    TEXT,
    Pulse,
    logged,
    running_options,
    say,
    say_retention,
    say_start,
)
from analytics_es.cli.stopping import stopped
from analytics_es.cli.store import OpenStore, Place, existing, opened
from analytics_es.ingest import Subscription, SubscriptionStats
from analytics_es.presentation import words
from analytics_es.types import ProjectionStatus

if TYPE_CHECKING:
    from analytics_es.cli.agents.every import Every
    from analytics_es.ingest.nats import NatsBus

LOOK_SECONDS = 0.5
NIGHT = 3  # o'clock, where the store's days begin


@click.command()
@click.option("--nats", "url", metavar="URL", help="Record what a NATS server delivers, such as nats://localhost:4222.")
@click.option("--stream", metavar="NAME", help="Its JetStream stream.  [default: the one of these subjects]")
@click.option(
    "--durable",
    default="analytics_es",
    show_default=True,
    metavar="NAME",
    help="Who consumes; processes that share the name share the work.",
)
@click.option("--subject-prefix", default="", metavar="TEXT", help="What subjects begin with before the event's type.")
@click.option("--create-stream", is_flag=True, help="Make the stream if it is not there.")
@click.option(
    "--every",
    multiple=True,
    metavar='"agents INTERVAL"',
    help='Also read the sessions of coding agents, as "agents 5m" or "agents codex 30s": into the ledger of '
    "`agents`, unless --db names another store. May be repeated; intervals in s, m or h, of at least 10 s.",
)
@running_options
def run(
    url: str | None,
    stream: str | None,
    durable: str,
    subject_prefix: str,
    create_stream: bool,
    every: Sequence[str],
    log_format: str,
    log_level: str,
    quiet: bool,
    strict_ids: list[str] | None,
    strict_fields: bool | None,
    durability: str,
    db: Place,
) -> None:
    """Keep the read models up to date until stopped.

    Every night at three o'clock, of the store's zone, events are sealed that are to be kept no longer. With --nats,
    also record what a NATS JetStream delivers, in a store that is created if it is not there; a message is
    acknowledged when it is durable. Ctrl-C or SIGTERM stop it, with exit code 0, after what is under way.

    With --every, also read what coding agents on this machine have written down since, as `agents` does it. Who would
    rather have it done by cron: `0 3 * * * analytics-es agents > /dev/null`.

    What it does is logged to stderr, as text or as JSON lines: its start, where it stands each minute, trouble when it
    begins and when it is over, what was sealed, and its end.

    \b
    Examples:
      analytics-es run --db analytics.db
      analytics-es run --log-format json 2>> run.jsonl
      analytics-es run --nats nats://localhost:4222 --stream EVENTS
      analytics-es run --every "agents 5m"
    """
    if url is None and (stream or subject_prefix or create_stream):
        raise click.UsageError("--stream, --subject-prefix and --create-stream go with --nats.")
    options: dict[str, Any] = {"strict_ids": strict_ids, "strict": strict_fields, "durability": durability}
    sessions = Sessions.of(every, db)
    with logged(log_format, "warning" if quiet else log_level):
        if url is None:
            with sessions.opened(**options) if sessions else existing(db, **options) as store:
                _run(store, sessions.db if sessions else db, None, sessions, log_format)
            return
        from analytics_es.ingest.nats import NatsBus  # an extra, which may not be there

        about = {"stream": stream, "durable": durable, "subject_prefix": subject_prefix, "create_stream": create_stream}
        with sessions.opened(**options) if sessions else opened(db, **options) as store:
            bus = NatsBus(url=url, **about)  # type: ignore[arg-type]  # each by its name
            _run(store, sessions.db if sessions else db, bus, sessions, log_format)


@frozen
class Sessions:
    """The sessions of coding agents to be read beside: how often which, and the store they go to."""

    asked: Sequence[Every]
    db: Place

    @classmethod
    def of(cls, texts: Sequence[str], db: Place) -> Sessions | None:
        """Read what --every says; without a store that is named, they go to the ledger of `agents`."""
        if not texts:
            return None
        from analytics_es.cli.agents.every import Every
        from analytics_es.ingest.sessions.places import default_store

        source = click.get_current_context().get_parameter_source("db")
        if source is ParameterSource.DEFAULT:
            db = evolve(db, address=str(default_store()))
            note_store(("db",), db=db.typed, schema=db.schema, config=db.config)
        return cls([Every.read(text) for text in texts], db)

    def opened(self, **options: Any) -> AbstractContextManager[OpenStore]:
        """Open their store, or create it as `agents` does."""
        from analytics_es.cli.agents.reading import ledger

        return ledger(self.db, **options)

    def looking(self, store: OpenStore, stopping: threading.Event) -> AbstractContextManager[None]:
        """Look at them meanwhile."""
        from analytics_es.cli.agents.every import looking

        return looking(store, self.asked, stopping)


def _run(store: OpenStore, db: Place, bus: NatsBus | None, sessions: Sessions | None, log_format: str) -> None:
    """Follow, record what a bus delivers, read sessions, and retain, until stopped."""
    with stopped() as stopping, retaining(store, stopping), ExitStack() as beside:
        subscription = beside.enter_context(store.service.subscribe_to(bus)) if bus else None
        say_start(store, db, bus.shown if bus else None)
        store.service._parts.follow()  # now that it can be stopped
        if sessions:
            beside.enter_context(sessions.looking(store, stopping))
        if subscription is None:
            watch(stopping, Pulse(store), drawn=log_format == TEXT)
        else:
            pulse = Pulse(store, lambda: _came(subscription.stats()))
            watch(stopping, pulse, Flow(subscription), drawn=log_format == TEXT)
    if subscription:
        say(_counts(subscription.stats()), **_came(subscription.stats()))
    say_end(store)


@contextmanager
def retaining(store: OpenStore, stopping: threading.Event) -> Iterator[None]:
    """Retain every night, in a thread of its own; what fails is told, and tried again the next night."""
    nightly = Nightly(lambda: datetime.now(ZoneInfo(store.keeps)))

    def retain() -> None:
        while not stopping.wait(LOOK_SECONDS):
            if nightly.due():
                say_retention(store.service.retain())

    thread = threading.Thread(target=retain, name="analytics-es-nightly")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


class Nightly:
    """Says once a night that it is time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._next = self._following()

    def _following(self) -> datetime:
        now = self._now()
        night = now.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
        return night if now < night else night + timedelta(days=1)

    def due(self) -> bool:
        """Say whether a night has come since this was last asked."""
        if self._now() < self._next:
            return False
        self._next = self._following()
        return True


@define
class Flow:
    """What a subscription brings, and how fast."""

    subscription: Subscription
    _before: tuple[float, int] = (0.0, 0)

    def line(self) -> Text:
        """Return what to show of it now."""
        stats, now = self.subscription.stats(), time.monotonic()
        (then, had), self._before = self._before, (now, stats.received)
        rate = (stats.received - had) / (now - then) if then else 0.0
        text = Text(f"{_counts(stats)} · {rate:,.0f}/s")
        return text.append(f"\n{words.safe(stats.trouble)}", "red") if stats.trouble else text


def _counts(stats: SubscriptionStats) -> str:
    parts = [(stats.recorded, "recorded"), (stats.duplicates, "there before"), (stats.rejected, "rejected and kept")]
    counts = ", ".join(f"{number:,} {outcome}" for number, outcome in parts if number or outcome == "recorded")
    return f"{words.plural(stats.received, 'message')}: {counts}"


def _came(stats: SubscriptionStats) -> dict[str, int]:
    return {"received": stats.received, "recorded": stats.recorded, "rejected": stats.rejected}


def watch(stopping: threading.Event, pulse: Pulse, flow: Flow | None = None, *, drawn: bool) -> None:
    """Wait, and log what there is to be told; on a terminal, also draw how far it is, unless lines are for machines."""
    console = make_console(stderr=True)
    drawn = drawn and console.is_terminal
    with Live(console=console, auto_refresh=False, transient=True) if drawn else nullcontext() as live:
        while not stopping.wait(LOOK_SECONDS):
            if live is None:
                pulse.look()
            elif status := pulse.beat():
                live.update(Group(_line(status), *([flow.line()] if flow else [])), refresh=True)


def say_end(store: OpenStore) -> None:
    """Say how far the read models are when it ends."""
    result = store.service.projections()
    if result.ok:
        position = min(status.position for status in result.value)
        say(f"stopped at position {position:,}", position=position)
    else:
        say(f"stopped; {result.failure.message}", logging.WARNING, code=result.failure.code)


def _line(projections: Sequence[ProjectionStatus]) -> Text:
    behind = max(status.lag_events for status in projections)
    seconds = max(status.lag_seconds for status in projections)
    lag = f"{words.plural(behind, 'event')} behind ({words.duration(1_000 * seconds)})" if behind else "up to date"
    text = Text(f"following · position {min(status.position for status in projections):,} · {lag} · Ctrl-C stops")
    for status in projections:
        if status.error:
            text.append(f"\n{words.safe(status.error)}", "red")
    return text
