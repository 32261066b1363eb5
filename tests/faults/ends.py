"""Programs that never close what they have opened, and what is left of them: `python -m tests.faults.ends` is one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from analytics_es import AnalyticsService
from analytics_es.store import open_log
from tests.servers import Server
from tests.stores import PATIENCE

PLACES = ("memory", "file", "postgres")
WAYS = ("single", "batch", "buffered", "behind", "spans")
ENDS = ("falls off the end", "exits with 3", "raises", "is terminated")
RETURNED = {"falls off the end": 0, "exits with 3": 3, "raises": 1, "is terminated": -signal.SIGTERM}

SINGLE, BATCH, BEHIND, SPANS = 200, 2_000, 60_000, 50
RECORDED = {"single": SINGLE, "batch": BATCH, "buffered": BATCH, "behind": BEHIND, "spans": SPANS}
CALL, OWN = "provider.call.completed", "LookupError: of the program"


def events(number: int) -> list[dict[str, Any]]:
    """Return so many calls."""
    data = {
        "model": "claude-sonnet-4-5",
        "input_tokens": 900,
        "output_tokens": 40,
        "duration_ms": 12.5,
        "user_id": "ada",
    }
    return [{"event_type": CALL, "data": data} for _ in range(number)]


def main(place: str, way: str, end: str) -> None:
    """Open a store, use it, and end without closing it."""
    global analytics  # as a module of an application has it
    analytics = AnalyticsService.open(place)
    use(analytics, way, in_memory=place == ":memory:")
    if end == "exits with 3":
        sys.exit(3)
    if end == "raises":
        raise LookupError("of the program")
    if end == "is terminated":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)


def use(analytics: AnalyticsService, way: str, *, in_memory: bool) -> None:
    """Record; when it returns, all of it is acknowledged, or accepted by a buffer."""
    if way == "single":
        for event in events(SINGLE):
            analytics.record_event(**event).unwrap()
    elif way == "batch":
        analytics.record_events(events(BATCH)).unwrap()
    elif way == "buffered":
        global buffer
        buffer = analytics.buffered(max_delay=5.0)
        for event in events(BATCH):
            buffer.record_event(**event).unwrap()
    elif way == "behind" and in_memory:
        analytics.record_events(events(BEHIND), batch_size=20_000).unwrap()
    elif way == "spans":
        trace(analytics)


def trace(analytics: AnalyticsService) -> None:
    """End spans of calls, which the SDK exports when it likes, and at exit."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from analytics_es.ingest.otel.exporter import AnalyticsSpanExporter

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(AnalyticsSpanExporter(analytics)))
    trace.set_tracer_provider(provider)
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9}
    for _ in range(SPANS):
        with trace.get_tracer("ends").start_as_current_span("chat gpt-4o", attributes=attributes):
            pass


# ── beside it ───────────────────────────────────────────────────────────────────────────────────────────────────


class Places:
    """Stores for programs, each its own; those that are behind hold a log that no read model has taken in."""

    def __init__(self, folder: Path, server: Server | None) -> None:
        self._folder, self._server = folder, server

    def new(self, kind: str, way: str) -> str:
        """Return where a program may open a store."""
        if kind == "memory":
            return ":memory:"
        if kind == "file":
            folder = self._folder / uuid4().hex
            if way == "behind":
                shutil.copytree(self._files_behind, folder)
            folder.mkdir(exist_ok=True)
            return f"sqlite:///{folder}/analytics.db"
        assert self._server
        if way != "behind":
            return self._server.database()
        name = f"d_{uuid4().hex}"
        self._server.run(f"CREATE DATABASE {name} TEMPLATE {urlsplit(self._database_behind).path[1:]}")
        return urlunsplit(urlsplit(self._database_behind)._replace(path=f"/{name}"))

    @cached_property
    def _files_behind(self) -> Path:
        folder = self._folder / "behind"
        folder.mkdir()
        _fill(f"sqlite:///{folder}/analytics.db")
        return folder

    @cached_property
    def _database_behind(self) -> str:
        assert self._server
        url = self._server.database()
        _fill(url)
        return url


def _fill(url: str) -> None:
    with AnalyticsService.open(url, follow=False) as analytics:
        analytics.record_events(events(BEHIND), batch_size=20_000).unwrap()


def run(url: str, way: str, end: str, *, python: str = sys.executable) -> list[str]:
    """Run a program to its end; says what is wrong with that."""
    command = [python, "-m", "tests.faults.ends", url, way, end]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    wrong = []
    if done.returncode != RETURNED[end]:
        wrong.append(f"returned {done.returncode}, not {RETURNED[end]}")
    if not (_is_own_traceback(done.stderr) if end == "raises" else not done.stderr):
        wrong.append(f"said {done.stderr.strip().splitlines()[-1:]}")
    recorded = RECORDED[way] if url == ":memory:" else _count(url)
    least = 0 if way == "spans" and end == "is terminated" else RECORDED[way]  # what was not exported was not promised
    if not least <= recorded <= RECORDED[way]:
        wrong.append(f"{recorded} of {RECORDED[way]} events are in the log")
    return wrong


def _is_own_traceback(stderr: str) -> bool:
    return stderr.count("Traceback") == 1 and stderr.startswith("Traceback") and stderr.endswith(f"{OWN}\n")


def _count(url: str) -> int:
    """Count the calls in a log."""
    with closing(open_log(url)) as log:
        return log.scan(after=0, limit=10 * BEHIND).column("type").to_pylist().count(CALL)


if __name__ == "__main__":
    main(*sys.argv[1:])
