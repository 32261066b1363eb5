"""Usage → tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, Share, words
from analytics_es.presentation.tables.parts import by_time, cut, errors, footer, heading, nothing, unclear
from analytics_es.types import EntityUsage, EventTypeUsage, UsagePoint, UsageStats

Used = UsageStats | EntityUsage | EventTypeUsage | UsagePoint

_EVENTS: Columns[Used] = [
    Number("events", lambda used: words.count(used.totals.events)),
    Number("finished", lambda used: words.count(used.totals.finished), drop=2),
]
_TOTALS: Columns[Used] = [
    Number("failed", lambda used: errors(used.totals.failures)),
    Number("tokens in", lambda used: words.count(used.totals.input_tokens)),
    Number("tokens out", lambda used: words.count(used.totals.output_tokens)),
    Number("duration", lambda used: words.duration(used.totals.duration_ms), drop=1),
]


def usage(answer: UsageStats, top: int) -> Iterator[Block]:
    """Return the tables of get_usage_stats."""
    who = f" of {answer.entity_type or 'everyone'}{f' {answer.entity_id}' if answer.entity_id is not None else ''}"
    if answer.entity_type and answer.entity_id is None:
        who = f" by {answer.entity_type}"
    yield from heading(f"Usage{who}", answer.period)
    if answer.totals.events or not answer.nobody:
        yield from usage_totals(answer)
    if (answer.top_entities or answer.nobody) and answer.entity_id is None:
        yield _busiest(answer, top)
    if answer.totals.events:
        kind = Column[EventTypeUsage]("type", lambda usage: usage.event_type)
        rows, remark = cut(answer.by_event_type, top)
        yield _table("By type of event", kind, rows, answer.totals.events, remark)
        if answer.period.granularity == "total":
            yield Line(terminal_only=True)
        most = max((point.totals.events for point in answer.series), default=0)
        yield from by_time(
            answer,
            [*_EVENTS, *_TOTALS, share(most)],
            total=answer,
            is_empty=lambda point: not point.totals.events,
            of="events",
        )
    yield footer([answer.completeness], answer.period)


def usage_totals(answer: UsageStats) -> Iterator[Block]:
    """Return the figures over the whole period."""
    if not answer.totals.events:
        yield from nothing()
        return
    succeeded = Number[UsageStats]("succeeded", lambda usage: words.percent(usage.success_rate))
    active = sorted(answer.active_entities.items(), key=lambda entities: (-entities[1], entities[0]))
    remark = " · ".join(words.plural(number, kind) for kind, number in active)
    columns: Columns[UsageStats] = [*_EVENTS, succeeded, *_TOTALS]
    yield Grid("", columns, [answer], remark)
    yield from unclear(answer.totals.unknown)


def _busiest(answer: UsageStats, top: int) -> Block:
    """Return the entities of the asked type that have the most events, and below them what belongs to none."""
    active = answer.active_entities.get(answer.entity_type or "", len(answer.top_entities))
    shown = answer.top_entities[:top]
    all_of_them = f"`analytics-es summary usage.events --group-by {answer.entity_type}` lists all"
    beyond = f"… and {active - len(shown):,} more: {all_of_them}" if active > len(shown) else ""
    nobody = [answer.nobody] if answer.nobody else []
    events = answer.totals.events + sum(usage.totals.events for usage in nobody)
    return _table(f"Busiest {answer.entity_type}s", entity(answer), [*shown, *nobody], events, beyond)


def _table(title: str, first: Column[Any], rows: Sequence[Used], events: int, remark: str = "") -> Block:
    return Grid(title, [first, *_EVENTS, *_TOTALS, share(events)], rows, remark)


def entity(answer: UsageStats) -> Column[EntityUsage]:
    """Return the column of who or what it is, under the asked type."""
    return Column(answer.entity_type or "", lambda usage: usage.entity_id or "(none)")


def share(events: int, drop: int = 4) -> Column[Used]:
    """Return a column of bars: parts of so many events."""
    return Column("", lambda used: Share(used.totals.events / events if events else 0.0), drop=drop, bar=True)
