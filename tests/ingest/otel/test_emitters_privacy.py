"""What was said, and who, under every name that any emitter has for it: none of it is stored by the shipped policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics_es.ingest.otel.conventions import COMMON, EMITTERS
from analytics_es.ingest.otel.conventions.declaration import Emitter
from analytics_es.ingest.otel.intake import take
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from tests.byte_search import holders
from tests.stores import opened, recorded

TRACE = "0af7651916cd43dd8448eb211c80319c"
TEXT = "zqwhat was said in confidence"
PERSON = "zqerika.mustermann@example.com"
NAME = "zqErika Mustermann"
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1}
DECLARED = (*EMITTERS, *COMMON)


def texts_of(emitter: Emitter) -> dict[str, Any]:
    """Return attributes with a text under every name of an emitter, and below it; words in JSON and lists, too."""
    told: dict[str, Any] = {}
    for number, name in enumerate(emitter.free_text):
        told[name] = (TEXT, json.dumps({"content": TEXT}), [TEXT], {"text": TEXT})[number % 4]
        told[f"{name}.0.content"] = TEXT
    return told


def persons_of(emitter: Emitter) -> dict[str, Any]:
    return {name: (PERSON, NAME)[number % 2] for number, name in enumerate(emitter.persons)}


def span(attributes: dict[str, Any], id: int = 1, scope: str = "") -> Span:
    start = 1_700_000_000_000_000
    return Span(
        name="a span",
        trace_id=TRACE,
        span_id=f"{id:016x}",
        start_us=start,
        end_us=start + 1_000_000,
        scope=scope,
        attributes=attributes,
    )


def spans_of(emitter: Emitter) -> list[Span]:
    """Return a call, a tool and an agent that this emitter may tell, with texts and persons, a few names each."""
    secrets = list((texts_of(emitter) | persons_of(emitter)).items())
    operations: list[dict[str, Any]] = [
        CHAT,
        {"gen_ai.operation.name": "execute_tool"},
        {"gen_ai.operation.name": "invoke_agent"},
    ]
    spans: list[Span] = []
    for start in range(0, len(secrets), 20):
        for operation in operations:
            attributes = {**operation, **dict(secrets[start : start + 20])}
            scope = emitter.scopes[0].replace("*", "") if emitter.scopes else ""
            spans.append(span(attributes, len(spans) + 1, scope))
    return spans


def events(spans: list[Span]) -> list[dict[str, Any]]:
    reader = Reader()
    reader.see(spans)
    return [event for span in spans for event in reader.events(span)]


@pytest.mark.parametrize("emitter", DECLARED, ids=lambda emitter: f"{emitter.name} {emitter.until}".strip())
def test_no_text_and_no_person_of_an_emitter_is_stored(emitter: Emitter, path: Path) -> None:
    spans = spans_of(emitter)
    with opened(path) as analytics:
        told = events(spans)
        assert take(analytics, told).refused == {}
        assert len(recorded(analytics)) >= len(spans)

    assert holders(path.parent, ["zqwhat", "zqerika", "zqErika"]) == {}


@pytest.mark.parametrize("emitter", DECLARED, ids=lambda emitter: f"{emitter.name} {emitter.until}".strip())
def test_a_text_is_not_taken_over_by_any_policy_unless_content_is_asked_for(emitter: Emitter) -> None:
    told = json.dumps([event["data"] for event in events(spans_of(emitter))], default=str)
    assert TEXT not in told


@pytest.mark.parametrize("emitter", DECLARED, ids=lambda emitter: f"{emitter.name} {emitter.until}".strip())
def test_a_person_is_a_user_or_nobody(emitter: Emitter) -> None:
    """A person is told in `user_id`, which becomes a pseudonym, and never in an attribute of another name."""
    for event in events(spans_of(emitter)):
        rest = json.dumps({name: value for name, value in event["data"].items() if name != "user_id"}, default=str)
        assert PERSON not in rest
        assert NAME not in rest


def test_the_same_word_is_a_text_of_one_emitter_and_a_dimension_of_another() -> None:
    def attributes(scope: str) -> dict[str, Any]:
        data: dict[str, Any] = events([span({**CHAT, "command": "deploy"}, scope=scope)])[0]["data"]["attributes"]
        return data

    assert "command" not in attributes("com.anthropic.claude_code.tracing")
    assert attributes("my.platform")["command"] == "deploy"
