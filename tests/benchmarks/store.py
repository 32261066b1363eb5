"""The store that figures are taken from: a week of events in a temporary directory."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from attrs import define

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.log.address import read_models_path
from analytics_es.log.sqlite import SQLiteLog
from tests.benchmarks.workload import DAYS, START, Arguments, week

SCAN = 50_000
WEEK = TimePeriod(START, START + timedelta(days=DAYS))
EVERYTHING = TimePeriod(START, START + timedelta(days=DAYS + 2))  # tasks go on after the last of them began


@define
class Store:
    """A week of about `size` events, recorded when first needed."""

    folder: Path
    size: int
    calls_per_task: float

    @property
    def path(self) -> Path:
        """The log."""
        return self.folder / "analytics.db"

    @property
    def read_models(self) -> Path:
        """The read models."""
        return read_models_path(self.path)

    def week(self) -> Iterator[Arguments]:
        """Generate the events."""
        return week(self.size, calls_per_task=self.calls_per_task)

    def open(self, *, follow: bool = False) -> AnalyticsService:
        """Open the store; unless it follows, nothing runs beside what is measured."""
        return AnalyticsService.open(self.path, follow=follow, privacy="full")

    def own(self, name: str, size: int | None = None) -> Store:
        """Return an empty store of the same kind, in a folder beside this one's files."""
        folder = self.folder / name
        folder.mkdir()
        return Store(folder, self.size if size is None else size, self.calls_per_task)

    def copy(self, name: str) -> Store:
        """Return a copy, caught up, into which a measurement may record."""
        self.catch_up()
        other = self.own(name)
        for file in (file for file in self.folder.iterdir() if file.name.startswith("analytics.")):
            shutil.copy(file, other.folder)
        return other

    def clear(self) -> None:
        """Remove what measurements made for themselves."""
        for folder in (path for path in self.folder.iterdir() if path.is_dir()):
            shutil.rmtree(folder)

    def fill(self) -> None:
        """Record the events, unless they are recorded."""
        if not self.path.exists():
            say(f"recording {self.size:,} events")
            with self.open() as analytics:
                analytics.record_events(self.week()).unwrap()

    def catch_up(self) -> None:
        """Bring the read models up to date."""
        self.fill()
        say("catching up")
        with self.open() as analytics:
            analytics.catch_up()

    def recorded(self) -> int | None:
        """Count the recorded events, None where none were."""
        return self.events() if self.path.exists() else None

    def events(self) -> int:
        """Count the recorded events: there are no gaps in the positions of SQLite."""
        log = SQLiteLog(self.path)
        try:
            return log.head()
        finally:
            log.close()


def scan(path: Path) -> int:
    """Read a whole log in order, and do nothing with it."""
    log, position, rows = SQLiteLog(path), 0, 0
    try:
        while (events := log.scan(after=position, limit=SCAN)).num_rows:
            position = events.column("position")[-1].as_py()
            rows += events.num_rows
        return rows
    finally:
        log.close()


def say(text: str) -> None:
    """Tell progress."""
    sys.stderr.write(f"  {text} …\n")
    sys.stderr.flush()
