"""When the price of a model changes, and how periods and events are cut there so that one price holds for each part."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from attrs import frozen

from analytics_es.events.event import MICRO
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Key
from analytics_es.read_models import Tiling

Name = tuple[str, str]  # of a provider and of a model, as events have them
Stretch = tuple[int, int]  # epoch seconds [start, end)

ANY_OTHER = "*"  # tier that nobody names: what is free is free in all of them


@frozen
class Turning:
    """What changes the price of a model in a period: when (microseconds), and above how many tokens of input.

    That of every tier of service together, which `by_tier` says of each.
    """

    turns: Sequence[int]  # in order, as the thresholds
    thresholds: Sequence[int]
    by_tier: Mapping[str, Turning] = {}

    def of(self, tier: str) -> Turning:
        """Return what changes the price of one tier; that of another one is not to keep its calls from being priced."""
        return self.by_tier.get(tier) or self.by_tier.get(ANY_OTHER, NEVER) if self.by_tier else self

    def last(self, at: int, otherwise: int) -> int:
        """Return the last change until a time (microseconds), before which there was another price."""
        place = bisect_right(self.turns, at)
        return self.turns[place - 1] if place else otherwise

    def band(self, input_tokens: int) -> int:
        """Return the highest threshold that so much input is above; 0 for none."""
        return max((threshold for threshold in self.thresholds if input_tokens > threshold), default=0)

    def within(self, start: int, end: int) -> bool:
        """Say whether the price changes after the start and before the end, given in seconds."""
        place = bisect_right(self.turns, start * MICRO)
        return place < len(self.turns) and self.turns[place] < end * MICRO


NEVER = Turning([], [])
Turns = Callable[[Name, datetime, datetime], Turning]


# ── cutting ─────────────────────────────────────────────────────────────────────────────────────────────────────


def pieces(tiling: Tiling, turns: Sequence[int], hours_from: int) -> list[Stretch]:
    """Cut a period at the bounds of the hours in which prices change, or of the days where hours are not kept."""
    calendar, edges = tiling.calendar, {tiling.start, tiling.end}
    for turn in turns:
        second = turn // MICRO
        edges |= _around(calendar, turn, second, days=calendar.hour_start(second) < hours_from)
    return list(pairwise(sorted(edge for edge in edges if tiling.start <= edge <= tiling.end)))


def _around(calendar: Calendar, turn: int, second: int, *, days: bool) -> set[int]:
    start = calendar.day_start(second) if days else calendar.hour_start(second)
    if turn == start * MICRO:
        return {start}
    return {start, calendar.next_day(start) if days else calendar.next_hour(start)}


def runs(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return what to derive at once, none within another: a few by themselves, many as one that holds all."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined if len(joined) <= 4 else [(joined[0][0], joined[-1][1])]


def moments(turns: Sequence[int]) -> Key:
    """Tell apart what occurred before, between and after instants: by the one that was last."""
    if not turns:
        return Key(name="moment", sql="'0'")
    whens = " ".join(f"WHEN occurred_at >= {turn} THEN '{turn}'" for turn in reversed(turns))
    return Key(name="moment", sql=f"CASE {whens} ELSE '0' END")


def bands(thresholds: Sequence[int]) -> Key:
    """Tell apart calls by the highest threshold that their input is above; what stands for many is above none."""
    if not thresholds:
        return Key(name="band", sql="'0'")
    whens = " ".join(f"WHEN input_tokens > {threshold} THEN '{threshold}'" for threshold in thresholds)
    return Key(name="band", sql=f"CASE WHEN requests > 1 THEN '0' {whens} ELSE '0' END")
