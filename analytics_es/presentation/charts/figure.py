"""A chart as a figure of Plotly: as data for a page, whose script gives it colours, and as an object in notebooks."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from html import escape
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytics_es.errors import MissingExtra
from analytics_es.presentation import words
from analytics_es.presentation.charts import palette
from analytics_es.presentation.charts.axis import LABELS, Scale, scale, short
from analytics_es.presentation.charts.chart import Chart, Level, Series
from analytics_es.presentation.charts.svg import HEIGHT, NOTED, PLOT, SIDE, TOP, alone, bar_width

if TYPE_CHECKING:
    import plotly.graph_objects

_CLEAR = "rgba(0,0,0,0)"
_BLOCK = PLOT + 110  # pixels from one of several charts to the next: its title, its buckets and its legend
_NOTEBOOK = {**palette.COLOURS, "soft": "#7d8590", "line": "rgba(125,133,144,0.25)", "panel": "rgba(0,0,0,0)"}
_STYLE_OF_MAPS = re.compile(rb"(?<=\.textContent=')\.maplibregl-map\{(?:[^'\\]|\\.)*(?=')")
_VARIABLE = re.compile(r"var\(--(\w+)\)")


def data(chart: Chart) -> dict[str, Any]:
    """Return a chart as Plotly has it, `data` and `layout`, with colours as the page names them: var(--c1)."""
    names = short(chart.starts, chart.labels)
    traces = [_trace(chart, row, place, names) for place, row in enumerate(chart.series)]
    said = [chart.notes[place] if chart.notes else "" for place in range(len(names))]
    if any(said):
        traces.append(_notes(said, names))
    return {"data": traces, "layout": _layout(chart, names)}


def figure(charts: Sequence[Chart]) -> plotly.graph_objects.Figure:
    """Return charts below one another as one figure for a notebook; raises MissingExtra where Plotly is missing."""
    whole: dict[str, Any] = {"data": [], "layout": {}}
    for place, chart in enumerate(charts):
        _put(whole, data(chart), chart, place, len(charts))
    return made(whole)


def made(whole: dict[str, Any]) -> plotly.graph_objects.Figure:
    """Return `data` and `layout` as a figure for a notebook, in colours; raises MissingExtra."""
    try:
        import plotly.graph_objects as plotly_objects
    except ModuleNotFoundError as error:
        raise MissingExtra(package=str(error.name).partition(".")[0], extra="page") from None
    _await_imports()
    return plotly_objects.Figure(_coloured(whole))


@cache
def plotly_script() -> bytes:
    """Return the script of Plotly, which its package brings; raises MissingExtra.

    The style of its maps is left out: nothing here is one, and a page whose policy allows no style but its own would
    tell of it in the console of each reader.
    """
    package = find_spec("plotly")
    if package is None or package.origin is None:
        raise MissingExtra(package="plotly", extra="page")
    script = (Path(package.origin).parent / "package_data" / "plotly.min.js").read_bytes()
    return _STYLE_OF_MAPS.sub(b"", script, count=1)


def _await_imports() -> None:
    """Wait for a thread that imports what Plotly looks for among what is imported: it takes a half of it for the whole.

    Threads of ours import numpy, when pyarrow does; so it is imported here, if it is there. pandas is the user's.
    """
    for name in ("numpy", *{"pandas"}.intersection(sys.modules)):
        with suppress(Exception):  # not there, or broken: Plotly does without
            import_module(name)


def _trace(chart: Chart, row: Series, place: int, names: Sequence[str]) -> dict[str, Any]:
    colour = f"var(--{palette.colour(place)})"
    figures = [
        float(figure) if figure is not None and row in chart.told(at) else None for at, figure in enumerate(row.figures)
    ]
    trace: dict[str, Any] = {
        "name": _plain(row.name),
        "x": names,
        "y": figures,
        "customdata": [_plain(text) for text in row.texts],
        "hovertemplate": "%{customdata}",
    }
    if chart.kind == "bars":
        return {**trace, "type": "bar", "marker": {"color": colour, "line": {"width": 0}}}
    lonely = set(alone(row.figures))
    sizes = [5 if number in lonely else 0 for number in range(len(figures))]
    return {
        **trace,
        "type": "scatter",
        "mode": "lines+markers",
        "connectgaps": False,
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": sizes, "opacity": 1},
    }


def _notes(said: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Return what tells more of a bucket; it is marked below the plot, by a shape."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "",
        "x": [name for name, note in zip(names, said, strict=True) if note],
        "y": [0 for note in said if note],
        "customdata": [_plain(note) for note in said if note],
        "hovertemplate": "%{customdata}",
        "marker": {"color": "var(--warn)", "size": 1, "opacity": 0},
        "showlegend": False,
    }


def _layout(chart: Chart, names: Sequence[str]) -> dict[str, Any]:
    side = scale(chart)
    return {
        "height": HEIGHT,
        "margin": {"l": SIDE, "r": 0, "t": TOP, "b": HEIGHT - TOP - PLOT, "pad": 0},
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "font": {"size": 11, "color": "var(--soft)"},
        "showlegend": False,
        "barmode": "relative",
        "bargap": round(1 - bar_width(len(names)), 3),
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "var(--panel)", "bordercolor": "var(--line)", "namelength": 40}
        | {"font": {"color": "var(--ink)", "size": 12}},
        "dragmode": "zoom",
        "xaxis": _below(chart, names),
        "yaxis": _beside(side),
        "shapes": [
            *(_across(float(tick.figure), "line" if tick.figure else "soft") for tick in side.ticks),
            *(_mark(place) for place, note in enumerate(chart.notes) if note),
            *(_across(float(level.figure), "warn", "5px 4px") for level in chart.levels),
        ],
        "annotations": [_name(level) for level in chart.levels],
    }


def _below(chart: Chart, names: Sequence[str]) -> dict[str, Any]:
    """Return the axis of buckets."""
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": names,
        "range": [-0.5, len(names) - 0.5],
        "nticks": LABELS,
        "tickangle": 0,
        "showgrid": False,
        "zeroline": False,
        "ticklabelstandoff": 10,
        "showspikes": chart.kind == "lines",
        "spikemode": "across",
        "spikecolor": "var(--soft)",
        "spikethickness": -1,  # of one colour
        "spikedash": "solid",
    }


def _beside(side: Scale) -> dict[str, Any]:
    """Return the axis of figures."""
    return {
        "range": [float(side.low), float(side.high)],
        "fixedrange": True,  # its figures at the side are those of the whole
        "tickvals": [float(tick.figure) for tick in side.ticks],
        "ticktext": [tick.text for tick in side.ticks],
        "showgrid": False,  # drawn as lines, those at the edges, too
        "zeroline": False,
        "ticklabelstandoff": 7,
    }


def _across(figure: float, colour: str, dash: str = "solid") -> dict[str, Any]:
    """Return a line across the plot; those at the side lie below bars."""
    line = {"color": f"var(--{colour})", "width": 1, "dash": dash}
    layer = "below" if colour == "line" else "above"
    place = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": figure, "y1": figure}
    return {"type": "line", "layer": layer, **place, "line": line}


def _mark(place: int) -> dict[str, Any]:
    below = {"ysizemode": "pixel", "yref": "paper", "yanchor": 0, "y0": -NOTED, "y1": -1}
    across = {"xref": "x", "x0": place - 0.5, "x1": place + 0.5}
    return {"type": "rect", **across, **below, "fillcolor": "var(--warn)", "line": {"width": 0}}


def _name(level: Level) -> dict[str, Any]:
    text = _plain(f"{level.name} {level.text}")
    place = {"xref": "paper", "x": 1, "xanchor": "right", "yref": "y", "y": float(level.figure), "yanchor": "bottom"}
    return {**place, "text": text, "showarrow": False, "borderpad": 1}


def _put(whole: dict[str, Any], part: dict[str, Any], chart: Chart, place: int, number: int) -> None:
    """Put a chart below those that are there, with its title above it and its legend below."""
    axis = "" if place == 0 else str(place + 1)
    height = (number - 1) * _BLOCK + PLOT
    domain = [1 - (place * _BLOCK + PLOT) / height, 1 - place * _BLOCK / height]
    layout, several = part["layout"], len(chart.series) > 1
    for trace in part["data"]:
        own = {"legend": f"legend{axis}", "showlegend": several and trace.get("showlegend", True)}
        whole["data"].append({**trace, **own, "xaxis": f"x{axis}", "yaxis": f"y{axis}"})
    marked = f" (marked below: {chart.noted})" if any(chart.notes) else ""
    above = {"text": _plain(chart.title + marked), "xref": "paper", "x": 0, "xanchor": "left", "showarrow": False}
    above |= {"yref": "paper", "y": domain[1], "yanchor": "bottom", "yshift": 8, "font": {"size": 13}}
    legend = {"orientation": "h", "x": 0, "y": domain[0] - 26 / height, "yanchor": "top", "bgcolor": _CLEAR}
    before = whole["layout"]
    whole["layout"] = {
        **before,
        **{name: layout[name] for name in layout if name not in ("xaxis", "yaxis", "shapes", "annotations")},
        "height": height + 120,
        "margin": {"l": SIDE + 8, "r": 16, "t": 44, "b": 76},
        "showlegend": True,
        "template": {},
        "modebar": {"bgcolor": _CLEAR, "color": "var(--soft)", "activecolor": "var(--c1)"},
        f"xaxis{axis}": {**layout["xaxis"], "anchor": f"y{axis}"},
        f"yaxis{axis}": {**layout["yaxis"], "anchor": f"x{axis}", "domain": domain},
        f"legend{axis}": legend,
        "shapes": [*before.get("shapes", []), *(_on(shape, axis) for shape in layout["shapes"])],
        "annotations": [*before.get("annotations", []), *(_on(name, axis) for name in layout["annotations"]), above],
    }


def _on(drawn: dict[str, Any], axis: str) -> dict[str, Any]:
    """Return what is drawn on the axes of one of several charts."""
    x, y = (drawn["xref"], drawn["yref"])
    return {**drawn, "xref": x if x == "paper" else f"x{axis}", "yref": f"y{axis}{' domain' if y == 'paper' else ''}"}


def _coloured(part: Any, of: str = "") -> Any:
    """Return a part with colours in the place of their names: ones that can be read in the light and in the dark.

    What is no colour by the place that it is `of` stays: a model may be called as one is.
    """
    if isinstance(part, dict):
        return {name: _coloured(inner, name) for name, inner in part.items()}
    if isinstance(part, list):
        return [_coloured(inner, of) for inner in part]
    named = _VARIABLE.fullmatch(part) if isinstance(part, str) and of.endswith("color") else None
    return _NOTEBOOK[named[1]] if named else part


def _plain(text: str) -> str:
    """Return a text as one of which Plotly takes nothing for markup."""
    return escape(words.safe(text), quote=False)
