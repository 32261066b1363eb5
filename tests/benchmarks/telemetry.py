"""Made-up spans of agents, as the SDK has them when they end, and as its exporter sends them.

A trace is an agent with three turns, each a call of a model and of a tool; names are OpenTelemetry's of today. A call
has 16 attributes, among them what was said; a span takes about 700 bytes. New ids, counts and times with every span.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

START = 1_790_000_000_000_000_000  # nanoseconds
HOUR = 3_600_000_000_000
APART = 3_500_000  # nanoseconds between the beginnings of two traces: 2,000 spans a second
MODELS = (("openai", "gpt-4o-2024-08-06"), ("openai", "gpt-4o-mini-2024-07-18"), ("anthropic", "claude-sonnet-4-5"))
TOOLS = ("bash", "edit", "read", "write", "grep")
SAID = "What is the weather like in the place where I am, please? " * 6
TURNS = 3

RESOURCE = Resource({"service.name": "agents", "telemetry.sdk.name": "opentelemetry"})
SCOPE = InstrumentationScope("opentelemetry.instrumentation.openai_v2", "2.1")

Attributes = Mapping[str, Any]


def spans(number: int, *, seed: int = 1) -> Iterator[ReadableSpan]:
    """Yield so many finished spans, a trace after the other, in the order in which they end."""
    random, left, began = Random(seed), number, START + seed * HOUR
    while left > 0:
        began += APART
        for span in _trace(random, began):
            if left > 0:
                yield span
                left -= 1


def bodies(of: Sequence[ReadableSpan], size: int) -> list[bytes]:
    """Return spans as the bodies of requests of so many."""
    return [encode_spans(of[first : first + size]).SerializeToString() for first in range(0, len(of), size)]


def _trace(random: Random, began: int) -> Iterator[ReadableSpan]:
    trace, agent, conversation = (
        random.getrandbits(128) or 1,
        random.getrandbits(64) or 1,
        f"{random.getrandbits(64):016x}",
    )
    now = began
    for _ in range(TURNS):
        provider, model = random.choice(MODELS)
        ended = now + random.randrange(200_000_000, 3_000_000_000)
        yield _span(random, f"chat {model}", trace, agent, now, ended, _call(random, conversation, provider, model))
        now = ended + random.randrange(5_000_000, 300_000_000)
        yield _span(random, "execute_tool", trace, agent, ended, now, _tool(random, conversation))
    who = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "researcher",
        "gen_ai.conversation.id": conversation,
        "user.id": f"user-{random.randrange(400)}",
    }
    yield _ended("invoke_agent researcher", trace, agent, None, began, now, who)


def _call(random: Random, conversation: str, provider: str, model: str) -> Attributes:
    read = random.randrange(100, 90_000)
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.response.id": f"chatcmpl-{random.getrandbits(96):024x}",
        "gen_ai.usage.input_tokens": read,
        "gen_ai.usage.cache_read.input_tokens": read // 2,
        "gen_ai.usage.output_tokens": random.randrange(1, 3_000),
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.max_tokens": 4_096,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.conversation.id": conversation,
        "server.address": "api.example.com",
        "server.port": 443,
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": SAID}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}]}]),
    }


def _tool(random: Random, conversation: str) -> Attributes:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": random.choice(TOOLS),
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": f"call_{random.getrandbits(96):024x}",
        "gen_ai.tool.call.arguments": '{"path": "/srv/app/x.py"}',
        "gen_ai.conversation.id": conversation,
    }


def _span(
    random: Random, name: str, trace: int, parent: int, start: int, end: int, attributes: Attributes
) -> ReadableSpan:
    return _ended(name, trace, random.getrandbits(64) or 1, parent, start, end, attributes)


def _ended(
    name: str, trace: int, span: int, parent: int | None, start: int, end: int, attributes: Attributes
) -> ReadableSpan:
    return ReadableSpan(
        name=name,
        context=SpanContext(trace, span, is_remote=False),
        parent=SpanContext(trace, parent, is_remote=False) if parent else None,
        resource=RESOURCE,
        attributes=attributes,
        start_time=start,
        end_time=end,
        instrumentation_scope=SCOPE,
    )
