"""Lines of OpenTelemetry's file exporters → spans and log records: as its SDK for JavaScript has them, or as OTLP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics_es.ingest.sessions.facts import Happened
from analytics_es.ingest.sessions.formats.records import part, parts
from analytics_es.ingest.sessions.formats.tools import COMPLETED, FAILED

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = ("endTime", "startTime", "hrTime", "_hrTime", "time", "timestamp", "observedTimestamp")
_NANOSECONDS = ("endTimeUnixNano", "startTimeUnixNano", "timeUnixNano", "observedTimeUnixNano")
_SPAN_HAS = frozenset({"spanId", "traceId", "startTime", "endTime", "duration", "kind"})
_COUNTS = {
    "input_tokens": ("input_tokens",),
    "output_tokens": ("output_tokens",),
    "cache_read_tokens": ("cache_read.input_tokens", "cache_read_input_tokens"),
    "cache_creation_tokens": ("cache_creation.input_tokens", "cache_write.input_tokens"),
    "reasoning_tokens": ("reasoning.output_tokens", "reasoning_tokens"),
    "total_tokens": ("total_tokens", "total.token_count"),
}
_FAILED = (2, "2", "ERROR", "STATUS_CODE_ERROR")


def records(line: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the spans and log records of a line: itself, or those in the envelope that it is."""
    if "resourceSpans" not in line and "resourceLogs" not in line:
        yield line
        return
    for kind, scopes, entries in (
        ("resourceSpans", "scopeSpans", "spans"),
        ("resourceLogs", "scopeLogs", "logRecords"),
    ):
        for resource in parts(line, kind):
            for scope in parts(resource, scopes):
                for record in parts(scope, entries):
                    yield {"type": "span" if entries == "spans" else "log", **record}


def attributes_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the attributes by name, however they are written."""
    if isinstance(record.get("attributes"), list):
        return {str(entry.get("key")): _plain(part(entry, "value")) for entry in parts(record, "attributes")}
    return part(record, "attributes")


def _plain(value: Mapping[str, Any]) -> Any:
    return next(iter(value.values()), None)


def usage_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts that attributes tell, by our names."""
    usage: dict[str, Any] = {}
    for ours, names in _COUNTS.items():
        told = (attributes.get(f"gen_ai.usage.{name}") for name in names)
        if (count := next((count for count in told if count is not None), None)) is not None:
            usage[ours] = int(count) if isinstance(count, str) and count.isdecimal() else count
    return usage


def is_span(record: Mapping[str, Any]) -> bool:
    """Say whether a record is a span, and no log record."""
    if isinstance(record.get("type"), str):
        return bool(record["type"] == "span")
    return bool(record.get("name")) and not _SPAN_HAS.isdisjoint(record)


def place(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ids of trace and span; "" where there is none."""
    context = part(record, "spanContext")
    trace, span = (record.get(name) or context.get(name) or "" for name in ("traceId", "spanId"))
    return str(trace), str(span)


def happened(record: Mapping[str, Any], told: Mapping[str, Any], fields: Mapping[str, Any]) -> Happened | None:
    """Return what a span tells beside usage: a call that failed, or what became of a tool; None where that is nothing.

    fields: what goes into its event besides; the model of a call in it is left out where it is a tool's.
    """
    operation, at, use = told.get("gen_ai.operation.name"), when(record) or "", str(told.get("gen_ai.tool.call.id"))
    own = ":".join(filter(None, place(record)))
    if operation == "execute_tool":
        became = FAILED if failed(record, told) else COMPLETED
        tool = {"conversation_id": fields.get("conversation_id"), "tool": told.get("gen_ai.tool.name")}
        return Happened(event_type=became, id=use if use.startswith("toolu_") else own, at=at, fields=tool)
    if operation == "chat" and failed(record, told):
        error = {**fields, "error_type": told.get("error.type") or "error"}
        return Happened(event_type="provider.call.failed", id=own, at=at, fields=error)
    return None


def failed(record: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
    """Say whether what a span is of failed."""
    return bool(attributes.get("error.type")) or part(record, "status").get("code") in _FAILED


def when(record: Mapping[str, Any]) -> datetime | None:
    """Return when a record was: the end of a span."""
    for name in (*_TIMES, *_NANOSECONDS):
        if (at := _moment(record.get(name), nanoseconds=name in _NANOSECONDS)) is not None:
            return at
    return None


def _moment(told: Any, *, nanoseconds: bool) -> datetime | None:
    try:
        if isinstance(told, list):
            return _EPOCH + timedelta(seconds=int(told[0]), microseconds=int(told[1]) // 1000)
        if isinstance(told, str) and not told.isdigit():
            return datetime.fromisoformat(told)
        if told in (None, "", 0) or isinstance(told, bool):
            return None
        number = int(told)
        for least, unit in ((10**17, 10**3), (10**14, 1), (10**11, 10**-3)):
            if number >= least or nanoseconds:
                return _EPOCH + timedelta(microseconds=number // unit if unit >= 1 else number * 1000)
        return _EPOCH + timedelta(seconds=number)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
