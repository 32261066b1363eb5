"""--max-lag: how far behind a projection may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import click
from attrs import frozen

from analytics_es.presentation import words
from analytics_es.types import ProjectionStatus

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@frozen(kw_only=True)
class LagLimit:
    """So many events, or for so many seconds."""

    text: str
    events: int | None = None
    seconds: int | None = None

    def problem(self, projections: Sequence[ProjectionStatus]) -> str:
        """Say which projections are further behind; nothing where none is."""
        behind = [
            f"{projection.name} is {words.plural(projection.lag_events, 'event')} behind "
            f"({words.duration(1_000 * projection.lag_seconds)})"
            for projection in projections
            if self._exceeded(projection)
        ]
        return f"{', '.join(behind)}: above --max-lag {self.text}" if behind else ""

    def _exceeded(self, projection: ProjectionStatus) -> bool:
        if self.events is not None:
            return projection.lag_events > self.events
        return projection.lag_events > 0 and projection.lag_seconds > (self.seconds or 0)


def lag_limit(text: str | None) -> LagLimit | None:
    """Read 1000, 30s, 5m, 2h or 1d."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,12})([smhd]?)", text)
    if not match:
        raise click.BadParameter(f"{text!r} is no limit: write 1000 events, or 30s, 5m, 2h, 1d.")
    number = int(match[1])
    return LagLimit(text=text, seconds=number * SECONDS[match[2]]) if match[2] else LagLimit(text=text, events=number)


def max_lag_option(help: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command --max-lag, which says what is done beyond it; read as a LagLimit."""
    return click.option(
        "--max-lag",
        callback=lambda context, option, text: lag_limit(text),
        metavar="EVENTS|TIME",
        help=f"{help}: so many events, or for so long: 1000, 30s, 2h.",
        **settings,
    )
