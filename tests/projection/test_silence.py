"""Nothing is left out in silence: what an event tells is in the figure, or in the list of what could not be read."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analytics_es.errors import RefusedEvent
from analytics_es.projection import (
    Histogram,
    count,
    declaration_of,
    histogram,
    key,
    largest,
    projection,
    smallest,
    total,
)
from analytics_es.testing import NOON
from tests.examples import examples
from tests.stores import Stored, columns, folded, stored


@projection(version=1, consumes=(">",))
class Measures:
    """Every kind of measure of a field of one's own, and of those that all families have."""

    label: str = key("data.label")
    events: int = count()
    whole: int | None = total("data.size")
    parts: int | None = total("data.size", decimals=9)
    least: int | None = smallest("data.size", decimals=3)
    most: int | None = largest("attributes.weight", decimals=2)
    spread: Histogram = histogram("data.size", decimals=1)
    heavy: int | None = total("data.size", where="data.label <> 'light'")
    duration: Histogram = histogram("duration_ms", unit="ms", decimals=3)
    longest: int | None = largest("duration_ms", unit="ms", decimals=3)
    value: int | None = total("value", decimals=6)
    tokens: int | None = total("input_tokens")
    cost: int | None = total("cost", decimals=12)


@projection(version=1, consumes=(">",))
class Plain:
    """Measures of fields alone, where nothing is looked for unless a field cannot be read."""

    events: int = count()
    duration: Histogram = histogram("duration_ms", unit="ms", decimals=3)
    longest: int | None = largest("duration_ms", unit="ms", decimals=3)
    value: int | None = total("value", decimals=6)
    amounts: Histogram = histogram("value", decimals=2)
    tokens: int | None = total("input_tokens")
    cost: int | None = total("cost", decimals=12)


OF_DATA = {"whole": "size", "parts": "size", "least": "size", "spread": "size"}
OF_ATTRIBUTES = {"most": "weight"}
COMMON = {"duration": "duration_ms", "longest": "duration_ms", "value": "value", "amounts": "value"}
OURS = {"tokens": "input_tokens", "cost": "cost"}

ODD = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(10**12 - 2, 10**13 + 2),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=12).map(str),
    st.sampled_from(
        ["", " ", "many", "7", " 7 ", "-7", "1e3", "1e400", "-1e400", "NaN", "nan", "inf", "-Infinity", "0x10", "1_000"]
    ),
    st.sampled_from(["٣", "1,5", "+4", ".5", "5.", "true", True, False, [], {}, [1], {"a": 1}, 1e308, 1e-320, -0.0]),
)


def column(row: dict[str, Any], name: str) -> Any:
    """Return what a row says of a measure, None where it says nothing."""
    return (row[f"{name}_count"] or None) if f"{name}_count" in row else row[name]


def result(event: Stored | dict[str, Any], cls: type = Measures) -> tuple[dict[str, Any], set[str]]:
    """Return the row of an event, and what of it is listed."""
    found = folded(cls, event)
    rows = [dict(zip(columns(declaration_of(cls)), row, strict=True)) for row in found.rows if row[0] == "hour"]
    return (rows[0] if rows else {}), {field for _, _, field in found.unreadable}


def assert_told(event: Stored | dict[str, Any], name: str) -> None:
    """Assert that a field is in the figure of each measure of it, or listed."""
    for cls in (Measures, Plain):
        row, listed = result(event, cls)
        for measure, field in {**COMMON, **OURS}.items():
            if field == name and (f"{measure}_count" in row or measure in row):
                assert (column(row, measure) is not None) != (measure in listed), (cls, measure, event, row, listed)


def is_number(value: Any) -> bool:
    """Say whether a value is a number, or a text that plainly is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


@examples(150)
@given(size=ODD, weight=ODD, family=st.sampled_from(["custom", "provider", "tool"]))
@example(size="1e400", weight=1e308, family="custom")
@example(size=2**63 - 1, weight=True, family="provider")
def test_a_field_of_ones_own_is_in_the_figure_or_in_the_list(size: Any, weight: Any, family: str) -> None:
    event = stored(f"{family}.thing.happened", size=size, attributes={"weight": weight})

    row, listed = result(event)

    for names, value in ((OF_DATA, size), (OF_ATTRIBUTES, weight)):
        for name in names:
            counted = column(row, name) is not None
            assert counted != (name in listed), (name, value, row, listed)
            assert not (counted and isinstance(value, (bool, list, dict))), (name, value)
    if isinstance(size, int) and not isinstance(size, bool) and abs(size) < 10**18:
        assert {"whole", "parts"} & listed == set()
        assert int(row["whole"]) == size
    if is_number(size) and isinstance(size, (int, float)) and 0 <= size < 10**12:
        assert "spread" not in listed


@examples(150)
@given(value=ODD, name=st.sampled_from(["duration_ms", "value", "input_tokens", "cost"]))
@example(value=5 * 10**12, name="duration_ms")
@example(value=10**15, name="duration_ms")
@example(value="1e400", name="value")
def test_a_common_field_of_another_family_is_in_the_figure_or_in_the_list(value: Any, name: str) -> None:
    assert_told(stored("custom.thing.happened", **{name: value}), name)


@examples(100)
@given(value=ODD, name=st.sampled_from(["duration_ms", "value", "input_tokens", "cost"]))
@example(value=10**12, name="duration_ms")
@example(value="0.000000000001", name="cost")
@example(value=-5, name="value")
def test_what_passes_the_door_of_our_families_is_in_the_figure_or_in_the_list(value: Any, name: str) -> None:
    event = {
        "event_type": "provider.call.completed",
        "data": {name: value, "currency": "USD"},
        "occurred_at": NOON,
    }
    with suppress(RefusedEvent):
        assert_told(event, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration_ms", 5 * 10**12),
        ("duration_ms", 10**13 - 1),
        ("duration_ms", "9999999999999.999"),
        ("input_tokens", 2**63 - 1),
        ("cost", "9223372036.854775807"),
    ],
)
def test_so_is_what_an_earlier_version_let_in(name: str, value: Any) -> None:
    assert_told(stored("provider.call.completed", **{name: value}), name)


@examples(150)
@given(value=ODD, name=st.sampled_from(["duration_ms", "value", "input_tokens", "cost"]))
@example(value="many", name="input_tokens")
@example(value=[1], name="duration_ms")
@example(value=2**63, name="input_tokens")
@example(value=1e30, name="cost")
def test_so_is_what_another_hand_has_stored(value: Any, name: str) -> None:
    assert_told(stored("provider.call.completed", **{name: value}), name)
