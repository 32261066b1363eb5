"""A cell: calls that are priced alike; and whether their piece of time is one in which one price holds for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from analytics_es.cost.charges import Counts
from analytics_es.cost.turns import NEVER, Name, Stretch, Turning
from analytics_es.events.event import MICRO

HALF = 1800  # seconds of half an hour
_HALVES = {":00": 0, ":30": HALF}


class UsageCell(NamedTuple):
    """A merged row. Its calls have one price, in force since `at` (microseconds); None where that cannot be told.

    `group` begins with the start of the bucket, where there are any. `band`: their input is above so many tokens.
    `tier`: of service. `half`: the half of the hour in which they all were, `:00` or `:30` (UTC), where rows tell it.
    `pooled`: their events stand for many requests each.
    """

    group: tuple[Any, ...]
    provider: str
    model: str
    currency: str
    pricing: str
    band: int
    tier: str
    half: str
    pooled: bool
    untold: str
    at: int | None
    counts: Counts


def certain(
    cells: Iterable[tuple[Stretch, UsageCell]],
    turning: Mapping[Name, Turning],
    start: int,
    doubtful: dict[Name, set[Stretch]],
) -> Iterator[UsageCell]:
    """Yield the cells of a model in a piece of time if each has one price, else none: then the piece is `doubtful`.

    What is doubtful is read again, as a whole.
    """
    waiting: dict[tuple[Name, Stretch], list[UsageCell]] = {}
    for piece, cell in cells:
        name = (cell.provider, cell.model)
        changes = turning.get(name, NEVER)
        if not changes.within(*piece):
            yield cell
        elif sure := decided(cell, piece, changes, start):
            waiting.setdefault((name, piece), []).append(sure)
        else:
            doubtful.setdefault(name, set()).add(piece)
    for (name, piece), cells_of_piece in waiting.items():
        if piece not in doubtful.get(name, ()):
            yield from cells_of_piece


def decided(cell: UsageCell, piece: Stretch, turning: Turning, start: int) -> UsageCell | None:
    """Return a cell of a piece of time with the price that is in force; None where the price changes in between."""
    turning = turning.of(cell.tier)
    if not turning.within(*piece):
        return cell
    if piece[1] - piece[0] != 2 * HALF or piece[0] % HALF or not cell.half:
        return None
    first = piece[0] + (_HALVES[cell.half] - piece[0]) % (2 * HALF)  # an hour of a zone may begin at :30
    if turning.within(first, first + HALF):
        return None
    return cell._replace(at=turning.last(first * MICRO, start * MICRO))
