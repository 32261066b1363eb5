"""What `run` and `serve` log, to stderr: start, where it stands each minute, trouble and end; as text or JSON lines."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from attrs import define

from analytics_es.cli.options import (
    Command,
    db_option,
    durability_option,
    strict_fields_option,
    strict_ids_option,
    zone_option,
)
from analytics_es.cli.store import OpenStore, Place
from analytics_es.presentation import words
from analytics_es.types import OperationResult, ProjectionStatus, RetentionResult

logger = logging.getLogger("analytics_es.run")

TEXT, JSON = "text", "json"
LEVELS = ("debug", "info", "warning", "error")
MINUTE = 60.0  # seconds between two lines that say where it stands
STALL_SECONDS = 5.0  # so long may read models that are behind stand still before that is told

_log_format = click.option(
    "--log-format",
    type=click.Choice((TEXT, JSON)),
    default=TEXT,
    show_default=True,
    help="How lines are written to stderr: for people, or one JSON object a line.",
)
_log_level = click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="The least that is logged; `warning` is trouble and its end alone.",
)


def running_options(command: Command) -> Command:
    """Give a command that goes on until it is stopped the options of its log, of what it records, and of its store."""
    quiet = click.option("--quiet", is_flag=True, help="The same as --log-level warning.")
    recording = strict_ids_option(strict_fields_option(durability_option(db_option(zone_option(command)))))
    return _log_format(_log_level(quiet(recording)))


# ── how lines are written ───────────────────────────────────────────────────────────────────────────────────────


class _Stderr(logging.StreamHandler[Any]):
    """Writes to stderr as it is at the time: what is drawn on a terminal puts itself in its place."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _: Any) -> None:
        """Take none: it is always stderr."""


class AsText(logging.Formatter):
    """`2026-11-01T10:00:00Z INFO following …`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and below it what was raised, if anything was."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        line = f"{time} {record.levelname} {words.safe(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class AsJson(logging.Formatter):
    """`{"time": …, "level": …, "logger": …, "message": …}`, with the figures of a line by their names."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {
            "time": time,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "figures", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


@contextmanager
def logged(form: str, level: str, own: str | None = None) -> Iterator[None]:
    """Log to stderr what this command, and the package below it, have to say; the command from the level `own` on."""
    root, handler = logging.getLogger("analytics_es"), _Stderr()
    handler.setFormatter(AsJson() if form == JSON else AsText())
    before = (root.level, root.propagate)
    root.addHandler(handler)
    root.setLevel(level.upper())
    root.propagate = False
    logger.setLevel(own.upper() if own else logging.NOTSET)
    try:
        yield
    finally:
        logger.setLevel(logging.NOTSET)
        root.removeHandler(handler)
        root.setLevel(before[0])
        root.propagate = before[1]


def say(message: str, level: int = logging.INFO, **figures: Any) -> None:
    """Log a line; `figures` are fields of its JSON."""
    logger.log(level, "%s", message, extra={"figures": figures})


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────


def say_start(store: OpenStore, db: Place, bus: str | None) -> None:
    """Say what is followed, and how it is kept."""
    opened, parts = store.service.store, store.service._parts
    kept = parts.retention
    retention = {name: length for name, length in kept.to_dict().items() if length != "forever"}
    cost = next((declared for declared in opened.declarations if declared.name == "cost"), None)
    tags = [entity.removeprefix("attributes.") for entity in cost.entities if "." in entity] if cost else []
    figures: dict[str, Any] = {
        "store": str(db),
        "zone": store.keeps,
        "privacy": opened.policy.preset,
        "retention": retention,
        "tags": tags,
        "projections": [declared.name for declared in opened.declarations],
        "position": opened.log.head(),
    }
    if bus:
        figures["bus"] = bus
    shown = [
        f"following {db}",
        f"zone {store.keeps}",
        f"privacy {opened.policy.preset}",
        kept.in_words,
        *([f"tags {', '.join(tags)}"] if tags else []),
        f"projections {', '.join(figures['projections'])}",
        f"the log is at position {figures['position']:,}",
        *([f"messages of {bus}"] if bus else []),
    ]
    say(" · ".join(shown), **figures)


def say_retention(result: OperationResult[RetentionResult]) -> None:
    """Say what became of a night's run."""
    if not result.ok:
        say(f"retention: {result.failure.message}", logging.WARNING, code=result.failure.code)
        return
    done = result.value
    stuck = [projection.projection for projection in done.stuck]
    text = f"retention: sealed and deleted {words.plural(done.events, 'event')}"
    level = logging.WARNING if stuck else logging.INFO
    say(text + (f"; stuck: {', '.join(stuck)}" if stuck else ""), level, events=done.events, stuck=stuck)


@define
class Pulse:
    """Says where everything stands, each minute; and at once when read models that are behind stand still, or go on."""

    store: OpenStore
    received: Callable[[], dict[str, int]] = dict  # by a bus or in requests, by what became of it
    clock: Callable[[], float] = time.monotonic
    _look_at: float = 0.0
    _due: float | None = None
    _position: int = -1
    _moved: float = 0.0
    _stalled: bool = False
    _failed: str | None = None

    def look(self) -> None:
        """Do so now and then: rows are counted for it."""
        if self.clock() >= self._look_at:
            self._look_at = self.clock() + STALL_SECONDS / 2
            self.beat()

    def beat(self) -> list[ProjectionStatus] | None:
        """Look, and say what there is to be said; returns what was seen, None where that failed."""
        now, result = self.clock(), self.store.service.projections()
        if not result.ok:
            if result.failure.code != self._failed:
                say(f"the store: {result.failure.message}", logging.WARNING, code=result.failure.code)
            self._failed = result.failure.code
            return None
        if self._failed:
            say("the store answers again", logging.WARNING)
            self._failed = None
        status = list(result.value)
        self._look_for_stalls(status, now)
        if self._due is None:
            self._due = now + MINUTE
        elif now >= self._due:
            self._due = now + MINUTE
            self._say(status)
        return status

    def _look_for_stalls(self, status: list[ProjectionStatus], now: float) -> None:
        position, behind = min(one.position for one in status), max(one.lag_events for one in status)
        if position != self._position or not behind:
            if self._stalled:
                say(f"the read models go on after {now - self._moved:.1f} s", logging.WARNING, position=position)
            self._position, self._moved, self._stalled = position, now, False
        elif not self._stalled and now - self._moved >= STALL_SECONDS:
            self._stalled = True
            why = next((one.error for one in status if one.error), None) or "another process may hold a lock"
            text = (
                f"the read models stand still at position {position:,}, {words.plural(behind, 'event')} behind: {why}"
            )
            say(text, logging.WARNING, position=position, lag_events=behind)

    def _say(self, status: list[ProjectionStatus]) -> None:
        behind, seconds = max(one.lag_events for one in status), max(one.lag_seconds for one in status)
        position, came = min(one.position for one in status), self.received()
        lag = f"{words.plural(behind, 'event')} behind ({words.duration(1_000 * seconds)})" if behind else "up to date"
        parts = [f"position {position:,}", lag, *(f"{number:,} {outcome}" for outcome, number in came.items())]
        figures: dict[str, Any] = {
            "position": position,
            "lag_events": behind,
            "lag_seconds": round(seconds, 3),
            "positions": {one.name: one.position for one in status},
            **came,
        }
        say(" · ".join(parts), **figures)
