"""Python's own values as plain ones: subclasses, members of enums, UUIDs, numbers of numpy's, texts and dates as times.

Nothing is imported for it: numbers are known by what `numbers` says of them, scalars of numpy's by their `item()`.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from numbers import Integral, Rational, Real
from operator import index
from types import NoneType
from typing import Any
from uuid import UUID

SCALARS = frozenset({str, int, float, bool, NoneType, Decimal})
# What is as plain as it gets, or is looked into part by part.
PLAIN = SCALARS | {dict, list, tuple}


def plain(value: Any) -> Any:
    """Return what a value says as exactly a str, int, float, bool or Decimal; what says nothing such, as it is.

    A member of an enum says its value, a UUID its text. Of the caller's own methods, such as `__str__`, none is called.
    """
    if type(value) in PLAIN:
        return value
    for kind, exact in _EXACT:
        if isinstance(value, kind):
            return exact(value)
    if isinstance(value, Enum):
        said = plain(value.value)
        return said if type(said) in SCALARS else value
    return _scalar(value)


def _scalar(value: Any) -> Any:
    """Return a number or a scalar of numpy's; a fraction is neither, its digits may never end."""
    kind = getattr(getattr(type(value), "dtype", None) and value.dtype, "kind", "")
    if kind in _TIMES:
        return _time(value, _TIMES[kind])
    if isinstance(value, Integral):
        return index(value)
    if isinstance(value, Real) and not isinstance(value, Rational):
        return float(value)
    if hasattr(type(value), "shape") and value.shape == () and callable(item := getattr(value, "item", None)):
        inner = item()
        return plain(inner) if type(inner) is not type(value) else value
    return value


# Kinds of numpy's times and lengths of time, and what they are in Python.
_TIMES: dict[str, type] = {"M": date, "m": timedelta}


def _time(value: Any, python: type) -> Any:
    """Return a time of numpy's to the microsecond; one that is none, or in months, which are of no length, as it is."""
    exactly = value.item()
    if isinstance(exactly, int) and value.dtype.str.endswith(("[ns]", "[ps]", "[fs]", "[as]")):
        exactly = value.astype(f"{value.dtype.kind}8[us]").item()
    return exactly if isinstance(exactly, python) else value


# `str.__str__` and its like give an exact one of a subclass's instance, whatever that says of itself.
_EXACT: tuple[tuple[type, Any], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (Decimal, Decimal),
    (UUID, UUID.__str__),
)


def shown(value: Any) -> str:
    """Return what a message may show of a value, whatever that does when it is looked at."""
    try:
        return value if type(value) is str else repr(value)
    except Exception:  # a giant integer, or of a class of the caller's own
        return f"a {type(value).__name__}"


def written(value: Any) -> Any:
    """Return a time as the ISO 8601 text of it, as it stands; anything else as it is."""
    if isinstance(value, datetime):
        return exact(value).isoformat() if value == value else value  # pandas' NaT is no time, nor like itself
    return value.isoformat() if isinstance(value, date | time) else value


def moment(value: Any, zone: tzinfo | None) -> Any:
    """Return the time that a datetime, a date or an ISO 8601 text says; anything else as it is. Raises ValueError.

    A date is the midnight with which it begins in a zone. A time without a zone stays without one.
    """
    value = plain(value)
    if isinstance(value, datetime):
        return exact(value)
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return datetime.fromisoformat(value)
    return datetime.combine(value, time(), zone) if isinstance(value, date) else value


def exact(value: datetime) -> datetime:
    """Return a datetime of the very class; pandas' has nanoseconds on top, which are left out."""
    if type(value) is datetime:
        return value
    clock = (value.hour, value.minute, value.second, value.microsecond)
    return datetime(value.year, value.month, value.day, *clock, tzinfo=value.tzinfo, fold=value.fold)


def milliseconds(value: Any) -> Any:
    """Return a length of time in milliseconds, to the microsecond; anything else as it is."""
    return value // timedelta(microseconds=1) / 1000 if isinstance(value, timedelta) else value
