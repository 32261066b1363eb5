"""A number of our families that cannot be read, as another hand has stored it, is listed by every way to fold."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest

from analytics_es.projection import declarations_of
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.fold import SMALL, Fold, succeeded
from analytics_es.testing import NOON, provider_call
from tests.lifecycle.test_typed_archive import as_archived
from tests.stores import OURS, Stored, batch, engine, stored

CALL = "provider.call.completed"
BUDGET = {"budget_id": "b", "currency": "USD"}
# What is stored, and what lists it: the measure or the key of each projection.
FIELDS: dict[str, tuple[str, dict[str, Any], set[tuple[str, str]]]] = {
    "input_tokens": (CALL, {}, {("cost", "input_tokens"), ("usage", "input_tokens")}),
    "searches": (CALL, {}, {("cost", "searches")}),
    "requests": (CALL, {}, {("cost", "requests")}),
    "cost": (CALL, {"currency": "USD"}, {("cost", "currency"), ("cost", "reported_cost"), ("budgets", "where")}),
    "time_to_first_chunk_ms": (CALL, {}, {("performance", "time_to_first_chunk")}),
    "duration_ms": (
        CALL,
        {},
        {("performance", "duration"), ("performance", "timed_output_tokens"), ("usage", "duration")},
    ),
    "amount": ("budget.spent", BUDGET, {("budgets", "spent"), ("budgets", "reduced")}),
    "priority": ("budget.credit.granted", BUDGET | {"amount": "1"}, {("budgets", "priority")}),
    "at_position": ("budget.threshold.reached", BUDGET, {("budgets", "reached_position")}),
}
# As JSON has them: no number, and numbers that are too large.
WRONG = ['"many"', '""', '"NaN"', "[1]", '{"a":1}', "NaN", "-Infinity", "1e400", str(10**38), f'"{10**38}"']


def wrong(field: str, text: str) -> Stored:
    """Return an event with a value in the place of a number, as a line of JSON."""
    event_type, others, _ = FIELDS[field]
    kind, state = stored(event_type, **others, **{field: "HERE"})
    return kind, state.replace(b'"HERE"', text.encode())


def listed(fold: Fold, events: pa.Table) -> set[tuple[str, int, str]]:
    """Return what projections list of events: which, where, what."""
    return {
        (name, position, field)
        for name, folded in fold(events).items()
        for position, _, field in succeeded(folded).unreadable
    }


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("field", FIELDS)
def test_a_value_that_is_no_number_is_listed(field: str, text: str) -> None:
    _, _, expected = FIELDS[field]

    assert listed(engine(), batch(provider_call(), wrong(field, text))) == {(name, 2, told) for name, told in expected}


@pytest.mark.parametrize("field", FIELDS)
def test_it_is_listed_alike_alone_among_many_and_by_a_projection_alone(field: str) -> None:
    _, _, expected = FIELDS[field]
    one = wrong(field, '"many"')
    calls = [stored(CALL, input_tokens=n, duration_ms=n) for n in range(SMALL + 1)]

    assert listed(engine(), batch(one)) == {(name, 1, told) for name, told in expected}
    assert listed(engine(), batch(one, *calls)) == {(name, 1, told) for name, told in expected}
    for cls in OURS:
        (declaration,) = declarations_of([cls])
        own = {(name, 1, told) for name, told in expected if name == declaration.name}
        assert listed(engine((cls,)), batch(one, *calls)) == own


@pytest.mark.parametrize("classes", [OURS, OURS[:3]], ids=["with usage", "without"])
@pytest.mark.parametrize("text", ['"many"', '""', str(10**38), "null"])
@pytest.mark.parametrize("field", ["input_tokens", "cost", "amount"])
def test_columns_of_an_archive_that_hold_nothing_for_it_are_not_taken(
    field: str, text: str, classes: tuple[type, ...]
) -> None:
    events = batch(provider_call(), wrong(field, text), stored("custom.thing.happened", value="few"))
    events = events.append_column("key", pa.array([f"019cae0d8f00{n:020x}" for n in range(3)]))
    fold = engine(classes)
    assert fold.typed

    assert fold.of_columns(as_archived(events, fold.typed.columns)) is None


def test_a_field_that_is_null_is_none_and_nothing_is_listed_of_it() -> None:
    nothing = {name: None for name, (kind, _, _) in FIELDS.items() if kind == CALL}

    assert listed(engine(), batch(stored(CALL, **nothing), stored(CALL, input_tokens="1"))) == set()


def test_a_large_number_that_is_read_is_not_listed_beside_one_that_is_not() -> None:
    """A cost of 20 digits is more than 64 bits hold, and not too large to be read, whatever else is in its batch."""
    large = stored("provider.cost.corrected", cost="10000000000000000000", model="m")  # of no currency, which is a key

    assert listed(engine(), batch(large)) == set()
    assert {place for _, place, _ in listed(engine(), batch(large, wrong("input_tokens", '"many"')))} == {2}


def test_all_else_of_the_event_is_counted_to_the_last_digit() -> None:
    others = {"output_tokens": 7, "duration_ms": 0.1 + 0.2, "cost": 0.1 + 0.7, "currency": "USD", "model": "m"}
    with closing(Fold(declarations_of(OURS), Calendar("UTC"))) as fold:
        left_out = fold(batch(stored(CALL, input_tokens="many", **others)))
        without = fold(batch(stored(CALL, **others)))

    assert {name: list(succeeded(folded).rows) for name, folded in left_out.items()} == {
        name: list(succeeded(folded).rows) for name, folded in without.items()
    }


def test_only_the_hours_that_are_meant_are_listed() -> None:
    hour = int(NOON.timestamp()) * 1_000_000, int(NOON.timestamp() + 3_600) * 1_000_000
    earlier = stored(CALL, occurred_at="2026-03-01T12:00:00Z", input_tokens="many")
    events = batch(earlier, stored(CALL, input_tokens="few"))

    result = engine()(events, within=hour)

    assert [position for position, _, _ in succeeded(result["usage"]).unreadable] == [2]
