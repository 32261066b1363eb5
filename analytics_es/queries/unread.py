"""What nothing reads of the events of a period, or of all, and what was left out of them: by type and field."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from analytics_es.events.fields import LEFT_OUT, OF_CONTRADICTION, OF_LEFT_OUT, UNREAD
from analytics_es.events.suggestions import is_said, type_meant
from analytics_es.projection import reading
from analytics_es.projection.declaration import Declaration, consumes
from analytics_es.queries.rows import columns_of, measures_of
from analytics_es.read_models import Snapshot, Span
from analytics_es.types import LeftOutField, UnreadField

USAGE = "usage"  # whose rows under the entity `field` say so
COUNTED_ELSE = (OF_LEFT_OUT, OF_CONTRADICTION)
Counted = tuple[Any, ...]  # a type, a name, and how many events
EVER = [Span("day", 0, 2**62)]


def of_fields(snapshot: Snapshot, spans: Sequence[Span]) -> list[Counted] | None:
    """Return types, names and how many events: what events say of themselves; None where no read model counts it."""
    usage = snapshot.live.get(USAGE)
    if usage is None or not usage.known:
        return None
    counts = columns_of(measures_of(usage, ["events"]))
    return snapshot.sums(usage, counts, spans, where={"entity_type": UNREAD}, by=["event_type", "entity_id"])


def unread_fields(
    snapshot: Snapshot,
    declarations: Sequence[Declaration],
    spans: Sequence[Span],
    fields: Sequence[Counted] | None = None,
) -> list[UnreadField] | None:
    """Return it, the most frequent first; None where no read model counts it, or not yet."""
    fields = of_fields(snapshot, spans) if fields is None else fields
    if fields is None:
        return None
    usage = snapshot.live[USAGE]
    counts = columns_of(measures_of(usage, ["events"]))
    types = snapshot.sums(usage, counts, spans, where={"entity_type": ""}, by=["event_type"])
    readings = {event_type: reading.of(declarations, event_type) for event_type, *_ in fields}
    unread = [
        UnreadField(type=event_type, field=name, events=events, suggestion=reading.meant(event_type, name))
        for event_type, name, events in fields
        if name not in readings[event_type].names and not is_said(name) and not name.startswith(COUNTED_ELSE)
    ]
    unread += [
        UnreadField(type=event_type, field=reading.TYPE, events=events, suggestion=meant)
        for event_type, events in types
        if type_meant(event_type) and (meant := reading.of(declarations, event_type).meant)
    ]
    return sorted(unread, key=lambda entry: (-entry.events, entry.type, entry.field))


def left_out_fields(snapshot: Snapshot) -> list[LeftOutField]:
    """Return what the policy of privacy left out, the most frequent first; nothing where no read model counts it."""
    usage = snapshot.live.get(USAGE)
    if usage is None or not usage.known:
        return []
    counts = columns_of(measures_of(usage, ["events"]))
    rows = snapshot.sums(usage, counts, EVER, where={"entity_type": UNREAD}, by=["event_type", "entity_id"])
    lost = Counter[tuple[str, str]]()
    for event_type, name, events in rows:
        if name.startswith(OF_LEFT_OUT):
            path, count = _told(name.removeprefix(OF_LEFT_OUT))
            lost[event_type, path] += events * count
    return _listed(lost)


def left_out_of_event(event_type: str, state: bytes) -> list[LeftOutField]:
    """Return what was left out of one event as the log keeps it; nothing where it is not one."""
    try:
        said = json.loads(state)["data"].get(LEFT_OUT)
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
    lost = Counter[tuple[str, str]]()
    for name in said.split() if isinstance(said, str) else ():
        path, count = _told(name)
        lost[event_type, path] += count
    return _listed(lost)


def _told(name: str) -> tuple[str, int]:
    """Return which field a word of what was left out means, and how many: `+2` are two whose names are not told."""
    more = name.removeprefix("+")
    return ("…", int(more)) if name.startswith("+") and more.isdecimal() else (name, 1)


def _listed(lost: Counter[tuple[str, str]]) -> list[LeftOutField]:
    fields = [
        LeftOutField(type=event_type, field=path, events=events, allow=None if path == "…" else f'"{path}" = "keep"')
        for (event_type, path), events in lost.items()
    ]
    return sorted(fields, key=lambda entry: (-entry.events, entry.type, entry.field))


def left_out_of(snapshot: Snapshot, paths: Sequence[str], spans: Sequence[Span]) -> set[str]:
    """Return those of some paths at which the policy of privacy left something out of the events of a period."""
    usage = snapshot.live.get(USAGE)
    if usage is None or not usage.known:
        return set()
    counts = columns_of(measures_of(usage, ["events"]))
    names = {path: {"entity_type": UNREAD, "entity_id": f"{OF_LEFT_OUT}{path}"} for path in paths}
    return {path for path, where in names.items() if snapshot.sums(usage, counts, spans, where=where, by=[])}


def contradictions(fields: Iterable[Counted], declarations: Sequence[Declaration]) -> dict[str, int]:
    """Return which figures contradict what was told beside them, the most frequent first: how many, by field.

    Of events that some of these projections look at; under PARTIAL how many of these are partial calls.
    """
    said = Counter[str]()
    for event_type, name, events in fields:
        if name.startswith(OF_CONTRADICTION) and any(consumes(declaration, event_type) for declaration in declarations):
            said[name.removeprefix(OF_CONTRADICTION)] += events
    return dict(sorted(said.items(), key=lambda entry: (-entry[1], entry[0])))


def concerns(entry: UnreadField, declaration: Declaration, family: str = "") -> bool:
    """Say whether a projection would look at the event, of a family alone, or at what its type was meant to be."""
    meant = entry.suggestion if entry.field == reading.TYPE else None
    types = (entry.type, meant.partition(" ")[0]) if meant else (entry.type,)
    return any(event_type.startswith(family) and consumes(declaration, event_type) for event_type in types)
