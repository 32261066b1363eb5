"""Usage → tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from analytics_es.presentation import Behind, Block, Cell, Column, Columns, Grid, Line, Link, Number, Share, words
from analytics_es.presentation.tables import parts
from analytics_es.presentation.tables.parts import cut, errors, footer, heading, nothing, unclear
from analytics_es.types import EntityUsage, EventTypeUsage, UsagePoint, UsageStats
from analytics_es.types.sentences import sentence

Used = UsageStats | EntityUsage | EventTypeUsage | UsagePoint
Where = Mapping[str, str]


def usage(answer: UsageStats, top: int) -> Iterator[Block]:
    """Return the tables of get_usage_stats."""
    yield from heading(f"Usage{whose(answer)}", answer.period)
    if answer.totals.events or not answer.nobody:
        yield from usage_totals(answer)
    yield from busiest(answer, top)
    if answer.totals.events:
        yield by_type(answer, top)
        if answer.period.granularity == "total":
            yield Line(terminal_only=True)
        yield from by_time(answer)
    yield footer([answer.completeness], answer.period)


def whose(answer: UsageStats) -> str:
    """Return what a title says of who is asked for."""
    if answer.entity_type and answer.entity_id is None:
        return f" by {answer.entity_type}"
    if answer.entity_id == "":
        return f" of no {answer.entity_type}"
    return f" of {answer.entity_type or 'everyone'}{f' {answer.entity_id}' if answer.entity_id is not None else ''}"


def keys(answer: UsageStats) -> Where:
    """Return what all figures of an answer are narrowed to, in the words of `explain`."""
    if answer.entity_id is not None:
        return {str(answer.entity_type): answer.entity_id}
    return {"entity_type": answer.entity_type} if answer.entity_type else {}


def usage_totals(answer: UsageStats) -> Iterator[Block]:
    """Return the figures over the whole period."""
    if not answer.totals.events:
        yield from nothing()
        return
    succeeded = Number[UsageStats]("succeeded", lambda usage: words.percent(usage.success_rate), exact=_succeeded)
    active = sorted(answer.active_entities.items(), key=lambda entities: (-entities[1], entities[0]))
    remark = " · ".join(words.plural(number, kind) for kind, number in active)
    events, finished, *rest = _figures(lambda usage: keys(answer))
    yield Grid("", [events, finished, succeeded, *rest], [answer], remark)
    yield from unclear(answer.totals.unknown)


def busiest(answer: UsageStats, top: int) -> Iterator[Block]:
    """Return the entities of the asked type that have the most events, and below them what belongs to none."""
    if answer.entity_id is not None or not (answer.top_entities or answer.nobody):
        return
    active = answer.active_entities.get(answer.entity_type or "", len(answer.top_entities))
    shown = answer.top_entities[:top]
    all_of_them = sentence("`analytics-es summary usage.events --group-by {kind}` lists all", kind=answer.entity_type)
    rows = [*shown, *([answer.nobody] if answer.nobody else [])]
    events = answer.totals.events + (answer.nobody.totals.events if answer.nobody else 0)
    figures = _figures(lambda usage: {str(answer.entity_type): usage.entity_id})
    remark = parts.beyond(active - len(shown), all_of_them)
    yield Grid(f"Busiest {answer.entity_type}s", [entity(answer), *figures, share(events)], rows, remark)


def by_type(answer: UsageStats, top: int) -> Grid[EventTypeUsage]:
    """Return the usage of each type of event, the most frequent first."""
    kind = Column[EventTypeUsage]("type", lambda usage: usage.event_type)
    figures = _figures(lambda usage: {**keys(answer), "event_type": usage.event_type})
    rows, remark = cut(answer.by_event_type, top)
    return Grid("By type of event", [kind, *figures, share(answer.totals.events)], rows, remark)


def by_time(answer: UsageStats) -> Iterator[Grid[Any]]:
    """Return the usage of each bucket of time, unless the period is one."""
    most = max((point.totals.events for point in answer.series), default=0)
    columns = [*_figures(lambda _: keys(answer)), share(most)]
    yield from parts.by_time(answer, columns, total=answer, is_empty=lambda point: not point.totals.events, of="events")


def entity(answer: UsageStats) -> Column[EntityUsage]:
    """Return the column of who or what it is, under the asked type, which leads to what it used."""

    def link(usage: EntityUsage) -> Link:
        who = {"id": usage.entity_id, "nobody": None} if usage.entity_id else {"id": None, "nobody": "1"}
        return Link(page="usage", words={"entity": usage.entity_type, **who})

    return Column(answer.entity_type or "", lambda usage: usage.entity_id or "(none)", link=link)


def share(events: int, drop: int = 4) -> Column[Used]:
    """Return a column of bars: parts of so many events."""
    return Column("", lambda used: Share(used.totals.events / events if events else 0.0), drop=drop, bar=True)


def _figures(where: Callable[[Any], Where]) -> Columns[Any]:
    """Return the columns of figures, each of which leads to its events; `where` narrows them to those of a row."""

    def number(title: str, measure: str, shown: Callable[[Any], Cell], name: str = "", drop: int = 0) -> Column[Used]:
        def figure(used: Used) -> Any:
            return getattr(used.totals, name or measure)

        return Number(
            title,
            lambda used: shown(figure(used)),
            drop=drop,
            behind=lambda used: Behind(metric=f"usage.{measure}", where=where(used)) if figure(used) else None,
            exact=figure if name else None,
        )

    return [
        number("events", "events", words.count),
        number("finished", "finished", words.count, drop=2),
        number("failed", "failures", errors),
        number("tokens in", "input_tokens", words.count),
        number("tokens out", "output_tokens", words.count),
        number("duration", "duration", words.duration, name="duration_ms", drop=1),
    ]


def _succeeded(answer: UsageStats) -> float | None:
    return answer.success_rate
