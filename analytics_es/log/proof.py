"""Which events of a log are damaged: those of which a checked scan leaves nothing but where they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analytics_es.log.event_log import EventLog
from analytics_es.process import Later

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pc = Later("pyarrow.compute")
PIECE, LISTED = 20_000, 1_000  # events at once, and of damaged ones


def damaged(events: pa.Table) -> list[int]:
    """Return where damaged events are, in order, of a checked scan."""
    without_type = events.filter(pc.equal(events.column("type"), ""))  # other hands may have written some
    rows = zip(*(without_type.column(name).to_pylist() for name in ("position", "state")), strict=True)
    return [position for position, state in rows if state == b""]


def damaged_at(log: EventLog, positions: Iterable[int]) -> list[int]:
    """Return at which of these positions what is stored is not what was recorded."""
    scans = (log.scan(after=position - 1, upto=position, limit=1, checked=True) for position in positions)
    return [position for events in scans for position in damaged(events)]


def damaged_upto(log: EventLog, head: int, after: int = 0) -> list[int]:
    """Return where damaged events of a log are, after a position, up to another: the first ones, in order."""
    positions: list[int] = []
    for start in range(after, head, PIECE):
        positions += damaged(log.scan(after=start, upto=min(start + PIECE, head), limit=PIECE, checked=True))
        if len(positions) >= LISTED:
            break
    return positions[:LISTED]
