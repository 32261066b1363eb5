from datetime import UTC, datetime
from decimal import Decimal

import pytest

from analytics_es.presentation import words


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        ("0.012", "0.01 ms"),
        ("9.99", "9.99 ms"),
        ("39.39", "39.4 ms"),
        ("999.4", "999 ms"),
        ("999.6", "1.00 s"),
        ("59940", "59.9 s"),
        ("59960", "1.00 min"),
        ("3600000", "1.0 h"),
        ("5400000000", "1,500.0 h"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(ms: str | None, text: str) -> None:
    assert words.duration(ms and Decimal(ms)) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0, "0.0 %"),
        (0.0001, "<0.1 %"),
        (0.0204, "2.0 %"),
        (0.9999, ">99.9 %"),
        (1, "100.0 %"),
        (1.5, "150.0 %"),
    ],
)
def test_a_share_is_neither_nothing_nor_everything_unless_it_is(share: float | None, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("relative", "text"),
    [(None, "–"), (0.5, "+50.0 %"), (-0.25, "-25.0 %"), (8.99, "+899.0 %"), (9.0, "× 10"), (4037.717, "× 4,039")],
)
def test_a_change_is_a_percentage_as_long_as_that_says_something(relative: float | None, text: str) -> None:
    assert words.change(relative) == text


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [
        (None, 2, "–"),
        ("0", 4, "0.0000 USD"),
        ("0.00001", 4, "<0.0001 USD"),
        ("-0.00001", 4, ">-0.0001 USD"),
        ("1234.5", 2, "1,234.50 USD"),
        ("-1.5", 4, "-1.5000 USD"),
    ],
)
def test_money_that_is_there_is_never_shown_as_nothing(amount: str | None, places: int, text: str) -> None:
    assert words.money(amount and Decimal(amount), "USD", places) == text


def test_the_places_of_money_follow_the_largest_amount() -> None:
    assert [words.places([None, Decimal(text)]) for text in ("0.5", "1", "999", "1000")] == [6, 4, 4, 2]
    assert words.places([]) == 6


def test_other_figures_are_told_as_people_read_them() -> None:
    assert [words.count(None), words.count(1_234_567)] == ["–", "1,234,567"]
    assert [words.decimal(Decimal(text)) for text in ("1000", "1.50", "0.12345")] == ["1,000", "1.5", "0.123"]
    assert [words.change(None), words.change(0.25), words.change(-12.5)] == ["–", "+25.0 %", "-1,250.0 %"]
    assert [words.size(999), words.size(1_500), words.size(2_500_000)] == ["999 bytes", "1.5 kB", "2.5 MB"]
    assert [
        words.plural(1, "entry"),
        words.plural(2, "entry"),
        words.plural(2, "currency"),
        words.plural(0, "row"),
    ] == [
        "1 entry",
        "2 entries",
        "2 currencies",
        "0 rows",
    ]
    assert words.moment(datetime(2024, 3, 4, 5, 6, 7, tzinfo=UTC)) == "2024-03-04 05:06:07"


def test_a_line_of_sparks_keeps_the_lowest_for_nothing() -> None:
    assert words.sparks([0, 1, 700, 350]) == "▁▂█▅"
    assert words.sparks([0, 0]) == "▁▁"
    assert words.sparks([]) == ""
