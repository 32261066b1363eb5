"""run: the read models kept up to date, messages of a bus recorded, events sealed at night."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click
from attrs import define
from rich.console import Group
from rich.live import Live
from rich.text import Text

from analytics_es.cli.display import words
from analytics_es.cli.display.render import make_console
from analytics_es.cli.options import db_option, strict_fields_option, strict_ids_option, zone_option
from analytics_es.cli.store import OpenStore, Place, existing, opened
from analytics_es.ingest import Subscription, SubscriptionStats
from analytics_es.types import OperationResult, ProjectionStatus, RetentionResult

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
@strict_ids_option
@strict_fields_option
@db_option
@zone_option
def run(
    url: str | None,
    stream: str | None,
    durable: str,
    subject_prefix: str,
    create_stream: bool,
    strict_ids: list[str] | None,
    strict_fields: bool | None,
    db: Place,
) -> None:
    """Keep the read models up to date until stopped.

    Every night at three o'clock, of the store's zone, events are sealed that are to be kept no longer. With --nats,
    also record what a NATS JetStream delivers, in a store that is created if it is not there; a message is
    acknowledged when it is durable. Ctrl-C or SIGTERM stop it, with exit code 0, after what is under way.

    \b
    Examples:
      analytics-es run --db analytics.db
      analytics-es run --nats nats://localhost:4222 --stream EVENTS
    """
    if url is None:
        if stream or subject_prefix or create_stream:
            raise click.UsageError("--stream, --subject-prefix and --create-stream go with --nats.")
        with (
            existing(db, follow=True, strict_ids=strict_ids, strict=strict_fields) as store,
            _stopped() as stopping,
            _retaining(store, stopping),
        ):
            _watch(store, stopping)
            _show_position(store)
        return
    from analytics_es.ingest.nats import NatsBus  # an extra, which may not be there

    bus = NatsBus(url=url, stream=stream, durable=durable, subject_prefix=subject_prefix, create_stream=create_stream)
    with (
        opened(db, follow=True, strict_ids=strict_ids, strict=strict_fields) as store,
        _stopped() as stopping,
        _retaining(store, stopping),
    ):
        with store.service.subscribe_to(bus) as subscription:
            _watch(store, stopping, Flow(subscription))
        click.echo(_counts(subscription.stats()), err=True)
        _show_position(store)


@contextmanager
def _retaining(store: OpenStore, stopping: threading.Event) -> Iterator[None]:
    """Retain every night, in a thread of its own; what fails is told, and tried again the next night."""
    nightly = Nightly(lambda: datetime.now(ZoneInfo(store.keeps)))

    def retain() -> None:
        while not stopping.wait(LOOK_SECONDS):
            if nightly.due() and (line := _retained(store.service.retain())):
                click.echo(words.safe(line), err=True)

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


def _retained(result: OperationResult[RetentionResult]) -> str:
    """Say what became of a night's run, unless there was nothing to do."""
    if result.failure:
        return f"warning: retention: {result.failure.message}"
    done = result.unwrap()
    stuck = f"; stuck: {', '.join(projection.projection for projection in done.stuck)}" if done.stuck else ""
    return f"retention: sealed and deleted {words.plural(done.events, 'event')}{stuck}" if done.events else ""


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an event; what is being folded is finished."""
    stopping = threading.Event()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in signals}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@define
class Flow:
    """What a subscription brings, and how fast."""

    subscription: Subscription
    _before: tuple[float, int] = (0.0, 0)
    _trouble: str | None = None

    def line(self) -> Text:
        """Return what to show of it now."""
        stats, now = self.subscription.stats(), time.monotonic()
        (then, had), self._before = self._before, (now, stats.received)
        rate = (stats.received - had) / (now - then) if then else 0.0
        text = Text(f"{_counts(stats)} · {rate:,.0f}/s")
        return text.append(f"\n{words.safe(stats.trouble)}", "red") if stats.trouble else text

    def new_trouble(self) -> str | None:
        """Return what keeps messages from being recorded, once."""
        before, self._trouble = self._trouble, self.subscription.stats().trouble
        return self._trouble if self._trouble != before else None


def _counts(stats: SubscriptionStats) -> str:
    parts = [(stats.recorded, "recorded"), (stats.duplicates, "there before"), (stats.rejected, "rejected and kept")]
    counts = ", ".join(f"{number:,} {outcome}" for number, outcome in parts if number or outcome == "recorded")
    return f"{words.plural(stats.received, 'message')}: {counts}"


def _watch(store: OpenStore, stopping: threading.Event, flow: Flow | None = None) -> None:
    """Wait; on a terminal, say how far it is, elsewhere only what is wrong with a bus."""
    console = make_console(stderr=True)
    with Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else nullcontext() as live:
        while not stopping.wait(LOOK_SECONDS):
            if live:
                status = store.service.projections().unwrap()
                live.update(Group(_line(status), *([flow.line()] if flow else [])), refresh=True)
            elif flow and (trouble := flow.new_trouble()):
                click.echo(f"warning: {words.safe(trouble)}", err=True)


def _show_position(store: OpenStore) -> None:
    position = min(status.position for status in store.service.projections().unwrap())
    click.echo(f"stopped at position {position:,}", err=True)


def _line(projections: Sequence[ProjectionStatus]) -> Text:
    behind = max(status.lag_events for status in projections)
    seconds = max(status.lag_seconds for status in projections)
    lag = f"{words.plural(behind, 'event')} behind ({words.duration(1_000 * seconds)})" if behind else "up to date"
    text = Text(f"following · position {min(status.position for status in projections):,} · {lag} · Ctrl-C stops")
    for status in projections:
        if status.error:
            text.append(f"\n{words.safe(status.error)}", "red")
    return text
