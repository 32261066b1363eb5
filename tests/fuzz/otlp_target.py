"""Bodies of requests: any bytes are spans, records or events that the door takes or refuses, or it is said why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from analytics_es.errors import RefusedEvent
from analytics_es.ingest.batch import admitted
from analytics_es.ingest.door import Door
from analytics_es.ingest.otel.intake import unread
from analytics_es.ingest.otel.logs.reader import LogReader
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.testing import NOON
from analytics_es.web.documents import records_of, spans_of
from analytics_es.web.events import HTTP, of_lines, one_or_many
from analytics_es.web.refusals import MalformedBody
from tests.fuzz.requests import PROTOBUF, SEEDS, Route, route_of

__all__ = ["SEEDS", "target"]

DOOR = Door(lambda: NOON)
SPANS, RECORDS = Reader(limit=1_000), LogReader()


def target(content: bytes) -> None:
    """Read bytes as the body of a request to the route that the first of them says, and take in what is in it."""
    route = route_of(content)
    try:
        for event in _events(route):
            _admit(event)
    except (MalformedBody, RefusedEvent) as error:
        assert "\n" not in str(error)


def _events(route: Route) -> Iterable[Mapping[str, Any]]:
    in_protobuf = route.media_type == PROTOBUF
    if route.path == "/v1/traces":
        rows = list(spans_of(route.body, in_protobuf=in_protobuf))
        spans = [row.span for row in rows if row.span]
        SPANS.see(spans)
        yield from (event for span in spans for event in SPANS.events(span))
        _check(row.problem for row in rows if row.span is None)
        [unread("x", "span", row.problem, row.raw, content=True) for row in rows if row.span is None]
    elif route.path == "/v1/logs":
        records = list(records_of(route.body, in_protobuf=in_protobuf))
        yield from RECORDS.events(row.record for row in records if row.record)
        _check(row.problem for row in records if row.record is None)
    elif route.path != "/v1/metrics":  # of which nothing is read
        cloud = route.path == "/api/v1/events"
        lines = route.media_type == "application/x-ndjson"
        for message in of_lines(route.body) if lines else one_or_many(route.body, cloud=cloud):
            try:
                yield HTTP.read(message)
            except RefusedEvent:
                HTTP.event_of(message)
                HTTP.named(message)


def _check(problems: Iterable[str]) -> None:
    for problem in problems:
        assert problem
        assert "\n" not in problem
        assert len(problem) < 1_000


def _admit(event: Mapping[str, Any]) -> None:
    try:
        admitted(DOOR, NOON, event)
    except RefusedEvent as error:
        assert str(error)
