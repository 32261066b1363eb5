"""Following: run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from zoneinfo import ZoneInfo

import click
from rich.live import Live
from rich.text import Text

from analytics_es.cli import render, words
from analytics_es.cli.options import db_option
from analytics_es.cli.retaining import Nightly
from analytics_es.cli.store import Place, Store, existing
from analytics_es.cli.words import safe
from analytics_es.types import OperationResult, ProjectionStatus, RetentionResult

LOOK_SECONDS = 0.5


@click.command()
@db_option
def run(db: Place) -> None:
    """Keep the read models up to date until stopped.

    Every night at three o'clock, of the store's zone, events are sealed that are older than they are to be kept.
    Ctrl-C or SIGTERM stop it, with exit code 0.

    \b
    Example:
      analytics-es run --db analytics.db
    """
    with existing(db, follow=True) as store, _stopped() as stopping, _retaining(store, stopping):
        _watch(store, stopping)
        position = min(each.position for each in store.service.projections().unwrap())
    click.echo(f"stopped at position {position:,}", err=True)


@contextmanager
def _retaining(store: Store, stopping: threading.Event) -> Iterator[None]:
    """Retain every night, in a thread of its own; what fails is told, and tried again the next night."""
    nightly = Nightly(lambda: datetime.now(ZoneInfo(store.keeps)))

    def retain() -> None:
        while not stopping.wait(LOOK_SECONDS):
            if nightly.due():
                result = store.service.retain()
                click.echo(safe(_retained(result)), err=True)

    thread = threading.Thread(target=retain, name="analytics-es-nightly")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _retained(result: OperationResult[RetentionResult]) -> str:
    if result.failure:
        return f"warning: retention: {result.failure.message}"
    return f"retention: sealed and deleted {words.plural(result.unwrap().events, 'event')}"


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an event; what is being folded is finished."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(store: Store, stopping: threading.Event) -> None:
    """Wait; on a terminal, say how far it is."""
    console = render.make_console(stderr=True)
    if not console.is_terminal:
        stopping.wait()
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stopping.wait(LOOK_SECONDS):
            live.update(_line(store.service.projections().unwrap()), refresh=True)


def _line(found: Sequence[ProjectionStatus]) -> Text:
    behind, seconds = max(each.lag_events for each in found), max(each.lag_seconds for each in found)
    lag = f"{words.plural(behind, 'event')} behind ({words.duration(1_000 * seconds)})" if behind else "up to date"
    text = Text(f"following · position {min(each.position for each in found):,} · {lag} · Ctrl-C stops")
    for each in found:
        if each.error:
            text.append(f"\n{words.safe(each.error)}", "red")
    return text
