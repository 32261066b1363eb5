"""Pages asked for as a browser does, what they show as plain data, and the numbers that their links lead to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from analytics_es import AnalyticsService
from analytics_es.presentation.blocks import Behind, Beside, Column, Grid, Line, Link, Share, Styled
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.pages import KINDS, Asking
from analytics_es.presentation.parts import Choices, Meters, Page, Pair, Section, Tile, Tiles
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
    match part:
        case Page():
            told = {"title": part.title, "sub": part.sub, "parts": [*map(plain, part.parts)]}
            return {**told, "answers": [*part.answers], "foot": [*part.foot]}
        case Section():
            answer = f"{part.answer}/{part.table}" if part.answer else None
            inner = [*map(plain, part.parts)]
            return {"section": part.title, "answer": answer, "more": plain(part.more), "parts": inner}
        case Pair():
            return {"pair": [plain(part.left), plain(part.right)]}
        case Tiles():
            return {"tiles": [*map(_tile, part.tiles)]}
        case Meters():
            return {"meters": [[meter.name, meter.figure, meter.part, meter.note] for meter in part.meters]}
        case Choices():
            return {"choices": {one.name: [*(one.options or [one.hint]), "=", *one.chosen] for one in part.choices}}
        case Chart():
            texts = {one.name: " ".join(one.texts) for one in part.series}
            levels = {level.name: level.text for level in part.levels}
            return {"chart": part.title, "labels": [*part.labels], **texts, **levels, "unit": part.unit}
        case Grid():
            rows = [[_cell(column, row) for column in part.columns if not column.bar] for row in part.rows]
            titles = [column.title for column in part.columns if not column.bar]
            return {"grid": part.title, "columns": titles, "rows": rows, "remark": part.remark or None}
        case Line():
            return part.text
        case Link():
            return f"{part.text} → {_link(part)}"
        case None:
            return None
    raise AssertionError(part)


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
    if figure.exact is not None:
        return Decimal(str(figure.exact))
    return Decimal(figure.shown.replace(",", ""))
