"""Spans → events, the same live and from files: all depends on the span alone, and on which lie in it (`nesting`)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from attrs import Factory, define, evolve, field

from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.event import time_of
from analytics_es.ingest.otel import conventions as semconv
from analytics_es.ingest.otel.nesting import Nesting, Node, Share
from analytics_es.ingest.otel.owed import Late
from analytics_es.ingest.otel.spans import Attributes, Span, common, cut, duration, first_chunk, left_over, said
from analytics_es.ingest.otel.usage import COST, Amounts, Usage, usage_of, who_is
from analytics_es.ingest.problems import reason

SOURCE = "otel"
CALL, TASK, TOOL = "provider.call", "task", "tool.call"
REPEATED = "provider.usage.repeated"  # no call: it only says that usage is counted elsewhere
CONTRADICTION = "analytics_es.contradiction"
TWICE = "counted_twice"
PENDING = {"logfire.span_type": "pending_span"}  # how emitters mark what has only begun
MODELS = (*semconv.MODEL, "gen_ai.response.model", "llm.response.model_name")
SCOPES = 200  # that are counted apart

_USAGE = (*semconv.USAGE["input_tokens"], *semconv.USAGE["output_tokens"], *semconv.COST)


class Activity(NamedTuple):
    """What a GenAI span is: `provider.call`, `tool.call`, `task`, `job`, or None for glue; and its operation."""

    name: str | None
    operation: str | None


class SpanEvents(NamedTuple):
    """The events of a span, or the problem that kept it from being read."""

    span: Span
    events: list[dict[str, Any]]
    problem: str = ""


@define
class Counts:
    """What became of spans that a reader was asked about.

    spans: how many there were.
    ignored: how many gave no event, by the scope that wrote them; what is beyond SCOPES of them is under "…".
    pending: how many had only begun, and gave none.
    contradictions: how many events tell figures that contradict each other, by the word for it.
    """

    spans: int = 0
    ignored: Counter[str] = Factory(Counter)
    pending: int = 0
    contradictions: Counter[str] = Factory(Counter)

    def ignore(self, scope: str) -> None:
        """Count a span that gave no event."""
        name = cut(scope, MAX_TEXT)
        self.ignored[name if name in self.ignored or len(self.ignored) < SCOPES else "…"] += 1


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


def is_pending(span: Span) -> bool:
    """Say whether an emitter marks a span as one that only began: another one will tell how it ended."""
    return any(span.attributes.get(name) == word for name, word in PENDING.items())


@define
class Reader:
    """Turns spans into events, batch by batch, remembering which of the last `limit` lie in which, by default of all.

    Where all are seen `at_once`, before it is asked for events, that takes less memory. With `content`, what was said is taken over as `prompt`, `completion`, `arguments` and `result`. `read` may be
    called by several threads; who calls `see` and `events` holds `lock` around both.
    """

    content: bool = False
    limit: int | None = None
    at_once: bool = False
    counts: Counts = field(factory=Counts, init=False)
    lock: threading.Lock = field(factory=threading.Lock, init=False)
    _nesting: Nesting = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._nesting = Nesting(self.limit, self.at_once)

    def read(self, batch: Sequence[Span]) -> list[SpanEvents]:
        """Return the events of spans, each with what it makes count of spans that were read before."""
        with self.lock:
            self.see(batch)
            return [self._read(span) for span in batch]

    def see(self, batch: Iterable[Span]) -> None:
        """Take in which spans lie in which, before `events` is asked for any of them."""
        self._nesting.see(_node(span, activity_of(span)) for span in batch if not is_pending(span))

    def events(self, span: Span) -> list[dict[str, Any]]:
        """Return the events of a span that was seen: none, one, or two where it tells of calls that nothing else does.

        A call around other calls, as frameworks have them, is a step of work, not one more call. There are more where
        spans that were seen before count from now on.
        """
        self.counts.spans += 1
        if is_pending(span):
            self.counts.pending += 1
            return []
        kind = activity_of(span)
        events = self._own_events(span, kind) if kind else []
        events += [event for late in self._nesting.late(span.key) for event in self._late_events(span, late)]
        if not events:
            self.counts.ignore(span.scope)
        for event in events:
            if words := event["data"].get("attributes", {}).get(CONTRADICTION):
                self.counts.contradictions.update(str(words).split())
        return events

    def _read(self, span: Span) -> SpanEvents:
        try:
            return SpanEvents(span, self.events(span))
        except Exception as error:  # a bug of ours must not cost the other spans
            return SpanEvents(span, [], reason(error))

    def _own_events(self, span: Span, kind: Activity) -> list[dict[str, Any]]:
        share = self._nesting.share(span.key)
        self._remember(span, kind, share)
        if kind.name == CALL and share.is_call:
            return [self._call(span, kind, share)]
        events = [self._activity(span, kind)] if kind.name else []
        if kind.name == CALL or not share.tells or (share.counts == {} and not share.paid):
            return events
        if (past := self._nesting.past(span.key)) is not None:
            past.number = max(past.number, 1)
        if share.counts == {}:
            return [*events, self._repeated(span, f"{span.key}:usage")]
        return [*events, self._unseen_calls(span, kind, share.counts)]

    def _remember(self, span: Span, kind: Activity, share: Share) -> None:
        """Keep of a span what is needed where more of its usage counts later."""
        past = self._nesting.past(span.key)
        if past is not None and share.tells and share.counts is not None:
            past.base = self._unseen_calls(span, kind, {})

    def _call(self, span: Span, kind: Activity, share: Share) -> dict[str, Any]:
        attributes = Attributes(span.attributes)
        data = {
            **common(span, attributes),
            **attributes.called(kind.operation),
            "tool": attributes.text(semconv.FOR_TOOL) or self._nesting.tool_of(span.key),
            "attempt": attributes.attempt(),
            "duration_ms": duration(span),
            "time_to_first_chunk_ms": first_chunk(span, attributes),
            **_counted(attributes, share.counts if share.tells else None),
            **(said(span, semconv.SAID) if self.content else {}),
        }
        return self._event(span, CALL, {**data, "attributes": left_over(span, attributes)})

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
        return self._event(span, name, {**data, "attributes": left_over(span, attributes)})

    def _unseen_calls(self, span: Span, kind: Activity, counts: Amounts | None) -> dict[str, Any]:
        """Return the calls in a span that only it tells of, as one; without a duration, which is the span's."""
        attributes = Attributes(span.attributes)
        data = {**common(span, attributes), **attributes.called(kind.operation), **_counted(attributes, counts)}
        data["tool"] = attributes.text(semconv.FOR_TOOL) or self._nesting.tool_of(span.key)
        about = left_over(evolve(span, attributes={}, dropped=0), attributes)
        return {**self._event(span, CALL, {**data, "attributes": about}), "id": f"{span.key}:usage"}

    def _late_events(self, span: Span, late: Late) -> Iterable[dict[str, Any]]:
        """Return what says that usage of a span which was read before counts from now on, or was counted twice."""
        if late.counts is None:
            yield self._repeated(span, f"{span.key}:{TWICE}", {CONTRADICTION: TWICE})
        elif (base := late.past.base) is not None and late.counts:
            ending = "" if late.number == 1 else f":{late.number}"
            fields = _fields(late.counts, late.past.currency)
            yield {**base, "id": base["id"] + ending, "data": {**base["data"], **fields}}

    def _repeated(self, span: Span, id: str, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
        about = left_over(evolve(span, attributes={}, dropped=0), Attributes({}))
        data = {"job_id": span.trace_id, "attributes": {**about, **(attributes or {})}}
        ended = time_of(self._nesting.ended(span.key, span.end_us))
        return {"event_type": REPEATED, "data": data, "occurred_at": ended, "id": id, "source": SOURCE}

    def _event(self, span: Span, activity: str, data: dict[str, Any]) -> dict[str, Any]:
        """Return an event that occurred when its span ended, as it was first said: its duration tells when it began."""
        return {
            "event_type": f"{activity}.{_outcome(span, data['error_type'])}",
            "data": {name: value for name, value in data.items() if value is not None},
            "occurred_at": time_of(self._nesting.ended(span.key, span.end_us)),
            "id": span.key,
            "source": SOURCE,
        }


def _node(span: Span, kind: Activity | None) -> Node:
    if kind is None:
        return Node(span.key, span.parent)
    attributes = Attributes(span.attributes)
    tool = cut(_name(span, attributes, TOOL), MAX_TEXT) if kind.name == TOOL else ""
    return Node(span.key, span.parent, kind.name == CALL, _usage(span, kind, attributes), tool, span.end_us)


def _usage(span: Span, kind: Activity, attributes: Attributes) -> Usage | None:
    """Return what a span tells of usage, and of whose; None where it tells none, and is no call."""
    tells = any(span.attributes.get(name) for name in _USAGE)
    if not tells and kind.name != CALL:
        return None
    provider = attributes.called(kind.operation)["provider"]
    models = (attributes.values.get(name) for name in MODELS if "parameters" not in name)
    who = who_is(provider, *(model for model in models if isinstance(model, str)))
    return usage_of(who, attributes.used() if tells else {})


def _counted(attributes: Attributes, counts: Amounts | None) -> dict[str, Any]:
    """Return the usage that counts: all that is told, or so much of it; what is told then stays an attribute."""
    if counts is None:
        return attributes.used()
    return _fields(counts, str(Attributes(attributes.values).used().get("currency", ""))) if counts else {}


def _fields(counts: Amounts, currency: str | None) -> dict[str, Any]:
    return {**counts, "currency": currency} if COST in counts else counts


def _name(span: Span, attributes: Attributes, activity: str) -> str:
    return attributes.text(semconv.NAMES[activity][1]) or span.title


def _outcome(span: Span, error_type: str | None) -> str:
    if error_type and error_type.rpartition(".")[2] == "CancelledError":
        return "cancelled"
    return "failed" if span.failed or error_type else "completed"
