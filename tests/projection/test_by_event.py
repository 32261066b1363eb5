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
KEYS = ("", "m", "eu", "ok", "m1", "x" * 300, "a'b", "\0", "user", "model")


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
@given(declarations(), st.lists(events(), max_size=8), st.lists(st.sampled_from(KEYS), max_size=3))
def test_what_events_add_is_the_same_at_once_and_from_a_table(
    declared: Declaration, happened: list[tuple[str, bytes]], texts: list[str]
) -> None:
    fold, where = fold_of(), dict(zip((key.name for key in declared.keys), texts, strict=False))

    assert added(fold, batch(*happened), declared, where) == from_a_table(fold, batch(*happened), declared, where)


def test_our_own_events_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loading, "load", None)  # which fills the table
    happened = batch(stored("provider.call.completed", model="m", cost="1.5"), stored("task.completed"))

    rows = fold_of((Cost,)).by_event(happened, declaration_of(Cost), {"entity_type": "", "model": "m"}, within=WITHIN)

    assert rows.column("position").to_pylist() == [1]


def test_what_is_no_event_is_left_out_and_nothing_else() -> None:
    happened = batch(stored("task.completed"), ("task.completed", b"{"), ("Task", b"{}"), stored("task.completed"))

    rows = fold_of((Cost,)).by_event(happened, declaration_of(Cost), {"entity_type": ""}, within=WITHIN)

    assert rows.column("position").to_pylist() == [1, 4]
