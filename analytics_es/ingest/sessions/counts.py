"""What the log holds of agents: calls, and how many of them are partial, whichever machine recorded them."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from attrs import define

from analytics_es.events.fields import CALLS, PARTIAL
from analytics_es.log import EventLog
from analytics_es.log.strict import beginning

SCANNED = 50_000  # events at once
_PARTIAL = orjson.dumps({PARTIAL: True})[1:-1]  # as it is stored


@define
class CallCounts:
    """Calls of one agent in the log, and how many of them are partial: their last usage was never written."""

    calls: int = 0
    partial: int = 0


def calls_in(log: EventLog, names: Iterable[str]) -> dict[str, CallCounts]:
    """Count the calls of these agents in the log, whoever recorded them."""
    import pyarrow.compute as pc

    counts = {name: CallCounts() for name in names}
    head, position = log.head(), 0
    while position < head:
        table = log.scan(after=position, limit=SCANNED, upto=head)
        if not table.num_rows:
            break
        position = table["position"][-1].as_py()
        states = table.filter(pc.starts_with(table["type"], CALLS))["state"]
        for name, count in counts.items():
            own = states.filter(pc.starts_with(states, beginning(name)))
            count.calls += len(own)
            count.partial += pc.sum(pc.match_substring(own, _PARTIAL)).as_py() or 0
    return counts
