"""What a call used and cost, as two say it: who read it, on which machine, by which way, says nothing against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")  # not told is 0
# What one way tells and another does not differs where both tell it.
TOLD = (
    *("cache_creation_1h_tokens", "reasoning_tokens", "searches", "cost", "currency"),
    *("model", "provider", "service_tier", "error_type", "tool"),
)


def differing(data: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the figures that differ, by name, as one says it and as the other does."""
    differ = {name for name in COUNTS if (data.get(name) or 0) != (other.get(name) or 0)}
    both = {name for name in TOLD if data.get(name) and other.get(name)}
    differ |= {name for name in both if str(data[name]) != str(other[name])}
    return {name: [data.get(name), other.get(name)] for name in (*COUNTS, *TOLD) if name in differ}
