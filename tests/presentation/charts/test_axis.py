"""The axes of a chart: round figures at the side, with 0, and names of buckets below that tell them apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from analytics_es.presentation import words
from analytics_es.presentation.charts import axis
from analytics_es.presentation.charts.chart import Chart, Figure
from tests.presentation.charts.examples import MONDAY, chart, charts, days


@pytest.mark.parametrize(
    ("figures", "unit", "texts"),
    [
        ([Decimal("5.05")], "USD", ["0", "1.5", "3", "4.5", "6"]),
        ([Decimal("0.00031")], "USD", ["0", "0.0001", "0.0002", "0.0003", "0.0004"]),
        ([Decimal("-1.2"), 3], "USD", ["-1.5", "0", "1.5", "3"]),
        ([3], "calls", ["0", "1", "2", "3"]),
        ([1_544], "calls", ["0", "400", "800", "1,200", "1,600"]),
        ([45_000], "tokens", ["0", "15 k", "30 k", "45 k"]),
        ([3_200_000], "tokens", ["0", "1 M", "2 M", "3 M", "4 M"]),
        ([480.0], "ms", ["0", "150 ms", "300 ms", "450 ms", "600 ms"]),
        ([8_120.0], "ms", ["0", "2.5 s", "5 s", "7.5 s", "10 s"]),
        ([200_000.0], "ms", ["0", "1 min", "2 min", "3 min", "4 min"]),
        ([7_200_000.0], "ms", ["0", "0.5 h", "1 h", "1.5 h", "2 h"]),
        ([0.034], "share", ["0", "1 %", "2 %", "3 %", "4 %"]),
        ([0], "USD", ["0"]),
        ([None], "USD", ["0"]),
    ],
    ids=str,
)
def test_figures_at_the_side_are_round(figures: list[Figure | None], unit: str, texts: list[str]) -> None:
    assert [tick.text for tick in axis.scale(chart(figures, unit=unit)).ticks] == texts


@given(drawn=charts())
def test_everything_has_room_and_0_too(drawn: Chart) -> None:
    side = axis.scale(drawn)

    assert side.low <= 0 <= side.high
    figures = [figure for row in drawn.series for figure in row.figures if figure is not None]
    if drawn.kind == "lines":
        assert [figure for figure in figures if not side.low <= Decimal(figure) <= side.high] == []
    assert 1 <= len(side.ticks) <= 8
    assert len({tick.text for tick in side.ticks}) == len(side.ticks)


def test_bars_on_one_another_have_room() -> None:
    side = axis.scale(chart([3, 1], [4, -2], [None, -2]))

    assert (side.low <= -4, side.high >= 7) == (True, True)


BERLIN = ZoneInfo("Europe/Berlin")
LATE_HOURS = [
    datetime(2026, 10, 24, 22, tzinfo=UTC).astimezone(BERLIN) + timedelta(0),
    *(datetime(2026, 10, 25, hour, tzinfo=UTC).astimezone(BERLIN) for hour in (0, 1, 2)),
]


@pytest.mark.parametrize(
    ("starts", "texts"),
    [
        (days(2), ["Mon 2", "Tue 3"]),
        (days(15)[-2:], ["Sun 15", "Mon 16"]),
        ([*days(20)], [f"{day.day} Mar" for day in days(20)]),
        ([MONDAY + timedelta(weeks=week) for week in range(3)], ["2 Mar", "9 Mar", "16 Mar"]),
        ([datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3)], ["Jan", "Feb", "Mar"]),
        ([datetime(year, 3, 1, tzinfo=UTC) for year in (2025, 2026)], ["Mar 2025", "Mar 2026"]),
        ([MONDAY + timedelta(hours=hour) for hour in (0, 1)], ["00:00", "01:00"]),
        ([MONDAY + timedelta(hours=hour) for hour in (23, 25)], ["2 Mar 23:00", "3 Mar 01:00"]),
        (LATE_HOURS, ["00:00 +0200", "02:00 +0200", "02:00 +0100", "03:00 +0100"]),
    ],
    ids=lambda case: str(case[0]),
)
def test_buckets_have_names_as_short_as_they_can_be_told_apart(starts: list[datetime], texts: list[str]) -> None:
    assert axis.short(starts, words.starts(starts)) == texts


def test_more_than_a_year_of_days_is_told_apart() -> None:
    names = axis.short(days(400), words.starts(days(400)))

    assert len(set(names)) == 400
    assert names[0] == "2 Mar 2026"


@pytest.mark.parametrize(("buckets", "often"), [(0, 1), (1, 1), (8, 1), (9, 2), (31, 4), (400, 50)])
def test_so_many_buckets_are_named_as_have_room(buckets: int, often: int) -> None:
    assert axis.step_of(buckets) == often
