"""Bodies of requests → events in the log. What it returns is durable: who sends is answered after it, not before."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from attrs import define, field

from analytics_es.errors import AnalyticsError
from analytics_es.ingest import Message
from analytics_es.ingest.otel.intake import UNREADABLE, Records, take, unread, unreadable
from analytics_es.ingest.otel.logs.reader import LogReader
from analytics_es.ingest.otel.logs.record import LogRecord, ReadRecord
from analytics_es.ingest.otel.otlp import ReadSpan
from analytics_es.ingest.otel.recalled import recalling
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from analytics_es.ingest.problems import reason
from analytics_es.ingest.subscription import Intake, Outcome
from analytics_es.process import Trouble
from analytics_es.web.counts import Counts
from analytics_es.web.events import HTTP, arriving
from analytics_es.web.limits import Limits
from analytics_es.web.refusals import BodyTooLarge, NotRecorded

logger = logging.getLogger("analytics_es.web")

REMEMBERED = 100_000  # spans: which lie in which, of several processes that send; about 30 MB
UNREADABLE_RECORD = "unreadable_record"

Event = dict[str, Any]


class Told(NamedTuple):
    """What became of a request: how many records were rejected, why, and what is counted of it."""

    rejected: int
    message: str
    counts: dict[str, int]


@define
class Receiver:
    """Records what requests hold; safe to use from several threads."""

    service: Records
    limits: Limits
    content: bool = False
    counts: Counts = field(factory=Counts)
    _reading: threading.Lock = field(factory=threading.Lock)  # which span lies in which is remembered by one reader
    _spans: Reader = field(init=False)
    _logs: LogReader = field(factory=LogReader, init=False)
    _intake: Intake | None = field(default=None, init=False)
    _trouble: Trouble = field(factory=lambda: Trouble(logger, "Requests over HTTP"), init=False)

    def __attrs_post_init__(self) -> None:
        self._spans = Reader(content=self.content, limit=REMEMBERED, before=recalling(self.service))

    def traces(self, read: Iterable[ReadSpan]) -> Told:
        """Record what the spans of a request tell; raises BodyTooLarge, and NotRecorded where the store fails."""
        came = self._bounded(read, "spans")
        spans = [one.span for one in came if one.span]
        rejected = [self._unread(UNREADABLE, "span", one.problem, one.raw) for one in came if one.span is None]
        with self._reading:
            events, ignored = self._events_of(spans, rejected)
        told = self._taken("spans", len(came), events, rejected, ignored.total())
        self.counts.ignore("scopes", ignored)
        return told

    def logs(self, read: Iterable[ReadRecord]) -> Told:
        """Record what the log records of a request tell; raises as `traces` does."""
        came = self._bounded(read, "log records")
        records = [one.record for one in came if one.record]
        rejected = [self._unread(UNREADABLE_RECORD, "log", one.problem, one.raw) for one in came if not one.record]
        with self._reading:
            events, ignored = self._events_of_logs(records, rejected)
        told = self._taken("log_records", len(came), events, rejected, ignored.total())
        self.counts.ignore("logs", ignored)
        return told

    def document(self) -> dict[str, Any]:
        """Say what this is, and what came in."""
        read = self._spans.counts
        return {
            **self.counts.document(),
            "contradictions": dict(read.contradictions.most_common()),
            **({"pending_spans": read.pending} if read.pending else {}),
        }

    def messages(self, messages: Sequence[Message]) -> list[Outcome]:
        """Record events; raises NotRecorded where the store fails."""
        try:
            recorder = self.service.store.recorder
            if self._intake is None or self._intake.recorder is not recorder:  # another one in a process of a fork
                self._intake = Intake(recorder, self.service, HTTP, "Events over HTTP")
            return self._intake.take(arriving(messages, recorder))
        except AnalyticsError as error:
            raise NotRecorded(reason=error.code) from error

    def bounded(self, records: Iterable[Message]) -> list[Message]:
        """Return the events of a request; raises BodyTooLarge."""
        return self._bounded(records, "events")

    def _bounded(self, records: Iterable[Any], unit: str) -> list[Any]:
        came = list(islice(records, self.limits.records + 1))
        if len(came) > self.limits.records:
            raise BodyTooLarge(limit=self.limits.records, unit=unit)
        return came

    def _events_of(self, spans: Sequence[Span], rejected: list[Event]) -> tuple[list[Event], Counter[str]]:
        """Return the events of spans, and how many spans are none of GenAI, by their scope."""
        before = self._spans.counts.ignored.copy()
        try:
            read = self._spans.read(spans)
        except AnalyticsError as error:  # what was recorded before cannot be looked at
            self._fails(error.code, str(error))
            raise NotRecorded(reason=error.code) from error
        rejected += unreadable(read)
        return [event for one in read for event in one.events], self._spans.counts.ignored - before

    def _events_of_logs(self, records: Sequence[LogRecord], rejected: list[Event]) -> tuple[list[Event], Counter[str]]:
        events, before = list[Event](), self._logs.ignored.copy()
        for record in records:
            try:
                events += self._logs.events([record])
            except Exception as error:
                rejected.append(self._unread(UNREADABLE_RECORD, "log", reason(error), None))
        return events, self._logs.ignored - before

    def _unread(self, code: str, subject: str, problem: str, raw: str | None) -> Event:
        return unread(code, subject, problem, raw, content=self.content)

    def _taken(self, name: str, came: int, events: list[Event], rejected: list[Event], ignored: int) -> Told:
        taken = take(self.service, events, rejected)
        if taken.failure:
            self._fails(taken.failure.code, taken.failure.message)
            raise NotRecorded(reason=taken.failure.code)
        self._trouble.over()
        if taken.differing:
            logger.warning("%d events tell something else than what is recorded of them", taken.differing)
        counts = {
            name: came,
            "recorded": taken.recorded,
            "duplicates": taken.duplicates,
            "differing": taken.differing,
            "ignored": ignored,
            "refused": taken.refused.total(),
        }
        counts = {counted: number for counted, number in counts.items() if number or counted == name}
        self.counts.count(counts, taken.refused.items())
        why = ", ".join(f"{code} {number}" for code, number in sorted(taken.refused.items()))
        number = min(taken.refused.total(), came)
        return Told(number, f"refused, and kept with the reason: {why}" if number else "", counts)

    def _fails(self, code: str, message: str) -> None:
        self._trouble.begins(f"{message} [{code}]")
