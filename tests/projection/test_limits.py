"""At the limits of what is told apart, nested and counted: refused in words when it is declared, or folded alike."""

from __future__ import annotations

from contextlib import closing

import pytest

from analytics_es.errors import BadDeclaration
from analytics_es.projection import Histogram, count, declaration_of, declarations_of, histogram, key, projection
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.fold import Fold
from tests.projection.test_small_fold import both
from tests.stores import batch, engine, rows, stored


def by(sql: str) -> type:
    """Declare events by one key."""

    @projection(version=1, consumes=(">",))
    class Mine:
        own: str = key(sql)
        events: int = count()

    return Mine


@projection(version=1, consumes=("task.*",))
class Sizes:
    """What only tasks have."""

    model: str = key("model")
    sizes: Histogram = histogram("input_tokens", decimals=3)


# ── letters ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["Status", "STATUS", "Duration_ms"])
def test_a_field_that_differs_by_case_alone_from_one_that_is_always_read_is_refused(name: str) -> None:
    with pytest.raises(BadDeclaration, match=rf"data\.{name}: differs from the field {name.lower()} by case alone"):
        by(f"data.{name}")


def test_so_is_one_that_differs_from_a_field_that_is_read_as_well() -> None:
    with pytest.raises(BadDeclaration, match=r"data\.Model: differs from the field model by case alone"):
        by("coalesce(data.Model, model)")
    with pytest.raises(BadDeclaration, match=r"mine\.data\.Model: differs from the field model by case alone"):
        declarations_of([by("data.Model"), Sizes])


def test_one_that_stands_alone_is_folded() -> None:
    assert [row["own"] for row in rows(by("data.Model"), stored(Model="M", model="m"))] == ["M"]


# ── nesting ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("depth", [500, 5_000])
@pytest.mark.parametrize("sql", ["model || ", "NOT "])
def test_an_expression_that_is_nested_too_deeply_is_refused_in_words(sql: str, depth: int) -> None:
    with pytest.raises(BadDeclaration, match=r"nested too deeply|expression depth"):
        by(f"{sql * depth}(model = 'm')")


@pytest.mark.parametrize("sql", ["{}model{}", "CASE WHEN {}model{} = 'm' THEN 'm' END"])
def test_one_that_python_does_not_fold_is_folded_by_the_engine(sql: str) -> None:
    mine = by(sql.format("lower(" * 250, ")" * 250))

    assert [row["own"] for row in rows(mine, stored(model="M"))] == ["m"]
    assert engine((mine,)).small.reasons == {"mine": "an expression that is nested too deeply"}


def test_thousands_side_by_side_are_folded() -> None:
    mine = by(" OR ".join(["input_tokens > 5"] * 1_000))

    assert [row["own"] for row in rows(mine, stored(input_tokens=7))] == ["true"]


# ── the least number ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("event_type", ["tool.call.completed", "custom.thing.happened"])
def test_the_least_number_stops_nothing_where_nobody_takes_its_event(event_type: str) -> None:
    events = batch(stored("task.completed", model="m", input_tokens=7), stored(event_type, input_tokens=-(2**63)))
    with closing(Fold([declaration_of(Sizes)], Calendar("UTC"))) as fold:
        ours, theirs = both(fold, events)

    assert ours == theirs
    assert list(ours) == ["sizes"]


def test_where_somebody_does_it_is_one_value_that_is_not_read() -> None:
    events = batch(*(stored("task.completed", model="m", input_tokens=number) for number in (7, -(2**63))))

    folded = engine((Sizes,))(events)["sizes"]

    assert [listed[::2] for listed in folded.unreadable] == [(2, "sizes")]  # type: ignore[union-attr]
    assert {row[3] for row in folded.rows} == {1}  # type: ignore[union-attr]
