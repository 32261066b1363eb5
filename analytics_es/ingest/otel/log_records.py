"""A record of a log in OTLP, as the reader of JSON gives it and the one of protobuf: nothing is decided yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class LogRecord(NamedTuple):
    """One record. Times are Unix microseconds, 0 where none is told; attributes are plain values, lists, mappings.

    event_name: `eventName`, "" of senders before it; the attribute `event.name` stays one.
    body: any value; the text or mapping that was logged, None where there is none.
    observed_us: when a collector saw it, which is the time where no other is told.
    resource: attributes of the process that wrote it, of which `service.name` is one; shared by its records.
    scope: the name of what wrote it; `scope_version`, "" where none is told.
    trace_id, span_id: lower-case hex, "" where it lies in none.
    severity: the number of OpenTelemetry's levels, from 1 to 24; 0 where none is told.
    dropped: how many attributes the sender left out.
    """

    event_name: str = ""
    body: Any = None
    time_us: int = 0
    observed_us: int = 0
    attributes: Mapping[str, Any] = {}
    resource: Mapping[str, Any] = {}
    scope: str = ""
    scope_version: str = ""
    trace_id: str = ""
    span_id: str = ""
    severity: int = 0
    dropped: int = 0


class ReadRecord(NamedTuple):
    """A record of a request and its text; or None, and the problem that refuses it."""

    record: LogRecord | None
    raw: str | None
    problem: str = ""
