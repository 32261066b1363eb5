"""What becomes of a request: its body is taken in, recorded in a thread beside, and answered when that is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response

from analytics_es.ingest import Message
from analytics_es.ingest.messages import STRUCTURED
from analytics_es.ingest.outcomes import why
from analytics_es.ingest.problems import plain_name
from analytics_es.ingest.subscription import Outcome
from analytics_es.process.cycles import relaxed
from analytics_es.web import bodies, documents, events
from analytics_es.web.answers import JSON, PROTOBUF, exported, failed, in_json, media_type, path_of
from analytics_es.web.limits import Limits, UnderWay
from analytics_es.web.receiver import Receiver, Told
from analytics_es.web.refusals import EventsRefused, OtherMediaType
from analytics_es.web.threads import Threads

BATCH = "application/cloudevents-batch+json"
LINES = {f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "x-jsonlines", "jsonlines", "json-lines")}
OF_OPENMETER = "/api/v1/events"  # where its clients send, to whom a subject is whose event it is
LISTED = 1000  # refused events that an answer names
COUNTS = "analytics_es.counts"  # in the scope of a request: what its line in the log says

T = TypeVar("T")


@define
class Handlers:
    """The answers to all that can be sent; see `routes`."""

    receiver: Receiver
    limits: Limits
    _under_way: UnderWay = field(init=False)
    _threads: Threads = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._under_way = UnderWay(self.limits)
        self._threads = Threads(self.limits.workers, "analytics-es-http")

    async def traces(self, request: Request) -> Response:
        """Take spans."""
        return await self._otlp(request, self._traces)

    async def logs(self, request: Request) -> Response:
        """Take log records."""
        return await self._otlp(request, self._logs)

    async def unread(self, request: Request) -> Response:
        """Take what is none of ours, so that nobody sends it for ever, and count it."""
        return await self._otlp(request, partial(self._nothing, path_of(request).rpartition("/")[2]))

    async def events(self, request: Request) -> Response:
        """Take CloudEvents, structured, in batches or binary, and events of our own."""
        read = _reader(request)
        if path_of(request) == OF_OPENMETER:
            read = _with_subjects(read)
        messages, outcomes = await self._with_body(request, partial(self._messages, read))
        cloud = all(isinstance(message, events.CloudEvent) for message in messages)
        return self._answer(request, outcomes, cloud=cloud and bool(messages))

    async def about(self, request: Request) -> Response:
        """Say what this is, and what came in."""
        return in_json(self.receiver.document())

    # ── OTLP ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _otlp(self, request: Request, work: Callable[[bytes, bool], Told]) -> Response:
        form = media_type(request)
        if form not in (PROTOBUF, JSON):
            raise OtherMediaType(types=f"{PROTOBUF} or {JSON}")
        told = await self._with_body(request, lambda body: work(body, form == PROTOBUF))
        request.scope.setdefault(COUNTS, {}).update(told.counts)
        return exported(request, told.rejected, told.message)

    def _traces(self, body: bytes, in_protobuf: bool) -> Told:
        return self.receiver.traces(documents.spans_of(body, in_protobuf=in_protobuf))

    def _logs(self, body: bytes, in_protobuf: bool) -> Told:
        return self.receiver.logs(documents.records_of(body, in_protobuf=in_protobuf))

    def _nothing(self, signal: str, body: bytes, in_protobuf: bool) -> Told:
        self.receiver.counts.ignore("signals", {signal: 1})
        return Told(0, "", {"ignored": 1})

    # ── events ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _messages(self, read: Callable[[bytes], Any], body: bytes) -> tuple[list[Message], list[Outcome]]:
        messages = self.receiver.bounded(read(body))
        self.receiver.counts.ignore("attributes", events.not_read(messages))
        return messages, self.receiver.messages(messages) if messages else []

    def _answer(self, request: Request, outcomes: list[Outcome], *, cloud: bool) -> Response:
        refused = [(index, outcome.refused) for index, outcome in enumerate(outcomes) if outcome.refused]
        there = [outcome.place for outcome in outcomes if outcome.refused is None]
        duplicates = sum(place.duplicate for place in there)
        counts = {"events": len(outcomes), "recorded": len(there) - duplicates, "duplicates": duplicates}
        counts["refused"] = len(refused)
        self.receiver.counts.count(counts, ((error.code, 1) for _, error in refused))
        request.scope.setdefault(COUNTS, {}).update({name: count for name, count in counts.items() if count})
        if cloud and not refused:
            return Response(status_code=204)
        listed = [_refusal(index, error.code, error.details.get("field")) for index, error in refused[:LISTED]]
        document = {**counts, "refusals": listed}
        if refused:
            first = {error.code: error for _, error in reversed(refused)}  # of each code it stands for all
            document["reasons"] = {code: why(error) for code, error in first.items()}
        return failed(request, EventsRefused(), document) if refused and not there else in_json(document)

    # ── the way of a body ───────────────────────────────────────────────────────────────────────────────────────

    async def _with_body(self, request: Request, work: Callable[[bytes], T]) -> T:
        """Take a body in, and do the work with it, unpacked, in a thread beside; raises RequestRefused."""
        packed = bodies.is_packed(request)
        with self._under_way.one() as share:
            body = await bodies.taken_in(request, self.limits, share)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads.pool(), self._worked, work, body, packed)

    def _worked(self, work: Callable[[bytes], T], body: bytes, packed: bool) -> T:
        with relaxed():  # what a request makes has next to no cycles
            return work(bodies.unpacked(body, self.limits.body) if packed else body)


def _reader(request: Request) -> Callable[[bytes], Any]:
    """Return what reads the events of a request, by its content type; raises OtherMediaType."""
    form = media_type(request)
    if form in (STRUCTURED, BATCH):  # its attributes may be in headers as well
        return partial(events.one_or_many, cloud=True)
    if "ce-type" in request.headers:
        return partial(_in_headers, dict(request.headers))
    if form == JSON:
        return partial(events.one_or_many, cloud=False)
    if form in LINES:
        return events.of_lines
    raise OtherMediaType(types=", ".join((JSON, *sorted(LINES), STRUCTURED, BATCH)))


def _with_subjects(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    return lambda body: map(events.with_subject, read(body))


def _in_headers(headers: Mapping[str, str], body: bytes) -> list[Message]:
    return [events.in_headers(headers, body)]


def _refusal(index: int, code: str, field: Any) -> dict[str, Any]:
    named = plain_name(field.partition(".")[0]) if isinstance(field, str) else None
    return {"index": index, "code": code, "field": named}
