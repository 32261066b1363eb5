"""What nothing reads of all events, or of those that came in here."""

from __future__ import annotations

from analytics_es.ingest.unread import listed
from analytics_es.queries.unread import EVER, left_out_of_event
from analytics_es.queries.unread import left_out_fields as left_out
from analytics_es.queries.unread import unread_fields as counted
from analytics_es.store import Store
from analytics_es.types import LeftOutField, Listing, UnreadField


def unread_fields(store: Store, limit: int, *, here: bool) -> Listing[UnreadField]:
    """Return the most frequent."""
    if here:
        watch = store.recorder.door.watch
        unread = listed(watch.seen()) if watch else []
    else:
        with store.read_models.read() as snapshot:
            unread = counted(snapshot, store.declarations, EVER) or []
    return Listing(unread[:limit], of=UnreadField)


def left_out_fields(store: Store, limit: int, *, position: int | None = None) -> Listing[LeftOutField]:
    """Return the most frequent that were not stored, of all events or of the one at a position."""
    if position is not None:
        event = store.log.at(position)
        lost = left_out_of_event(event["type"], event["state"]) if event else []
        return Listing(lost[:limit], of=LeftOutField)
    with store.read_models.read() as snapshot:
        return Listing(left_out(snapshot)[:limit], of=LeftOutField)
