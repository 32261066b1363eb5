"""Answers about who used how much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from analytics_es.types.metrics import Completeness
from analytics_es.types.period import TimePeriod


@frozen(kw_only=True)
class UsageTotals:
    """Usage in a stretch of time. Tokens include their cached and reasoning parts."""

    events: int
    finished: int
    failures: int
    duration_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    first_seen: datetime | None
    last_seen: datetime | None


@frozen(kw_only=True)
class EventTypeUsage:
    """Usage by one type of event."""

    event_type: str
    totals: UsageTotals


@frozen(kw_only=True)
class EntityUsage:
    """Usage by one entity."""

    entity_type: str
    entity_id: str
    totals: UsageTotals


@frozen(kw_only=True)
class UsagePoint:
    """Usage in one bucket of time that starts at `start`."""

    start: datetime
    totals: UsageTotals


@frozen(kw_only=True)
class UsageStats:
    """Who used how much.

    `success_rate`: of the activities that finished, the share that did not fail. `active_entities`: the exact number of
    distinct entities seen, by entity type. `top_entities`: the ten with the most events, of the asked entity type.
    """

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
