"""Blocks as lines of characters: which columns fit, how wide they are, where a text is broken."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from attrs import frozen
from rich.cells import cell_len, chop_cells

from analytics_es.cli.display.blocks import Block, Cell, Columns, Grid, Line, Share, Styled
from analytics_es.cli.display.words import safe

BAR = 16
NARROWEST = 12  # a column of names; longer ones are folded where they must be
BETWEEN = " · "
GAP = INDENT = 2
_EIGHTHS = " ▏▎▍▌▋▊▉"

Row = Sequence[Styled]


@frozen
class Room:
    """What there is to print on: `width` characters (None: as many as it takes), with bars or without."""

    width: int | None
    bars: bool
    blocks: bool = True  # block characters can be shown


def lines(block: Block, room: Room) -> Iterator[Row]:
    """Return the lines of a block."""
    if isinstance(block, Line):
        if room.bars or not block.terminal_only:
            yield from ([Styled(line, block.style)] for line in _folded(block.text, room))
    elif isinstance(block, Grid):
        yield from _table(block, room)
    else:
        yield from _beside(list(_table(block.left, room)), list(_table(block.right, room)), room)


def _beside(left: list[Row], right: list[Row], room: Room) -> Iterator[Row]:
    middle, widest = (max(map(_length, rows), default=0) for rows in (left, right))
    middle += GAP
    if not room.bars or not left or room.width is None or middle + widest > room.width:
        yield from left
        yield from right
        return
    nothing: Row = []
    for one, other in zip_longest(left, right, fillvalue=nothing):
        yield [*one, Styled(" " * (middle - _length(one))), *other]


def _length(row: Row) -> int:
    return sum(cell_len(part.text) for part in row)


def plain(row: Row) -> str:
    """Return a line without what makes it stand out."""
    return "".join(part.text for part in row).rstrip()


def _table(grid: Grid[Any], room: Room) -> Iterator[Row]:
    """Return the lines of a table, an empty one at its end; nothing for one that says nothing."""
    if not grid.rows and not grid.remark:
        return
    if grid.title:
        yield [Styled(safe(grid.title), "bold")]
    if grid.rows:
        yield from _rows(grid, room)
    if grid.remark:
        for line in _folded(grid.remark, room, INDENT):
            yield [Styled(" " * INDENT), Styled(line, "dim")]
    yield []


def _rows(grid: Grid[Any], room: Room) -> Iterator[Row]:
    header = [Styled(column.title, "dim") for column in grid.columns]
    rows = [header, *([_cell(column.cell(row), room) for column in grid.columns] for row in grid.rows)]
    widths = [max(cell_len(row[i].text) for row in rows) for i in range(len(header))]
    fitting = _fitting(grid.columns, widths, room)
    _narrow(grid.columns, widths, fitting, room)
    for row in rows:
        parts = [chop_cells(row[i].text, widths[i]) if row[i].text else [""] for i in fitting]
        for line in range(max(map(len, parts))):
            texts = [part[line] if line < len(part) else "" for part in parts]
            padded = [_pad(text, widths[i], grid.columns[i].right) for i, text in zip(fitting, texts, strict=True)]
            yield [
                Styled(" " * (GAP if place else INDENT) + text, row[i].style)
                for place, (i, text) in enumerate(zip(fitting, padded, strict=True))
            ]


def _fitting(columns: Columns[Any], widths: Sequence[int], room: Room) -> list[int]:
    """Return which columns there is room for."""
    fitting = [i for i, column in enumerate(columns) if room.bars or not column.bar]
    while _excess(widths, fitting, room) > 0:
        droppable = [i for i in fitting if columns[i].drop]
        if not droppable:
            break
        fitting.remove(max(droppable, key=lambda i: columns[i].drop))
    return fitting


def _narrow(columns: Columns[Any], widths: list[int], fitting: Sequence[int], room: Room) -> None:
    """Take from the widest names what is too much; rather too wide a line than half a number."""
    for i in sorted(fitting, key=lambda i: -widths[i]):
        if not columns[i].right and not columns[i].bar:
            widths[i] -= max(0, min(_excess(widths, fitting, room), widths[i] - NARROWEST))


def _excess(widths: Sequence[int], fitting: Sequence[int], room: Room) -> int:
    return 0 if room.width is None else INDENT + sum(widths[i] + GAP for i in fitting) - GAP - room.width


def _cell(cell: Cell, room: Room) -> Styled:
    if isinstance(cell, Share):
        return Styled(bar(cell.part or 0.0, blocks=room.blocks), cell.style)
    return Styled(safe(cell.text), cell.style) if isinstance(cell, Styled) else Styled(safe(cell))


def _pad(text: str, width: int, right: bool) -> str:
    padding = " " * (width - cell_len(text))
    return padding + text if right else text + padding


def bar(part: float, *, blocks: bool = True) -> str:
    """Return a bar for a part of 1, to an eighth of a character; something is never shown as nothing."""
    eighths = min(max(round(part * BAR * 8), 1 if part > 0 else 0), BAR * 8)
    if not blocks:
        return "#" * -(-eighths // 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _folded(text: str, room: Room, indent: int = 0) -> list[str]:
    """Break a text where it is too long: between two things of a list, else between two words."""
    if room.width is None:
        return [safe(text)]
    lines = [""]
    for item in safe(text).split(BETWEEN):
        longer = f"{lines[-1]}{BETWEEN}{item}" if lines[-1] else item
        if cell_len(longer) + indent <= room.width:
            lines[-1] = longer
        else:
            lines += textwrap.wrap(item, room.width - indent, break_long_words=False)
    return lines if lines[0] or len(lines) == 1 else lines[1:]
