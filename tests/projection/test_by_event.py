"""What each event adds is read in one statement: as it is from a table of them, and wherever that is needed, by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import FoldFailed
from analytics_es.projection import declaration_of, engine
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold
from analytics_es.projection.loading import Loading
from analytics_es.projections import Cost
from tests.examples import examples
from tests.projection.test_small_fold import declarations, events
from tests.stores import batch, stored
from tests.stores import engine as fold_of

WITHIN = (1_772_409_600_000_000, 1_772_755_200_000_000)  # the first days of March 2026


def added(fold: Fold, happened: pa.Table, declared: Declaration, where: Mapping[str, str]) -> Any:
    try:
        return fold.by_event(happened, declared, where, within=WITHIN)
    except FoldFailed as error:
        return str(error)


def from_a_table(fold: Fold, happened: pa.Table, declared: Declaration, where: Mapping[str, str]) -> Any:
    """Return the same as it is where the one statement always fails."""

    def fail(*_: object) -> str:
        raise engine.EngineError("not at once")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loading, "attach", fail)
        return added(fold, happened, declared, where)


@examples(60)
@given(declarations(), st.lists(events(), min_size=3, max_size=9), st.integers(0, 30), st.integers(0, 3))
def test_what_events_add_is_the_same_at_once_and_from_a_table(
    declared: Declaration, happened: list[tuple[str, bytes]], number: int, keys: int
) -> None:
    """Of all rows, and of those that are of the same keys as one of them."""
    fold, of_events = fold_of(), batch(*happened)
    every = from_a_table(fold, of_events, declared, {})

    assert added(fold, of_events, declared, {}) == every

    if isinstance(every, pa.Table) and every.num_rows:
        row = every.slice(number % every.num_rows, 1).to_pylist()[0]
        where = {key.name: row[key.name] for key in declared.keys[:keys]}
        assert added(fold, of_events, declared, where) == from_a_table(fold, of_events, declared, where)


@pytest.mark.parametrize("text", ["a'b", "\0", "a\0b", "\\", "$1", "?", "ünï", "x" * 300])
def test_any_text_may_be_a_key(text: str) -> None:
    happened = batch(stored("provider.call.completed", model=text), stored("provider.call.completed", model="m"))
    where = {"entity_type": "", "model": text}

    rows = added(fold_of((Cost,)), happened, declaration_of(Cost), where)

    assert rows.column("position").to_pylist() == [1]
    assert rows == from_a_table(fold_of((Cost,)), happened, declaration_of(Cost), where)


def test_our_own_events_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loading, "load", None)  # which fills the table
    happened = batch(stored("provider.call.completed", model="m", cost="1.5"), stored("task.completed"))

    rows = fold_of((Cost,)).by_event(happened, declaration_of(Cost), {"entity_type": "", "model": "m"}, within=WITHIN)

    assert rows.column("position").to_pylist() == [1]


def test_what_is_no_event_is_left_out_and_nothing_else() -> None:
    happened = batch(stored("task.completed"), ("task.completed", b"{"), ("Task", b"{}"), stored("task.completed"))

    rows = fold_of((Cost,)).by_event(happened, declaration_of(Cost), {"entity_type": ""}, within=WITHIN)

    assert rows.column("position").to_pylist() == [1, 4]


@pytest.mark.parametrize("time", ["yesterday", None, "1989-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "infinity"])
def test_an_event_at_no_time_adds_nothing(time: str | None) -> None:
    happened = batch(stored("task.completed", occurred_at=time), stored("task.completed"))

    rows = fold_of((Cost,)).by_event(happened, declaration_of(Cost), {"entity_type": ""}, within=(0, 2**62))

    assert rows.column("position").to_pylist() == [2]
