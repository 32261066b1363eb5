"""Parts of a page as HTML; whatever they hold is text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import htpy as h

from analytics_es.presentation.blocks import Beside, Grid, Line
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.html.charts import chart
from analytics_es.presentation.html.figures import meters, tiles
from analytics_es.presentation.html.forms import form
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.tables import Marks, style_of, table
from analytics_es.presentation.html.texts import lines, plain, told
from analytics_es.presentation.parts import Choices, Code, Link, Meters, Pair, Part, Section, Steps, Tiles, Ways

FORMS = ("json", "csv", "arrow")


def drawn(part: Part, links: Links | None, *, under: str = "", marks: Marks | None = None) -> h.Node:
    """Return a part; without links, as in a file. It stands `under` a title, and rows have `marks` of a chart."""
    match part:
        case Grid():
            return table(part, links, under=under, marks=marks)
        case Beside():
            return h.div(".beside")[[h.div[table(grid, links, under=under)] for grid in (part.left, part.right)]]
        case Pair():
            return h.div(".pair")[_section(part.left, links), _section(part.right, links)]
        case Code():
            return h.pre(tabindex="0")[h.code[lines(part.text)]]
    draw = _DRAWN.get(type(part))
    return draw(part, links) if draw else None


def _line(line: Line, links: Links | None) -> h.Node:
    if line.terminal_only or not line.text.strip():
        return None
    kind = "head" if "cyan" in line.style else style_of(line.style)
    return h.p(class_=kind or None)[told(line.text, links)]


def _section(section: Section, links: Links | None) -> h.Node:
    ways = _ways(section, links) if links else []
    return h.section[
        h.div(".top")[h.h2[plain(section.title)], ways and h.p(".ways")[ways]],
        [_part(section, place, links) for place in range(len(section.parts))],
    ]


def _part(section: Section, place: int, links: Links | None) -> h.Node:
    part, before = section.parts[place], section.parts[place - 1] if place else None
    if isinstance(part, Chart):
        return chart(part, links, above=before if isinstance(before, Chart) else None)
    return drawn(part, links, under=section.title, marks=_marks(section))


def _marks(section: Section) -> Marks:
    """Return the colours of the first chart: the table beside it tells what they stand for."""
    charts = [part for part in section.parts if isinstance(part, Chart)]
    series = charts[0].series if charts else ()
    return {name: place for place, one in enumerate(series, 1) for name in (one.name, *one.of)}


def _ways(section: Section, links: Links) -> list[h.Node]:
    ways: list[h.Node] = []
    if section.more:
        ways.append(h.a(href=links.to(section.more))[plain(section.more.text)])
    if section.answer:
        ways += forms(links, section.answer, section.table, of=section.title)
    return [[" · " if place else None, way] for place, way in enumerate(ways)]


def forms(
    links: Links, answer: str = "", table: str = "", *, of: str = "", names: Sequence[str] = FORMS
) -> list[h.Node]:
    """Return the ways to the same answer for programs."""
    return [
        h.a(href=links.form(form, answer, table), aria_label=f".{form} of {plain(of)}" if of else None)[f".{form}"]
        for form in names
    ]


def _other_pages(ways: Ways, links: Links | None) -> h.Node:
    way = [_way(link, links) for link in ways.links]
    return h.p(".ways")[[[" · " if place else None, one] for place, one in enumerate(way)]]


def _way(link: Link, links: Links | None) -> h.Node:
    return h.a(href=links.to(link))[plain(link.text)] if links else plain(link.text)


def _steps(steps: Steps, links: Links | None) -> h.Node:
    return h.ol(".steps")[
        [
            h.li[h.p[told(step.text, links)], step.code and h.pre(tabindex="0")[h.code[lines(step.code)]]]
            for step in steps.steps
        ]
    ]


_DRAWN: Mapping[type[Any], Callable[[Any, Links | None], h.Node]] = {
    Line: _line,
    Section: _section,
    Tiles: tiles,
    Meters: meters,
    Choices: form,
    Steps: _steps,
    Ways: _other_pages,
    Chart: chart,
}
