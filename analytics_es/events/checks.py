"""How a value of a field is checked, and what is kept of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, timedelta, tzinfo
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from analytics_es.errors import BadField
from analytics_es.types.values import milliseconds as in_milliseconds
from analytics_es.types.values import moment, plain

MAX_DEPTH = 16
MAX_TEXT = 1024
MAX_INTEGER = 2**63 - 1
MAX_COUNT = 10**12  # of tokens, say: no provider can mean more
MAX_DURATION_MS = 10**12
MAX_MONEY = 10**15
MAX_DECIMAL = 10**18
MAX_DECIMALS = 18
MAX_HOURS = 24 * 36_525
SHOWN = 60

STATUSES = ("ok", "error", "cancelled")

# Takes the name of a field and its value; returns what is kept, or raises a RefusedEvent.
Check = Callable[[str, Any], Any]


def text(name: str, value: Any) -> str | None:
    """Keep a text, or a whole number as one; of an empty text nothing."""
    if type(value) is str and 0 < len(value) <= MAX_TEXT:
        return value
    if type(value) is int:
        value = str(whole(name, value))
    if type(value) is not str:
        raise BadField(field=name, problem=f"must be a text, not {kind_of(value)}")
    if len(value) > MAX_TEXT:
        raise BadField(field=name, problem=f"has {len(value)} characters, above the limit of {MAX_TEXT}")
    return value or None


def integer(name: str, value: Any) -> int:
    """Keep a whole number from 0."""
    return _whole_number(name, value, MAX_INTEGER, "2^63-1")


def count(name: str, value: Any) -> int:
    """Keep how many there are of something."""
    return _whole_number(name, value, MAX_COUNT, _power(MAX_COUNT))


def _whole_number(name: str, value: Any, limit: int, shown_limit: str) -> int:
    if (type(value) is float and value.is_integer()) or (type(value) is Decimal and _is_whole(value)):
        value = int(value)
    if type(value) is not int:
        raise BadField(field=name, problem=f"must be a whole number, not {kind_of(value)}")
    if not 0 <= value <= limit:
        raise BadField(field=name, problem=f"must be between 0 and {shown_limit}", actual=shown(value))
    return value


def _is_whole(value: Decimal) -> bool:
    return value.is_finite() and value.adjusted() < 20 and value == value.to_integral_value()  # of a giant no digits


def ordinal(name: str, value: Any) -> int:
    """Keep a whole number from 1."""
    number = count(name, value)
    if number < 1:
        raise BadField(field=name, problem=f"counts from 1, and must not be {number}")
    return number


def _number(name: str, value: Any, limit: int, *, signed: bool = False) -> None:
    if type(value) not in (int, float, Decimal):
        raise BadField(field=name, problem=f"must be a number, not {kind_of(value)}")
    if not is_finite(value):
        raise BadField(field=name, problem="must be a finite number", actual=str(value))
    if not (-limit if signed else 0) <= value <= limit:
        least = f"-{_power(limit)}" if signed else "0"
        raise BadField(field=name, problem=f"must be between {least} and {_power(limit)}", actual=shown(value))


def _power(limit: int) -> str:
    """Return a power of ten in the words of a message."""
    return f"10^{len(str(limit)) - 1}"


def is_finite(value: float | Decimal) -> bool:
    """Say whether a number is neither infinite nor none."""
    return value.is_finite() if type(value) is Decimal else type(value) is int or math.isfinite(value)


def milliseconds(name: str, value: Any) -> int | float:
    """Keep a duration to the microsecond."""
    value = in_milliseconds(value)
    if type(value) not in (int, float) or not 0 <= value <= MAX_DURATION_MS:
        _number(name, value, MAX_DURATION_MS)
    if type(value) is int:
        return value
    rounded = round(float(value), 3)
    return int(rounded) if rounded.is_integer() else rounded


_EIGHTEENTH, _WIDE = Decimal(1).scaleb(-MAX_DECIMALS), Context(prec=40)
_LONG = Context(prec=2_000)
PLAIN_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
PLAIN_MONEY = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?")
FLOAT_DIGITS = 17  # that tell every float from all others


def decimal(name: str, value: Any) -> str:
    """Keep a custom value as the exact decimal that was reported, with up to 18 decimals; it may be below 0."""
    return _decimal(name, value, MAX_DECIMAL, PLAIN_DECIMAL)


def money(name: str, value: Any) -> str:
    """Keep an amount as the exact decimal that was reported, with up to 18 decimals; a credit is below 0."""
    return _decimal(name, value, MAX_MONEY, PLAIN_MONEY)


def charge(name: str, value: Any) -> str:
    """Keep what a call is said to have cost, which is nothing or more, as `money` keeps it."""
    digits = money(name, value)
    if digits.startswith("-"):
        raise BadField(field=name, problem=f"must be between 0 and {_power(MAX_MONEY)}", actual=digits)
    return digits


def _decimal(name: str, value: Any, limit: int, plain: re.Pattern[str]) -> str:
    if type(value) in (float, Decimal, str):
        digits = repr(value) if type(value) is float else str(value)
        if plain.fullmatch(digits.removeprefix("-")) and (digits[0] != "-" or digits.strip("-0.")):
            return digits
    if type(value) is str:
        try:
            value = Decimal(value)
        except InvalidOperation:
            raise BadField(field=name, problem="must be a number", actual=f"{value[:40]!r}") from None
    _number(name, value, limit, signed=True)
    exact = value if type(value) is Decimal else Decimal(repr(value))
    digits = format(_to_18_decimals(name, exact.copy_abs()), "f").rstrip("0").rstrip(".")
    return f"-{digits}" if exact < 0 and Decimal(digits) else digits


def _to_18_decimals(name: str, exact: Decimal) -> Decimal:
    """Refuse more than 18 decimals; what has no more digits than a float is one, written out, and is rounded."""
    rounded = exact.quantize(_EIGHTEENTH, context=_WIDE)
    if rounded != exact and (not rounded or len(exact.normalize(_LONG).as_tuple().digits) > FLOAT_DIGITS):
        raise BadField(
            field=name, problem=f"must have at most {MAX_DECIMALS} decimals", actual=f"as many as {shown(exact)}"
        )
    return rounded


def boolean(name: str, value: Any) -> bool:
    """Keep true or false."""
    if type(value) is not bool:
        raise BadField(field=name, problem=f"must be true or false, not {kind_of(value)}")
    return value


def _one_of(words: Sequence[str], name: str, value: Any) -> str:
    if value not in words:
        raise BadField(field=name, problem=f"must be one of {', '.join(words)}", actual=shown(value))
    return words[words.index(value)]  # the value itself may be a member of an enum of texts


def status(name: str, value: Any) -> str:
    """Keep how an activity ended."""
    return _one_of(STATUSES, name, value)


def corrects(name: str, value: Any) -> dict[str, str]:
    """Keep the identity of another event."""
    if not isinstance(value, Mapping) or {*value} != {"source", "id"}:
        raise BadField(field=name, problem="must be a mapping of source and id, those of the event that is corrected")
    identities = {str.__str__(part): plain(identity) for part, identity in value.items()}
    for part, identity in identities.items():
        if type(identity) is not str or not 0 < len(identity) <= MAX_TEXT:
            raise BadField(field=f"{name}.{part}", problem=f"must be a text of 1 to {MAX_TEXT} characters")
    return identities


CURRENCY = re.compile(r"[A-Z]{3}")


def currency(name: str, value: Any) -> str:
    """Keep the code of a currency."""
    if type(value) is not str or not CURRENCY.fullmatch(value):
        raise BadField(field=name, problem="must be an ISO 4217 code such as USD", actual=shown(value))
    return value


# ── of budgets ──────────────────────────────────────────────────────────────────────────────────────────────────

# What of all spending counts against a budget, and the field that says whose it is.
SCOPES = {"all": None, "tenant": "tenant_id", "user": "user_id", "model": "model"}
YEARS = range(1990, 2101)
MOST_THRESHOLDS, LARGEST_THRESHOLD = 20, 1000
_PERCENT = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")


def scope(name: str, value: Any) -> str:
    """Keep whose spending counts against a budget."""
    return _one_of([*SCOPES], name, value)


def hour(name: str, value: Any, zone: tzinfo | None = None) -> str:
    """Keep a time on a whole hour of its zone, in UTC; a date is where it begins in a zone that is told."""
    try:
        time = moment(value, zone)
        utc = time.astimezone(UTC) if time.utcoffset() is not None else None
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise BadField(field=name, problem="must be a time such as 2026-03-01T00:00:00Z", actual=shown(value)) from None
    if utc is None:
        raise BadField(field=name, problem="must say its zone, such as 2026-03-01T00:00:00Z", actual=shown(value))
    if utc.year not in YEARS:
        raise BadField(field=name, problem="must be in the years 1990 to 2100", actual=shown(value))
    if time - time.replace(minute=0, second=0, microsecond=0) != timedelta(0):
        raise BadField(field=name, problem="must be on a whole hour", actual=shown(value))
    return f"{utc.replace(tzinfo=None).isoformat()}Z"


def hours(name: str, value: Any) -> int:
    """Keep a number of hours from 1, up to a century."""
    number = integer(name, value)
    if not 1 <= number <= MAX_HOURS:
        raise BadField(field=name, problem=f"must be between 1 and {MAX_HOURS}", actual=shown(value))
    return number


def percents(name: str, value: Any) -> str:
    """Keep percents as a text in rising order: it may be a key."""
    listed = value.split(",") if type(value) is str else value
    if not isinstance(listed, list | tuple) or not 0 < len(listed) <= MOST_THRESHOLDS:
        raise BadField(field=name, problem=f"must be a list of 1 to {MOST_THRESHOLDS} percents, such as [50, 80, 100]")
    return ",".join(format(share, "f") for share in sorted({_percent(name, share) for share in listed}))


def percent(name: str, value: Any) -> str:
    """Keep one percent, as `percents` keeps several."""
    return format(_percent(name, value), "f")


def _percent(name: str, value: Any) -> Decimal:
    value = plain(value)
    digits = str(value) if type(value) in (int, float, str, Decimal) else ""
    if not _PERCENT.fullmatch(digits) or not 0 < Decimal(digits) <= LARGEST_THRESHOLD:
        raise BadField(
            field=name,
            problem=f"must hold percents above 0, up to {LARGEST_THRESHOLD}, with 3 decimals",
            actual=shown(value),
        )
    return Decimal(digits.rstrip("0").rstrip(".")) if "." in digits else Decimal(int(digits))


def whole(name: str, value: int) -> int:
    """Keep a whole number of 64 bits."""
    if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise BadField(field=name, problem="is an integer beyond 64 bits: pass it as text")
    return value


def written_decimal(name: str, value: Decimal) -> float | str:
    """Return a decimal as the JSON number that says the same, else in full, unless that has too many digits."""
    if Decimal(repr(float(value))) == value:
        return float(value)
    if abs(value.adjusted()) > MAX_TEXT:
        raise BadField(field=name, problem=f"must have at most {MAX_TEXT} digits", actual=f"as many as {shown(value)}")
    return format(value, "f")


# ── values in messages ──────────────────────────────────────────────────────────────────────────────────────────


def kind_of(value: Any) -> str:
    """Return the type of a value in the words of a message."""
    name = "boolean" if isinstance(value, bool) else type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def shown(value: Any) -> str:
    """Return a value as a message can hold it."""
    try:
        written = str(value) if type(value) is Decimal else repr(value)
    except Exception:  # a giant integer, whose digits Python does not write out, or of a class of the caller's own
        return kind_of(value)
    return written if len(written) <= SHOWN else f"{written[:SHOWN]}…"
