"""Usage as Google's API counts it, under the names that an agent has for its fields → counts in our vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
