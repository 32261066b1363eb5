"""Spans → events, the same live and from files: all depends on the span alone, and on which lie in it (`nesting`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from attrs import define, evolve, field

from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.event import time_of
from analytics_es.ingest.otel import conventions as semconv
from analytics_es.ingest.otel.nesting import Nesting, Node
from analytics_es.ingest.otel.spans import Attributes, Span, common, cut, duration, first_chunk, left_over, said

SOURCE = "otel"
CALL, TASK, TOOL = "provider.call", "task", "tool.call"

_USAGE = (*semconv.USAGE["input_tokens"], *semconv.USAGE["output_tokens"], *semconv.COST)


class Activity(NamedTuple):
    """What a GenAI span is: `provider.call`, `tool.call`, `task`, `job`, or None for glue; and its operation."""

    name: str | None
    operation: str | None


def activity_of(span: Span) -> Activity | None:
    """Say what a span is; None if it is no GenAI span."""
    attributes = Attributes(span.attributes)
    operation, kind = attributes.text(semconv.OPERATION), attributes.text(semconv.KIND)
    if operation is None and kind is not None:
        operation = semconv.OPERATIONS.get(kind.lower())
    if operation is not None:
        return Activity(semconv.ACTIVITIES.get(operation, CALL), operation)
    if any(name in span.attributes for name in semconv.CALLS):
        return Activity(CALL, None)
    return Activity(None, None) if kind else None


def reports_usage(span: Span) -> bool:
    """Say whether a span tells of tokens or cost; zeros tell nothing that could be counted twice."""
    return any(span.attributes.get(name) for name in _USAGE)


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
        attributes = Attributes(span.attributes)
        data = {
            **common(span, attributes),
            **attributes.called(kind.operation),
            "tool": attributes.text(semconv.FOR_TOOL) or self._nesting.tool_of(span.key),
            "attempt": attributes.attempt(),
            "duration_ms": duration(span),
            "time_to_first_chunk_ms": first_chunk(span, attributes),
            **(attributes.used() if carries else {}),
            **(said(span, semconv.SAID) if self.content else {}),
        }
        return _event(span, CALL, {**data, "attributes": left_over(span, attributes)})

    def _activity(self, span: Span, kind: Activity) -> dict[str, Any]:
        attributes = Attributes(span.attributes)
        data = {**common(span, attributes), "attempt": attributes.attempt(), "duration_ms": duration(span)}
        name = TASK if kind.name == CALL else str(kind.name)
        if kind.name == CALL:
            data["task_type"] = kind.operation or span.title
        else:
            data[semconv.NAMES[name][0]] = _name(span, attributes, name)
        if name == TASK:
            data["task_id"] = data["task_id"] or span.key
        if self.content:
            data |= said(span, semconv.DONE if name == TOOL else semconv.SAID)
        return _event(span, name, {**data, "attributes": left_over(span, attributes)})

    def _unseen_calls(self, span: Span, kind: Activity) -> dict[str, Any]:
        """Return the calls in a span that only it tells of, as one; without a duration, which is the span's."""
        attributes = Attributes(span.attributes)
        data = {**common(span, attributes), **attributes.called(kind.operation), **attributes.used()}
        data["tool"] = attributes.text(semconv.FOR_TOOL) or self._nesting.tool_of(span.key)
        about = left_over(evolve(span, attributes={}, dropped=0), attributes)
        return {**_event(span, CALL, {**data, "attributes": about}), "id": f"{span.key}:usage"}


def _node(span: Span, kind: Activity | None) -> Node:
    if kind is None:
        return Node(span.key, span.parent, False, False)
    tool = cut(_name(span, Attributes(span.attributes), TOOL), MAX_TEXT) if kind.name == TOOL else ""
    return Node(span.key, span.parent, kind.name == CALL, reports_usage(span), tool)


def _name(span: Span, attributes: Attributes, activity: str) -> str:
    return attributes.text(semconv.NAMES[activity][1]) or span.title


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
