"""Shapes of OTLP in JSON: as the protocol writes names and ids, and as others write the same things."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]

SOURCE = "otel"  # who tells what spans tell

SPANS, LOGS, METRICS, WITHIN = "spans", "logs", "metrics", "within"
# What lies at the top of a document: protobuf's own names are in snake case, Tempo calls the groups batches.
TOP = {
    **dict.fromkeys(("resourceSpans", "resource_spans", "batches"), SPANS),
    **dict.fromkeys(("resourceLogs", "resource_logs"), LOGS),
    **dict.fromkeys(("resourceMetrics", "resource_metrics"), METRICS),
    "trace": WITHIN,  # as Tempo's second API has it
}
# What holds the scopes of a group, and the records of a scope; until 2022 a scope was called a library.
SCOPES = {
    **dict.fromkeys(("scopeSpans", "scope_spans", "instrumentationLibrarySpans"), SPANS),
    "instrumentation_library_spans": SPANS,
    **dict.fromkeys(("scopeLogs", "scope_logs", "instrumentationLibraryLogs", "instrumentation_library_logs"), LOGS),
    **dict.fromkeys(("scopeMetrics", "scope_metrics", "instrumentationLibraryMetrics"), METRICS),
    "instrumentation_library_metrics": METRICS,
}
SCOPE = ("scope", "instrumentationLibrary", "instrumentation_library")
RECORDS = {"spans": SPANS, **dict.fromkeys(("logRecords", "log_records", "logs"), LOGS), "metrics": METRICS}

_SNAKE = re.compile("_[a-z]")
_VALUES = {
    "int_value": "intValue",
    "double_value": "doubleValue",
    "array_value": "arrayValue",
    "kvlist_value": "kvlistValue",
}


class Origin(NamedTuple):
    """Who tells records: the attributes of the resource, its service, and the instrumentation scope."""

    resource: Json
    service: str = ""
    scope: str = ""
    scope_version: str = ""


NOBODY = Origin({})


def of_today(record: Any) -> Any:
    """Return a span, a log record or an event of a span with its names as OTLP/JSON writes them."""
    if type(record) is not dict or not any("_" in name for name in record):
        return record
    renamed = {_camel(name): value for name, value in record.items()}
    if type(renamed.get("events")) is list:
        renamed["events"] = [of_today(event) for event in renamed["events"]]
    return renamed


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda letter: letter[0][1].upper(), name)


def origin_of(resource: Any, scope: Any) -> Origin:
    """Return who a group's resource and scope are; raises TypeError, AttributeError or KeyError where they are none."""
    attributes = attributes_of((resource or {}).get("attributes"))
    name, version = (str((scope or {}).get(part) or "") for part in ("name", "version"))
    service = attributes.get("service.name")
    return Origin(attributes, "" if service is None else str(service), name, version)


def hex_of(name: str, value: Any, size: int) -> str:
    """Return an id of so many bytes as hex digits in lower case, also where it is base64; raises ValueError."""
    digits = _digits(value, size)
    if digits is None:
        raise ValueError(f"its {name} is {value!r:.60}, not hex digits as OTLP/JSON has them")
    if not digits.strip("0"):
        raise ValueError(f"its {name} is zeros alone, which stand for none")
    return digits


def _digits(value: Any, size: int) -> str | None:
    if not isinstance(value, str):
        return None
    if len(value) == 2 * size:
        return digits if _HEX.fullmatch(digits := value.lower()) else None
    if len(value) != 4 * -(-size // 3):
        return None
    try:
        content = base64.b64decode(value, validate=True)  # as protobuf's own JSON writes bytes
        return content.hex() if len(content) == size else None
    except (binascii.Error, ValueError):
        return None


_HEX = re.compile("[0-9a-f]+")


def attributes_of(pairs: Iterable[Json] | None) -> dict[str, Any]:
    """Return attributes by name, as plain values; raises ValueError, TypeError, AttributeError or KeyError."""
    return {str(pair["key"]): value_of(pair.get("value") or {}) for pair in pairs or ()}


def value_of(typed: Json) -> Any:
    """Return what an AnyValue holds; 64-bit integers come as text, and so do numbers that JSON does not know."""
    for told, value in typed.items():
        kind = _VALUES.get(told, told)
        if kind == "intValue":
            return int(value)
        if kind == "doubleValue":
            return float(value)
        if kind == "arrayValue":
            return [value_of(member) for member in value.get("values") or ()]
        if kind == "kvlistValue":
            return attributes_of(value.get("values"))
        return value
    return None
