"""A chart on a page: a picture, a legend, and data that nothing in a name can end."""

from __future__ import annotations

import json
import re
from typing import Any

import htpy as h
import pytest
from attrs import evolve
from hypothesis import given

from analytics_es.presentation.charts import figure
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.html.charts import chart as drawn_chart
from analytics_es.presentation.html.parts import drawn
from analytics_es.presentation.parts import Section
from tests.presentation.charts.examples import HOSTILE, chart, charts, hostile, series

DATA = re.compile(r'<script type="application/json">([^<]*)</script>')


def html(shown: Chart) -> str:
    return str(h.div[drawn_chart(shown, None)])


def data(page: str) -> Any:
    [text] = DATA.findall(page)
    return json.loads(text)


@given(shown=charts())
def test_beside_the_picture_stands_the_same_as_data(shown: Chart) -> None:
    page = html(shown)

    assert data(page) == json.loads(json.dumps(figure.data(shown)))
    assert page.count('<svg class="picture"') == 1


def test_nothing_in_a_name_ends_the_data_or_the_page() -> None:
    page = html(hostile())

    assert page.count("<script") == page.count("</script") == 1
    assert "\u2028" not in page
    assert re.search(r"<b\b", page) is None
    assert "alert(1)" in str(data(page))


def test_data_cannot_end_itself_whatever_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "data", lambda shown: {"text": HOSTILE[:-12]})

    assert data(html(chart())) == {"text": HOSTILE[:-12]}


def legends(*parts: Chart) -> list[str]:
    page = str(h.div[drawn(Section(title="Cost", parts=parts), None)])
    texts = re.findall(r'<ul class="legend">(.*?)</ul>', page)
    return [" ".join(re.sub(r"<[^>]+>", " ", text).split()) for text in texts]


def test_charts_of_the_same_series_share_one_legend() -> None:
    noted: dict[str, Any] = {"notes": ["", "1 call"], "noted": "unknown cost"}
    dollars, euros = (evolve(chart([1, 2], [3, 4], **noted), unit=unit) for unit in ("USD", "EUR"))
    others = evolve(chart([1, 2], [3, 4]), series=[evolve(row, name=f"{row.name}!") for row in dollars.series])
    names = " ".join(row.name for row in dollars.series)

    assert legends(dollars, euros) == [f"USD {names} below: unknown cost", "EUR"]
    assert legends(dollars, others)[1] == "USD " + " ".join(row.name for row in others.series)
    assert legends(evolve(dollars, notes=[]), euros) == [f"USD {names}", "EUR below: unknown cost"]


def test_a_legend_names_each_series_with_its_colour() -> None:
    page = html(chart([1, 2], [3, 4], notes=["", "2 calls of unknown cost"], noted="unknown cost"))

    legend = re.sub(r"<[^>]+>", "|", page.partition("<ul")[2].partition("</ul>")[0])
    assert [part for part in legend.partition(">")[2].split("|") if part] == [
        "USD",
        "model-0",
        "model-1",
        "below: unknown cost",
    ]
    assert [name in page for name in ("dot c1", "dot c2", "dot noted")] == [True] * 3


def test_what_is_said_already_is_not_said_twice() -> None:
    assert html(chart([1, 2], series=[series("USD", [1, 2])])).count("<li>") == 1
    assert html(chart([1, 2], series=[series("failed", [1, 2])], unit="share")).count("<li>") == 2


def test_rows_that_a_series_holds_together_have_its_colour() -> None:
    from attrs import evolve

    from analytics_es.presentation.blocks import Column, Grid

    several = [series("a", [1, 2]), evolve(series("2 others", [1, 2]), of=["b", "c"])]
    table = Grid("", [Column[str]("model", lambda row: row)], ["a", "b", "c", "d"])

    page = str(h.div[drawn(Section(title="Cost", parts=[chart([1, 2], series=several), table]), None)])

    marks = re.findall(r'<th scope="row">(?:<i class="dot (\w+)"></i>)?(\w)</th>', page)
    assert marks == [("c1", "a"), ("c2", "b"), ("c2", "c"), ("o", "d")]  # none
