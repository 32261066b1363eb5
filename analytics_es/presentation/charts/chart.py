"""A chart: series of figures over the buckets of a period, as data; `svg` and `figure` draw the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from attrs import Attribute, field, frozen

Figure = Decimal | float | int

MOST = 6  # series that are told apart by colour


def _one_a_bucket(chart: Chart, attribute: Attribute[Any], series: Sequence[Series]) -> None:
    lengths = {len(part) for row in series for part in (row.figures, row.texts)} | {len(chart.labels)}
    if lengths != {len(chart.starts)} or (chart.notes and len(chart.notes) != len(chart.starts)):
        raise ValueError(f"{len(chart.starts)} buckets, but figures, texts or notes of {sorted(lengths)}")
    if len(series) > MOST:
        raise ValueError(f"{len(series)} series: at most {MOST} are told apart")


@frozen(kw_only=True)
class Series:
    """One series: a figure a bucket, None where there is none, and each as people read it.

    of: the names of those that it holds together; none for one that stands for itself.
    """

    name: str
    figures: Sequence[Figure | None]
    texts: Sequence[str]
    of: Sequence[str] = ()


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
    labels: the same as people read it, each another one.
    series: at most six are told apart by colour; more are the last one's, which says so.
    unit: of all figures: ms, share (1 is all), a currency, or what is counted, such as calls.
    levels: lines across.
    notes: what is to be said of a bucket beside its figures, such as calls of unknown cost; "" for nothing.
    noted: what all notes are about.
    """

    title: str
    kind: Literal["bars", "lines"]
    starts: Sequence[datetime]
    labels: Sequence[str]
    series: Sequence[Series] = field(validator=_one_a_bucket)
    unit: str
    levels: Sequence[Level] = ()
    notes: Sequence[str] = ()
    noted: str = ""

    @property
    def unit_name(self) -> str:
        """What its figures are in, as people read it: a duration tells its unit itself, and so does a share."""
        return {"ms": "duration", "share": "share"}.get(self.unit, self.unit)

    def told(self, place: int) -> Sequence[Series]:
        """Return the series that say something of a bucket: of bars those that there are, or all where none is."""
        telling = [row for row in self.series if row.figures[place] is not None]
        return [row for row in telling if row.figures[place]] or telling if self.kind == "bars" else telling
