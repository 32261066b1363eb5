"""Spans → events, the same live and from files: all depends on the span alone, and on which lie in it (`nesting`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from attrs import define, field

from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.event import time_of
from analytics_es.ingest.otel.agents.same import known_by_its_record
from analytics_es.ingest.otel.attributes import about, contradicting, first_chunk, left_over, of_models
from analytics_es.ingest.otel.conventions.texts import DONE, SAID
from analytics_es.ingest.otel.nesting import Nesting, Node, Share
from analytics_es.ingest.otel.operations import CALL, RETRIEVAL, TASK, TOOL, TOOLS, Activity
from analytics_es.ingest.otel.place import Late
from analytics_es.ingest.otel.reading import Reading, read
from analytics_es.ingest.otel.shapes import SOURCE
from analytics_es.ingest.otel.spans import MAX_VALUE, Span, duration, exception_type, said
from analytics_es.ingest.otel.usage import COST, Amounts, usage_of, who_is
from analytics_es.ingest.otel.values import cut
from analytics_es.ingest.otel.what_became import Counts
from analytics_es.ingest.problems import reason

REPEATED = "provider.usage.repeated"  # no call: it only says that usage is counted elsewhere
TWICE = "counted_twice"  # the contradiction of usage that was counted of two spans before they were known to be related
WITHOUT = "without usage"

NAMES = {TOOL: "tool", TASK: "task_type", "job": "job_type"}  # the field that says which tool, task or job it was


class SpanEvents(NamedTuple):
    """The events of a span, or the problem that kept it from being read."""

    span: Span
    events: list[dict[str, Any]]
    problem: str = ""


def activity_of(span: Span) -> Activity | None:
    """Say what a span is; None if it is no GenAI span."""
    return read(span).activity


def is_pending(span: Span) -> bool:
    """Say whether an emitter marks a span as one that only began: it will come again when it has ended."""
    return read(span).fields.get("pending") is True


@define
class Reader:
    """Turns spans into events, batch by batch, remembering which of the last `limit` lie in which, by default of all.

    Where all are seen `at_once`, before it is asked for events, that takes less memory. With `content`, what was said
    is taken over as `prompt`, `completion`, `arguments` and `result`. `read` may be called by several threads; who
    calls `see` and `events` instead holds `lock` around both. `before` tells the spans that were recorded before the
    first one is seen, by a process that ended.
    """

    content: bool = False
    limit: int | None = None
    at_once: bool = False
    before: Callable[[], list[Node]] | None = None
    counts: Counts = field(factory=Counts, init=False)
    lock: threading.Lock = field(factory=threading.Lock, init=False)
    _nesting: Nesting = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._nesting = Nesting(self.limit, self.at_once)

    def read(self, batch: Sequence[Span]) -> list[SpanEvents]:
        """Return the events of spans, each with what it makes count of spans that were read before.

        Raises what looking at those recorded `before` raises.
        """
        with self.lock:
            self.recall()
            return self._seen(batch)

    def recall(self) -> None:
        """Take in what was recorded `before`, once; where that raises, it is asked again: nothing may count twice."""
        if self.before is not None:
            self._nesting.see(self.before())
            self._nesting.settle()
            self.before = None

    def see(self, batch: Iterable[Span]) -> None:
        """Take in which spans lie in which, before `events` is asked for any of them."""
        self.recall()
        self._nesting.see(_node(span, activity_of(span)) for span in batch if not is_pending(span))

    def events(self, span: Span) -> list[dict[str, Any]]:
        """Return the events of a span that was seen: none, one, or two where it tells of calls that nothing else does.

        A call around other calls, as frameworks have them, is a step of work, not one more call. There are more events
        where usage of spans that were seen before counts from now on.
        """
        if is_pending(span):
            self.counts.pending += 1
            return []
        kind = activity_of(span)
        events = self._own_events(span, kind) if kind else []
        events += [event for late in self._nesting.late(span.key) for event in self._late_events(span, late)]
        self.counts.count(span, events)
        return events

    def _seen(self, batch: Sequence[Span]) -> list[SpanEvents]:
        try:
            self.see(batch)
        except Exception as error:  # a bug of ours must not cost the other spans
            if len(batch) == 1:
                return [SpanEvents(batch[0], [], reason(error))]
            return [read for span in batch for read in self._seen([span])]
        return [self._read(span) for span in batch]

    def _read(self, span: Span) -> SpanEvents:
        try:
            return SpanEvents(span, self.events(span))
        except Exception as error:  # a bug of ours must not cost the other spans
            return SpanEvents(span, [], reason(error))

    def _own_events(self, span: Span, kind: Activity) -> list[dict[str, Any]]:
        share = self._nesting.share(span.key)
        past = self._nesting.past(span.key)
        if past is not None and share.tells and share.counts is not None:  # more of it may count later
            past.base = _remembered(self._unseen_calls(span, kind, {}))
        if kind.name == CALL and share.is_call:
            return [self._call(span, kind, share)]
        events = [self._activity(span, kind)] if kind.name else []
        if kind.name == CALL or not share.tells or (share.counts == {} and not share.paid):
            return events
        if past is not None:
            past.number = max(past.number, 1)
        if share.counts == {}:
            return [*events, self._repeated(span, f"{span.key}:usage")]
        return [*events, self._unseen_calls(span, kind, share.counts)]

    def _call(self, span: Span, kind: Activity, share: Share) -> dict[str, Any]:
        reading = read(span)
        wait, problem = first_chunk(span, reading)
        counts = share.counts if share.tells else None
        data = {
            **_common(span, reading),
            **_called(reading, kind),
            "tool": reading.fields.get("tool_of") or self._nesting.tool_of(span.key),
            "attempt": reading.attempt(),
            "duration_ms": reading.fields.get("duration", duration(span)),
            "time_to_first_chunk_ms": wait,
            **_counted(reading, counts),
            **(said(span, SAID) if self.content else {}),
        }
        problems = contradicting(*(() if counts == {} else reading.contradictions), problem)
        others = left_over(span, reading, CALL if counts is None else WITHOUT)
        data["attributes"] = {**others, **of_models(reading), **problems}
        return self._event(span, CALL, data)

    def _activity(self, span: Span, kind: Activity) -> dict[str, Any]:
        reading = read(span)
        data = {**_common(span, reading), "attempt": reading.attempt(), "duration_ms": duration(span)}
        name, what = (TASK, WITHOUT) if kind.name == CALL else (str(kind.name), str(kind.name))
        if kind.name == CALL:
            data["task_type"] = kind.operation or span.title
        else:
            data[NAMES[name]] = _name(span, reading, kind)
        if name == TASK:
            data["task_id"] = data["task_id"] or span.key
        if self.content:
            data |= said(span, DONE if name == TOOL else SAID)
        what = RETRIEVAL if name == TOOL and kind.operation == RETRIEVAL else what
        data["attributes"] = left_over(span, reading, what)
        return self._event(span, name, data)

    def _unseen_calls(self, span: Span, kind: Activity, counts: Amounts | None) -> dict[str, Any]:
        """Return the calls in a span that only it tells of, as one; without a duration, which is the span's."""
        reading = read(span)
        data = {**_common(span, reading), **_called(reading, kind), **_counted(reading, counts)}
        data["tool"] = reading.fields.get("tool_of") or self._nesting.tool_of(span.key)
        origin = {**about(span), **of_models(reading), **contradicting(*reading.contradictions)}
        return {**self._event(span, CALL, {**data, "attributes": origin}), "id": f"{span.key}:usage"}

    def _late_events(self, span: Span, late: Late) -> Iterable[dict[str, Any]]:
        """Yield what says that usage of a span which was read before counts from now on, or was counted twice."""
        if late.counts is None:
            yield self._repeated(span, f"{span.key}:{TWICE}", contradicting(TWICE))
        elif (base := late.past.base) is not None and late.counts:
            ending = "" if late.number == 1 else f":{late.number}"
            yield {
                **base,
                "id": base["id"] + ending,
                "data": {**base["data"], **_fields(late.counts, late.past.currency)},
            }

    def _repeated(self, span: Span, id: str, problems: dict[str, str] | None = None) -> dict[str, Any]:
        data = {"job_id": span.trace_id, "attributes": {**about(span), **(problems or {})}}
        ended = time_of(self._nesting.ended(span.key, span.end_us))
        return {"event_type": REPEATED, "data": data, "occurred_at": ended, "id": id, "source": SOURCE}

    def _event(self, span: Span, activity: str, data: dict[str, Any]) -> dict[str, Any]:
        """Return an event that occurred when its span ended, as it was first said: its duration tells when it began."""
        event = {
            "event_type": f"{activity}.{_outcome(span, data['error_type'])}",
            "data": {name: value for name, value in data.items() if value is not None},
            "occurred_at": time_of(self._nesting.ended(span.key, span.end_us)),
            "id": span.key,
            "source": SOURCE,
        }
        return known_by_its_record(event, read(span).plan.emitter.name, span.attributes)


def _node(span: Span, kind: Activity | None) -> Node:
    if kind is None:
        return Node(span.key, span.parent)
    reading = read(span)
    tool = cut(_name(span, reading, kind), MAX_TEXT) if kind.name == TOOL else ""
    usage = None
    if reading.usage or kind.name == CALL:
        asked, answered = reading.fields.get("request_model"), reading.fields.get("response_model")
        usage = usage_of(who_is(reading.provider, reading.model, asked, answered), reading.usage)
    return Node(span.key, span.parent, kind.name == CALL, usage, tool, span.end_us)


def _counted(reading: Reading, counts: Amounts | None) -> dict[str, Any]:
    """Return the usage that counts: all that is told, or so much of it."""
    return dict(reading.usage) if counts is None else _fields(counts, reading.usage.get("currency"))


def _fields(counts: Amounts, currency: str | None) -> dict[str, Any]:
    return {**counts, "currency": currency} if COST in counts else counts


def _remembered(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event whose texts are no longer than that the door refuses them."""
    data = event["data"].items()
    return {**event, "data": {name: text[: MAX_TEXT + 1] if type(text) is str else text for name, text in data}}


def _common(span: Span, reading: Reading) -> dict[str, Any]:
    """Return the fields every event may have, None where there is nothing."""
    told = reading.fields.get
    error = told("error_type") or exception_type(span)
    return {
        "user_id": told("user_id"),
        "tenant_id": told("tenant_id"),
        "conversation_id": told("conversation_id"),
        "agent_id": told("agent_id"),
        "job_id": told("job_id") or span.trace_id,  # a trace is one job: the one thing every span of it can tell
        "task_id": told("task_id"),
        "error_type": error and cut(error, MAX_VALUE),
    }


def _called(reading: Reading, kind: Activity) -> dict[str, Any]:
    """Return who was called, for what."""
    told = reading.fields.get
    return {
        "provider": reading.provider,
        "model": reading.model,
        "operation": kind.operation,
        "service_tier": told("service_tier"),
        "batch": told("batch"),
    }


def _name(span: Span, reading: Reading, kind: Activity) -> str:
    """Return which tool, task or job a span is of; work on a memory is told by what is done."""
    if kind.name == TOOL and kind.operation in TOOLS:
        return reading.fields.get("data_source") or span.title if kind.operation == RETRIEVAL else str(kind.operation)
    return reading.fields.get(NAMES[str(kind.name)]) or span.title


def _outcome(span: Span, error_type: str | None) -> str:
    if error_type and error_type.rpartition(".")[2] == "CancelledError":
        return "cancelled"
    return "failed" if span.failed or error_type else "completed"
