"""Who used how much: get_usage_stats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics_es.events.event import time_of
from analytics_es.projection.declaration import Declaration, Measure
from analytics_es.queries.figures import number, share
from analytics_es.queries.grouping import check_entity, grouping, read_text
from analytics_es.queries.question import Question, QuestionContext
from analytics_es.queries.rows import Values, columns_of, left, measures_of, named, together
from analytics_es.types import EntityUsage, EventTypeUsage, TimePeriod, UsagePoint, UsageStats, UsageTotals

TOP = 10
ENTITY = ("entity_type", "entity_id")
NEEDED = ("event_type", "events", "finished", "failures")  # the rest may be None


def read_whose(declaration: Declaration, entity_type: str | None, entity_id: str | None) -> dict[str, str]:
    """Return whose usage is asked for: an entity by its name, or nothing; raises UnknownEntity, BadQuestion, BadValue.

    The id "" means events that belong to no entity of the type.
    """
    check_entity(declaration, entity_type, entity_id)
    return {entity_type: read_text("entity_id", entity_id)} if entity_type and entity_id is not None else {}


def usage(
    context: QuestionContext, entity_type: str | None, whose: Mapping[str, str], period: TimePeriod
) -> UsageStats:
    """Answer get_usage_stats."""
    whose = context.as_logged(whose)
    nobody = "" in whose.values()
    with context.question(["usage"], period) as question:
        declaration = question.declaration("usage", NEEDED if nobody else (*ENTITY, *NEEDED))
        where = grouping(declaration, [], whose or ({"entity_type": entity_type} if entity_type else {})).where
        measures, spans = measures_of(declaration), question.tiling.spans()
        # Of the fewest buckets that the period has: those of a series may be many more, and hold the same.
        rows = question.snapshot.sums(declaration, columns_of(measures), spans, where=where, by=["event_type"])
        types = {row[0]: named(measures, row[1:]) for row in rows}
        whole = together(measures, list(types.values()))
        top, active = ([], {str(entity_type): 0}) if nobody else _active(question, declaration, measures, where)
        others = nobodys = None
        if entity_type and not whose:
            everybody = _sum(question, declaration, measures, grouping(declaration, [], {}).where)
            others = _left(question, measures, whole, together(measures, [values for _, values in top]))
            nobodys = _left(question, measures, everybody, whole)
        return UsageStats(
            entity_type=entity_type,
            entity_id=next(iter(whose.values()), None),
            period=question.period,
            totals=_usage_totals(question, whole),
            success_rate=_success_rate(whole),
            active_entities=active,
            by_event_type=_by_type(question, types),
            top_entities=[
                EntityUsage(entity_type=str(entity_type), entity_id=name, totals=_usage_totals(question, values))
                for name, values in top
            ],
            series=_series(question, measures, question.points(declaration, measures, where)),
            completeness=question.completeness([entity_type] if entity_type else []),
            others=others,
            nobody=EntityUsage(entity_type=str(entity_type), entity_id="", totals=nobodys) if nobodys else None,
        )


def _by_type(question: Question, types: Mapping[str, Values]) -> list[EventTypeUsage]:
    """Return the usage of each type of event, the most frequent first."""
    return [
        EventTypeUsage(event_type=event_type, totals=_usage_totals(question, values))
        for event_type, values in sorted(types.items(), key=lambda row: (-row[1]["events"], row[0]))
    ]


def _series(
    question: Question, measures: Sequence[Measure], points: Mapping[tuple[Any, ...], Sequence[Any]]
) -> list[UsagePoint]:
    """Return a point for every bucket of the period."""
    return [
        UsagePoint(
            start=question.tiling.local(start),
            totals=_usage_totals(question, together(measures, [named(measures, row) for row in rows])),
        )
        for (start,), rows in points.items()
    ]


def _active(
    question: Question, declaration: Declaration, measures: Sequence[Measure], where: Mapping[str, str]
) -> tuple[list[tuple[str, Values]], dict[str, int]]:
    """Return the busiest entities of a type and how many there were; for no type, how many of each."""
    spans = question.tiling.spans()
    entity_type = where["entity_type"]
    if not entity_type:
        kinds = {"entity_type": declaration.entities}  # which lead to the rows of the period in the index
        return [], dict(question.snapshot.distinct(declaration, "entity_id", spans, by=["entity_type"], where=kinds))
    rows, active = question.snapshot.top(
        declaration, columns_of(measures), spans, where=where, by="entity_id", order="events", limit=TOP
    )
    return [(row[0], named(measures, row[1:])) for row in rows], {entity_type: active}


def _sum(question: Question, declaration: Declaration, measures: Sequence[Measure], where: Mapping[str, str]) -> Values:
    rows = question.snapshot.sums(declaration, columns_of(measures), question.tiling.spans(), where=where)
    return together(measures, [named(measures, row) for row in rows])


def _left(question: Question, measures: Sequence[Measure], whole: Values, part: Values) -> UsageTotals | None:
    """Return what is left of usage without a part of it, None where no event is."""
    rest = left(measures, whole, part)
    return _usage_totals(question, rest) if rest["events"] else None


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
        unknown=values.get("unknown") or 0,
    )


def _success_rate(values: Values) -> float | None:
    told = (values["finished"] or 0) - (values.get("unknown") or 0)
    return share(told - (values["failures"] or 0), told)
