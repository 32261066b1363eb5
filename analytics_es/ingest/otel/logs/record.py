"""A log record, from wherever it came: what reads protobuf, JSON and files makes the same of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from attrs import Factory, frozen


@frozen(kw_only=True)
class LogRecord:
    """One log record; attributes are plain values, lists of them or mappings, as those of a span.

    event_name: the field of that name, "" where there is none; who reads the record looks into attributes, too.
    time_us, observed_us: Unix microseconds, 0 where it is not told.
    body: what it holds, plain; None where it holds nothing.
    attributes: its own.
    resource: attributes of the resource that it came with.
    service: the `service.name` of the resource, "" where there is none.
    scope: the name of the instrumentation scope, "" where there is none; `scope_version` the same.
    trace_id, span_id: lower-case hex, "" where there is none.
    dropped: how many attributes the emitter left out.
    """

    event_name: str = ""
    time_us: int = 0
    observed_us: int = 0
    body: Any = None
    attributes: Mapping[str, Any] = Factory(dict)
    resource: Mapping[str, Any] = Factory(dict)
    service: str = ""
    scope: str = ""
    scope_version: str = ""
    trace_id: str = ""
    span_id: str = ""
    dropped: int = 0


class ReadRecord(NamedTuple):
    """What one record of a request gives: a record, and its text where it was one; or None, and what refuses it."""

    record: LogRecord | None
    raw: str | None
    problem: str = ""


def digest(record: LogRecord) -> str:
    """Return what tells a record from others where it has no id: what it says, and when."""
    said = [sorted((str(name), value) for name, value in record.attributes.items()), record.time_us, record.scope]
    text = json.dumps(said, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
    return f"log:{blake2b(text, digest_size=16).hexdigest()}"
