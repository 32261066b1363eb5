"""Who used how much: get_usage_stats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics_es.events.event import time_of
from analytics_es.projection.declaration import Declaration, Measure
from analytics_es.queries.figures import number, share
from analytics_es.queries.grouping import check_entity, check_text
from analytics_es.queries.question import Question, QuestionContext
from analytics_es.queries.rows import Values, columns_of, measures_of, merged_by, named, together
from analytics_es.types import EntityUsage, EventTypeUsage, TimePeriod, UsagePoint, UsageStats, UsageTotals

TOP = 10
NEEDED = ("entity_type", "entity_id", "event_type", "events", "finished", "failures")  # the rest may be None


def usage(context: QuestionContext, entity_type: str | None, entity_id: str | None, period: TimePeriod) -> UsageStats:
    """Answer get_usage_stats."""
    check_entity(context.declaration("usage"), entity_type, entity_id)
    where = {"entity_type": entity_type or ""}
    if entity_type and entity_id is not None:
        entity_id = where["entity_id"] = context.known_as(entity_type, check_text("entity_id", str(entity_id)))
    with context.question(["usage"], period) as question:
        declaration = question.declaration("usage", NEEDED)
        measures = measures_of(declaration)
        points = question.points(declaration, measures, where, ["event_type"])
        types = merged_by(measures, [row for rows in points.values() for row in rows], 1)
        totals = _usage_totals(question, together(measures, list(types.values())))
        top, active = _active(question, declaration, measures, where)
        return UsageStats(
            entity_type=entity_type,
            entity_id=entity_id,
            period=question.period,
            totals=totals,
            success_rate=share(totals.finished - totals.failures, totals.finished),
            active_entities=active,
            by_event_type=[
                EventTypeUsage(event_type=event_type, totals=_usage_totals(question, values))
                for (event_type,), values in sorted(types.items(), key=lambda row: (-row[1]["events"], row[0]))
            ],
            top_entities=top,
            series=[
                UsagePoint(
                    start=question.tiling.local(start),
                    totals=_usage_totals(question, together(measures, [named(measures, row[1:]) for row in rows])),
                )
                for (start,), rows in points.items()
            ],
            completeness=question.completeness([entity_type] if entity_type else []),
        )


def _active(
    question: Question, declaration: Declaration, measures: Sequence[Measure], where: Mapping[str, str]
) -> tuple[list[EntityUsage], dict[str, int]]:
    """Return the busiest entities of a type and how many there were; for no type, how many of each."""
    spans = question.tiling.spans()
    entity_type = where["entity_type"]
    if not entity_type:
        counted = question.snapshot.distinct(declaration, "entity_id", spans, by=["entity_type"], where={})
        return [], {kind: count for kind, count in counted if kind}
    rows, active = question.snapshot.top(
        declaration, columns_of(measures), spans, where=where, by="entity_id", order="events", limit=TOP
    )
    top = [
        EntityUsage(
            entity_type=entity_type,
            entity_id=row[0],
            totals=_usage_totals(question, named(measures, row[1:])),
        )
        for row in rows
    ]
    return top, {entity_type: active}


def _usage_totals(question: Question, values: Values) -> UsageTotals:
    def moment(name: str) -> Any:
        value = values.get(name)
        return None if value is None else time_of(value, question.tiling.calendar.zone)

    duration = number(values.get("duration"), 3)
    return UsageTotals(
        events=values.get("events") or 0,
        finished=values.get("finished") or 0,
        failures=values.get("failures") or 0,
        duration_ms=None if duration is None else float(duration),
        input_tokens=values.get("input_tokens"),
        output_tokens=values.get("output_tokens"),
        first_seen=moment("first_seen"),
        last_seen=moment("last_seen"),
    )
