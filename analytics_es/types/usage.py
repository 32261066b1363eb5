"""Answers about who used how much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from attrs import frozen

from analytics_es.types.metrics import Completeness
from analytics_es.types.period import TimePeriod
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class UsageTotals(ValueObject):
    """Usage in a stretch of time. Tokens include their cached and reasoning parts.

    events: how many there were.
    finished: how many of them say that an activity ended.
    failures: how many of these ended in an error.
    duration_ms: of all that told one together, in milliseconds; None where none did.
    input_tokens: how many; None where no event told.
    output_tokens: how many; None where no event told.
    first_seen: when the first event occurred, in the store's time zone; None where there was none.
    last_seen: when the last one did, in the store's time zone.
    unknown: how many of the finished do not say how they ended: neither failed nor went well.
    """

    events: int
    finished: int
    failures: int
    duration_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    first_seen: datetime | None
    last_seen: datetime | None
    unknown: int = 0


@frozen(kw_only=True, eq=False, repr=False)
class EventTypeUsage(ValueObject):
    """Usage by one type of event.

    event_type: such as `provider.call.completed`.
    totals: of its events.
    """

    event_type: str
    totals: UsageTotals


@frozen(kw_only=True, eq=False, repr=False)
class EntityUsage(ValueObject):
    """Usage by one entity.

    entity_type: user, tenant, agent, job …
    entity_id: who or what it is.
    totals: of the events it took part in.
    """

    entity_type: str
    entity_id: str
    totals: UsageTotals


@frozen(kw_only=True, eq=False, repr=False)
class UsagePoint(ValueObject):
    """Usage in one bucket of time.

    start: where the bucket begins, in the store's time zone.
    totals: of its events.
    """

    start: datetime
    totals: UsageTotals


@frozen(kw_only=True, eq=False, repr=False)
class UsageStats(Answer):
    """Who used how much.

    entity_type: whose usage was asked for; None for all.
    entity_id: of that type, the one that was asked for, as the log names it; None for all.
    period: what was asked for, in whole buckets.
    totals: of all events of the question.
    success_rate: of the activities that say how they ended, the share (0 to 1) that did not fail; None where none does.
    active_entities: the exact number of distinct entities seen, by entity type.
    by_event_type: usage by type of event, most events first.
    top_entities: the ten with the most events, of the asked entity type.
    series: one point a bucket of time.
    completeness: what the answer stands on.
    others: all others of that type together, so that these add up to `totals`; None where there are no others.
    nobody: of events that belong to none of that type, its id is "", beyond `totals`; None where there are none.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "entities": Rows("_entities"),
        "series": Rows("series"),
        "by_event_type": Rows("by_event_type"),
    }

    entity_type: str | None
    entity_id: str | None
    period: TimePeriod
    totals: UsageTotals
    success_rate: float | None
    active_entities: Mapping[str, int]
    by_event_type: list[EventTypeUsage]
    top_entities: list[EntityUsage]
    series: list[UsagePoint]
    completeness: Completeness
    others: UsageTotals | None = None
    nobody: EntityUsage | None = None

    @property
    def _entities(self) -> list[EntityUsage]:
        """Everybody, so that these add up: the top entities, all others together, and nobody."""
        everybody = [*self.top_entities]
        if self.others:
            id = None  # they have many
            everybody.append(EntityUsage(entity_type=self.entity_type or "", entity_id=id, totals=self.others))  # type: ignore[arg-type]
        return [*everybody, *([self.nobody] if self.nobody else [])]

    def _main(self) -> str:
        return "series" if self.entity_type is None or self.entity_id is not None else "entities"
