"""What a page, a report in a file and a notebook are made of, beside tables and lines: data, drawn by `html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from analytics_es.errors import AnalyticsError
from analytics_es.presentation.blocks import Behind, Beside, Grid, Line
from analytics_es.presentation.blocks import Link as Link
from analytics_es.presentation.blocks import Words as Words
from analytics_es.presentation.charts.chart import Chart


@frozen(kw_only=True)
class Tile:
    """One figure, large, with what it is and a note.

    spark: how it went, one number a bucket; nothing draws none.
    alarm: it is of what is not known, or wrong.
    behind: the events that it counts; or `link`, a page that tells more.
    exact: the figure with all its digits.
    """

    label: str
    figure: str
    note: str = ""
    spark: Sequence[float] = ()
    alarm: bool = False
    behind: Behind | None = None
    link: Link | None = None
    exact: Any = None


@frozen
class Tiles:
    """Tiles beside one another."""

    tiles: Sequence[Tile]


@frozen(kw_only=True)
class Meter:
    """How much of something is used, as a bar under its name.

    part: 1 is all of it; None where that is not known.
    over: there is less than nothing left.
    """

    name: str
    figure: str
    part: float | None
    note: str = ""
    over: bool = False
    link: Link | None = None


@frozen
class Meters:
    """Meters below one another."""

    meters: Sequence[Meter]


@frozen(kw_only=True)
class Choice:
    """A word of the question that is chosen from a list, or typed where there are no `options`.

    options: by what the address says, what is shown.
    chosen: what the address says now; of a choice of several, all of it.
    """

    name: str
    label: str
    options: Mapping[str, str] = {}
    chosen: Sequence[str] = ()
    several: bool = False
    hint: str = ""


@frozen
class Choices:
    """A form that asks the same page again; the rest of its question stays."""

    choices: Sequence[Choice]


@frozen(kw_only=True)
class Step:
    """What to do next: a sentence, and the command or code that does it."""

    text: str
    code: str = ""


@frozen
class Steps:
    """What to do next, in order."""

    steps: Sequence[Step]


@frozen
class Ways:
    """Ways to other pages, or to the same one asked otherwise, on one line."""

    links: Sequence[Link]


@frozen
class Code:
    """A text as it is stored."""

    text: str


@frozen(kw_only=True)
class Section:
    """Parts under a title.

    answer: which answer of the page it shows: that is what its .json, .csv and .arrow have; "" where it has none.
    table: which table of that answer, in .csv and .arrow; "" for the main one.
    more: where there is more of it.
    """

    title: str
    parts: Sequence[Part]
    answer: str = ""
    table: str = ""
    more: Link | None = None


@frozen(kw_only=True)
class Pair:
    """Two sections beside one another where there is room, the first of them wider."""

    left: Section
    right: Section


Part = Tiles | Meters | Choices | Steps | Ways | Code | Section | Pair | Chart | Grid[Any] | Line | Beside


@frozen(kw_only=True)
class Page:
    """A page: its parts, and the answers that it shows, by name, the main one first.

    sub: below the title: which period, in which zone, against what.
    foot: what it stands on: position, lag, what is not known.
    failure: why there is no main answer: that is what programs are told, while the page says what it can.
    """

    name: str
    title: str
    sub: str = ""
    parts: Sequence[Part]
    answers: Mapping[str, Any]
    foot: Sequence[str] = ()
    failure: AnalyticsError | None = None
