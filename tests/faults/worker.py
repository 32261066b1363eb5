"""What is killed: a writer that notes each acknowledgement, and a runner that follows."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from analytics_es import AnalyticsService
from analytics_es.lifecycle import sealing
from analytics_es.testing import NOON, provider_call, tool_call
from tests.stores import set_clock

KINDS = (provider_call, tool_call)
LARGEST = 60
LARGE = 2000
DELAY = 0.02


def event(writer: int, number: int) -> dict[str, Any]:
    """Return the event of this number, which is the same in every life of a writer; every seventh is days late."""
    late = timedelta(days=3) if number % 7 == 0 else timedelta()
    return {
        **KINDS[number % 2](occurred_at=NOON + timedelta(seconds=number) - late, user_id=f"user-{number % 5}"),
        "source": f"writer-{writer}",
        "id": str(number),
    }


def acknowledged(notes: Path) -> tuple[int, int]:
    """Return how many events a writer has been told are recorded, and how many of them were there before."""
    lines = [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []
    return sum(int(size) for size, _ in lines), sum(int(duplicates) for _, duplicates in lines)


def write(url: str, writer: int, notes: Path, seed: int, deadly: bool = False) -> None:
    """Record one batch after the other, noting each once it is acknowledged; goes on after the last note.

    What was recorded in an earlier life but never noted is sent again, in batches of other sizes. With `deadly`, this
    life ends between the first acknowledgement and its note.
    """
    chance = random.Random(seed)
    number, _ = acknowledged(notes)
    file = os.open(notes, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        while _wanted():
            size = chance.choice([1, chance.randint(2, LARGEST)])
            batch = [event(writer, each) for each in range(number, number + size)]
            duplicates = _record(service, batch)
            if deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(max(0.0, chance.uniform(-DELAY, DELAY)))  # an answer takes its time to arrive
            os.write(file, f"{size} {duplicates}\n".encode())
            number += size


def _wanted() -> bool:
    """Say whether who started this process is still there."""
    return os.getppid() != 1


def _record(service: AnalyticsService, batch: list[dict[str, Any]]) -> int:
    """Record a batch, again and again while the store is busy; returns how many were there before."""
    while True:
        result = service.record_event(**batch[0]) if len(batch) == 1 else service.record_events(batch)
        if result.ok:
            return int(result.unwrap().duplicate if len(batch) == 1 else result.unwrap().duplicates)  # type: ignore[union-attr]
        if result.failure and result.failure.code not in ("store_busy", "store_unavailable"):
            raise SystemExit(f"recording failed: {result.failure.message}")


def follow(url: str) -> None:
    """Keep the read models up to date."""
    with AnalyticsService.open(url, privacy="full"):
        while _wanted():
            time.sleep(0.2)


def write_large(url: str, life: int, at_work: Event) -> None:
    """Record large batches, each of which is there as a whole or not at all."""
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        number = 0
        while _wanted():
            source = f"batch-{life}-{number}"
            events = [{**tool_call(user_id=f"user-{n}"), "source": source, "id": str(n)} for n in range(LARGE)]
            service.record_events(events, batch_size=LARGE).unwrap()
            at_work.set()
            number += 1


def record_one(url: str, number: int) -> None:
    """Open a store and record one event."""
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        service.record_event(**tool_call(), source="opener", id=str(number)).unwrap()


def record_and_follow(url: str) -> None:
    """Record one event after the other, and keep the read models up to date, in one process."""
    with AnalyticsService.open(url, privacy="full") as service:
        number = service.store.log.head()
        while _wanted():
            _record(service, [event(0, number)])
            number += 1
            time.sleep(0.05)


def rebuild(url: str, seed: int, go: Event, at_work: Event, took: Any) -> None:
    """Once told to, rebuild again and again, all or one, in parts of any size, saying how long the first one took.

    Ends at once where the life before has left anything that is not live.
    """
    from tests.stores import only_live  # not when this module is imported: what it opens must not be forked

    chance = random.Random(seed)
    go.wait()
    with AnalyticsService.open(url, follow=False, rebuild="manual", privacy="full") as service:
        only_live(service.store.read_models)
        at_work.set()
        began, first = time.monotonic(), True
        while _wanted():
            names = chance.choice([None, ["usage"], ["cost", "performance"]])
            result = service.rebuild(names, batch_size=chance.choice([20, 100, 1000]))
            if result.failure and result.failure.code not in ("store_busy", "store_unavailable", "rebuild_running"):
                raise SystemExit(f"rebuilding failed: {result.failure.message}")
            if result.ok and first:
                took.value, first = time.monotonic() - began, False


def retain(url: str, day: int, at_work: Any, took: Any) -> None:
    """Retain as of so many days later, and wait to be killed."""
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        at_work.set()
        began = time.monotonic()
        retained(service, day)
        took.value = time.monotonic() - began
        time.sleep(3600)


def retained(service: AnalyticsService, day: int) -> None:
    """Let go of the events of the first so many days, a few at a time."""
    sealing.SLICE = 10
    set_clock(service, NOON + timedelta(days=100 + day))
    service.retain({"events": "100d"}).unwrap()
