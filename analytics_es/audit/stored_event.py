"""What is stored at one position of the log, what it adds to which metric, and what is said of it elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from analytics_es.audit.dead_letters import DeadLetters, decoded, no_event
from analytics_es.errors import BrokenEvent, NoDeadLetter, NoSuchPosition, SealedEvent
from analytics_es.events import RecordedEvent
from analytics_es.events.event import CORRECTED, facts, is_type, key_of, microseconds
from analytics_es.ingest.corrections import call_of, key_of_correction
from analytics_es.ingest.vault import is_pseudonym
from analytics_es.log import EventLog
from analytics_es.projection.declaration import MONEY, Declaration, Measure
from analytics_es.projection.fold import WHOLE
from analytics_es.projection.rows import by_name
from analytics_es.queries.figures import figure
from analytics_es.queries.grouping import grouping
from analytics_es.store import Store
from analytics_es.types import CountedValue, ExplainedCost, StoredEvent, TimePeriod, UncountedValue

CostOf = Callable[[pa.Table, TimePeriod], ExplainedCost | None]  # of a stored event, and the hour that it occurred in


def stored_event(store: Store, position: int, cost_of: CostOf) -> StoredEvent:
    """Return what is stored at a position; raises NoSuchPosition, SealedEvent, BrokenEvent."""
    head = store.log.head()
    if not 1 <= position <= head:
        raise NoSuchPosition(position=position, head=head)
    stored = store.log.scan(after=position - 1, limit=1, upto=position, checked=True)
    if not stored.num_rows:
        raise _gone(store, position)
    (row,) = stored.to_pylist()
    event, uncounted = decoded(**row), list(_uncounted(store, position))
    fields: dict[str, Any] = {"position": position, "last_position": head, "type": row["type"], "uncounted": uncounted}
    if event is None:
        raw, problem = row["state"].decode("utf-8", "replace"), no_event(None, row["state"])
        return StoredEvent(**fields, **_of_no_event(raw, problem))
    hour = _hour(store, event.occurred_at)
    return StoredEvent(
        **fields,
        source=event.source,
        id=event.id,
        occurred_at=event.occurred_at.astimezone(store.calendar.zone),
        recorded_at=event.recorded_at,
        data=event.data,
        counted=[value for values in _counted(store, stored, uncounted) for value in values],
        cost=cost_of(stored, hour),
        corrects=_corrected(store.log, event),
        corrections=list(_corrections(store.log, event)),
        unknown_pseudonyms=list(dict.fromkeys(_unknown(store, event.data))),
    )


def _gone(store: Store, position: int) -> Exception:
    horizon = store.log.seals.horizon()
    if horizon.until and position <= horizon.position:
        return SealedEvent(position=position, horizon=datetime.fromtimestamp(horizon.until, UTC))
    return BrokenEvent(position=position, problem="it is gone, and was not sealed")


def _of_no_event(raw: str, problem: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("source", "id", "occurred_at", "recorded_at", "data"))
    return {**nothing, "raw": raw, "problem": problem, "counted": []}


def _hour(store: Store, at: datetime) -> TimePeriod:
    calendar = store.calendar
    start = calendar.hour_start(int(at.timestamp() // 1))
    return TimePeriod(calendar.local(start), calendar.local(calendar.next_hour(start)), "hour")


# ── what becomes of it ──────────────────────────────────────────────────────────────────────────────────────────


def _uncounted(store: Store, position: int) -> Iterator[UncountedValue]:
    try:
        causes = DeadLetters(store).details(position).causes
    except NoDeadLetter:
        return
    for unusable in causes:
        letter = unusable.letter
        cause = unusable.cause.removeprefix(f"{letter.field}: ")
        yield UncountedValue(projection=letter.projection, field=letter.field, cause=cause)


def _counted(store: Store, stored: pa.Table, uncounted: list[UncountedValue]) -> Iterator[Iterator[CountedValue]]:
    """Yield what an event adds to each read model, in the row of no entity: there every event is counted once."""
    left_out = {value.projection for value in uncounted if value.field == WHOLE}
    for name, live in store.read_models.live().items():
        declaration = live.declaration
        where = grouping(declaration, [], {}).where
        for row in by_name(store.fold.by_event(stored, declaration, where)) if name not in left_out else ():
            yield _values(declaration, row)


def _values(declaration: Declaration, row: dict[str, Any]) -> Iterator[CountedValue]:
    keys = {key.name: row[key.name] for key in declaration.keys if not key.of_entity and row.get(key.name)}
    for measure in declaration.measures:
        number = _added(measure, row)
        if number is not None:
            yield CountedValue(
                metric=f"{declaration.name}.{measure.name}",
                unit=measure.unit,
                currency=row.get(MONEY, "") if measure.unit == MONEY else None,
                value=number,
                keys=keys,
            )


def _added(measure: Measure, row: dict[str, Any]) -> Any:
    """Return what a row of one event says of a measure, None where that is nothing."""
    column = measure.columns[1 if measure.kind == "histogram" else 0].name
    return figure(measure, (row[column] or None) if measure.kind == "count" else row[column])


# ── what is said of it elsewhere ────────────────────────────────────────────────────────────────────────────────


def _corrected(log: EventLog, event: RecordedEvent) -> int | None:
    """Return where the call of a correction is, None where there is none."""
    if event.type != CORRECTED:
        return None
    try:
        call = log.find(key_of(*call_of(event), microseconds(event.occurred_at)))
    except ValueError:  # what is stored by another hand may say nothing of its call
        return None
    return call["position"] if call else None


def _corrections(log: EventLog, event: RecordedEvent) -> Iterator[int]:
    """Yield where the corrections of a call are: each is known by its number."""
    if not is_type(event.type) or facts(event.type).family != "provider" or event.type == CORRECTED:
        return
    number = 1
    while (correction := log.find(key_of_correction(event, number))) and correction["type"] == CORRECTED:
        yield correction["position"]
        number += 1


def _unknown(store: Store, data: Any) -> Iterator[str]:
    """Yield the pseudonyms in what an event says that the vault does not know."""
    if isinstance(data, Mapping):
        for value in data.values():
            yield from _unknown(store, value)
    elif isinstance(data, list):
        for value in data:
            yield from _unknown(store, value)
    elif isinstance(data, str) and is_pseudonym(data) and not store.vault.holds(data):
        yield data
