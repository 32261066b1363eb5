"""Adding up before spreading changes no row: compared with spreading every event, over declarations of all kinds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import FoldFailed
from analytics_es.events.fields import ENTITIES, UNREAD
from analytics_es.projection import fold as folding
from analytics_es.projection.declaration import Declaration, Key, Measure
from analytics_es.projection.fold import Fold
from analytics_es.projection.fold_sql import ProjectionSql
from analytics_es.testing import NOON, provider_call, task_completed, tool_call
from tests.examples import examples
from tests.projection import spread_first
from tests.stores import OURS, Stored, batch, engine, stored

# Names that a measure may have, and that a statement of a fold could use for something else.
NAMES = (
    "added",
    "c0",
    "counts",
    "decoded",
    "e0",
    "entity",
    "events",
    "grains",
    "hours",
    "hours0",
    "i",
    "n",
    "name",
    "spread",
    "t",
    "texts0",
    "unknown_fields",
    "user_id",
    "v0",
)
TYPES = ("provider.call.completed", "tool.call.failed", "task.completed", "custom.thing.happened")
WHOLE_NUMBERS, NUMBERS = ("input_tokens",), ("duration_ms", "cost", "value", "attributes.weight")
CONDITIONS = (
    None,
    "outcome = 'error'",
    "duration_ms > 10",
    "attributes.region = 'eu'",
    "CAST(attributes.weight AS INTEGER) > 1",
)
KEYS = ("type", "outcome", "model", "attributes.region", "CASE WHEN duration_ms > 10 THEN 'long' END")

few = st.sampled_from
numbers = st.none() | st.integers(-3, 2000) | st.sampled_from(["7.25", "many", "", -(2**63), 2**63 - 1, "1e17", 0.001])
texts = st.sampled_from([None, "", "a", "b", "a" * 300, "a" * 299 + "b", "\x00", "ß\x1f", 7])


@st.composite
def measures(draw: st.DrawFn, name: str) -> Measure:
    kind = draw(few(["count", "total", "smallest", "largest", "histogram"]))
    sql = None if kind == "count" else draw(few([*WHOLE_NUMBERS, *NUMBERS]))
    decimals = draw(st.integers(0, 9)) if sql in NUMBERS else 0
    return Measure(name=name, kind=kind, sql=sql, where=draw(few(CONDITIONS)), unit="1", decimals=decimals)


@st.composite
def declarations(draw: st.DrawFn) -> Declaration:
    entities = draw(st.lists(few([*ENTITIES, "attributes.region"]), max_size=4, unique=True))
    unread = bool(entities) and draw(st.booleans())
    keys = [Key(name=f"key_{n}", sql=sql) for n, sql in enumerate(draw(st.lists(few(KEYS), max_size=3, unique=True)))]
    if entities:
        keys = [Key(name="kind", sql="entity.type"), *keys, Key(name="id", sql="entity.id")]
    names = draw(st.lists(few(NAMES), min_size=1, max_size=5, unique=True))
    return Declaration(
        name="tried",
        version=1,
        consumes=(">",),
        where=draw(few([None, "outcome IS NOT NULL"])),
        entities=tuple(entities),
        keys=tuple(keys),
        measures=tuple(draw(measures(name)) for name in names),
        known=("duration_ms", "model", "user_id") if unread else (),
    )


@st.composite
def events(draw: st.DrawFn) -> list[Stored]:
    data = st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("user_id", "task_id", "job_id", "model", "tool"), texts),
            **dict.fromkeys(("input_tokens", "duration_ms", "cost", "value"), numbers),
            "attributes": st.fixed_dictionaries({"region": texts, "weight": numbers}),
            "colour": texts,
        },
    )
    at = st.integers(0, 50 * 60).map(lambda minutes: (NOON + timedelta(minutes=minutes)).isoformat())
    listed = draw(st.lists(st.tuples(few(TYPES), at, data), min_size=1, max_size=20))
    repeated = listed + draw(st.lists(few(listed), max_size=20))
    return [stored(event_type, occurred_at=at, **data) for event_type, at, data in repeated]


def both_ways(fold: Fold, *events: Any) -> tuple[Any, Any]:
    """Fold a batch as the package does, and by spreading every event."""
    table = batch(*events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "SMALL", -1)  # however few they are
        ours = fold(table)
        patch.setattr(ProjectionSql, "rows", spread_first.rows)
        return ours, fold(table)


@examples(40)
@given(declarations(), events())
def test_rows_are_those_of_every_event_spread_by_itself(declaration: Declaration, events: list[Stored]) -> None:
    ours, plain = both_ways(engine().of([declaration]), *events)

    assert not isinstance(plain["tried"], FoldFailed)
    assert ours == plain


def test_rows_of_our_projections_are_those_of_every_event_spread_by_itself() -> None:
    many = [
        make(
            occurred_at=NOON + timedelta(minutes=7 * n),
            user_id=f"user-{n % 5}",
            task_id=f"task-{n % 3}",
            duration_ms=n % 11 * 100,
        )
        for n in range(400)
        for make in (provider_call, tool_call, task_completed)
    ]

    ours, plain = both_ways(engine(OURS), *many)

    assert [len(folded.rows) for folded in ours.values()] == [0, 1300, 150, 3150]
    assert ours == plain


def test_an_event_is_counted_under_each_field_that_is_not_known_and_once_in_all() -> None:
    declaration = Declaration(
        name="tried",
        version=1,
        consumes=(">",),
        where=None,
        entities=("user",),
        keys=(Key(name="kind", sql="entity.type"), Key(name="id", sql="entity.id")),
        measures=(Measure(name="name", kind="count", sql=None, where=None, unit="1", decimals=0),),
        known=("user_id",),
    )
    happened = [
        stored("tool.call.completed", user_id="ada", colour="red", size=2),
        stored("tool.call.completed", user_id="ada", size=3),
        stored("tool.call.completed", user_id=""),
    ]

    ours, plain = both_ways(engine().of([declaration]), *happened)

    assert ours == plain
    counted = {row[1:2] + row[3:] for row in ours["tried"].rows if row[0] == "hour"}
    assert counted == {("", "", 3), ("user", "ada", 2), (UNREAD, "colour", 1), (UNREAD, "size", 2)}
