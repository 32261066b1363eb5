"""Where the log stood: the position that is meant by one, or by a time of recording."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from analytics_es.errors import BadArgument, NoSuchPosition, NotAPosition
from analytics_es.events import codec
from analytics_es.events.checks import shown
from analytics_es.events.event import EARLIEST
from analytics_es.log import EventLog
from analytics_es.types.arguments import Moment, read_moment
from analytics_es.types.values import plain


def position_at(log: EventLog, at: int | Moment, zone: tzinfo = UTC) -> int:
    """Return the position that is meant by a position or by the time it was recorded.

    Of a time, it is a position whose event was recorded at or before, while the next one was recorded after. Where a
    clock went back there are several; which one is taken depends on nothing that is recorded later than that time.
    A date, and a text without a zone, are in the zone given. Raises NoSuchPosition and NotAPosition.
    """
    said = plain(at)
    if type(said) is not int:
        try:
            return _recorded_by(log, read_moment("at", said, zone))
        except BadArgument:
            raise NotAPosition(value=shown(at)) from None
    at = said
    head = log.head()
    if not 0 <= at <= head:
        raise NoSuchPosition(position=shown(at), head=head)
    return at


def _recorded_by(log: EventLog, time: datetime) -> int:
    """Halve steps instead of the log, so that its growth moves no step: the same position for ever."""
    head, position = log.head(), 0
    for bit in reversed(range(head.bit_length())):
        step = position + (1 << bit)
        if step <= head and (recorded_at(log, step) or EARLIEST) <= time:
            position = step
    return position


def recorded_at(log: EventLog, position: int) -> datetime | None:
    """Return when the event at a position was recorded, or the last before it that can be read; None of none."""
    while row := log.latest(position):
        try:
            if read := codec.decode(row["position"], row["type"], row["state"]).recorded_at:
                return read
        except Exception:  # noqa: S110  # what is stored but is no event was recorded between its neighbours
            pass
        position = row["position"] - 1
    return None
