"""What the log's database leaves out of an explanation would have added nothing, however a text is stored."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.audit import evidence
from analytics_es.projection import count, key, projection
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.stored_texts import beginnings_of, texts_of
from analytics_es.projections import Cost, Performance, Usage
from analytics_es.testing import DAY, provider_call
from tests.examples import examples
from tests.stores import OURS, Stored, append, opened, stored

WORDS = ["ada", "Ada", "e5", "7", "true", "null", "NaN", 'a"b', "a\\b", "ünï", "a\tb", "a/b", "{a}", "", "a" * 300]
VALUES: st.SearchStrategy[Any] = st.one_of(st.sampled_from(WORDS), st.sampled_from([7, 7.0, True, None, ["ada"]]))
TYPES = ["provider.call.completed", "tool.call.completed", "task.completed", "custom.thing.happened"]


def escaped(event: Stored, how: str) -> Stored:
    """Write an event as other hands may: the same text in other bytes."""
    data = json.dumps(json.loads(event[1]), ensure_ascii=how != "plain")
    if how == "escaped":
        data = data.replace('"ada"', '"\\u0061da"').replace("a/b", "a\\/b")
    return event[0], data.encode()


EVENTS = st.builds(
    lambda event_type, how, user, model, tool, team: escaped(
        stored(event_type, user_id=user, model=model, tool=tool, status="ok", duration_ms=5, attributes={"team": team}),
        how,
    ),
    st.sampled_from(TYPES),
    st.sampled_from(["plain", "ascii", "escaped"]),
    *[VALUES] * 4,
)


@projection(version=1, consumes=(">",))
class Odd:
    """Rows by keys of every making."""

    team: str = key("attributes.team")
    first: str = key("coalesce(model, tool)")
    upper: str = key("upper(user_id)")
    kind: str = key("type")
    events: int = count()


ASKED = [("usage.events", "user"), ("performance.calls", "subject"), ("cost.calls", "model")]
ASKED += [("odd.events", name) for name in ("team", "first", "upper", "kind")]


@examples(12)
@given(st.lists(EVENTS, min_size=1, max_size=12), st.sampled_from(ASKED), st.sampled_from([*WORDS, *TYPES, "ADA"]))
@example([escaped(stored("custom.thing.happened", user_id="ada"), "escaped")], ("usage.events", "user"), "ada")
@example([stored("custom.thing.happened", user_id=7)], ("usage.events", "user"), "7")
def test_an_explanation_is_what_it_is_of_all_events(events: list[Stored], metric: tuple[str, str], text: str) -> None:
    with opened(projections=[*OURS, Odd]) as analytics:
        append(analytics.store.log, *events)
        analytics.catch_up()
        where = {metric[1]: text}
        filtered = analytics.explain(metric[0], DAY, where=where)
        with patch.object(evidence, "texts_of", lambda *_: ()), patch.object(evidence, "beginnings_of", lambda _: ()):
            whole = analytics.explain(metric[0], DAY, where=where)

    assert filtered == whole


@pytest.mark.store("sqlite", "postgres", privacy="full")
def test_the_database_leaves_out_what_has_not_the_text(analytics: AnalyticsService) -> None:
    """Said of both databases: how a state holds bytes is the one thing they do not say alike."""
    analytics.record_events([provider_call(), provider_call(model="other"), provider_call(model='ot"her')]).unwrap()
    analytics.catch_up()
    log = analytics.store.log
    holding = evidence.Holding((b"claude-sonnet",), ("provider.",))
    scanned = [row["position"] for table in log.scan_period(0, 2**52, holding=holding) for row in table.to_pylist()]

    assert len(scanned) == 2  # that with an escape may say any text
    assert analytics.explain("cost.calls", DAY, where={"model": "other"}).unwrap().count == 1


@pytest.mark.parametrize(
    ("cls", "where", "texts"),
    [
        (Cost, {"entity_type": "", "model": "claude"}, (b"claude",)),
        (Usage, {"entity_type": "user", "entity_id": "ada"}, (b"ada",)),
        (Usage, {"entity_type": "user"}, ()),
        (Usage, {"entity_type": "", "event_type": "task.completed"}, ()),  # which no state says
        (Performance, {"subject": "bash", "operation": "tool.call"}, (b"bash",)),
        (Odd, {"upper": "ADA"}, ()),
        (Odd, {"team": "red"}, (b"red",)),
        (Odd, {"team": "7"}, ()),
    ],
)
def test_which_texts_an_event_has_stored(cls: Any, where: dict[str, str], texts: tuple[bytes, ...]) -> None:
    declaration: Declaration = cls.__analytics__

    assert texts_of(declaration, where) == texts


def test_how_types_begin_that_a_projection_takes() -> None:
    assert beginnings_of(Usage.__analytics__) == ()  # type: ignore[attr-defined]
    assert "provider." in beginnings_of(Cost.__analytics__)  # type: ignore[attr-defined]
