"""Parts of a page as HTML; whatever they hold is text."""

from __future__ import annotations

from typing import Any

import htpy as h

from analytics_es.presentation.blocks import Beside, Cell, Grid, Line, Share, Styled
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.html.charts import chart
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.parts import Part, Section


def drawn(part: Part, links: Links | None) -> h.Node:
    """Return a part; without links, as in a file."""
    match part:
        case Section():
            return h.section[h.h2[part.title], [drawn(inner, links) for inner in part.parts]]
        case Grid():
            return _table(part, links)
        case Line():
            return h.p[part.text] if part.text else None
        case Chart():
            return chart(part)
        case Beside():
            return [_table(part.left, links), _table(part.right, links)]
    return None


def _table(grid: Grid[Any], links: Links | None) -> h.Node:
    columns = [column for column in grid.columns if not column.bar]
    head = [h.th(scope="col")[column.title] for column in columns]
    rows = [
        h.tr[[h.td[_linked(_text(column.cell(row)), column, row, links)] for column in columns]] for row in grid.rows
    ]
    return [h.table[h.caption[grid.title], h.thead[h.tr[head]], h.tbody[rows]], grid.remark and h.p[grid.remark]]


def _linked(text: str, column: Any, row: Any, links: Links | None) -> h.Node:
    behind = column.behind(row) if links and column.behind else None
    return h.a(href=links.behind(behind))[text] if links and behind else text


def _text(cell: Cell) -> str:
    if isinstance(cell, Styled):
        return cell.text
    return "" if isinstance(cell, Share) else cell
