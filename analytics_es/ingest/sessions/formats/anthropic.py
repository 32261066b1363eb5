"""Usage as Anthropic's API tells it → our counts, and the calls that lie in one request beside its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from analytics_es.ingest.sessions.facts import Call
from analytics_es.ingest.sessions.formats.records import part, parts

# Steps of a request that its usage leaves out, whoever did them: by a model that advises, or to make the context short.
INSIDE = ("advisor_message", "compaction")
TOTALS = ("input_tokens", "output_tokens")


def tokens_of(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a usage counts; what was written to the cache is the sum of its two kinds, where both are told.

    Where one alone is, the sum of all may tell more: the other kind is the rest of it.
    """
    written = part(usage, "cache_creation")
    hour, minutes = written.get("ephemeral_1h_input_tokens"), written.get("ephemeral_5m_input_tokens")
    kinds, whole = (hour or 0) + (minutes or 0), usage.get("cache_creation_input_tokens")
    tokens = {
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cache_read_tokens": usage.get("cache_read_input_tokens"),
        "cache_creation_tokens": (max(kinds, whole or 0) if None in (hour, minutes) else kinds) or whole,
        "cache_creation_1h_tokens": hour,
        "reasoning_tokens": part(usage, "output_tokens_details").get("thinking_tokens"),
    }
    return {name: count for name, count in tokens.items() if count is not None}


def calls_of(call: Call, usage: Mapping[str, Any]) -> list[Call]:
    """Return a call with what is its own of a usage, and the calls inside of its request, each by its number there."""
    if not (usage.get("iterations") and (steps := parts(usage, "iterations"))):  # as most have none
        return [call]
    inside = [_inside(call, number, step) for number, step in enumerate(steps) if _is_inside(call, step)]
    tokens = tokens_of(usage)
    if inside and all(tokens.get(name) == sum(step.get(name) or 0 for step in steps) for name in TOTALS):
        # Anthropic's totals leave them out; where a gateway's do not, nothing is to count twice.
        tokens = {name: count - sum(other.tokens.get(name, 0) for other in inside) for name, count in tokens.items()}
    return [evolve(call, tokens=tokens), *inside]


def _is_inside(call: Call, step: Mapping[str, Any]) -> bool:
    """Say whether a step is a call of its own: also one by a model that began to answer, and gave way to another."""
    another = step.get("model") not in (None, call.model)
    return step.get("type") in INSIDE or bool(another and step.get("output_tokens"))


def _inside(call: Call, number: int, step: Mapping[str, Any]) -> Call:
    whole = {name: told for name, told in call.fields.items() if name not in ("cost", "currency", "searches")}
    return evolve(
        call,
        id=f"{call.id}:{number}",
        alias=call.alias and f"{call.alias}:{number}",
        lane=None,
        model=step.get("model") or call.model,
        tokens=tokens_of(step),
        fields=whole,
        attributes={**call.attributes, "step": step.get("type")},
    )
