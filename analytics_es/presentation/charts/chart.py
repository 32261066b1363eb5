"""A chart: series of figures over the buckets of a period, as data; `svg` and `figure` draw the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from attrs import frozen


@frozen(kw_only=True)
class Series:
    """One series: a figure a bucket, None where there is none, and each as people read it."""

    name: str
    figures: Sequence[Decimal | float | int | None]
    texts: Sequence[str]


@frozen(kw_only=True)
class Level:
    """A line across a chart, such as what is allocated to a budget."""

    name: str
    figure: Decimal | float
    text: str


@frozen(kw_only=True)
class Chart:
    """What is drawn: bars on one another, or lines.

    title: what it shows, in a sentence for who does not see it.
    kind: how.
    starts: where each bucket begins, in the zone that is shown.
    labels: the same as people read it.
    series: at most six are told apart by colour; more are the last one's, which says so.
    unit: of all figures, such as USD, ms, calls.
    levels: lines across.
    """

    title: str
    kind: Literal["bars", "lines"]
    starts: Sequence[datetime]
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str
    levels: Sequence[Level] = ()
