"""The metrics that can be asked for → tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from analytics_es.presentation import Beside, Block, Column, Columns, Grid, Line, Link, words
from analytics_es.types import MetricInfo

_COLUMNS: Columns[MetricInfo] = [
    Column(
        "metric", lambda metric: metric.name, link=lambda metric: Link(page="summary", words={"metric": metric.name})
    ),
    Column("kind", lambda metric: metric.kind),
    Column("unit", lambda metric: metric.unit),
]


def metrics(infos: Sequence[MetricInfo]) -> Iterator[Block]:
    """Return a table for each projection, and how many metrics there are."""
    yield from by_projection(infos)
    yield Line(words.plural(len(infos), "metric"), "dim")


def by_projection(infos: Sequence[MetricInfo], columns: Columns[MetricInfo] = _COLUMNS) -> Iterator[Grid[MetricInfo]]:
    """Return a table for each projection, with the keys of its metrics below."""
    for projection in dict.fromkeys(metric.projection for metric in infos):
        own = [metric for metric in infos if metric.projection == projection]
        yield Grid(projection, columns, own, f"keys: {', '.join(map(words.safe, own[0].keys))}")


def beside(grids: Iterable[Grid[MetricInfo]]) -> Iterator[Block]:
    """Return tables in pairs, as they are narrow: the longest first, so that those beside each other end together."""
    rest = sorted(grids, key=lambda grid: -len(grid.rows))
    while len(rest) > 1:
        yield Beside(rest.pop(0), rest.pop(0))
    yield from rest
