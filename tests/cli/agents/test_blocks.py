"""Blocks of hours: laws, against a plain definition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from analytics_es.cli.ledger.blocks import HOUR, begins_anew, blocks
from analytics_es.cli.ledger.figures import Bucket

START = datetime(2026, 3, 27, tzinfo=UTC)  # two days before clocks are set in Europe
# Few hours far apart, and many close together: where a block ends is an hour that is often one of them.
HOURS = (st.sets(st.integers(0, 120)) | st.sets(st.integers(0, 20), min_size=2)).map(sorted)


def buckets(hours: list[int]) -> list[Bucket]:
    return [Bucket(start=START + hour * HOUR, calls=hour + 1, costs={"USD": Decimal(hour)}) for hour in hours]


@given(HOURS, st.integers(1, 12), st.integers(0, 130))
def test_blocks_begin_with_the_first_hour_last_so_long_never_overlap_and_hold_all(
    hours: list[int], length: int, now: int
) -> None:
    found = blocks(buckets(hours), length, START + now * HOUR)

    expected: list[tuple[int, list[int]]] = []
    for hour in hours:  # the plain definition
        if not expected or hour >= expected[-1][0] + length:
            expected.append((hour, []))
        expected[-1][1].append(hour)
    assert [(block.start, block.end, block.calls) for block in found] == [
        (START + first * HOUR, START + (first + length) * HOUR, sum(hour + 1 for hour in held))
        for first, held in expected
    ]
    assert [block.is_current for block in found] == [first <= now < first + length for first, _ in expected]


@given(HOURS, st.integers(1, 12))
@example([0, 1], 2)  # one hour less than a block lasts
@example([0, 2], 2)
def test_what_surely_begins_anew_has_the_blocks_that_all_hours_have(hours: list[int], length: int) -> None:
    sure, now = begins_anew(buckets(hours), length), START + 1000 * HOUR

    assert blocks(sure, length, now) == [
        block for block in blocks(buckets(hours), length, now) if sure and block.start >= sure[0].start
    ]


def test_a_block_that_goes_on_comes_to_what_it_burns_until_its_end() -> None:
    used = Bucket(
        start=START,
        first=START + timedelta(minutes=30),
        calls=3,
        input_tokens=50_000,
        cache_read_tokens=40_000,
        output_tokens=10_000,
        costs={"USD": Decimal(2)},
    )

    (block,) = blocks([used], 5, START + timedelta(minutes=90))

    assert block.burn
    assert (block.burn.minutes, block.burn.tokens_per_minute, block.burn.uncached_tokens_per_minute) == (60, 1000, 333)
    assert block.burn.costs_per_hour == {"USD": Decimal(2)}
    assert block.burn.costs_by_end == {"USD": Decimal(9)}  # 2 in the first hour, and 2 in each of 3.5 more


def test_a_block_that_is_over_burns_nothing() -> None:
    (block,) = blocks(buckets([0]), 5, START + 5 * HOUR)

    assert (block.is_current, block.burn) == (False, None)
