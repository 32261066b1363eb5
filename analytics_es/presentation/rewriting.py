"""Blocks with other texts in their places, whatever they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve

from analytics_es.presentation import Beside, Block, Cell, Column, Grid, Line, Share, Styled

Rewrite = Callable[[str], str]


def texts(block: Block) -> Iterator[str]:
    """Return every text of a block."""
    if isinstance(block, Line):
        yield block.text
    elif isinstance(block, Beside):
        yield from (*texts(block.left), *texts(block.right))
    else:
        yield from (block.title, block.remark)
        cells = (column.cell(row) for column in block.columns for row in block.rows)
        yield from (cell.text if isinstance(cell, Styled) else cell for cell in cells if not isinstance(cell, Share))


def rewritten(block: Block, rewrite: Rewrite) -> Block:
    """Return a block with each of its texts as it is to be."""
    if isinstance(block, Line):
        return evolve(block, text=rewrite(block.text))
    if isinstance(block, Beside):
        return Beside(_grid(block.left, rewrite), _grid(block.right, rewrite))
    return _grid(block, rewrite)


def _grid(grid: Grid[Any], rewrite: Rewrite) -> Grid[Any]:
    columns = [_column(column, rewrite) for column in grid.columns]
    return evolve(grid, title=rewrite(grid.title), remark=rewrite(grid.remark), columns=columns)


def _column(column: Column[Any], rewrite: Rewrite) -> Column[Any]:
    def cell(row: Any) -> Cell:
        shown = column.cell(row)
        if isinstance(shown, Share):
            return shown
        return evolve(shown, text=rewrite(shown.text)) if isinstance(shown, Styled) else rewrite(shown)

    return evolve(column, cell=cell)
