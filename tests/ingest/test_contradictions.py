"""Which figures contradict what was told beside them: kept by every policy, counted, and told with every answer."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.privacy import PRESETS, PrivacyPolicy
from analytics_es.projection.fold import Fold
from analytics_es.projections import Usage
from tests.stores import contents, data_of, derived, folded, opened, record, stored

pytestmark = pytest.mark.store("sqlite", "postgres")

DAY = TimePeriod.day("2026-03-02")
TIME = "2026-03-02T12:00:00Z"


def call(said: Any = None, event_type: str = "provider.call.completed", **attributes: Any) -> dict[str, Any]:
    """Return a call; of its figures those that are said contradict what was told beside them."""
    contradiction = {} if said is None else {CONTRADICTION: said}
    data = {"provider": "openai", "model": "gpt-4o", "input_tokens": 1000, "output_tokens": 100}
    return {
        "event_type": event_type,
        "data": {**data, "attributes": {**attributes, **contradiction}},
        "occurred_at": TIME,
    }


def of_answers(analytics: AnalyticsService) -> list[tuple[int, tuple[str, ...]]]:
    """Return what the answers about a day say: its summary, its usage, its cost."""
    answers: list[Any] = [
        analytics.get_summary("usage.input_tokens", DAY).unwrap(),
        analytics.get_usage_stats("model", "gpt-4o", DAY).unwrap(),
        analytics.get_cost_breakdown(DAY).unwrap(),
    ]
    return [(answer.completeness.contradictions, answer.completeness.contradicting) for answer in answers]


def test_they_are_counted_by_field_and_told_with_answers(analytics: AnalyticsService) -> None:
    record(analytics, *[call("total_tokens")] * 2, call("cache_read_tokens total_tokens"), call())

    assert of_answers(analytics) == [(4, ("total_tokens", "cache_read_tokens"))] * 3
    assert analytics.unread_fields().unwrap() == []
    assert analytics.left_out_fields().unwrap() == []
    assert analytics.verify().unwrap().identical


def test_answers_about_other_events_say_nothing_of_them(analytics: AnalyticsService) -> None:
    record(analytics, call("time_to_first_chunk", "review.completed"))

    assert [count for count, _ in of_answers(analytics)[:2]] == [1, 1]
    assert analytics.get_performance_metrics(DAY).unwrap().completeness.contradictions == 0


def test_every_way_to_derive_them_counts_the_same(analytics: AnalyticsService) -> None:
    record(analytics, *[call("total_tokens")] * 3, call("reasoning_tokens", "review.completed"))
    before = contents(analytics.store.read_models)["usage"] if analytics.store.log.of_a_server is False else None

    analytics.rebuild(["usage"]).unwrap()

    assert of_answers(analytics)[1] == (4, ("total_tokens", "reasoning_tokens"))
    if before is not None:
        assert contents(analytics.store.read_models)["usage"] == before == derived(analytics.store.log)["usage"]


@pytest.mark.parametrize("preset", [*PRESETS, "own"])
def test_every_policy_keeps_them(preset: str) -> None:
    rules = {"attributes": "drop", "attributes.*": "drop"}
    policy: Any = PrivacyPolicy(rules=(*rules.items(),)) if preset == "own" else {"preset": preset, "rules": rules}
    with opened(privacy=policy) as analytics:
        record(analytics, call("total_tokens", team="core"))

        (data,) = data_of(analytics, "provider.call.completed")
        assert (data["attributes"], of_answers(analytics)[2][0]) == ({CONTRADICTION: "total_tokens"}, 1)


@pytest.mark.parametrize("said", ["Ada Lovelace", "total_tokens Ada", 5, " ".join(["cost"] * 17)])
def test_under_its_name_nothing_else_is_kept_that_a_policy_leaves_out(said: Any) -> None:
    with opened(privacy={"preset": "pseudonymous", "rules": {"attributes.*": "drop"}}) as analytics:
        record(analytics, call(said))

        (data,) = data_of(analytics, "provider.call.completed")
        assert data["attributes"] == {}


@pytest.mark.parametrize("said", ["", "a  b", "a b", "total_tokens", 5, {"a": 1}, ["a"], None, True])
@pytest.mark.parametrize("attributes", ["of a mapping", "text", 7, None])
def test_of_odd_bytes_both_kinds_of_fold_make_the_same(
    monkeypatch: pytest.MonkeyPatch, said: Any, attributes: Any
) -> None:
    odd = {CONTRADICTION: said} if attributes == "of a mapping" else attributes
    events = [stored(event_type, attributes=odd) for event_type in ("tool.call.completed", "own.thing.happened")]
    by_python = folded(Usage, *events)
    monkeypatch.setattr(Fold, "_in_python", lambda *_: {})

    assert folded(Usage, *events).rows == by_python.rows
