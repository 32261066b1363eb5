"""A chart as a figure of Plotly: the same figures, heights, texts and colours as its picture."""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given

from analytics_es.errors import MissingExtra
from analytics_es.presentation.charts import axis, figure, palette, svg
from analytics_es.presentation.charts.chart import Chart, Level
from analytics_es.presentation.html.style import stylesheet
from tests.children import ran
from tests.presentation.charts import examples
from tests.presentation.charts.examples import chart, charts, series


def texts(part: Any) -> Iterator[str]:
    """Yield every text of a figure."""
    if isinstance(part, dict):
        for inner in part.values():
            yield from texts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from texts(inner)
    elif isinstance(part, str):
        yield part


@given(drawn=charts())
def test_a_figure_holds_what_the_chart_holds(drawn: Chart) -> None:
    traces = figure.data(drawn)["data"]

    assert [trace["name"] for trace in traces] == [row.name for row in drawn.series]
    assert [trace["customdata"] for trace in traces] == [list(row.texts) for row in drawn.series]
    for trace, row in zip(traces, drawn.series, strict=True):
        shown = [None if number is None else float(number) for number in row.figures]
        silent = [place for place, number in enumerate(trace["y"]) if number is None and shown[place] is not None]
        assert [number for place, number in enumerate(trace["y"]) if place not in silent] == [
            number for place, number in enumerate(shown) if place not in silent
        ]
        assert {shown[place] for place in silent} <= {0.0}  # of no height, where others have one


@given(drawn=charts())
def test_a_figure_is_as_high_as_its_picture(drawn: Chart) -> None:
    layout, side = figure.data(drawn)["layout"], axis.scale(drawn)

    assert layout["height"] == svg.HEIGHT
    assert layout["height"] - layout["margin"]["t"] - layout["margin"]["b"] == svg.PLOT
    assert layout["yaxis"]["range"] == [float(side.low), float(side.high)]
    assert layout["yaxis"]["ticktext"] == [tick.text for tick in side.ticks]
    assert layout["xaxis"]["categoryarray"] == axis.short(drawn.starts, drawn.labels)
    assert layout["bargap"] == pytest.approx(1 - svg.bar_width(len(drawn.starts)), abs=0.001)


def test_gaps_stay_gaps_and_a_figure_by_itself_is_seen() -> None:
    [trace] = figure.data(chart([1, None, 3, 4, None, 5], kind="lines"))["data"]

    assert trace["y"] == [1, None, 3, 4, None, 5]
    assert trace["connectgaps"] is False
    assert trace["marker"]["size"] == [5, 0, 0, 0, 0, 5]


def test_levels_and_notes_are_there() -> None:
    drawn = chart([1, 2], levels=[Level(name="allocated", figure=4, text="4 USD")], notes=["", "2 calls"])
    made = figure.data(drawn)

    assert made["layout"]["annotations"][0]["text"] == "allocated 4 USD"
    assert made["data"][-1]["customdata"] == ["2 calls"]
    assert [shape["x0"] for shape in made["layout"]["shapes"] if shape["type"] == "rect"] == [0.5]


def test_hostile_names_are_no_markup_of_plotly() -> None:
    made = list(texts(figure.data(examples.hostile())))

    assert [text for text in made if "<" in text or not text.isprintable()] == []


def test_colours_are_those_of_the_page() -> None:
    light = dict(re.findall(r"--(\w+):light-dark\((#\w+),", stylesheet()))
    named = {name[6:-1] for name in texts(figure.data(chart(kind="lines"))) if name.startswith("var(")}

    assert {name: light[name] for name in palette.COLOURS} == palette.COLOURS
    assert named <= palette.COLOURS.keys()


# ── in a notebook ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_notebook_has_the_figure_with_its_colours() -> None:
    drawn = figure.figure([chart()])

    assert type(drawn).__name__ == "Figure"
    assert [trace.name for trace in drawn.data] == ["model-0", "model-1"]
    assert drawn.data[0].marker.color == palette.COLOURS["c1"]
    assert "var(" not in drawn.to_json()
    assert drawn.layout.showlegend


def test_several_charts_stand_below_one_another_each_on_its_own_scale() -> None:
    drawn = figure.figure([chart([1, 2]), chart([30, 40], unit="EUR", levels=[Level(name="a", figure=50, text="€")])])

    assert [trace.yaxis for trace in drawn.data] == ["y", "y2"]
    assert drawn.layout.yaxis.domain[0] > drawn.layout.yaxis2.domain[1]
    assert (drawn.layout.yaxis.range[1], drawn.layout.yaxis2.range[1]) == (2, 60)
    assert {shape.yref for shape in drawn.layout.shapes} == {"y", "y2"}
    assert [name.text for name in drawn.layout.annotations] == ["Cost by the day", "a €", "Cost by the day"]


@given(drawn=charts())
def test_plotly_takes_whatever_is_drawn(drawn: Chart) -> None:
    assert len(figure.figure([drawn, drawn]).data) == 2 * len(drawn.series)


def test_without_plotly_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("plotly"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(figure, "find_spec", lambda name: None)
    figure.plotly_script.cache_clear()

    for ask in (lambda: figure.figure([chart()]), figure.plotly_script):
        with pytest.raises(MissingExtra, match=r"not installed \(plotly\): pip install 'analytics-es\[page\]'"):
            ask()


def test_the_script_is_that_of_plotly_without_what_a_strict_policy_forbids() -> None:
    figure.plotly_script.cache_clear()
    script = figure.plotly_script()

    assert len(script) > 4_000_000
    assert b".textContent='.maplibregl" not in script
    assert b"e.textContent=''" in script


@pytest.mark.parametrize("name", ["var(--c1)", "var(--none)"])
def test_a_name_that_looks_like_a_colour_is_a_name(name: str) -> None:
    drawn = evolve(chart(), series=[series(name, [1, 2, 3])])

    assert figure.figure([drawn]).data[0].name == name


def test_a_long_line_takes_no_longer_for_each_of_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr(figure, "alone", lambda figures: looked.append(len(figures)) or [])
    figure.data(chart([1] * 50, kind="lines"))

    assert looked == [50]


# A thread of ours is at numpy, of which it has imported one half, when somebody plots.
PLOTTED_MEANWHILE = """
import importlib, sys, threading
from plotly.graph_objects import Figure
from analytics_es.presentation.charts import figure
from tests.presentation.charts.examples import chart

drawn = figure.data(chart())
Figure(drawn)  # what takes a while the first time

half, rest = threading.Event(), threading.Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy._core" and not half.is_set():
            half.set()
            rest.wait()

sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=importlib.import_module, args=["numpy"])
thread.start()
half.wait()
threading.Timer(1, rest.set).start()
try:
    print(len(figure.figure([chart()]).data))
finally:
    rest.set()
"""


def test_what_another_thread_is_importing_is_waited_for() -> None:
    done = ran([sys.executable, "-c", PLOTTED_MEANWHILE], cwd=Path(__file__).parents[3])

    assert (done.stderr, done.stdout) == ("", "2\n")
