"""Rows of a fold: numbers of any size, and what a database takes of those beyond 64 bits."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.projection.rows import Rows
from tests.examples import examples

EDGE = 2**63
numbers = st.none() | st.integers(-3, 3) | st.sampled_from([EDGE - 1, EDGE, -EDGE, -EDGE - 1, 10**37, -(10**37)])


@examples(100)
@given(st.lists(st.tuples(numbers, numbers), max_size=12), st.sampled_from([0, 9]))
def test_numbers_are_integers_of_any_size_and_beyond_64_bits_texts_of_their_digits(
    pairs: list[tuple[int | None, int | None]], decimals: int
) -> None:
    columns = [[None if number is None else Decimal(number).scaleb(-decimals) for number, _ in pairs]]
    columns += [[None if number is None else Decimal(number) for _, number in pairs]]
    kinds = [pa.decimal128(38, decimals), pa.decimal128(38, 0)]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    rows = Rows(pa.table(arrays, names=["a", "b"]))

    assert list(rows) == pairs
    texts = [tuple(n if n is None or -EDGE <= n < EDGE else str(n) for n in pair) for pair in pairs]
    assert list(rows.in_64_bits()) == texts
    assert all(type(number) in (int, type(None)) for row in rows for number in row)


@pytest.mark.parametrize("kind", [pa.int64(), pa.decimal128(38, 0)])
def test_no_rows_are_no_rows(kind: pa.DataType) -> None:
    rows = Rows(pa.table({"a": pa.chunked_array([], kind)}))

    assert list(rows) == list(rows.in_64_bits()) == []
