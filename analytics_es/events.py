"""The vocabulary of events: what one is, which fields it may carry, what its type says, and its identity."""

from __future__ import annotations

import functools
import hashlib
import math
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from attrs import frozen

from analytics_es.errors import (
    BadData,
    BadField,
    BadSource,
    BadType,
    CostWithoutCurrency,
    IdWithoutTime,
    NaiveTime,
    SubsetAboveTotal,
    TimeOutOfRange,
    TooDeep,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2101, 1, 1, tzinfo=UTC)
MAX_DEPTH = 16
MAX_TEXT = 1024
MAX_INTEGER = 2**63 - 1
MAX_DURATION_MS = 10**13
MAX_DECIMAL = 10**18
SHOWN = 60
DEFAULT_SOURCE = "local"

FAMILIES = ("budget", "conversation", "job", "provider", "task", "tool")
STATUSES = ("ok", "error", "cancelled")

# What the last part of a type says of how an activity ended; `None` in VERDICTS.get means it does not say.
VERDICTS = {
    **dict.fromkeys(("completed", "succeeded", "finished"), "ok"),
    **dict.fromkeys(("failed", "errored", "timed_out", "rejected", "crashed"), "error"),
    **dict.fromkeys(("cancelled", "canceled", "aborted", "interrupted"), "cancelled"),
    **dict.fromkeys(("started", "created", "queued", "requested", "scheduled", "submitted", "received"), "begun"),
}

# The things an event can belong to, and the field that names each.
ENTITIES = {
    "user": "user_id",
    "tenant": "tenant_id",
    "agent": "agent_id",
    "job": "job_id",
    "task": "task_id",
    "conversation": "conversation_id",
    "budget": "budget_id",
    "tool": "tool",
    "model": "model",
    "provider": "provider",
}


@frozen(kw_only=True)
class RecordedEvent:
    """One thing that happened. Times are aware and in UTC; `position` and `recorded_at` are given by the log."""

    source: str
    id: str
    type: str
    occurred_at: datetime
    data: dict[str, Any]
    recorded_at: datetime | None = None
    position: int | None = None


# ── what a type says ────────────────────────────────────────────────────────────────────────────────────────────

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+){1,7}")


@frozen
class TypeFacts:
    """What follows from an event's type: `provider.call.completed` is an ok end of `provider.call`."""

    family: str
    activity: str
    verdict: str | None


@functools.lru_cache(maxsize=4096)
def facts(event_type: str) -> TypeFacts:
    """Read a type; raises BadType."""
    if len(event_type) > 128 or not _TYPE.fullmatch(event_type):
        raise BadType(type=event_type)
    activity, _, verb = event_type.rpartition(".")
    return TypeFacts(event_type.partition(".")[0], activity, VERDICTS.get(verb))


@functools.lru_cache(maxsize=4096)
def matches(pattern: str, event_type: str) -> bool:
    """Say whether a type fits a pattern: `*` is one part, a last `>` is one part or more (as NATS subjects)."""
    wanted, parts = pattern.split("."), event_type.split(".")
    if wanted[-1] == ">":
        wanted = wanted[:-1]
        if len(parts) <= len(wanted):
            return False
        parts = parts[: len(wanted)]
    return len(wanted) == len(parts) and all(w in ("*", p) for w, p in zip(wanted, parts, strict=True))


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _text(name: str, value: Any) -> str | None:
    if type(value) is str and 0 < len(value) <= MAX_TEXT:
        return value
    if type(value) is int:
        value = str(_whole(name, value))
    if type(value) is not str:
        raise BadField(field=name, problem=f"must be a text, not {_kind(value)}")
    if len(value) > MAX_TEXT:
        raise BadField(field=name, problem=f"has {len(value)} characters, above the limit of {MAX_TEXT}")
    return value or None


def _integer(name: str, value: Any) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise BadField(field=name, problem=f"must be a whole number, not {_kind(value)}")
    if not 0 <= value <= MAX_INTEGER:
        raise BadField(field=name, problem=f"must be between 0 and 2^63-1, not {_shown(value)}")
    return value


def _number(name: str, value: Any, limit: int) -> None:
    if type(value) not in (int, float, Decimal):
        raise BadField(field=name, problem=f"must be a number, not {_kind(value)}")
    if not _finite(value):
        raise BadField(field=name, problem=f"must be a finite number, not {value}")
    if not 0 <= value <= limit:
        raise BadField(field=name, problem=f"must be between 0 and {limit:.0e}, not {_shown(value)}")


def _finite(value: float | Decimal) -> bool:
    return value.is_finite() if type(value) is Decimal else type(value) is int or math.isfinite(value)


def _milliseconds(name: str, value: Any) -> int | float:
    """Durations are kept to the microsecond."""
    if type(value) not in (int, float) or not 0 <= value <= MAX_DURATION_MS:
        _number(name, value, MAX_DURATION_MS)
    if type(value) is int:
        return value
    rounded = round(float(value), 3)
    return int(rounded) if rounded.is_integer() else rounded


_EIGHTEENTH, _WIDE = Decimal(1).scaleb(-18), Context(prec=40)
_PLAIN_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")


def _decimal(name: str, value: Any) -> str:
    """Money and custom values are kept as the exact decimal that was reported, to 18 places."""
    if type(value) in (float, Decimal, str):
        text = repr(value) if type(value) is float else str(value)
        if _PLAIN_DECIMAL.fullmatch(text):
            return text
    if type(value) is str:
        try:
            value = Decimal(value)
        except InvalidOperation:
            raise BadField(field=name, problem=f"must be a number, not {value[:40]!r}") from None
    _number(name, value, MAX_DECIMAL)
    exact = value if type(value) is Decimal else Decimal(repr(value))
    return format(exact.copy_abs().quantize(_EIGHTEENTH, context=_WIDE), "f").rstrip("0").rstrip(".")


def _status(name: str, value: Any) -> str:
    if value not in STATUSES:
        raise BadField(field=name, problem=f"must be one of {', '.join(STATUSES)}, not {_shown(value)}")
    return STATUSES[STATUSES.index(value)]  # the value itself may be a member of an enum of texts


_CURRENCY = re.compile(r"[A-Z]{3}")


def _currency(name: str, value: Any) -> str:
    if type(value) is not str or not _CURRENCY.fullmatch(value):
        raise BadField(field=name, problem=f"must be an ISO 4217 code such as USD, not {_shown(value)}")
    return value


def _attributes(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadField(field=name, problem=f"must map names to plain values, not {_kind(value)}")
    for key, item in value.items():
        if isinstance(item, Mapping | list | tuple):
            raise BadField(field=f"{name}.{key}", problem="must be a text, number or boolean: attributes are flat")
    return dict(_free(name, value, 2))


Check = Callable[[str, Any], Any]

COMMON: dict[str, Check] = {
    **dict.fromkeys(("user_id", "tenant_id", "conversation_id", "job_id", "task_id", "agent_id", "error_type"), _text),
    "status": _status,
    "duration_ms": _milliseconds,
    "value": _decimal,
    "attributes": _attributes,
}
VOCABULARY: dict[str, Check] = {
    **COMMON,
    **dict.fromkeys(("provider", "model", "operation", "tool", "job_type", "task_type", "budget_id"), _text),
    **dict.fromkeys(("input_tokens", "cache_read_tokens", "cache_creation_tokens"), _integer),
    **dict.fromkeys(("output_tokens", "reasoning_tokens", "messages"), _integer),
    "time_to_first_chunk_ms": _milliseconds,
    "cost": _decimal,
    "amount": _decimal,
    "currency": _currency,
}


def _kind(value: Any) -> str:
    name = "boolean" if isinstance(value, bool) else type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _shown(value: Any) -> str:
    """Return a value as a message can hold it."""
    try:
        text = str(value) if type(value) is Decimal else repr(value)
    except ValueError:
        return _kind(value)  # Python does not write out the digits of a giant integer
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _whole(name: str, value: int) -> int:
    if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise BadField(field=name, problem="is an integer beyond 64 bits: pass it as text")
    return value


def _free(name: str, value: Any, depth: int) -> Any:
    """Check a value of a field that the vocabulary does not know: any JSON, within limits."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return _whole(name, value)
    if kind is float or kind is Decimal:
        if not _finite(value):
            raise BadField(field=name, problem=f"must be a finite number, not {value}")
        return value if kind is float else _written(name, value)
    if depth > MAX_DEPTH:
        raise TooDeep(field=name.partition(".")[0], limit=MAX_DEPTH)
    if isinstance(value, Mapping):
        return {_name(k): _free(f"{name}.{k}", v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_free(name, item, depth + 1) for item in value]
    raise BadField(field=name, problem=f"must be a JSON value, not {_kind(value)}")


def _written(name: str, value: Decimal) -> float | str:
    """Return a decimal as the JSON number that says the same, else in full, unless that has too many digits."""
    if Decimal(repr(float(value))) == value:
        return float(value)
    if abs(value.adjusted()) > MAX_TEXT:
        raise BadField(field=name, problem=f"must have at most {MAX_TEXT} digits, not as many as {_shown(value)}")
    return format(value, "f")


def _name(key: Any) -> str:
    if not isinstance(key, str):
        raise BadField(field=_shown(key), problem=f"field names must be texts, not {_kind(key)}")
    return key


def _check_data(family: str, data: Any) -> dict[str, Any]:
    if type(data) is not dict and not isinstance(data, Mapping):
        raise BadData(kind=_kind(data))
    known = family in FAMILIES
    checks = VOCABULARY if known else COMMON
    checked = {}
    for name, value in data.items():
        check = checks.get(name)
        if check is None:
            field = _name(name)
            checked[field] = _free(field, value, 2)
        elif value is not None:
            value = check(name, value)
            if value is not None:
                checked[name] = value
    if known:
        _check_together(checked)
    return checked


def _check_together(data: dict[str, Any]) -> None:
    told = data.get
    if told("cache_read_tokens", 0) + told("cache_creation_tokens", 0) > told("input_tokens", 0):
        raise SubsetAboveTotal(parts="cache_read_tokens + cache_creation_tokens", total="input_tokens")
    if told("reasoning_tokens", 0) > told("output_tokens", 0):
        raise SubsetAboveTotal(parts="reasoning_tokens", total="output_tokens")
    if "currency" not in data and ("cost" in data or "amount" in data):
        raise CostWithoutCurrency(field="cost" if "cost" in data else "amount")


# ── the door ────────────────────────────────────────────────────────────────────────────────────────────────────


def admit(
    event_type: str,
    data: Mapping[str, Any],
    *,
    now: datetime,
    occurred_at: datetime | None = None,
    id: str | None = None,
    source: str | None = None,
) -> RecordedEvent:
    """Return the event as it will be recorded, or raise the RefusedEvent that says why not."""
    if not isinstance(event_type, str):
        raise BadType(type=event_type)
    family = facts(event_type).family
    if occurred_at is None:
        if id is not None:
            raise IdWithoutTime
        occurred_at = now
    return RecordedEvent(
        source=DEFAULT_SOURCE if source is None else _named("source", source, 256),
        id=secrets.token_hex(12) if id is None else _named("id", id, MAX_TEXT),
        type=event_type,
        occurred_at=_time(occurred_at),
        data=_check_data(family, data),
        recorded_at=now,
    )


def _named(field: str, value: Any, limit: int) -> str:
    if type(value) is not str or not 0 < len(value) <= limit:
        raise BadSource(field=field, limit=limit, value=repr(value)[:60])
    return value


def _time(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise BadField(field="occurred_at", problem=f"must be a datetime, not {_kind(value)}")
    if value.tzinfo is not UTC:
        if value.utcoffset() is None:
            raise NaiveTime(value=value)
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise TimeOutOfRange(value=value) from None
    if not EARLIEST <= value < LATEST:
        raise TimeOutOfRange(value=value)
    return value


# ── identity and place ──────────────────────────────────────────────────────────────────────────────────────────


def microseconds(time: datetime) -> int:
    """Return an aware time as Unix microseconds, exactly."""
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def key_of_time(unix_us: int) -> str:
    """Return the first 12 digits of the keys of events that occurred in this millisecond."""
    return f"{unix_us // 1000:012x}"


def identity(event: RecordedEvent) -> str:
    """Return the event's key: 12 hex digits of Unix milliseconds, then 20 of BLAKE2b over source and id."""
    name = f"{event.source}\0{event.id}".encode("utf-8", "surrogatepass")
    return key_of_time(microseconds(event.occurred_at)) + hashlib.blake2b(name, digest_size=10).hexdigest()
