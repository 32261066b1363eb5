"""Pages asked for as a browser does, what they show as plain data, and the numbers that their links lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from analytics_es import AnalyticsService
from analytics_es.events.event import microseconds
from analytics_es.presentation.blocks import Behind, Beside, Column, Grid, Line, Link, Share, Styled
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.pages import KINDS, Asking
from analytics_es.presentation.parts import Choices, Code, Meters, Page, Pair, Section, Tile, Tiles, Ways
from analytics_es.presentation.question import Question
from analytics_es.types import CostExplanation, Explanation, TimePeriod


def asked(service: AnalyticsService, address: str) -> tuple[Page, Asking]:
    """Return the page of an address, such as `usage?entity=tenant`, and who asked for it."""
    name, _, query = address.partition("?")
    kind = next(kind for kind in KINDS if kind.name == name)
    question = Question.read(parse_qsl(query, keep_blank_values=True), kind.words)
    zone, at = question.zone(service.store.calendar.zone), question.as_of()
    with nullcontext(service) if at is None else service.as_of(at) as answers:
        now = service.store.clock() if at is None else answers.recorded_at
        asking = Asking(question=question, period=question.period(zone, now), answers=answers, service=service)
        return kind.made(asking), asking


def page(service: AnalyticsService, address: str) -> Page:
    """Return the page of an address."""
    return asked(service, address)[0]


# ── as plain data ───────────────────────────────────────────────────────────────────────────────────────────────


def plain(part: Any) -> Any:
    """Return a page, or a part of one, as what snapshots are written of."""
    return _PLAIN[type(part)](part)


def _page(page: Page) -> Any:
    told = {"title": page.title, "sub": page.sub, "parts": [*map(plain, page.parts)]}
    return {**told, "answers": [*page.answers], "foot": [*page.foot]}


def _section(section: Section) -> Any:
    answer = f"{section.answer}/{section.table}" if section.answer else None
    more = plain(section.more) if section.more else None
    return {"section": section.title, "answer": answer, "more": more, "parts": [*map(plain, section.parts)]}


def _choices(choices: Choices) -> Any:
    return {"choices": {one.name: [*(one.options or [one.hint]), "=", *one.chosen] for one in choices.choices}}


def _chart(chart: Chart) -> Any:
    texts = {one.name: " ".join(one.texts) for one in chart.series}
    levels = {level.name: level.text for level in chart.levels}
    return {"chart": chart.title, "labels": [*chart.labels], **texts, **levels, "unit": chart.unit}


def _grid(grid: Grid[Any]) -> Any:
    columns = [column for column in grid.telling if not column.bar]
    rows = [[_cell(column, row) for column in columns] for row in grid.rows]
    titles = [column.title for column in columns]
    return {"grid": grid.title, "columns": titles, "rows": rows, "remark": grid.remark or None}


_PLAIN: dict[type[Any], Callable[[Any], Any]] = {
    Page: _page,
    Section: _section,
    Choices: _choices,
    Chart: _chart,
    Grid: _grid,
    Line: lambda line: line.text,
    Code: lambda code: code.text,
    Link: lambda link: f"{link.text} → {_link(link)}",
    Ways: lambda ways: {"ways": [*map(plain, ways.links)]},
    Pair: lambda pair: {"pair": [plain(pair.left), plain(pair.right)]},
    Beside: lambda beside: {"beside": [plain(beside.left), plain(beside.right)]},
    Tiles: lambda tiles: {"tiles": [*map(_tile, tiles.tiles)]},
    Meters: lambda meters: {"meters": [[one.name, one.figure, one.part, one.note] for one in meters.meters]},
}


def _tile(tile: Tile) -> str:
    return " ".join(filter(None, [f"{tile.label}:", tile.figure, tile.note, _behind(tile.behind)]))


def _cell(column: Column[Any], row: Any) -> str:
    link = column.link(row) if column.link else None
    behind = column.behind(row) if column.behind else None
    leads = _behind(behind) if behind else f"→ {_link(link)}" if link else ""
    return f"{text(column.cell(row))} {leads}".strip()


def _behind(behind: Behind | None) -> str:
    if behind is None:
        return ""
    since = f" from {behind.start:%d.%m. %H:%M}" if behind.start else ""
    return f"→ {behind.metric}{''.join(f' {key}={value}' for key, value in behind.where.items())}{since}"


def _link(link: Link) -> str:
    words = "".join(f" {name}={text}" for name, text in link.words.items() if text is not None)
    return f"{link.page or 'here'}{words}"


def text(cell: Any) -> str:
    """Return what a cell shows."""
    return cell.text if isinstance(cell, Styled) else "" if isinstance(cell, Share) else cell


# ── what links lead to ──────────────────────────────────────────────────────────────────────────────────────────


class Figure(NamedTuple):
    """A figure that leads to its events."""

    name: str
    shown: str
    exact: Any
    behind: Behind


def parts_of(part: Any) -> Iterator[Any]:
    """Yield all parts of a page, however deep."""
    match part:
        case Page() | Section():
            for inner in part.parts:
                yield from (inner, *parts_of(inner))
        case Pair():
            yield from (part.left, *parts_of(part.left), part.right, *parts_of(part.right))
        case Beside():
            yield from (part.left, part.right)


def figures(page: Page) -> Iterator[Figure]:
    """Yield every figure of a page that leads to its events."""
    for part in parts_of(page):
        if isinstance(part, Tiles):
            yield from (Figure(one.label, one.figure, one.exact, one.behind) for one in part.tiles if one.behind)
        elif isinstance(part, Grid):
            for column in part.columns:
                for row in part.rows:
                    if behind := column.behind(row) if column.behind else None:
                        exact = column.exact(row) if column.exact else None
                        yield Figure(column.title, text(column.cell(row)), exact, behind)


def explained(asking: Asking, behind: Behind) -> Explanation | CostExplanation:
    """Ask for the events behind a figure as the page does that its link leads to."""
    period = asking.period
    if behind.start and behind.end:
        period = TimePeriod(behind.start, behind.end, "total")
    where = {**asking.question.pairs("where"), **behind.where}
    if behind.metric == "cost.cost":
        return asking.answers.explain_cost(period, where=where, limit=1).unwrap()
    return asking.answers.explain(behind.metric, period, where=where, limit=1).unwrap()


RATES = ("Succeeded", "Failed", "error rate", "tokens/s")  # of which the events are the ones that count
STATISTICS = {"First chunk p50": "p50", "first chunk p50": "p50"}


def number(figure: Figure, explanation: Explanation | CostExplanation) -> Any:
    """Return the same figure as the events give it."""
    if isinstance(explanation, CostExplanation):
        currency = figure.behind.where["currency"]
        return explanation.totals[currency] if currency else explanation.unknown_calls
    name, told = STATISTICS.get(figure.name, figure.name), explanation.figures
    if hasattr(told, name):
        return getattr(told, name)
    return explanation.count if told.total is None else told.total


def said(figure: Figure) -> Any:
    """Return the number that a figure shows, with all its digits."""
    if isinstance(figure.exact, datetime):
        return Decimal(microseconds(figure.exact))
    if figure.exact is not None:
        return Decimal(str(figure.exact))
    return Decimal(figure.shown.replace(",", ""))
