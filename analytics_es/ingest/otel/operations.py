"""Which activity a span is: what its operation, its kind or its name means."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from analytics_es.ingest.otel.conventions import COMMON
from analytics_es.ingest.otel.conventions.declaration import Emitter
from analytics_es.ingest.otel.conventions.opentelemetry import ACTIVITIES
from analytics_es.ingest.otel.plan import USAGE, Plan

CALL, TASK, TOOL = "provider.call", "task", "tool.call"
RETRIEVAL = "retrieval"
TOOLS = frozenset(word for word, name in ACTIVITIES.items() if name == TOOL) - {"execute_tool"}
REMEMBERED = 1024
# What says that a call of a model was made, whatever the operation is called.
_OF_MODELS = USAGE | {"request_model", "response_model"}


class Activity(NamedTuple):
    """What a GenAI span is: `provider.call`, `tool.call`, `task`, `job`, or None for glue; and its operation."""

    name: str | None
    operation: str | None


def activity(plan: Plan, fields: Mapping[str, Any], span_name: str) -> Activity | None:
    """Say what a span is that tells these fields; None if it is none of GenAI."""
    operation = operation_of(plan.emitter, fields.get("operation"), fields.get("kind"), span_name)
    if operation is None:
        if not plan.telling:
            return None
        return Activity(CALL if _tells_a_model(fields) else None, None)
    if not operation:
        return Activity(None, None)
    name = ACTIVITIES.get(operation)
    if name is None:
        name = CALL if _tells_a_model(fields) else ""
    return Activity(name or None, operation)


def operation_of(emitter: Emitter, operation: str | None, kind: str | None, span_name: str) -> str | None:
    """Return OpenTelemetry's word for an operation, "" for what is none, None where nothing tells."""
    meant = None if kind is None else _of_kind(emitter, kind[:128])
    if operation is not None:
        word = _of_word(emitter, operation[:128])
        known = not word or word in ACTIVITIES
        return word if known or not meant or ACTIVITIES.get(meant) == CALL else meant
    if meant is not None:
        return meant
    return _of_span(emitter, span_name[:128]) if emitter.operations else None


@functools.lru_cache(maxsize=REMEMBERED)
def _of_word(emitter: Emitter, word: str) -> str:
    meant = _matched(emitter.operations, word)
    return word if meant is None else meant


@functools.lru_cache(maxsize=REMEMBERED)
def _of_kind(emitter: Emitter, kind: str) -> str | None:
    """Return what a kind means; one that nobody knows tells nothing, and an operation may be a kind."""
    for table in (emitter, *COMMON):
        if (meant := _matched(table.operations, kind.lower())) is not None:
            return meant
    return kind.lower() if kind.lower() in ACTIVITIES else None


@functools.lru_cache(maxsize=REMEMBERED)
def _of_span(emitter: Emitter, name: str) -> str | None:
    return _matched(emitter.operations, name)


def _matched(operations: Mapping[str, str], word: str) -> str | None:
    if word in operations:
        return operations[word]
    fitting = [name for name in operations if name.endswith("*") and word.startswith(name[:-1])]
    return operations[max(fitting, key=len)] if fitting else None


def _tells_a_model(fields: Mapping[str, Any]) -> bool:
    return not _OF_MODELS.isdisjoint(fields)
