"""Spans → events, the same live and from files: all depends on the span alone, and on which lie in it (`nesting`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define, field

from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.event import time_of
from analytics_es.ingest.otel.attributes import about, contradicting, first_chunk, left_over, of_models
from analytics_es.ingest.otel.conventions.texts import DONE, SAID
from analytics_es.ingest.otel.nesting import Nesting, Node
from analytics_es.ingest.otel.operations import CALL, RETRIEVAL, TASK, TOOL, TOOLS, Activity
from analytics_es.ingest.otel.reading import Reading, read
from analytics_es.ingest.otel.spans import MAX_VALUE, Span, duration, exception_type, said
from analytics_es.ingest.otel.values import cut

SOURCE = "otel"

NAMES = {TOOL: "tool", TASK: "task_type", "job": "job_type"}  # the field that says which tool, task or job it was
_IDS = ("user_id", "tenant_id", "conversation_id", "agent_id", "job_id", "task_id")


def activity_of(span: Span) -> Activity | None:
    """Say what a span is; None if it is no GenAI span."""
    return read(span).activity


def reports_usage(span: Span) -> bool:
    """Say whether a span tells of tokens or cost; zeros tell nothing that could be counted twice."""
    return any(amount for name, amount in read(span).usage.items() if name != "currency")


@define
class Reader:
    """Turns spans into events, batch by batch, remembering which of the last `limit` lie in which, by default of all.

    With `content`, what was said is taken over as `prompt`, `completion`, `arguments` and `result`.
    """

    content: bool = False
    limit: int | None = None
    _nesting: Nesting = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._nesting = Nesting(self.limit)

    def see(self, batch: Iterable[Span]) -> None:
        """Take in which spans lie in which, before `events` is asked for any of them."""
        self._nesting.see(_node(span, activity_of(span)) for span in batch)

    def events(self, span: Span) -> list[dict[str, Any]]:
        """Return the events of a span that was seen: none, one, or two where it tells of calls that nothing else does.

        A call around other calls, as frameworks have them, is a step of work, not one more call.
        """
        kind = activity_of(span)
        if kind is None:
            return []
        counts = reports_usage(span) and self._nesting.counts(span.key)
        if kind.name == CALL and (counts or not self._nesting.holds_call(span.key)):
            return [self._call(span, kind, carries=counts or not reports_usage(span))]
        events = [self._activity(span, kind)] if kind.name else []
        return [*events, self._unseen_calls(span, kind)] if counts else events

    def _call(self, span: Span, kind: Activity, *, carries: bool) -> dict[str, Any]:
        reading = read(span)
        wait, problem = first_chunk(span, reading)
        data = {
            **_common(span, reading),
            **_called(reading, kind),
            "tool": reading.fields.get("tool_of") or self._nesting.tool_of(span.key),
            "attempt": reading.attempt(),
            "duration_ms": duration(span),
            "time_to_first_chunk_ms": wait,
            **(reading.usage if carries else {}),
            **(said(span, SAID) if self.content else {}),
        }
        problems = contradicting(*(reading.contradictions if carries else ()), problem)
        others = left_over(span, reading, CALL if carries else "without usage")
        return _event(span, CALL, {**data, "attributes": {**others, **of_models(reading), **problems}})

    def _activity(self, span: Span, kind: Activity) -> dict[str, Any]:
        reading = read(span)
        data = {**_common(span, reading), "attempt": reading.attempt(), "duration_ms": duration(span)}
        name, what = (TASK, "without usage") if kind.name == CALL else (str(kind.name), str(kind.name))
        if kind.name == CALL:
            data["task_type"] = kind.operation or span.title
        else:
            data[NAMES[name]] = _name(span, reading, kind)
        if name == TASK:
            data["task_id"] = data["task_id"] or span.key
        if self.content:
            data |= said(span, DONE if name == TOOL else SAID)
        what = RETRIEVAL if name == TOOL and kind.operation == RETRIEVAL else what
        return _event(span, name, {**data, "attributes": left_over(span, reading, what)})

    def _unseen_calls(self, span: Span, kind: Activity) -> dict[str, Any]:
        """Return the calls in a span that only it tells of, as one; without a duration, which is the span's."""
        reading = read(span)
        data = {**_common(span, reading), **_called(reading, kind), **reading.usage}
        data["tool"] = reading.fields.get("tool_of") or self._nesting.tool_of(span.key)
        origin = {**about(span), **of_models(reading), **contradicting(*reading.contradictions)}
        return {**_event(span, CALL, {**data, "attributes": origin}), "id": f"{span.key}:usage"}


def _node(span: Span, kind: Activity | None) -> Node:
    if kind is None:
        return Node(span.key, span.parent, False, False)
    tool = cut(_name(span, read(span), kind), MAX_TEXT) if kind.name == TOOL else ""
    return Node(span.key, span.parent, kind.name == CALL, reports_usage(span), tool)


def _common(span: Span, reading: Reading) -> dict[str, Any]:
    """Return the fields every event may have, None where there is nothing."""
    ids = reading.taken(*_IDS)
    ids["job_id"] = ids["job_id"] or span.trace_id  # a trace is one job: the one thing every span of it can tell
    error = reading.fields.get("error_type") or exception_type(span)
    return {**ids, "error_type": error and cut(error, MAX_VALUE)}


def _called(reading: Reading, kind: Activity) -> dict[str, Any]:
    """Return who was called, for what."""
    called = {"provider": reading.provider, "model": reading.model, "operation": kind.operation}
    return {**called, **reading.taken("service_tier", "batch")}


def _name(span: Span, reading: Reading, kind: Activity) -> str:
    """Return which tool, task or job a span is of; work on a memory is told by what is done."""
    if kind.name == TOOL and kind.operation in TOOLS:
        return reading.fields.get("data_source") or span.title if kind.operation == RETRIEVAL else str(kind.operation)
    return reading.fields.get(NAMES[str(kind.name)]) or span.title


def _event(span: Span, activity: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event that occurred when its span ended: its duration tells when it began."""
    return {
        "event_type": f"{activity}.{_outcome(span, data['error_type'])}",
        "data": {name: value for name, value in data.items() if value is not None},
        "occurred_at": time_of(span.end_us),
        "id": span.key,
        "source": SOURCE,
    }


def _outcome(span: Span, error_type: str | None) -> str:
    if error_type and error_type.rpartition(".")[2] == "CancelledError":
        return "cancelled"
    return "failed" if span.failed or error_type else "completed"
