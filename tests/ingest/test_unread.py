"""What nothing reads: it is told once, counted by type and field, refused where that is wanted; by any way."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from analytics_es.errors import NotRead
from analytics_es.events.event import REJECTED
from analytics_es.ingest import InProcessBus, unread
from analytics_es.projection import count, key, projection
from analytics_es.projections import Cost, Usage
from analytics_es.testing import job_failed, provider_call, tool_call
from analytics_es.types import OperationResult
from tests.stores import data_of, opened, recorded

OTHERS = {"prompt_tokens": 5, "completion_tokens": 7, "cost_usd": 0.1, "latency_ms": 100, "user": "ada"}


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "_told", set())


@projection(version=1, consumes=("tool.>", "llm.>"))
class Mine:
    """What of an application's own is read."""

    region: str = key("data.region")
    tier: str = key("attributes.prompt_tokens")
    calls: int = count()


def call(**fields: Any) -> dict[str, Any]:
    return {"event_type": "provider.call.completed", "data": {"model": "gpt-5", **fields}}


def refusal(result: OperationResult[Any]) -> tuple[str, str]:
    assert result.failure is not None
    return result.failure.code, result.failure.message


def test_each_is_told_once_a_process(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with opened() as analytics:
            for _ in range(3):
                analytics.record_event(**call(**OTHERS, ticket="x")).unwrap()

    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [message.partition(" of ")[0] for message in told] == [*OTHERS, "ticket"]
    assert "provider.call.completed is read by no projection: did you mean input_tokens? (http" in told[0]
    assert "did you mean" not in told[-1]


def test_what_came_in_is_counted_by_type_and_field() -> None:
    with opened() as analytics:
        analytics.record_events([call(**OTHERS)] * 3 + [call(ticket="x"), job_failed(ticket="x")]).unwrap()
        analytics.record_event("llm.call.completed", {"prompt_tokens": 5}).unwrap()

        counted = {(entry.type, entry.field): entry.events for entry in analytics.unread_fields(here=True).unwrap()}

    assert counted == {
        **dict.fromkeys((("provider.call.completed", name) for name in OTHERS), 3),
        ("provider.call.completed", "ticket"): 1,
        ("job.failed", "ticket"): 1,
        ("llm.call.completed", "type"): 1,
    }


def test_more_than_a_thousand_are_counted_together(caplog: pytest.LogCaptureFixture) -> None:
    with opened() as analytics:
        analytics.record_events([call(**{f"field{n}{n * 7}": 1}) for n in range(1_005)]).unwrap()

        entries = analytics.unread_fields(limit=2_000, here=True).unwrap()

    assert len(entries) == 1_001
    assert (entries[0].type, entries[0].field, entries[0].events) == ("…", "…", 5)
    assert len(caplog.records) <= 1_001


@pytest.mark.parametrize(
    "event",
    [
        provider_call(),
        tool_call(),
        call(messages=3, attempt=1, scope="all"),
        call(attributes={"team": "x", "user": "y", "mode": "z"}),
        call(input_tokens=5, attributes={"gen_ai.usage.input_tokens": 4}),
        {"event_type": "task.completed", "data": {"attributes": {"gen_ai.usage.input_tokens": 4}}},
        {"event_type": "order.placed", "data": {"prompt_tokens": 5, "ticket": "x"}},
        {"event_type": "tool.shell.completed", "data": {"tool": "bash"}},
        {"event_type": "agent.crashed", "data": {}},
        call(prompt="hello", response="hi", body={"a": 1}),
    ],
)
@pytest.mark.parametrize("privacy", ["full", "pseudonymous"])
def test_what_is_documented_or_your_own_is_told_nothing_of(
    event: dict[str, Any], privacy: str, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(strict=True, privacy=privacy) as analytics:
        analytics.record_event(**event).unwrap()
        assert analytics.unread_fields(here=True).unwrap() == []
    assert caplog.records == []


def test_what_a_projection_of_yours_reads_is_read() -> None:
    events = [
        tool_call(region="eu", attributes={"prompt_tokens": "5"}),
        {"event_type": "llm.call.completed", "data": {}},
    ]
    with opened(projections=[Usage, Cost, Mine], strict=True) as analytics:
        for event in events:
            analytics.record_event(**event).unwrap()
        analytics.catch_up()
        assert analytics.unread_fields().unwrap() == []

        # It is not read of events that the projection does not take.
        code, message = refusal(analytics.record_event(**job_failed(region="eu")))
        assert (code, "region of job.failed" in message) == ("not_read", True)


@pytest.mark.parametrize(
    ("event", "field", "suggestion"),
    [
        (call(prompt_tokens=5), "prompt_tokens", "input_tokens"),
        (call(input_token=5), "input_token", "input_tokens"),
        (call(inputtokens=5), "inputtokens", "input_tokens"),
        (call(usage={"prompt_tokens": 5}), "usage", "input_tokens and output_tokens"),
        (call(ticket="x"), "ticket", None),
        (call(attributes={"gen_ai.usage.input_tokens": 5}), "attributes.gen_ai.usage.input_tokens", "input_tokens"),
        ({"event_type": "llm.call.completed", "data": {}}, "type", "provider.call.completed"),
        ({"event_type": "provider.call.complete", "data": {}}, "type", "provider.call.completed"),
    ],
)
def test_strict_refuses_what_nothing_reads(event: dict[str, Any], field: str, suggestion: str | None) -> None:
    with opened(strict=True) as analytics:
        result = analytics.record_event(**event)
        assert result.failure is not None
        assert (result.failure.code, result.failure.details["field"]) == ("not_read", field)
        assert (suggestion or "attributes") in result.failure.message

        batch = analytics.record_events([event, provider_call()], skip_refused=True).unwrap()
        assert (batch.refused, batch.recorded) == (1, 1)
        with analytics.buffered() as buffer:
            assert refusal(buffer.record_event(**event))[0] == "not_read"
        assert len(recorded(analytics, "provider.call.completed")) == 1


def test_strict_keeps_what_a_bus_delivers_as_rejected() -> None:
    bus = InProcessBus()
    with opened(strict=True, privacy="full") as analytics, analytics.subscribe_to(bus) as subscription:
        bus.publish("provider.call.completed", {"prompt_tokens": 5})
        bus.publish("provider.call.completed", {"input_tokens": 5})

        assert (subscription.stats().recorded, subscription.stats().rejected) == (1, 1)
        (kept,) = data_of(analytics, REJECTED)
    assert (kept["reason"]["code"], "did you mean input_tokens?" in kept["reason"]["message"]) == ("not_read", True)


def test_a_settings_file_may_say_strict_and_what_is_passed_wins(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[events]\nstrict = true\n")
    for passed, refused in ((None, True), (False, False), (True, True)):
        with opened(settings=settings, strict=passed) as analytics:
            assert (analytics.record_event(**call(prompt_tokens=5)).failure is not None) == refused


def test_an_attribute_that_is_fine_elsewhere_is_told_of_a_call() -> None:
    figures = {"attributes": {"gen_ai.usage.input_tokens": 5, "team": "x"}}
    with opened() as analytics:
        for event_type in ("task.completed", "provider.call.completed"):
            analytics.record_event(event_type, figures).unwrap()

        (entry,) = analytics.unread_fields(here=True).unwrap()
    assert (entry.type, entry.field) == ("provider.call.completed", "attributes.gen_ai.usage.input_tokens")


def test_a_name_of_several_lines_is_one_line_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with opened() as analytics:
        analytics.record_event(**call(**{"a\nb": 1})).unwrap()

    assert [record.getMessage().count("\n") for record in caplog.records] == [0]


def test_a_name_that_may_be_that_of_a_person_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with opened(privacy="full") as analytics:
        analytics.record_event(**call(**{"ada@example.com": 3, "Ada Lovelace": 1, "ticket": "A-7"})).unwrap()
        names = {entry.field for entry in analytics.unread_fields(here=True).unwrap()}

    told = [record.getMessage().partition(" of ")[0] for record in caplog.records]
    assert told == ["…", "…", "ticket"]
    assert names == {"ada@example.com", "Ada Lovelace", "ticket"}


def test_the_error_names_field_and_suggestion() -> None:
    error = NotRead.of("provider.call.completed", "prompt_tokens", "input_tokens")

    assert json.loads(json.dumps(error.details)) == {
        "what": "prompt_tokens of provider.call.completed is read by no projection",
        "advice": "did you mean input_tokens?",
        "type": "provider.call.completed",
        "field": "prompt_tokens",
        "suggestion": "input_tokens",
    }


def test_corrections_are_read() -> None:
    with opened(strict=True) as analytics:
        position = analytics.record_event(**provider_call(cost="1")).unwrap().position
        analytics.correct_cost(position, "2", note="a rebate").unwrap()

        assert analytics.unread_fields(here=True).unwrap() == []
