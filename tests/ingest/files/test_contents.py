"""What a row says as a whole: what makes another content of it, and what does not."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.ingest.files.contents import Numbering, Repeats, digest, of_batch, of_record
from analytics_es.ingest.files.records import Record
from tests.examples import examples


def test_a_digest_is_the_same_for_ever() -> None:
    assert digest({"b": 1, "a": "x", "c": [0.5, {"d": None}], "e": True}).hex() == "eff23e937295009647e7b7be"


@pytest.mark.parametrize(
    "other",
    [
        {"b": "x", "a": 1},
        {"a": "1", "b": "x"},
        {"a": 1, "b": "x", "c": None, "d": ""},
    ],
)
def test_order_empty_columns_and_how_a_number_is_typed_make_no_difference(other: dict[str, Any]) -> None:
    assert digest(other) == digest({"a": 1, "b": "x"})


@pytest.mark.parametrize(
    "other",
    [
        {"a": 2, "b": "x"},
        {"a": 1, "b": "X"},
        {"a": 1},
        {"a": 1, "b": "x", "c": 0},
        {"a": 1, "b": "x", "c": False},
        {"a": 1, "b": ["x"]},
        {"a1": 1, "b": "x"},
        {"a": 1, "c": "x"},
    ],
)
def test_any_value_makes_a_difference(other: dict[str, Any]) -> None:
    assert digest(other) != digest({"a": 1, "b": "x"})


@pytest.mark.parametrize(
    "value", [2**70, Decimal("1.50"), b"\x00\xff", "\ud800", {1: "x"}, {"x": {2**70: "y"}}, [2**64], uuid.UUID(int=7)]
)
def test_whatever_a_value_is_it_has_a_digest(value: Any) -> None:
    assert digest({"a": value}) != digest({"a": "else"})


def test_numbers_of_a_json_line_are_as_exact_as_they_are_written() -> None:
    def row(text: str) -> bytes:
        fields = {"n": float(text)}
        return of_record(Record(1, fields, f'{{"n": {text}}}', ""), is_csv=False)

    assert row("123456789012345678901234567890") != row("123456789012345678901234567891")
    assert row("0.12345678901234567890") != row("0.12345678901234567891")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2], pa.timestamp("ns")),
        pa.array([1, 2], pa.timestamp("us", "Europe/Berlin")),
        pa.array([1, 2], pa.duration("ns")),
        pa.array([1, 2], pa.time64("ns")),
        pa.array([1, 2], pa.time32("ms")),
        pa.array([1, 2], pa.date32()),
        pa.array([86_400_000, 2 * 86_400_000], pa.date64()),
        pa.array([-(2**62), 2**62], pa.timestamp("s")),
        pa.array([[1], [2]], pa.list_(pa.timestamp("ns"))),
        pa.array([{"x": 1}, {"x": 2}], pa.struct([("x", pa.timestamp("ns"))])),
        pa.array([Decimal("1.5"), Decimal("1.6")]),
        pa.array([b"a", b"b"]),
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array([(1, 2, 3), (1, 2, 4)], pa.month_day_nano_interval()),
        pa.array([[("a", 1)], [("a", 2)]], pa.map_(pa.string(), pa.int64())),
        pa.array([datetime(2025, 3, 3, tzinfo=UTC), None]),
        pa.array([date(2025, 3, 3), None]),
        pa.array([time(9), None]),
        pa.array([timedelta(1), None]),
        pa.array([None, 2**63], pa.uint64()),
    ],
    ids=lambda column: str(column.type),
)
def test_every_type_of_a_parquet_column_tells_its_rows_apart(column: pa.Array) -> None:
    batch = pa.RecordBatch.from_arrays([column], ["value"])

    first, second = of_batch(batch)

    assert first != second
    assert list(of_batch(batch.slice(1))) == [second]


@given(st.lists(st.binary(max_size=1), max_size=30))
@examples(30)
def test_equal_rows_are_numbered_whether_or_not_the_only_ones_are_known(rows: list[bytes]) -> None:
    digests = [digest({"row": row.hex()}) for row in rows]
    repeats = Repeats()
    for row in digests:
        repeats.add(row)

    one, other = Numbering(repeats.found()), Numbering()
    seen = Counter[bytes]()
    for row in digests:
        seen[row] += 1
        assert one.number(row) == other.number(row) == seen[row]
    assert set(one._counts) == {row for row, times in seen.items() if times > 1}
