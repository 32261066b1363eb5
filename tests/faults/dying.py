"""What is killed in the middle: an operation of a store, at any call that may touch a disk or a server."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import BuiltinFunctionType, FrameType
from typing import Any

from attrs import define

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.ingest.vault import KEY_VARIABLE
from analytics_es.lifecycle import erasure, sealing
from analytics_es.testing import NOON, provider_call, tool_call
from tests.stores import set_clock

ADA = "ada.lovelace.quux@example.com"
DAYS, OLD = 4, 2
LATER = NOON + timedelta(days=100)
KEPT = {"events": f"{100 - OLD}d"}
EVER = TimePeriod(NOON - timedelta(days=9), NOON + timedelta(days=30), "day")

# Modules of C whose calls may read or write, and functions of those in Python that call into C by themselves.
TOUCHING = ("sqlite3", "_sqlite3", "_io", "io", "posix")
CALLING = ("psycopg.", "pyarrow.parquet", "adbc_driver_manager")


def secret(day: int) -> str:
    """Return a text that events of a day hold, and no others."""
    return f"the secret of day number {day}, which nobody else has"


def events() -> list[dict[str, Any]]:
    """Return what a subject and somebody else did on some days."""
    return [
        {**event, "id": f"{day}-{n}", "source": "test"}
        for day in range(DAYS)
        for n, event in enumerate(
            [
                provider_call(occurred_at=NOON + timedelta(days=day), user_id=ADA, prompt=f"I, {ADA}: {secret(day)}"),
                tool_call(occurred_at=NOON + timedelta(days=day), user_id=ADA, attributes={"user.email": ADA}),
                tool_call(occurred_at=NOON + timedelta(days=day), user_id="bob", input=secret(day)),
            ]
        )
    ]


def give_key(url: str) -> None:
    """Give this process the key that everybody in these tests has; one that is forked has not been given it."""
    if not url.startswith("sqlite"):
        os.environ[KEY_VARIABLE] = "ab" * 32


def opened(url: str) -> AnalyticsService:
    """Open the store, some months later."""
    service = AnalyticsService.open(url, follow=False, privacy="full")
    set_clock(service, LATER)
    return service


def forget(service: AnalyticsService) -> Any:
    """Forget the subject, wherever it is."""
    erasure.SLICE = 3
    return service.forget(ADA, fields=["prompt"]).unwrap()


def retain(service: AnalyticsService, folder: Path) -> Any:
    """Seal and delete what is old, having written it to an archive."""
    sealing.SLICE = 2
    return service.retain(KEPT, archive=folder / "archive").unwrap()


def export(service: AnalyticsService, folder: Path, form: str) -> Any:
    """Export everything, unless that is done."""
    target = folder / f"all.{form}"
    return None if target.exists() else service.export_data(form, EVER, to=target).unwrap()  # type: ignore[arg-type]


def back_up(service: AnalyticsService, folder: Path) -> Any:
    """Copy the log, unless that is done."""
    target = folder / "backup.db"
    return None if target.exists() else service.back_up(target).unwrap()


WORKS: dict[str, Any] = {
    "forget": lambda service, folder: forget(service),
    "forget after retain": lambda service, folder: (retain(service, folder), forget(service)),
    "retain": retain,
    "export as csv": lambda service, folder: export(service, folder, "csv"),
    "export as json": lambda service, folder: export(service, folder, "json"),
    "export as parquet": lambda service, folder: export(service, folder, "parquet"),
    "backup": back_up,
}


@define
class Ticks:
    """Counts the calls that may touch something, before and after each, and ends the process at one of them."""

    last: int
    count: int = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ("c_call", "c_return"):
            touches = _module(argument).startswith(TOUCHING)
        else:
            touches = str(frame.f_globals.get("__name__")).startswith(CALLING)
        if touches:
            self.count += 1
            if self.count == self.last:
                os.kill(os.getpid(), signal.SIGKILL)


def _module(function: BuiltinFunctionType) -> str:
    return function.__module__ or type(function.__self__).__module__ or ""


@contextmanager
def ticking(last: int) -> Iterator[Ticks]:
    """Count calls, of threads that begin meanwhile too; the process ends at the last, where there is one."""
    ticks = Ticks(last)
    threading.setprofile(ticks)
    sys.setprofile(ticks)
    try:
        yield ticks
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def life(work: str, url: str, folder: Path, last: int, at_work: Any, ticks: Any, took: Any) -> None:
    """Do something and say how many calls and seconds it took; it ends at the last call, or waits to be killed."""
    give_key(url)
    service = opened(url)
    at_work.set()
    began = time.monotonic()
    if last < 0:  # who is killed at a moment runs as fast as ever
        WORKS[work](service, folder)
    else:
        with ticking(last) as counted:
            WORKS[work](service, folder)
        ticks.value = counted.count
    took.value = time.monotonic() - began
    service.close()
