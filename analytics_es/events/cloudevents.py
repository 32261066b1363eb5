"""CloudEvents → arguments of `record_event`, whichever way they came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from analytics_es.events.event import time_of

Arguments = dict[str, Any]


def arguments(event: Mapping[str, Any], otherwise: Mapping[str, Any], *, required: Sequence[str] = ()) -> Arguments:
    """Return what an event in the JSON format of CloudEvents says as arguments of `record_event`.

    `otherwise` holds where the event does not tell its `id`, `time` or `source`. Raises ValueError.
    """
    data = {} if event.get("data") is None else event["data"]
    if not isinstance(data, Mapping) or "data_base64" in event:
        raise ValueError("its data is not a JSON object")
    for key in ("type", "id", "time"):
        if not isinstance(event.get(key), str) and (key in ("type", *required) or event.get(key) is not None):
            raise ValueError(f"its {key} is missing or not a text")
    identity = {**otherwise} | {key: event[key] for key in ("id", "time", "source") if event.get(key) is not None}
    when = identity.get("time")
    return {
        "event_type": event["type"],
        "data": data,
        "occurred_at": when if when is None or isinstance(when, datetime) else moment(when),
        "id": identity.get("id"),
        "source": identity.get("source"),
    }


def moment(when: Any) -> datetime:
    """Return a time from ISO 8601 text (by default UTC) or Unix microseconds; raises ValueError, OverflowError."""
    if isinstance(when, int):
        return time_of(when)
    try:
        time = datetime.fromisoformat(when.strip().upper())
    except (AttributeError, ValueError):
        raise ValueError(f"its time is {when!r:.60}, not ISO 8601") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def exact(text: str | bytes) -> Any:
    """Read JSON with every number as exact as it is written; raises ValueError, RecursionError."""
    return json.loads(text, parse_float=_decimal)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:  # more digits of an exponent than there can be
        raise ValueError(f"{text:.60} is out of range") from None
    if abs(number.adjusted()) > 400:  # written out, its zeros alone would fill the memory
        raise ValueError(f"{text:.60} is out of range")
    return number
