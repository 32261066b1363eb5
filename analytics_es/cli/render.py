"""Tables and lines on standard output: with colours and bars on a terminal, plain and aligned anywhere else."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence

from attrs import frozen
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from analytics_es.cli.words import safe

UNLIMITED = 10_000  # columns of a pipe: nothing is wrapped or left out there
BAR = 16
NARROWEST = 12  # a column of names; longer ones are folded where they must be
BETWEEN = " · "
_EIGHTHS = " ▏▎▍▌▋▊▉"


@frozen
class Styled:
    """A cell that stands out on a terminal."""

    text: str
    style: str


@frozen
class Share:
    """A cell that is a bar on a terminal, for a part of 1."""

    part: float | None
    style: str = "cyan"


Cell = str | Styled | Share


@frozen
class Column:
    """A column. Where the terminal is narrow, the highest `drop` goes first; 0 stays. Bars are for terminals only."""

    title: str
    right: bool = False
    drop: int = 0
    bar: bool = False


@frozen
class Grid:
    """A table under a title, with a remark below it."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    remark: str = ""


@frozen
class Line:
    """A line of text, or, without one, an empty line."""

    text: str = ""
    style: str = ""
    terminal_only: bool = False


@frozen
class Beside:
    """Two tables next to each other where they fit, else one after the other."""

    left: Grid
    right: Grid


Block = Grid | Line | Beside


def show(blocks: Iterable[Block]) -> None:
    """Print blocks on standard output."""
    console = make_console()
    width = console.width
    with console.capture() as capture:
        for block in blocks:
            for part in _rendered(console, block):
                # Rather too wide a line than half a number.
                console.width = max(width, _measured(console, part).minimum)
                console.print(part)
                console.width = width
    text = re.sub(r"[ \t]+$", "", capture.get(), flags=re.MULTILINE).rstrip("\n") + "\n"
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def make_console(*, stderr: bool = False) -> Console:
    """Return the console of an output, as wide as the terminal, COLUMNS, or what is printed."""
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
        console.width = UNLIMITED
    console.width = max(console.width, 20)
    return console


def _rendered(console: Console, block: Block) -> list[RenderableType]:
    if isinstance(block, Line):
        return (
            [] if block.terminal_only and not console.is_terminal else [Text(_folded(console, block.text), block.style)]
        )
    if isinstance(block, Grid):
        return [_grid(console, block)]
    left, right = _grid(console, block.left), _grid(console, block.right)
    if not console.is_terminal or _width(console, left) + _width(console, right) + 2 > console.width:
        return [left, right]
    both = Table.grid(padding=(0, 2, 0, 0))
    both.add_row(left, right)
    return [both]


def _grid(console: Console, grid: Grid) -> RenderableType:
    if not grid.rows and not grid.remark:
        return Group()
    parts: list[RenderableType] = [Text(safe(grid.title), "bold")] if grid.title else []
    if grid.rows:
        parts.append(Padding(_fitting(console, grid), (0, 0, 0, 2), expand=False))
    if grid.remark:
        parts.append(Padding(Text(_folded(console, grid.remark, 2), "dim"), (0, 0, 0, 2), expand=False))
    return Group(*parts, Text())


def _folded(console: Console, text: str, indent: int = 0) -> str:
    """Break a list of things between two of them."""
    lines = [""]
    for item in safe(text).split(BETWEEN):
        longer = f"{lines[-1]}{BETWEEN}{item}" if lines[-1] else item
        if lines[-1] and cell_len(longer) + indent > console.width:
            lines.append(item)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _fitting(console: Console, grid: Grid) -> Table:
    """Return the table with as many columns as fit; what cannot be left out is folded."""
    kept = [i for i, column in enumerate(grid.columns) if console.is_terminal or not column.bar]
    while True:
        table = _table(console, grid, kept)
        droppable = [i for i in kept if grid.columns[i].drop]
        if not droppable or _width(console, table) + 2 <= console.width:
            return table
        kept.remove(max(droppable, key=lambda i: grid.columns[i].drop))


def _table(console: Console, grid: Grid, kept: Sequence[int]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for i in kept:
        column = grid.columns[i]
        longest = max(cell_len(text.plain) for text in (Text(column.title), *(_cell(console, r[i]) for r in grid.rows)))
        table.add_column(
            column.title,
            min_width=longest if column.right else min(longest, NARROWEST),
            justify="right" if column.right else "left",
            no_wrap=column.right or column.bar,
            overflow="fold",
        )
    for row in grid.rows:
        table.add_row(*(_cell(console, row[i]) for i in kept))
    return table


def _cell(console: Console, cell: Cell) -> Text:
    if isinstance(cell, Share):
        return Text(bar(cell.part or 0.0, console.encoding), cell.style)
    if isinstance(cell, Styled):
        return Text(safe(cell.text), cell.style)
    return Text(safe(cell))


def bar(part: float, encoding: str = "utf-8") -> str:
    """Return a bar for a part of 1, to an eighth of a character; something is never shown as nothing."""
    eighths = min(max(round(part * BAR * 8), 1 if part > 0 else 0), BAR * 8)
    if not encoding.lower().startswith("utf"):
        return "#" * -(-eighths // 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _width(console: Console, renderable: RenderableType) -> int:
    return _measured(console, renderable).maximum


def _measured(console: Console, renderable: RenderableType) -> Measurement:
    return Measurement.get(console, console.options.update(width=UNLIMITED), renderable)
