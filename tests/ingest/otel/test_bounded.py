"""What readers remember of texts that senders make up is bounded: neither many nor long ones fill the memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from analytics_es.ingest.otel.logs.reader import LogReader
from analytics_es.ingest.otel.logs.record import LogRecord
from analytics_es.ingest.otel.nesting import Nesting, Node
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from analytics_es.ingest.otel.usage import usage_of, who_is
from analytics_es.ingest.otel.values import MAX_REMEMBERED, REMEMBERED, remembered

LONG, MANY = 200_000, 300  # characters; together sixty times what may stay


@pytest.fixture(autouse=True)
def _traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def a_span(number: int, **changes: Any) -> Span:
    ids = {"trace_id": f"{number + 1:032x}", "span_id": f"{number + 1:016x}"}
    return Span(**{**ids, "name": "chat", "start_us": 1, "end_us": 2, **changes})


def made_up(number: int) -> str:
    return f"{number}{'x' * LONG}"


@pytest.mark.parametrize(
    "attribute",
    [
        *("gen_ai.request.model", "gen_ai.response.model", "gen_ai.provider.name", "gen_ai.operation.name"),
        *("gen_ai.tool.name", "gen_ai.conversation.id", "user.id", "error.type"),
    ],
)
def test_long_values_of_spans_do_not_stay_in_memory(attribute: str) -> None:
    reader, before = Reader(limit=100_000), _held()
    for number in range(MANY):
        told = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5, attribute: made_up(number)}
        reader.read([a_span(number, attributes=told)])

    assert _held() - before < 10 * LONG


@pytest.mark.parametrize("attribute", ["gen_ai.response.model", "gen_ai.conversation.id", "user.id"])
def test_long_values_of_spans_of_which_more_may_count_later_do_not_stay_in_memory(attribute: str) -> None:
    reader, before = Reader(limit=100_000), _held()
    for number in range(MANY):
        told = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}
        agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 9, attribute: made_up(number)}
        inner = a_span(number, attributes=told, parent_id="f" * 16)
        reader.read([inner, a_span(number, attributes=agent, span_id="f" * 16)])

    assert _held() - before < 10 * LONG


def test_spans_in_one_that_told_their_usage_before_do_not_stay_in_memory() -> None:
    nesting, usage = Nesting(limit=100), usage_of(who_is(None, "gpt-4o"), {"input_tokens": 10})
    nesting.see([Node("trace:agent", "", usage=usage_of(who_is(None, "gpt-4o"), {"input_tokens": 10**9}))])
    held = []
    for many in range(2):
        for number in range(2_000):
            nesting.see([Node(f"trace:{many}:{number}", "trace:agent", is_call=True, usage=usage)])
            nesting.settle()
        held.append(_held())

    assert held[1] - held[0] < 100_000


@pytest.mark.parametrize("field", ["name", "scope", "scope_version", "service"])
def test_long_names_of_spans_and_scopes_do_not_stay_in_memory(field: str) -> None:
    reader, before = Reader(limit=100_000), _held()
    for number in range(MANY):
        reader.read([a_span(number, **{field: made_up(number)}, attributes={"gen_ai.operation.name": "chat"})])

    assert _held() - before < 10 * LONG


def test_long_names_of_attributes_do_not_stay_in_memory() -> None:
    reader, records, before = Reader(limit=100_000), LogReader(), _held()
    for number in range(MANY):
        told = {"gen_ai.operation.name": "chat", made_up(number): 1}
        reader.read([a_span(number, attributes=told)])
        api_request = {"event.name": "api_request", "request_id": str(number), made_up(number): 1}
        records.events([LogRecord(event_name="claude_code.api_request", attributes=api_request, resource=told)])
        records.events([LogRecord(event_name=made_up(number), scope=made_up(number))])

    assert _held() - before < 10 * LONG


def test_a_function_of_short_texts_is_asked_once_and_of_long_ones_each_time() -> None:
    asked = list[str]()
    function = remembered(lambda text: asked.append(text) or len(text))

    for text in ("a", "a", "b" * (MAX_REMEMBERED + 1), "b" * (MAX_REMEMBERED + 1)):
        assert function(text) == len(text)
    assert [len(text) for text in asked] == [1, MAX_REMEMBERED + 1, MAX_REMEMBERED + 1]
    assert REMEMBERED > 0


def _held() -> int:
    """Return how many bytes are held of what was made since the test began."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
