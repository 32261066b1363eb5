"""Usage as Google's API counts it, of an answer or of a whole run, under an agent's names → counts of ours, calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from analytics_es.ingest.sessions.facts import Call, Moment
from analytics_es.ingest.sessions.formats.records import part

_IN, _TOOLS = "input_tokens", "tool"

API = {
    _IN: ("promptTokenCount",),
    "output_tokens": ("candidatesTokenCount",),
    "cache_read_tokens": ("cachedContentTokenCount",),
    "reasoning_tokens": ("thoughtsTokenCount",),
    "total_tokens": ("totalTokenCount",),
    _TOOLS: ("toolUsePromptTokenCount",),
}
# As Gemini CLI has them in messages, in the JSON that a run prints, and in the stream of lines that a run prints.
GEMINI_CLI = {
    _IN: ("prompt", "input_tokens", "input"),
    "output_tokens": ("candidates", "output_tokens", "output"),
    "cache_read_tokens": ("cached",),
    "reasoning_tokens": ("thoughts",),
    "total_tokens": ("total", "total_tokens"),
    _TOOLS: ("tool",),
}


def usage(counts: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return counts by our names; what tools gave the model is beside the input, and goes into it."""
    tokens: dict[str, Any] = {}
    for ours, theirs in names.items():
        told = (counts.get(name) for name in theirs)
        if (count := next((count for count in told if count is not None), None)) is not None:
            tokens[ours] = count
    tools = tokens.pop(_TOOLS, None)
    if type(tools) is int and type(tokens.get(_IN)) is int:
        tokens[_IN] += tools
    return tokens


def run(stats: Mapping[str, Any], conversation: str | None, at: Moment, *, unless: Sequence[str]) -> Iterator[Call]:
    """Yield what all calls of a run to each model used, as it printed that at its end: they are one each."""
    digest = blake2b(orjson.dumps(stats, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
    for model, told in part(stats, "models").items():
        counts = part(told, "tokens") or told
        tokens = usage(counts, GEMINI_CLI)
        if "thoughts" not in counts and "total_tokens" in tokens:  # as a stream of lines tells it
            rest = tokens["total_tokens"] - tokens["input_tokens"] - tokens["output_tokens"]
            tokens["reasoning_tokens"] = max(0, rest)
        yield Call(
            id=f"{conversation or 'run'}:{model}:{digest}",
            at=at,
            model=model,
            tokens=tokens,
            fields={"conversation_id": conversation},
            attributes={"requests": part(told, "api").get("totalRequests")},
            unless=unless,
        )
