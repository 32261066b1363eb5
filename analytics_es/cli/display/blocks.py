"""What an answer is told in: tables, lines, and what stands out in them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen


@frozen
class Styled:
    """A text that stands out on a terminal."""

    text: str
    style: str = ""


@frozen
class Share:
    """A cell that is a bar on a terminal, for a part of 1."""

    part: float | None
    style: str = "cyan"


Cell = str | Styled | Share


@frozen
class Column:
    """A column. Where there is little room, the highest `drop` goes first; 0 stays. Bars are for terminals only."""

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
    """Two tables next to each other on a terminal that is wide enough, else one after the other."""

    left: Grid
    right: Grid


Block = Grid | Line | Beside
