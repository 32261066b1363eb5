"""A progress bar with rate and time left, on standard error, on a terminal, for what takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Timer
from typing import TYPE_CHECKING

from analytics_es.cli.display.render import make_console, may_be_terminal

if TYPE_CHECKING:
    from rich.progress import Progress

DELAY_SECONDS = 1.0


class Bar:
    """A progress bar that appears late, or never: `with Bar("importing") as bar: … bar.at(done, total)`."""

    def __init__(self, activity: str, unit: str = "events", *, amount: Callable[[int], str] | None = None) -> None:
        self._activity = activity
        self._amount = amount or (lambda number: f"{number:,} {unit}")
        self._rate = amount or (lambda number: f"{number:,}")
        self._first: tuple[float, int] | None = None
        self._progress: Progress | None = None

    def __enter__(self) -> Bar:
        if may_be_terminal(sys.stderr):
            self._progress = _columns()
            self._task = self._progress.add_task(self._activity, total=None, counts="")
            self._timer = Timer(DELAY_SECONDS, self._progress.start)
            if self._progress.console.is_terminal:
                self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is None:
            return
        self._timer.cancel()
        if self._timer.ident is not None:
            self._timer.join()
            self._progress.stop()

    def report(self, _activity: str, done: int, total: int) -> None:
        """Move to what a service reports of its work; what that is stands before the bar already."""
        self.at(done, total or None)

    def at(
        self,
        done: float,
        total: float | None = None,
        counted: int | None = None,
        *,
        more: str = "",
        activity: str = "",
    ) -> None:
        """Move to `done` of `total`, which may be in another measure than what is `counted`; `more` is told as well.

        Where the activity is another one from here on, the rate is that of the new one.
        """
        if self._progress is None:
            return
        number = int(done) if counted is None else counted
        if activity and activity != self._activity:
            self._activity, self._first = activity, None
            self._progress.update(self._task, description=activity)
        now = time.monotonic()
        since, first = self._first = self._first or (now, number)
        rate = (number - first) / (now - since) if now > since else 0.0
        counts = self._amount(number) + (f" · {self._rate(round(rate))}/s" if rate else "")
        counts += f" · {more}" if more else ""
        self._progress.update(self._task, completed=done, total=total, counts=counts)


def _columns() -> Progress:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
        TimeRemainingColumn(),
        console=make_console(stderr=True),
        transient=True,
    )
