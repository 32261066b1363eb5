"""What an answer is told in: tables, lines, and what stands out in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from attrs import Factory, frozen

from analytics_es.presentation.words import UNKNOWN


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
NOTHING = ("", UNKNOWN)  # what a cell says of what it does not know


def _text(cell: str | Styled) -> str:
    return cell.text if isinstance(cell, Styled) else cell


@frozen(kw_only=True)
class Behind:
    """The question that lists the events behind a figure, where it is shown with links.

    metric: such as `cost.cost` or `performance.duration`.
    where: the keys that the figure is narrowed to, beside those of the whole answer.
    start: of a part of the answer's period, such as a bucket of a series; None for all of it.
    end: of that part.
    """

    metric: str
    where: Mapping[str, str] = Factory(dict)
    start: datetime | None = None
    end: datetime | None = None


Words = Mapping[str, str | Sequence[str] | None]  # of a question, as its address has them; None takes a word out


@frozen(kw_only=True)
class Link:
    """A way to another page, or to the same one asked otherwise.

    text: what is shown; of a cell, "" for what stands there.
    page: its name, such as `cost`; "" for the same one.
    words: in which its question differs from this one.
    """

    text: str = ""
    page: str = ""
    words: Words = Factory(dict)


Row = TypeVar("Row")
Shown = TypeVar("Shown", contravariant=True)


@frozen
class Column(Generic[Shown]):
    """A column: its title, and its cell of a row.

    Where there is little room, the highest `drop` goes first; 0 stays. Where no row has anything in it, one that may go
    is left out. A column that `folds` is narrowed before any goes: names of files are as long as they are. Bars are for
    terminals and pages. Where there are links, a cell leads to
    what is `behind` it, or to the page that tells more of what it names (`link`), and a rounded figure has its `exact`
    one beside it.
    """

    title: str
    cell: Callable[[Shown], Cell]
    drop: int = 0
    right: bool = False
    bar: bool = False
    folds: bool = False
    behind: Callable[[Shown], Behind | None] | None = None
    exact: Callable[[Shown], Any] | None = None
    link: Callable[[Shown], Link | None] | None = None


@frozen
class Number(Column[Shown]):
    """A column of figures, which stand below one another from the right."""

    right: bool = True


Columns = Sequence[Column[Row]]


@frozen
class Grid(Generic[Row]):
    """A table under a title, with a remark below it; so many of its last rows are `sums` of those above."""

    title: str
    columns: Columns[Row]
    rows: Sequence[Row]
    remark: str = ""
    sums: int = 0

    @property
    def telling(self) -> Columns[Row]:
        """The columns that tell something: those that stay, and those in which some row has more than a dash."""
        return [column for column in self.columns if not column.drop or self._tells(column)]

    def _tells(self, column: Column[Row]) -> bool:
        cells = (column.cell(row) for row in self.rows)
        return any(cell.part is not None if isinstance(cell, Share) else _text(cell) not in NOTHING for cell in cells)


@frozen
class Line:
    """A line of text, or, without one, an empty line."""

    text: str = ""
    style: str = ""
    terminal_only: bool = False


@frozen
class Beside:
    """Two tables next to each other on a terminal that is wide enough, else one after the other."""

    left: Grid[Any]
    right: Grid[Any]


Block = Grid[Any] | Line | Beside
