"""A chart as a picture in SVG: as wide as its place, in the colours of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape

from analytics_es.presentation import words
from analytics_es.presentation.charts import palette
from analytics_es.presentation.charts.axis import LABELS, Scale, scale, short, step_of
from analytics_es.presentation.charts.chart import Chart, Figure, Level

HEIGHT, TOP, PLOT = 240, 10, 200  # pixels: of all of it, above the plot, and of the plot
SIDE = 52  # pixels on the left, for the figures at the side
WIDE = 1_000  # units across the plot, whatever its width on a screen
NOTED = 4  # pixels below the plot, for what marks a bucket of which something is to be said
MOST_TOLD = 100  # buckets that tell their figures to a mouse: of more, each is thin, and half a file would be that
_NARROW = 4  # buckets that are named where there is little room


def picture(chart: Chart) -> str:
    """Return a chart as an element of a page, which gives it its colours: static/page.css."""
    attributes = f'class="picture" width="100%" height="{HEIGHT}" role="img" aria-label="{_text(chart.title)}"'
    return f"<svg {attributes}>{''.join(_drawn(chart))}</svg>"


def bar_width(buckets: int) -> float:
    """Return how much of its bucket a bar takes: of a few, less, or they would be boards."""
    return min(0.9, 0.3 + 0.1 * buckets)


def told(chart: Chart, place: int) -> list[str]:
    """Return what is to be said of a bucket: its figures, and the note."""
    lines = [f"{words.safe(row.name)}: {row.texts[place]}" for row in chart.told(place)]
    return [*(lines or [words.UNKNOWN]), *filter(None, [words.safe(chart.notes[place]) if chart.notes else ""])]


def _text(text: str) -> str:
    return escape(words.safe(text))


def _drawn(chart: Chart) -> Iterator[str]:
    side = scale(chart)
    for tick in side.ticks:
        y = _y(side, tick.figure)
        yield f'<line class="{"grid" if tick.figure else "base"}" x2="100%" y1="{y}" y2="{y}"/>'
        yield f'<text class="side" x="-8" y="{y}" dy="4">{escape(tick.text)}</text>'
    box = f'viewBox="0 0 {WIDE} {PLOT + NOTED}" preserveAspectRatio="none"'
    plot = "".join((*_plotted(chart, side), *_buckets(chart)))
    yield f'<svg y="{TOP}" width="100%" height="{PLOT + NOTED}" {box}>{plot}</svg>'
    yield from (_across(level, side) for level in chart.levels)
    yield from _below(chart)


def _plotted(chart: Chart, side: Scale) -> Iterator[str]:
    draw = _bars if chart.kind == "bars" else _lines
    for place, path in enumerate(draw(chart, side)):
        if path:
            yield f'<path class="{"stack" if chart.kind == "bars" else "course"} {palette.colour(place)}" d="{path}"/>'
    if chart.kind == "lines":
        yield from _dots(chart, side)


def _bars(chart: Chart, side: Scale) -> Iterator[str]:
    """Yield the bars of each series, each on those of the series before, or below where something was given back."""
    pitch = WIDE / max(1, len(chart.starts))
    wide = pitch * bar_width(len(chart.starts))
    reached: dict[tuple[int, bool], Decimal] = {}
    for row in chart.series:
        path = ""
        for place, figure in enumerate(row.figures):
            if figure:
                ends = (place, figure > 0)
                start = reached.get(ends, Decimal(0))
                reached[ends] = start + Decimal(figure)
                x = place * pitch + (pitch - wide) / 2
                y, foot = _y(side, reached[ends], 0), _y(side, start, 0)
                path += f"M{_short(x)} {y}h{_short(wide)}V{foot}h-{_short(wide)}z"
        yield path


def _lines(chart: Chart, side: Scale) -> Iterator[str]:
    """Yield the line of each series; where a figure is missing there is none."""
    for row in chart.series:
        path, before = "", None
        for place, figure in enumerate(row.figures):
            if figure is not None:
                path += f"{'M' if before is None else 'L'}{_point(chart, side, place, figure)}"
            before = figure
        yield path


def _dots(chart: Chart, side: Scale) -> Iterator[str]:
    """Yield a dot for each figure that has none beside it, and so no line: a line of no length has round ends."""
    for number, row in enumerate(chart.series):
        path = "".join(f"M{_point(chart, side, place, row.figures[place])}h0" for place in alone(row.figures))
        if path:
            yield f'<path class="course lonely {palette.colour(number)}" d="{path}"/>'


def alone(figures: Sequence[Figure | None]) -> list[int]:
    """Return the places of figures that have none beside them."""
    around = [None, *figures, None]
    beside = zip(around, figures, around[2:], strict=False)
    return [place for place, (a, figure, b) in enumerate(beside) if figure is not None and a is None and b is None]


def _point(chart: Chart, side: Scale, place: int, figure: Figure | None) -> str:
    return f"{_short((place + 0.5) * WIDE / len(chart.starts))} {_y(side, figure or 0, 0)}"


def _buckets(chart: Chart) -> Iterator[str]:
    """Yield what tells the figures of a bucket where a mouse is over it, and what marks those that have a note."""
    pitch = WIDE / max(1, len(chart.starts))
    for place, label in enumerate(chart.labels):
        x, wide = _short(place * pitch), _short(pitch)
        if chart.notes and chart.notes[place]:
            yield f'<rect class="noted" x="{x}" y="{PLOT + 1}" width="{wide}" height="{NOTED - 1}"/>'
        if len(chart.labels) > MOST_TOLD:
            continue
        text = "\n".join(_text(line) for line in [label, *told(chart, place)])
        yield f'<rect class="bucket" x="{x}" width="{wide}" height="{PLOT + NOTED}"><title>{text}</title></rect>'


def _across(level: Level, side: Scale) -> str:
    y = _y(side, level.figure)
    text = f'<text class="above" x="100%" y="{y}" dy="-5">{_text(f"{level.name} {level.text}")}</text>'
    return f'<line class="level" x2="100%" y1="{y}" y2="{y}"/>{text}'


def _below(chart: Chart) -> Iterator[str]:
    """Yield the names of some buckets; where there is little room, the page shows every other one."""
    often, number = step_of(len(chart.labels)), len(chart.labels)
    seldom = often * max(1, -(-step_of(number, _NARROW) // often))
    for place, label in enumerate(short(chart.starts, chart.labels)):
        if place % often == 0:
            at_edge = place == number - 1 and number > LABELS
            x = 100 * (place + (1 if at_edge else 0.5)) / number
            classes = f"{'last' if at_edge else 'below'}{'' if place % seldom == 0 else ' seldom'}"
            yield f'<text class="{classes}" x="{_short(x)}%" y="{HEIGHT - 8}">{_text(label)}</text>'


def _y(side: Scale, figure: Figure, top: int = TOP) -> str:
    return _short(top + PLOT * (1 - side.height(figure)))


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
