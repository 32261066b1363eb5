"""The fields an event may carry, and how each is checked and kept."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from analytics_es.errors import BadData, BadField, CostWithoutCurrency, SubsetAboveTotal, TooDeep

MAX_DEPTH = 16
MAX_TEXT = 1024
MAX_INTEGER = 2**63 - 1
MAX_DURATION_MS = 10**13
MAX_DECIMAL = 10**18
SHOWN = 60

FAMILIES = ("budget", "conversation", "job", "provider", "task", "tool")
STATUSES = ("ok", "error", "cancelled")

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


def _text(name: str, value: Any) -> str | None:
    if type(value) is str and 0 < len(value) <= MAX_TEXT:
        return value
    if type(value) is int:
        value = str(_whole(name, value))
    if type(value) is not str:
        raise BadField(field=name, problem=f"must be a text, not {kind_of(value)}")
    if len(value) > MAX_TEXT:
        raise BadField(field=name, problem=f"has {len(value)} characters, above the limit of {MAX_TEXT}")
    return value or None


def _integer(name: str, value: Any) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise BadField(field=name, problem=f"must be a whole number, not {kind_of(value)}")
    if not 0 <= value <= MAX_INTEGER:
        raise BadField(field=name, problem=f"must be between 0 and 2^63-1, not {shown(value)}")
    return value


def _number(name: str, value: Any, limit: int) -> None:
    if type(value) not in (int, float, Decimal):
        raise BadField(field=name, problem=f"must be a number, not {kind_of(value)}")
    if not _finite(value):
        raise BadField(field=name, problem=f"must be a finite number, not {value}")
    if not 0 <= value <= limit:
        raise BadField(field=name, problem=f"must be between 0 and {limit:.0e}, not {shown(value)}")


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


def _signed_decimal(name: str, value: Any) -> str:
    """As `_decimal`, and it may be below 0."""
    size: Any = value
    if type(value) is str:
        size = value.removeprefix("-")
    elif type(value) in (int, float, Decimal):
        size = value.copy_abs() if type(value) is Decimal else abs(value)
    below = value.is_signed() if type(value) is Decimal else size != value
    kept = _decimal(name, size)
    return f"-{kept}" if below and Decimal(kept) else kept


def _ordinal(name: str, value: Any) -> int:
    number = _integer(name, value)
    if number < 1:
        raise BadField(field=name, problem=f"counts from 1, and must not be {number}")
    return number


def _boolean(name: str, value: Any) -> bool:
    if type(value) is not bool:
        raise BadField(field=name, problem=f"must be true or false, not {kind_of(value)}")
    return value


def _status(name: str, value: Any) -> str:
    if value not in STATUSES:
        raise BadField(field=name, problem=f"must be one of {', '.join(STATUSES)}, not {shown(value)}")
    return STATUSES[STATUSES.index(value)]  # the value itself may be a member of an enum of texts


def _corrects(name: str, value: Any) -> dict[str, str]:
    """The identity of another event."""
    if not isinstance(value, Mapping) or {*value} != {"source", "id"}:
        raise BadField(field=name, problem="must be a mapping of source and id, those of the event that is corrected")
    for part, told in value.items():
        if type(told) is not str or not 0 < len(told) <= MAX_TEXT:
            raise BadField(field=f"{name}.{part}", problem=f"must be a text of 1 to {MAX_TEXT} characters")
    return dict(value)


_CURRENCY = re.compile(r"[A-Z]{3}")


def _currency(name: str, value: Any) -> str:
    if type(value) is not str or not _CURRENCY.fullmatch(value):
        raise BadField(field=name, problem=f"must be an ISO 4217 code such as USD, not {shown(value)}")
    return value


def _attributes(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadField(field=name, problem=f"must map names to plain values, not {kind_of(value)}")
    for key, item in value.items():
        if isinstance(item, Mapping | list | tuple):
            raise BadField(field=f"{name}.{key}", problem="must be a text, number or boolean: attributes are flat")
    return dict(_free(name, value, 2))


# ── of budgets ──────────────────────────────────────────────────────────────────────────────────────────────────

# What of all spending counts against a budget, and the field that says whose it is.
SCOPES = {"all": None, "tenant": "tenant_id", "user": "user_id", "model": "model"}
YEARS = range(1990, 2101)
MOST_THRESHOLDS, LARGEST_THRESHOLD = 20, 1000
_PERCENT = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")


def _scope(name: str, value: Any) -> str:
    if value not in SCOPES:
        raise BadField(field=name, problem=f"must be one of {', '.join(SCOPES)}, not {shown(value)}")
    return str(value)


def _hour(name: str, value: Any) -> str:
    """A time on a whole hour of its zone, kept in UTC."""
    try:
        time = datetime.fromisoformat(value) if type(value) is str else value
        utc = time.astimezone(UTC) if time.utcoffset() is not None else None
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise BadField(field=name, problem=f"must be a time such as 2026-03-01T00:00:00Z, not {shown(value)}") from None
    if utc is None:
        raise BadField(field=name, problem=f"must say its zone, such as 2026-03-01T00:00:00Z, not {shown(value)}")
    if utc.year not in YEARS:
        raise BadField(field=name, problem=f"must be in the years 1990 to 2100, not {shown(value)}")
    if time - time.replace(minute=0, second=0, microsecond=0) != timedelta(0):
        raise BadField(field=name, problem=f"must be on a whole hour, not {shown(value)}")
    return f"{utc.replace(tzinfo=None).isoformat()}Z"


def _percents(name: str, value: Any) -> str:
    """Percents, kept as a text in rising order: it may be a key."""
    given = value.split(",") if type(value) is str else value
    if not isinstance(given, list | tuple) or not 0 < len(given) <= MOST_THRESHOLDS:
        raise BadField(field=name, problem=f"must be a list of 1 to {MOST_THRESHOLDS} percents, such as [50, 80, 100]")
    return ",".join(format(each, "f") for each in sorted({_percent(name, each) for each in given}))


def _percent(name: str, value: Any) -> Decimal:
    text = str(value) if type(value) in (int, float, str, Decimal) else ""
    if not _PERCENT.fullmatch(text) or not 0 < Decimal(text) <= LARGEST_THRESHOLD:
        raise BadField(
            field=name,
            problem=f"must hold percents above 0, up to {LARGEST_THRESHOLD}, with 3 decimals, not {shown(value)}",
        )
    return Decimal(text.rstrip("0").rstrip(".")) if "." in text else Decimal(int(text))


def _one_percent(name: str, value: Any) -> str:
    return format(_percent(name, value), "f")


def _hours(name: str, value: Any) -> int:
    if _integer(name, value) == 0:
        raise BadField(field=name, problem="must be at least 1")
    return _integer(name, value)


Check = Callable[[str, Any], Any]

# What few calls tell, because it has a price of its own, and what it is a part of: at most as much of it.
_PART_OF = {
    "cache_creation_1h_tokens": ("cache_creation_tokens",),
    "input_audio_tokens": ("input_tokens",),
    "input_image_tokens": ("input_tokens",),
    "cache_read_audio_tokens": ("cache_read_tokens", "input_audio_tokens"),
    "cache_read_image_tokens": ("cache_read_tokens", "input_image_tokens"),
    "output_audio_tokens": ("output_tokens",),
    "output_image_tokens": ("output_tokens",),
}
_SPECIAL = (*_PART_OF, "searches")

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
    **dict.fromkeys(_SPECIAL, _integer),
    "batch": _boolean,
    "attempt": _ordinal,
    "time_to_first_chunk_ms": _milliseconds,
    "cost": _decimal,
    "amount": _decimal,
    "currency": _currency,
    "corrects": _corrects,
    "cost_change": _signed_decimal,
    "from_zero": _boolean,
}
# What events of budgets may say besides.
BUDGET: dict[str, Check] = {
    "scope": _scope,
    **dict.fromkeys(("scope_id", "grant_id"), _text),
    **dict.fromkeys(("starts_at", "ends_at", "effective_at", "expires_at"), _hour),
    "thresholds": _percents,
    "threshold": _one_percent,
    **dict.fromkeys(("priority", "at_position"), _integer),
    "recurs_hours": _hours,
}
_CHECKS = {**dict.fromkeys(FAMILIES, VOCABULARY), "budget": {**VOCABULARY, **BUDGET}}


def _checked_by(checks: Mapping[str, Check], *kinds: Check) -> frozenset[str]:
    return frozenset(name for name, check in checks.items() if check in kinds)


# Fields that are texts, and those that are whole numbers or durations.
TEXTS, COMMON_TEXTS = _checked_by(VOCABULARY, _text), _checked_by(COMMON, _text)
NUMBERS, COMMON_NUMBERS = (_checked_by(each, _integer, _milliseconds) for each in (VOCABULARY, COMMON))


def kind_of(value: Any) -> str:
    """Return the type of a value in the words of a message."""
    name = "boolean" if isinstance(value, bool) else type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def shown(value: Any) -> str:
    """Return a value as a message can hold it."""
    try:
        text = str(value) if type(value) is Decimal else repr(value)
    except ValueError:
        return kind_of(value)  # Python does not write out the digits of a giant integer
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
    raise BadField(field=name, problem=f"must be a JSON value, not {kind_of(value)}")


def _written(name: str, value: Decimal) -> float | str:
    """Return a decimal as the JSON number that says the same, else in full, unless that has too many digits."""
    if Decimal(repr(float(value))) == value:
        return float(value)
    if abs(value.adjusted()) > MAX_TEXT:
        raise BadField(field=name, problem=f"must have at most {MAX_TEXT} digits, not as many as {shown(value)}")
    return format(value, "f")


def _name(key: Any) -> str:
    if not isinstance(key, str):
        raise BadField(field=shown(key), problem=f"field names must be texts, not {kind_of(key)}")
    return key


def check_data(family: str, data: Any) -> dict[str, Any]:
    """Return the data as it will be recorded; raises RefusedEvent. Other families than ours are checked less."""
    if type(data) is not dict and not isinstance(data, Mapping):
        raise BadData(kind=kind_of(data))
    known = family in FAMILIES
    checks = _CHECKS.get(family, COMMON)
    checked = {}
    texts, numbers = (TEXTS, NUMBERS) if known else (COMMON_TEXTS, COMMON_NUMBERS)
    for name, value in data.items():
        # Most values are these, and are right: one look instead of a call.
        kind = type(value)
        if kind is str and name in texts:
            if 0 < len(value) <= MAX_TEXT:
                checked[name] = value
                continue
        elif kind is int and name in numbers and 0 <= value <= MAX_DURATION_MS:
            checked[name] = value
            continue
        check = checks.get(name)
        if check is None:
            field = _name(name)
            checked[field] = _free(field, value, 2)
        elif value is not None:
            value = check(name, value)
            if value is not None:
                checked[name] = value
    if known:
        _check_together(family, checked)
    return checked


def _check_together(family: str, data: dict[str, Any]) -> None:
    told = data.get
    cached = told("cache_read_tokens", 0) + told("cache_creation_tokens", 0)
    if cached and cached > told("input_tokens", 0):
        raise SubsetAboveTotal(parts="cache_read_tokens + cache_creation_tokens", total="input_tokens")
    if "reasoning_tokens" in data and data["reasoning_tokens"] > told("output_tokens", 0):
        raise SubsetAboveTotal(parts="reasoning_tokens", total="output_tokens")
    if not _PART_OF.keys().isdisjoint(data):
        _check_parts(data)
    if "currency" not in data and ("cost" in data or "amount" in data):
        raise CostWithoutCurrency(field="cost" if "cost" in data else "amount")
    if family == "budget" and not BUDGET.keys().isdisjoint(data):
        _check_budget(data)


def _check_parts(data: dict[str, Any]) -> None:
    for part, totals in _PART_OF.items():
        for total in totals:
            if data.get(part, 0) > data.get(total, 0):
                raise SubsetAboveTotal(parts=part, total=total)
    for side in ("input", "output"):
        audio, image, total = f"{side}_audio_tokens", f"{side}_image_tokens", f"{side}_tokens"
        if data.get(audio, 0) + data.get(image, 0) > data.get(total, 0):
            raise SubsetAboveTotal(parts=f"{audio} + {image}", total=total)
    _check_cached(data)


def _check_cached(data: dict[str, Any]) -> None:
    """Where it is told how much of the cached input is audio or image, all three together are within the input."""
    audio, image = data.get("input_audio_tokens", 0), data.get("input_image_tokens", 0)
    audio_too, image_too = data.get("cache_read_audio_tokens"), data.get("cache_read_image_tokens")
    if (audio and audio_too is None) or (image and image_too is None):
        return
    either = data.get("cache_read_tokens", 0) + audio + image - (audio_too or 0) - (image_too or 0)
    if either > data.get("input_tokens", 0):
        parts = "cache_read_tokens + input_audio_tokens + input_image_tokens - what is both"
        raise SubsetAboveTotal(parts=parts, total="input_tokens")


def _check_budget(data: dict[str, Any]) -> None:
    """Keep whose spending it is in the field that says so everywhere: privacy and forgetting know it there."""
    whose = data.pop("scope_id", None)
    field = SCOPES[data.get("scope", "all")]
    if field and data.setdefault(field, whose) is None:
        raise BadField(field="scope_id", problem=f"must say which {data['scope']} the budget is for")
    if whose is not None and (field is None or data[field] != whose):
        other = f"and {field} must be the same" if field else "goes with the scope tenant, user or model"
        raise BadField(field="scope_id", problem=other)
    for start, end in (("starts_at", "ends_at"), ("effective_at", "expires_at")):
        if start in data and end in data and data[start] >= data[end]:
            raise BadField(field=end, problem=f"must be after {start}")
