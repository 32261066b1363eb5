"""Calls that are partial: kept as such under every policy, counted, and told with every answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.privacy import PRESETS, PrivacyPolicy
from tests.ingest.sessions.ledger import Ledger, write
from tests.stores import contents, data_of, derived, opened, record

pytestmark = pytest.mark.store("sqlite", "postgres")

DAY = TimePeriod.day("2026-03-02")
TIME = "2026-03-02T12:00:00Z"
COMPLETED = "provider.call.completed"


def call(partial: Any = True, event_type: str = COMPLETED, *, at: str = TIME, **attributes: Any) -> dict[str, Any]:
    """Return a call whose last usage was never written, or what `partial` says of it."""
    data = {"provider": "anthropic", "model": "claude-sonnet-4-5", "input_tokens": 1000, "output_tokens": 1}
    told = {} if partial is None else {"partial": partial}
    return {"event_type": event_type, "data": {**data, "attributes": {**attributes, **told}}, "occurred_at": at}


def of_answers(analytics: AnalyticsService) -> list[tuple[int, int]]:
    """Return how many calls are partial, and how many figures contradict, of each kind of answer about a day."""
    answers: list[Any] = [
        analytics.get_summary("usage.input_tokens", DAY).unwrap(),
        analytics.get_usage_stats("model", "claude-sonnet-4-5", DAY).unwrap(),
        analytics.get_cost_breakdown(DAY).unwrap(),
        analytics.get_performance_metrics(DAY).unwrap(),
    ]
    return [(answer.completeness.partial_calls, answer.completeness.contradictions) for answer in answers]


def test_they_are_counted_and_told_with_every_answer_of_their_period(analytics: AnalyticsService) -> None:
    record(analytics, call(), call(), call(None), call(False), call("true"), call(at="2026-03-03T12:00:00Z"))

    assert of_answers(analytics) == [(2, 0)] * 4
    assert analytics.unread_fields().unwrap() == []
    assert analytics.left_out_fields().unwrap() == []
    assert analytics.verify().unwrap().identical


def test_what_contradicts_itself_in_them_is_counted_apart(analytics: AnalyticsService) -> None:
    record(analytics, call(**{CONTRADICTION: "total_tokens"}), call(None, **{CONTRADICTION: "cost total_tokens"}))

    assert of_answers(analytics) == [(1, 3)] * 4
    assert analytics.get_cost_breakdown(DAY).unwrap().completeness.contradicting == ("total_tokens", "cost")


@pytest.mark.parametrize("event_type", ["tool.call.completed", "task.completed", "review.completed", "provider.seen"])
def test_what_is_partial_of_anything_else_is_its_own_affair(analytics: AnalyticsService, event_type: str) -> None:
    record(analytics, call(event_type=event_type))

    assert of_answers(analytics) == [(0, 0)] * 4
    (data,) = data_of(analytics, event_type)
    assert CONTRADICTION not in data["attributes"]


def test_of_a_shape_that_comes_often_they_are_counted_the_same(analytics: AnalyticsService) -> None:
    """The first twenty events of a shape are looked at in another way than those after them."""
    record(analytics, *[call(None, team="core")] * 30, *[call(team="core")] * 30, *[call(None, team="core")] * 30)

    assert of_answers(analytics) == [(30, 0)] * 4


def test_every_way_to_derive_them_counts_the_same(analytics: AnalyticsService) -> None:
    record(analytics, *[call()] * 3, call(None))
    before = contents(analytics.store.read_models)["usage"] if analytics.store.log.of_a_server is False else None

    analytics.rebuild(["usage"]).unwrap()

    assert of_answers(analytics) == [(3, 0)] * 4
    if before is not None:
        assert contents(analytics.store.read_models)["usage"] == before == derived(analytics.store.log)["usage"]


def test_as_of_a_position_those_are_told_that_were_there(analytics: AnalyticsService) -> None:
    record(analytics, call())
    then = analytics.get_cost_breakdown(DAY).unwrap().completeness.position
    record(analytics, call())

    as_of = analytics.as_of(then).get_cost_breakdown(DAY).unwrap()

    assert as_of.completeness.partial_calls == 1
    assert analytics.get_cost_breakdown(DAY).unwrap().completeness.partial_calls == 2


@pytest.mark.parametrize("preset", [*PRESETS, "own"])
@pytest.mark.parametrize("said", [None, "total_tokens"])
def test_every_policy_keeps_it(preset: str, said: str | None) -> None:
    rules = {"attributes": "drop", "attributes.*": "drop"}
    policy: Any = PrivacyPolicy(rules=(*rules.items(),)) if preset == "own" else {"preset": preset, "rules": rules}
    with opened(privacy=policy) as analytics:
        record(analytics, call(team="core", **({CONTRADICTION: said} if said else {})))

        (data,) = data_of(analytics, COMPLETED)
        words = f"{said} partial" if said else "partial"
        assert data["attributes"] == {"partial": True, CONTRADICTION: words}
        assert of_answers(analytics)[2] == (1, bool(said))
        assert analytics.left_out_fields().unwrap() == [] or preset != "own"


def test_an_event_of_another_store_says_it_once(analytics: AnalyticsService) -> None:
    record(analytics, call())
    (data,) = data_of(analytics, COMPLETED)

    with opened() as other:
        record(other, {"event_type": COMPLETED, "data": data, "occurred_at": TIME, "id": "1"})
        record(other, {"event_type": COMPLETED, "data": call()["data"], "occurred_at": TIME, "id": "1"})

        assert data_of(other, COMPLETED) == [data]
        assert of_answers(other) == [(1, 0)] * 4


def test_forgetting_who_made_them_leaves_them_partial(analytics: AnalyticsService) -> None:
    event = call()
    record(analytics, {**event, "data": {**event["data"], "user_id": "ada"}})

    analytics.forget("ada").unwrap()
    analytics.catch_up()

    assert of_answers(analytics) == [(1, 0)] * 4


def test_from_a_session_of_an_agent_to_the_answer(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    message = {"id": "msg_1", "model": "claude-sonnet-4-5", "stop_reason": None, "usage": {"input_tokens": 5}}
    line = {"type": "assistant", "timestamp": TIME, "sessionId": "s", "requestId": "req_1", "message": message}
    write(tmp_path / "claude/projects/p/s.jsonl", [line])

    Ledger(analytics, tmp_path, ("claude-code",)).read()
    analytics.catch_up()

    assert of_answers(analytics)[2:] == [(1, 0)] * 2
