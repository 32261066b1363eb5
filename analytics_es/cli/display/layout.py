"""Blocks as lines of characters: which columns fit, how wide they are, where a text is broken."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from attrs import define, frozen
from rich.cells import cell_len, chop_cells

from analytics_es.presentation import Block, Cell, Column, Grid, Line, Share, Styled
from analytics_es.presentation.words import plural, safe

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
    elsewhere: str = ""  # where what has no room can be had, too


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
    for row, beside in zip_longest(left, right, fillvalue=nothing):
        yield [*row, Styled(" " * (middle - _length(row))), *beside]


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
    columns = [_Filled.of(column, grid, room) for column in grid.telling if room.bars or not column.bar]
    needed = (room.width or 0) + _excess(columns, room)
    shown = _fitting(columns, room)
    if grid.rows:
        yield from _rows(shown)
    without = _without(columns, shown, needed, room) if grid.rows else ""
    for remark in filter(None, (grid.remark, without)):
        for line in _folded(remark, room, INDENT):
            yield [Styled(" " * INDENT), Styled(line, "dim")]
    yield []


@define(eq=False)
class _Filled:
    """A column with its cells, the title first, and how many characters wide it is."""

    column: Column[Any]
    cells: list[Styled]
    width: int

    @classmethod
    def of(cls, column: Column[Any], grid: Grid[Any], room: Room) -> _Filled:
        cells = [Styled(column.title, "dim"), *(_cell(column.cell(row), room) for row in grid.rows)]
        return cls(column, cells, max(cell_len(cell.text) for cell in cells))

    def fold(self, text: str) -> list[str]:
        """Break a text between two words, and a word that is longer than the column where it ends."""
        if cell_len(text) <= self.width:
            return [text]
        folded = [""]
        for word in text.split(" "):
            longer = f"{folded[-1]} {word}" if folded[-1] else word
            if cell_len(longer) <= self.width:
                folded[-1] = longer
            else:
                folded += chop_cells(word, self.width)
        return list(filter(None, folded))

    def pad(self, text: str) -> str:
        padding = " " * (self.width - cell_len(text))
        return padding + text if self.column.right else text + padding


def _rows(shown: Sequence[_Filled]) -> Iterator[Row]:
    for row in zip(*(filled.cells for filled in shown), strict=True):
        parts = [filled.fold(cell.text) for filled, cell in zip(shown, row, strict=True)]
        for texts in zip_longest(*parts, fillvalue=""):
            padded = [filled.pad(text) for filled, text in zip(shown, texts, strict=True)]
            yield [
                Styled(" " * (GAP if place else INDENT) + text, cell.style)
                for place, (text, cell) in enumerate(zip(padded, row, strict=True))
            ]


def _without(columns: Sequence[_Filled], shown: Sequence[_Filled], needed: int, room: Room) -> str:
    """Say how many columns there is no room for; a bar repeats what stands beside it."""
    dropped = [filled for filled in columns if filled not in shown and not filled.column.bar]
    return f"{plural(len(dropped), 'column')} more at {needed} characters{room.elsewhere}" if dropped else ""


def _fitting(columns: Sequence[_Filled], room: Room) -> list[_Filled]:
    """Return the columns there is room for; the widest names are narrowed, rather than half a number shown."""
    shown = list(columns)
    spare = sum(max(0, filled.width - NARROWEST) for filled in columns if filled.column.folds)
    while _excess(shown, room) > spare and (droppable := [filled for filled in shown if filled.column.drop]):
        shown.remove(max(droppable, key=lambda filled: filled.column.drop))
    names = [filled for filled in shown if not filled.column.right and not filled.column.bar]
    while _excess(shown, room) > 0 and names:
        widest = max(names, key=lambda filled: filled.width)
        if widest.width <= NARROWEST:
            break
        widest.width -= 1
    return shown


def _excess(shown: Sequence[_Filled], room: Room) -> int:
    return 0 if room.width is None else INDENT + sum(filled.width + GAP for filled in shown) - GAP - room.width


def _cell(cell: Cell, room: Room) -> Styled:
    if isinstance(cell, Share):
        return Styled(bar(cell.part or 0.0, blocks=room.blocks), cell.style)
    return Styled(safe(cell.text), cell.style) if isinstance(cell, Styled) else Styled(safe(cell))


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
    for part in safe(text).split(BETWEEN):
        longer = f"{lines[-1]}{BETWEEN}{part}" if lines[-1] else part
        if cell_len(longer) + indent <= room.width:
            lines[-1] = longer
        else:
            lines += textwrap.wrap(part, room.width - indent, break_long_words=False)
    return lines if lines[0] or len(lines) == 1 else lines[1:]
