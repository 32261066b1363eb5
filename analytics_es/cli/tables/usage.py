"""Usage → tables."""

from __future__ import annotations

from analytics_es.cli.display import Block, Cell, Column, Grid, Line, Share, words
from analytics_es.cli.tables.parts import NOTHING, cut, errors, footer, heading
from analytics_es.types import EntityUsage, UsageStats, UsageTotals

_TOTALS = [
    Column("events", right=True),
    Column("finished", right=True, drop=2),
    Column("failed", right=True),
    Column("tokens in", right=True),
    Column("tokens out", right=True),
    Column("duration", right=True, drop=1),
]
_SHARE = Column("", bar=True, drop=4)


def usage(answer: UsageStats, top: int) -> list[Block]:
    """Return the tables of get_usage_stats."""
    who = f" of {answer.entity_type or 'everyone'}{f' {answer.entity_id}' if answer.entity_id is not None else ''}"
    if answer.entity_type and answer.entity_id is None:
        who = f" by {answer.entity_type}"
    blocks = [*heading(f"Usage{who}", answer.period), *usage_totals(answer)]
    if answer.totals.events:
        if answer.top_entities and answer.entity_id is None:
            blocks.append(busiest(answer, top))
        blocks += [_by_event_type(answer, top), _usage_series(answer)]
    return [*blocks, footer([answer.completeness], answer.period)]


def usage_totals(answer: UsageStats) -> list[Block]:
    """Return the figures over the whole period."""
    if not answer.totals.events:
        return [Line(NOTHING, "yellow"), Line()]
    totals = answer.totals
    columns = [*_TOTALS[:2], Column("succeeded", right=True), *_TOTALS[2:]]
    row = _totals(totals)
    row.insert(2, words.percent(answer.success_rate))
    active = sorted(answer.active_entities.items(), key=lambda item: (-item[1], item[0]))
    return [
        Grid("", columns, [row], " · ".join(words.plural(number, kind) for kind, number in active)),
    ]


def busiest(answer: UsageStats, top: int) -> Grid:
    """Return the entities of the asked type that have the most events."""
    active = answer.active_entities.get(answer.entity_type or "", len(answer.top_entities))
    shown = answer.top_entities[:top]
    all_of_them = f"summary usage.events --group-by {answer.entity_type} lists all"
    beyond = f"… and {active - len(shown):,} more: {all_of_them}" if active > len(shown) else ""
    columns = [Column(answer.entity_type or ""), *_TOTALS, _SHARE]
    rows = [[_name(each), *_totals(each.totals), _share(each.totals, answer.totals)] for each in shown]
    return Grid(f"Busiest {answer.entity_type}s", columns, rows, beyond)


def _name(each: EntityUsage) -> str:
    return each.entity_id or "(none)"


def _by_event_type(answer: UsageStats, top: int) -> Grid:
    rows = [
        [each.event_type, *_totals(each.totals), _share(each.totals, answer.totals)] for each in answer.by_event_type
    ]
    return Grid("By type of event", [Column("type"), *_TOTALS, _SHARE], *cut(rows, top))


def _usage_series(answer: UsageStats) -> Block:
    if answer.period.granularity == "total":
        return Line(terminal_only=True)
    most = max((point.totals.events for point in answer.series), default=0)
    rows = [
        [start, *_totals(point.totals), Share(point.totals.events / most if most else 0.0)]
        for start, point in zip(words.starts([p.start for p in answer.series]), answer.series, strict=True)
    ]
    return Grid(f"By {answer.period.granularity}", [Column("start"), *_TOTALS, _SHARE], rows)


def _totals(totals: UsageTotals) -> list[Cell]:
    return [
        words.count(totals.events),
        words.count(totals.finished),
        errors(totals.failures),
        words.count(totals.input_tokens),
        words.count(totals.output_tokens),
        words.duration(totals.duration_ms),
    ]


def _share(part: UsageTotals, whole: UsageTotals) -> Share:
    return Share(part.events / whole.events if whole.events else 0.0)
