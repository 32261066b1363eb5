"""Each part as HTML: whole, without links where there is no server, and with figures that lead to their events."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import htpy
import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es.presentation.blocks import Behind, Column, Grid, Line, Link, Number, Share, Styled
from analytics_es.presentation.charts.chart import Chart, Series
from analytics_es.presentation.html import drawn
from analytics_es.presentation.html.tables import exactly
from analytics_es.presentation.parts import Choice, Choices, Code, Meters, Section, Tiles
from analytics_es.presentation.words import UNKNOWN
from analytics_es.types.sentences import sentence
from tests.presentation.html.examples import ROWS, grid, links, meter, parts, tile
from tests.presentation.html.markup import Read


def html(part: Any, words: str | None = "last=7d") -> str:
    return str.__str__(str(htpy.fragment[drawn(part, None if words is None else links(words))]))


def on_lines(text: str) -> str:
    """Return HTML with a line for each element of a block, for who reads a snapshot."""
    for tag in ("<section", "<div", "<t", "<dd", "<li", "<p", "<label", "<form", "<option", "<a "):
        text = text.replace(tag, f"\n{tag}")
    return text.replace("\n\n", "\n").strip()


@pytest.mark.parametrize("name", parts())
def test_each_part_is_drawn(name: str, snapshot: SnapshotAssertion) -> None:
    assert on_lines(html(parts()[name])) == snapshot


@pytest.mark.parametrize("name", parts())
def test_without_a_server_no_part_leads_anywhere(name: str) -> None:
    read = Read.of(html(parts()[name], None))

    assert (read.addresses(), read.all("form")) == ([], [])


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_stand_in_the_order_they_come_in() -> None:
    text = "".join(Read.of(html(grid(ROWS[::-1]))).texts)

    assert sorted([row.model for row in ROWS], key=text.index) == [row.model for row in ROWS[::-1]]


def test_a_title_is_seen_once_where_a_section_has_the_same() -> None:
    read = Read.of(html(Section(title="By model", parts=[grid()])))

    assert read.all("caption") == [{"class": "vh"}]


def test_a_wide_table_scrolls_in_a_box_that_a_keyboard_reaches() -> None:
    box = {"class": "scroll", "tabindex": "0", "role": "group", "aria-label": "By model"}

    assert Read.of(html(grid())).all("div") == [box]


def test_a_rounded_figure_has_all_its_digits_beside_it() -> None:
    assert [data["value"] for data in Read.of(html(grid(ROWS[:1]))).all("data")] == ["12.70153"]


def test_a_column_that_may_go_goes_where_no_row_has_anything_in_it() -> None:
    columns: list[Column[Any]] = [
        Column("name", lambda row: ""),
        Column("until", lambda row: row or UNKNOWN, drop=1),
        Number("change", lambda row: Styled(row or UNKNOWN), drop=2),
        Column("share", lambda row: Share(1.0 if row else None), drop=3, bar=True),
        Number("spent", lambda row: UNKNOWN),
    ]

    def titles(*rows: str) -> list[str]:
        return [column.title for column in Grid("", columns, rows).telling]

    assert titles("", "") == ["name", "spent"]
    assert titles("", "then") == ["name", "until", "change", "share", "spent"]
    assert [title in html(Grid("", columns, ["", ""])) for title in ("spent", "until", "change")] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Decimal("1E-7"), "0.0000001"),
        (0.1, "0.1"),
        (1200, "1200"),
        (datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01T00:00:00+00:00"),
    ],
)
def test_all_digits_are_as_programs_read_them(figure: Any, text: str) -> None:
    assert exactly(figure) == text


def test_what_is_behind_a_cell_goes_before_where_it_leads() -> None:
    column = Number(
        "USD", lambda row: "1", behind=lambda row: Behind(metric="cost.cost"), link=lambda row: Link(page="cost")
    )

    assert Read.of(html(Grid("", [column], [0]))).addresses() == ["/events?last=7d&metric=cost.cost"]


def test_a_cell_with_nothing_behind_it_leads_nowhere() -> None:
    column = Number("USD", lambda row: "1", behind=lambda row: None, link=lambda row: None)

    assert Read.of(html(Grid("", [column], [0]))).addresses() == []


@pytest.mark.parametrize(
    ("style", "name"), [("red", "bad"), ("bold yellow", "warn"), ("dim", "soft"), ("bold", "strong")]
)
def test_what_stands_out_on_a_terminal_has_a_class(style: str, name: str) -> None:
    column: Column[int] = Column("", lambda row: Styled("38", style))

    assert Read.of(html(Grid("", [column], [0]))).all("span") == [{"class": name}]


def test_a_row_has_the_colour_of_its_series() -> None:
    series = [Series(name=name, figures=[1], texts=["1"]) for name in ("gpt-4.1", "claude-sonnet-4-5")]
    chart = Chart(
        title="Cost",
        kind="bars",
        starts=[datetime(2026, 11, 1, tzinfo=UTC)],
        labels=["1 Nov"],
        series=series,
        unit="USD",
    )

    read = Read.of(html(Section(title="Cost", parts=[chart, grid()])))

    assert [dot["class"] for dot in read.all("i")][-3:] == ["dot c2", "dot c1", "dot o"]


@pytest.mark.parametrize(("part", "width"), [(0.5, "50"), (0.0, "0"), (0.0001, "0.6"), (1.7, "100"), (-1.0, "0")])
def test_a_bar_is_as_long_as_its_part(part: float, width: str) -> None:
    column: Column[int] = Column("", lambda row: Share(part), bar=True)

    assert [rect["width"] for rect in Read.of(html(Grid("", [column], [0]))).all("rect")] == [width]


def test_a_part_that_is_not_known_has_no_bar() -> None:
    column: Column[int] = Column("", lambda row: Share(None), bar=True)

    assert Read.of(html(Grid("", [column], [0]))).all("svg") == []


def test_a_sum_stands_apart_from_what_it_sums() -> None:
    columns: list[Column[str]] = [Column("start", lambda row: row)]

    drawn = html(Grid("", columns, ["Mon", "Tue", "total"], sums=1))

    assert drawn.partition("<tfoot>")[2].startswith('<tr><th scope="row">total</th></tr></tfoot>')


@pytest.mark.parametrize("text", ["0", "–"])
def test_nothing_and_what_is_not_known_lead_to_no_events(text: str) -> None:
    column: Column[int] = Number("calls", lambda row: text, behind=lambda row: Behind(metric="cost.calls"))

    assert Read.of(html(Grid("", [column], [0]))).addresses() == []


@pytest.mark.parametrize("text", ["2026-11-29 08:09:55", "Tue 2026-11-24", "2026-11-29 08:09"])
def test_a_time_stays_on_one_line(text: str) -> None:
    column: Column[int] = Column("time", lambda row: text)

    assert f'<span class="nb">{text}</span>' in html(Grid("", [column], [0]))


def test_rows_that_no_chart_names_have_no_colours() -> None:
    series = [Series(name="p95", figures=[1], texts=["1"])]
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    chart = Chart(title="Cost", kind="bars", starts=[moment], labels=["1 Nov"], series=series, unit="ms")

    assert '<th scope="row"><i' not in html(Section(title="Speed", parts=[chart, grid()]))


def test_a_long_name_may_go_on_below_after_a_dot() -> None:
    column: Column[int] = Column("type", lambda row: "a.call<script>/completed")

    assert "a.<wbr>call&lt;script&gt;/<wbr>completed" in html(Grid("", [column], [0]))


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("line", [Line(), Line("  "), Line("▁▂▃", "cyan", terminal_only=True)])
def test_an_empty_line_and_one_for_terminals_are_left_out(line: Line) -> None:
    assert html(line) == ""


def test_a_command_is_code() -> None:
    assert html(Line(sentence("2 values unreadable (`analytics-es projections status`)"))) == (
        "<p>2 values unreadable (<code>analytics-es projections status</code>)</p>"
    )


def test_a_word_of_the_command_line_leads_to_the_page_asked_so() -> None:
    line = Line(sentence("No events: try a longer one, such as --last 4w, or --from."))

    assert html(line, "this-month=&by=user") == (
        '<p>No events: try a longer one, such as <a href="/cost?by=user&amp;last=4w">last=4w</a>, or from.</p>'
    )


def test_in_a_file_a_word_of_the_command_line_stays_one() -> None:
    assert html(Line(sentence("--top 15 shows all")), None) == "<p>--top 15 shows all</p>"


def test_a_stored_text_keeps_its_lines() -> None:
    assert html(Code("{\r\n\t1\n}")) == '<pre tabindex="0"><code>{\n    1\n}</code></pre>'


# ── tiles, meters, forms ────────────────────────────────────────────────────────────────────────────────────────


def test_a_tile_leads_to_its_events_before_a_page() -> None:
    tiles = Tiles([tile(link=Link(page="cost")), tile(behind=None, link=Link(page="cost")), tile(behind=None)])

    assert Read.of(html(tiles)).addresses() == ["/events?last=7d&metric=cost.cost", "/cost?last=7d"]


def test_one_figure_makes_no_line() -> None:
    assert Read.of(html(Tiles([tile(spark=[3])]))).all("svg") == []


def test_a_line_of_nothing_lies_on_the_ground() -> None:
    (line,) = Read.of(html(Tiles([tile(spark=[0, 0])]))).all("polyline")

    assert line["points"] == "3.0,25.0 117.0,25.0"


def test_a_very_long_name_of_a_tile_is_there_to_the_end() -> None:
    (label,) = Read.of(html(Tiles([tile(label="name-" * 40)]))).all("dt")

    assert label["title"] == "name-" * 40


def test_a_meter_that_is_not_known_is_told_from_an_empty_one() -> None:
    known, unknown = (Read.of(html(Meters([meter(part=part)]))) for part in (0.0, None))

    assert (known.all("svg", **{"class": "bar"}) != [], unknown.all("svg")) == (True, [])
    assert unknown.all("div") == [{"class": "bar none"}]


def test_a_form_keeps_the_rest_of_the_question() -> None:
    read = Read.of(html(parts()["choices"], "last=7d&tz=Europe/Berlin&by=user&where=a=b&where=c=d&as_of=12"))

    assert [(hidden["name"], hidden["value"]) for hidden in read.all("input", type="hidden")] == [
        ("last", "7d"),
        ("tz", "Europe/Berlin"),
        ("as_of", "12"),
    ]


def test_a_named_period_is_kept_by_a_form_though_its_word_says_no_more() -> None:
    read = Read.of(html(parts()["choices"], "this-month="))

    assert [(hidden["name"], hidden["value"]) for hidden in read.all("input", type="hidden")] == [("this-month", "1")]


def test_what_is_chosen_stays_a_choice_though_no_option_has_it() -> None:
    several = Choice(name="by", label="by", options={"model": "model"}, chosen=["team"], several=True)
    one = Choice(name="top", label="rows", options={"10": "10"}, chosen=["13"])

    read = Read.of(html(Choices([several, one])))

    assert [(box["value"], "checked" in box) for box in read.all("input", type="checkbox")] == [
        ("model", False),
        ("team", True),
    ]
    assert [(option["value"], "selected" in option) for option in read.all("option")] == [("13", True), ("10", False)]


def test_of_a_word_that_is_said_several_times_one_more_can_be_typed() -> None:
    choice = Choice(name="where", label="where", chosen=["a=b", "c=d"], several=True)

    assert [box["value"] for box in Read.of(html(Choices([choice]))).all("input", type="text")] == ["a=b", "c=d", ""]
