"""A row of all entities of a kind holds each event once that names one: what its entities' rows hold together."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import BadDeclaration
from analytics_es.projection import Histogram, count, histogram, key, largest, projection, smallest, total
from analytics_es.projection.declaration import Declaration, defined, differences
from analytics_es.projections import Usage
from analytics_es.read_models.rollups import each_alone, rolled_up
from analytics_es.testing import NOON
from tests.examples import examples
from tests.stores import Stored, folded, stored


@projection(version=1, consumes=(">",), entities=("user", "task", "attributes.team"), rollup=True, unread=True)
class Everything:
    """Measures of every kind, of entities of every kind."""

    currency: str = key("currency")
    entity_type: str = key("entity.type")
    entity_id: str = key("entity.id")
    events: int = count()
    spent: int | None = total("cost", unit="currency", decimals=9)
    least: int | None = smallest("duration_ms", decimals=3)
    most: int | None = largest("duration_ms", decimals=3)
    duration: Histogram = histogram("duration_ms", unit="ms", decimals=3)


NAMES = st.sampled_from(["ada", "bob", "", None, 7, "x" * 300, "ünï"])
EVENTS = st.builds(
    lambda hour, user, task, team, cost, currency, duration: stored(
        "tool.call.completed" if isinstance(user, str) else "custom.thing.happened",
        occurred_at=NOON.replace(hour=hour).isoformat(),
        user_id=user,
        task_id=task,
        attributes={"team": team},
        cost=cost,
        currency=currency,
        duration_ms=duration,
        surprise=1,
    ),
    st.integers(0, 23),
    *[NAMES] * 3,
    st.sampled_from([None, 0.1, 9e18, 3]),
    st.sampled_from(["USD", "EUR", None]),
    st.sampled_from([None, 0, 0.5, 1, 7.25, 10**9]),
)


@pytest.mark.parametrize("cls", [Everything, Usage])
@examples(20)
@given(st.lists(EVENTS, min_size=1, max_size=12))
def test_it_is_what_the_rows_of_its_entities_add_up_to(cls: Any, events: list[Stored]) -> None:
    declaration: Declaration = cls.__analytics__
    rows = list(folded(cls, *events).rows)
    alone = each_alone(declaration, rows)

    assert sorted(rows) == sorted([*alone, *rolled_up(declaration, alone)])
    assert {row for row in rows if row not in alone} == {*rolled_up(declaration, alone)}


def test_the_empty_text_is_no_entity_of_any_kind() -> None:
    kinds = {row[1] for row in folded(Usage, stored("tool.call.completed", user_id="", task_id="t")).rows}

    assert "user" not in kinds
    assert "task" in kinds


def test_a_definition_without_it_is_the_text_that_it_was() -> None:
    declaration: Declaration = Usage.__analytics__  # type: ignore[attr-defined]
    before = attrs.evolve(declaration, rollup=False)

    assert "rollup" not in before.definition
    assert defined(declaration.definition).rollup
    assert differences(before, declaration) == ["changed rollup"]
    assert not declaration.crossed(["user"]).rollup


def test_it_takes_entities() -> None:
    with pytest.raises(BadDeclaration, match="rollup"):

        @projection(version=1, consumes=(">",), rollup=True)
        class Nobody:
            events: int = count()
