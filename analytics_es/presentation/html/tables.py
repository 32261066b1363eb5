"""Tables as HTML: figures from the right, what stands out by its class, and each figure with a way to its events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import htpy as h
from markupsafe import escape

from analytics_es.presentation.blocks import Cell, Column, Columns, Grid, Share, Styled
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.pictures import bar
from analytics_es.presentation.html.texts import as_it_is, plain, told
from analytics_es.presentation.words import UNKNOWN

Marks = Mapping[str, int]  # colours of a chart, by what the first cell of a row says
FEW = 3  # columns, of which a table is narrower than the page: who reads a row need not look far
LONG = 12  # characters of a name, beyond which it may go on below: after a dot before anywhere else
NOTHING = (UNKNOWN, "0")  # figures that no event is behind
_JOINTS = re.compile(r"([._/:@])(?=[^\W\d])")
_TIME = re.compile(r"([A-Z][a-z]{2} )?\d{4}-\d\d-\d\d( [\d:.]+)?$")  # which stays on one line
_CLASSES = {"red": "bad", "yellow": "warn", "dim": "soft", "bold": "strong"}


def table(grid: Grid[Any], links: Links | None, *, under: str = "", marks: Marks | None = None) -> h.Node:
    """Return a table; its title is only for who does not see it where it stands `under` the same one."""
    seen = "vh" if grid.title == under else None
    columns = grid.telling
    names = {columns[0].cell(row) for row in grid.rows} if marks else set()
    shared = marks if marks and not names.isdisjoint(marks) else {}
    rows = [_row(columns, row, links, shared) for row in grid.rows]
    upper = len(rows) - grid.sums
    return [
        h.div(".scroll", tabindex="0", role="group", aria_label=plain(grid.title) or "Table")[
            h.table(class_="few" if len(columns) <= FEW else None)[
                grid.title and h.caption(class_=seen)[plain(grid.title)],
                h.thead[h.tr[[_title(column) for column in columns]]],
                h.tbody[as_it_is("".join(rows[:upper]))],
                h.tfoot[as_it_is("".join(rows[upper:]))] if grid.sums else None,
            ]
        ],
        grid.remark and h.p(".remark")[told(grid.remark, links)],
    ]


def style_of(style: str) -> str:
    """Return the class for a style of the terminal; "" for one that only tells things apart there."""
    return next((_CLASSES[word] for word in style.split()[::-1] if word in _CLASSES), "")


def exactly(figure: Any) -> str:
    """Return a figure with all its digits, as a program reads it."""
    if isinstance(figure, datetime):
        return figure.isoformat()
    return format(figure, "f") if isinstance(figure, Decimal) else str(figure)


def _title(column: Column[Any]) -> h.Node:
    if not column.title:
        return h.td(class_="g" if column.bar else None)
    return h.th(scope="col", class_=None if column.right else "t")[plain(column.title)]


def _row(columns: Columns[Any], row: Any, links: Links | None, marks: Marks) -> str:
    """Return a row as text, since a page may have thousands of cells: each is escaped here, one by one."""
    cells = [_cell(column, row, links) for column in columns]
    first = columns[0]
    if not first.right and not first.bar:
        mark = _mark(first.cell(row), marks) if marks else ""
        cells[0] = f'<th scope="row">{mark}{_inside(first, row, links)}</th>'
    return f"<tr>{''.join(cells)}</tr>"


def _mark(cell: Cell, marks: Marks) -> str:
    colour = marks.get(cell) if isinstance(cell, str) else None
    return f'<i class="dot {f"c{colour}" if colour else "o"}"></i>'


def _cell(column: Column[Any], row: Any, links: Links | None) -> str:
    kind = ' class="g"' if column.bar else "" if column.right else ' class="t"'
    return f"<td{kind}>{_inside(column, row, links)}</td>"


def _inside(column: Column[Any], row: Any, links: Links | None) -> str:
    cell = column.cell(row)
    if isinstance(cell, Share):
        return bar(cell.part, over=cell.style == "red")
    text, style = (cell.text, style_of(cell.style)) if isinstance(cell, Styled) else (cell, "")
    shown = str(escape(plain(text)))
    if not column.right and len(text) > LONG:
        shown = f'<span class="nb">{shown}</span>' if _TIME.match(text) else _JOINTS.sub(r"\1<wbr>", shown)
    if column.exact and (exact := column.exact(row)) is not None:
        shown = f'<data value="{escape(exactly(exact))}">{shown}</data>'
    if links and text not in NOTHING and (address := _address(column, row, links)):
        shown = f'<a href="{escape(address)}">{shown}</a>'
    return f'<span class="{style}">{shown}</span>' if style else shown


def _address(column: Column[Any], row: Any, links: Links) -> str:
    """Return where a cell leads: to the events behind it, or to the page that tells more; "" for nowhere."""
    if behind := column.behind(row) if column.behind else None:
        return links.behind(behind)
    link = column.link(row) if column.link else None
    return links.to(link) if link else ""
