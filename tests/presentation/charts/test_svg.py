"""A picture of a chart: as high as its figures, complete without a script, and whatever names hold is text."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from syrupy.assertion import SnapshotAssertion

from analytics_es.presentation.charts import axis, svg
from analytics_es.presentation.charts.chart import Chart, Level
from tests.presentation.charts import examples
from tests.presentation.charts.examples import by_class, chart, charts

NEAR = 0.011  # pixels, as places of a picture are rounded


def test_a_picture_of_a_chart(snapshot: SnapshotAssertion) -> None:
    drawn = chart(levels=[Level(name="allocated", figure=4, text="4 USD")], notes=["", "2 calls of unknown cost", ""])

    assert svg.picture(drawn).replace("><", ">\n<") == snapshot


def test_a_picture_of_lines(snapshot: SnapshotAssertion) -> None:
    drawn = chart([1, 2, None, 4], [None, None, 3, None], kind="lines")

    assert svg.picture(drawn).replace("><", ">\n<") == snapshot


@given(drawn=charts("bars"))
def test_bars_stand_on_one_another_and_are_as_high_as_their_figures(drawn: Chart) -> None:
    side, pitch = axis.scale(drawn), svg.WIDE / len(drawn.starts)
    reached: dict[tuple[int, bool], Decimal] = {}
    expected = []
    for row in drawn.series:
        parts = []
        for place, figure in enumerate(row.figures):
            if figure:
                foot = reached.get((place, figure > 0), Decimal(0))
                reached[place, figure > 0] = foot + Decimal(figure)
                ends = [svg.PLOT * (1 - side.height(end)) for end in (reached[place, figure > 0], foot)]
                parts.append(((place + 0.5) * pitch, *ends))
        expected += [parts] if parts else []

    actual = examples.bars(drawn)

    assert [len(row) for row in actual] == [len(row) for row in expected]
    for bars, parts in zip(actual, expected, strict=True):
        assert [number for bar in bars for number in bar] == pytest.approx(
            [number for part in parts for number in part], abs=NEAR
        )


@given(drawn=charts("lines"))
def test_lines_go_through_their_figures_and_gaps_stay_gaps(drawn: Chart) -> None:
    side, pitch = axis.scale(drawn), svg.WIDE / len(drawn.starts)
    expected = []
    for row in drawn.series:
        points = [
            ("M" if place == 0 or row.figures[place - 1] is None else "L", place, side.height(figure))
            for place, figure in enumerate(row.figures)
            if figure is not None
        ]
        expected += [points] if points else []

    actual = examples.lines(drawn)

    assert [[how for how, _, _ in row] for row in actual] == [[how for how, _, _ in row] for row in expected]
    for line, points in zip(actual, expected, strict=True):
        assert [x for _, x, _ in line] == pytest.approx([(place + 0.5) * pitch for _, place, _ in points], abs=NEAR)
        heights = [svg.PLOT * (1 - height) for _, _, height in points]
        assert [y for _, _, y in line] == pytest.approx(heights, abs=NEAR)


def test_a_figure_without_neighbours_is_a_dot() -> None:
    drawn = svg.picture(chart([1, None, 3, 4, None, 5], kind="lines"))

    assert by_class(drawn, "lonely")[0].get("d").count("M") == 2
    assert svg.alone([1, None, 3, 4, None, 5]) == [0, 5]


def test_what_is_given_back_hangs_below_nothing() -> None:
    [[down, up]] = examples.bars(chart([-1, 2]))

    zero = svg.PLOT * (1 - axis.scale(chart([-1, 2])).height(0))
    assert [down[2], up[2]] == pytest.approx([zero, zero], abs=NEAR)
    assert down[1] > zero > up[1]


@given(drawn=charts())
def test_a_picture_is_well_formed_and_has_what_each_bucket_holds(drawn: Chart) -> None:
    picture = svg.picture(drawn)

    titles = [element[0].text for element in by_class(picture, "bucket")]
    if len(drawn.labels) > svg.MOST_TOLD:
        assert titles == []
    else:
        assert titles == ["\n".join([label, *svg.told(drawn, place)]) for place, label in enumerate(drawn.labels)]
    assert "nan" not in picture
    assert "inf" not in picture.lower()


@pytest.mark.parametrize("rows", [[[]], [[0]], [[5]], [[None]], [[None, None]], [[0, 0, 0]]], ids=str)
def test_little_or_nothing_is_drawn_as_it_is(rows: list[list[int | None]]) -> None:
    drawn = chart(*rows)

    assert len(by_class(svg.picture(drawn), "bucket")) == len(rows[0])
    assert len(by_class(svg.picture(drawn), "stack")) == (rows == [[5]])


def test_a_bucket_tells_what_there_was_and_nothing_that_was_not() -> None:
    drawn = chart([1, 0, None], [0, 0, None])

    assert [svg.told(drawn, place) for place in range(3)] == [
        ["model-0: 1 USD"],
        ["model-0: 0 USD", "model-1: 0 USD"],
        ["–"],
    ]


def test_what_stands_across_has_room() -> None:
    drawn = chart([1, 2], levels=[Level(name="allocated", figure=Decimal(9), text="9 USD")])

    assert float(by_class(svg.picture(drawn), "level")[0].get("y1")) >= svg.TOP
    assert "allocated 9 USD" in svg.picture(drawn)


def test_a_bucket_with_a_note_is_marked() -> None:
    drawn = svg.picture(chart([1, 2], notes=["", "3 calls of unknown cost"]))

    [marked] = by_class(drawn, "noted")
    assert float(marked.get("x")) == svg.WIDE / 2
    assert "\n3 calls of unknown cost</title>" in drawn


def test_hostile_names_are_text() -> None:
    picture = svg.picture(examples.hostile())

    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(picture.encode()).iter()}  # noqa: S314
    assert tags <= {"svg", "g", "line", "text", "path", "rect", "title"}
    assert picture.isprintable() or "\n" in picture
    assert not [char for char in picture if not char.isprintable() and char != "\n"]


def test_many_buckets_weigh_little() -> None:
    rows = [[place % 7 + row for place in range(31)] for row in range(6)]

    assert len(svg.picture(chart(*rows))) < 16_000  # of a page of 80 kB


@pytest.mark.parametrize(("number", "told"), [(svg.MOST_TOLD, svg.MOST_TOLD), (svg.MOST_TOLD + 1, 0)])
def test_of_more_buckets_than_a_mouse_can_tell_apart_none_tells_its_figures(number: int, told: int) -> None:
    picture = svg.picture(chart([*range(number)], notes=["1 call of unknown cost"] * number))

    assert len(by_class(picture, "bucket")) == told
    assert len(by_class(picture, "noted")) == number


def test_a_week_by_the_hour_weighs_little() -> None:
    rows = [[place % 7 + row for place in range(7 * 24)] for row in range(6)]

    assert len(svg.picture(chart(*rows))) < 32_000


def test_the_picture_of_a_month_names_few_buckets_and_fewer_where_there_is_little_room() -> None:
    picture = svg.picture(chart([*range(31)]))

    assert len(by_class(picture, "below")) == 8
    assert len(by_class(picture, "seldom")) == 4
