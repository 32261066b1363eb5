"""Values of attributes, which may be of any type, as texts, numbers and milliseconds; none of these raises."""

from __future__ import annotations

import ast
import base64
import functools
import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import orjson

T = TypeVar("T")

REMEMBERED = 4096  # texts
MAX_REMEMBERED = 256  # characters of one
MAX_NUMBER = 40  # characters of a text that is a number
WHOLE = ("$",)
MAX_WRITTEN = 4096  # characters of a text that Python wrote of an object
MAX_JSON = 1_000_000  # … of one that holds JSON
MOST_ROUNDED = Decimal("0.000001")  # what two figures of one cost may differ by: the other is rounded


def plain(value: Any) -> str:
    """Return any value of an attribute as a text that can be stored: lists and mappings as JSON."""
    if type(value) is str and value.isascii() and "\0" not in value:
        return value
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    if isinstance(value, (list, tuple, Mapping)):  # in C, without a union that is made each time
        value = _ENCODER.encode(value)
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _plain_object(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else plain(value)


_ENCODER = json.JSONEncoder(default=_plain_object, ensure_ascii=False)


def remembered(function: Callable[[str], T]) -> Callable[[str], T]:
    """Remember what a function says of short texts: a sender may make up any number of long ones."""
    known = functools.lru_cache(maxsize=REMEMBERED)(function)
    return functools.wraps(function)(lambda text: known(text) if len(text) <= MAX_REMEMBERED else function(text))


def cut(text: str, limit: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def number(value: Any) -> Any:
    """Return a number, also of a text that says one; anything else as it is, which the door refuses."""
    if type(value) is int:
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, str) and (text := value.strip()) and len(text) <= MAX_NUMBER:
        if text.isascii() and text.isdecimal():
            return int(text)
        exact = decimal(text)
        if exact is not None:
            return int(exact) if exact == exact.to_integral_value() and abs(exact) < 2**63 else float(exact)
    return value


def decimal(value: Any) -> Decimal | None:
    """Return an amount exactly, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        return None
    return exact if exact.is_finite() and abs(exact.adjusted()) < MAX_NUMBER else None


def milliseconds(value: Any, per_unit: float) -> float | None:
    """Return a duration in milliseconds, None where it is none."""
    duration = number(value)
    if type(duration) not in (int, float) or not math.isfinite(duration):
        return None
    return float(duration) if per_unit == 1 else round(float(duration) * per_unit, 6)


def is_true(value: Any) -> bool:
    """Say whether a value says yes."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def inside(value: Any, keys: tuple[str, ...]) -> Any:
    """Return what lies at a path of keys in an object, which may be JSON; `$` is all of it. None: there is nothing."""
    return at(parsed(value), keys)


def parsed(value: Any) -> Any:
    """Return what a text says as JSON, None where it is none; anything else as it is."""
    return _decoded(value) if isinstance(value, str | bytes) else value


def at(value: Any, keys: tuple[str, ...]) -> Any:
    """Return what lies at a path of keys in what was parsed."""
    for key in () if keys == WHOLE else keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _decoded(text: str | bytes) -> Any:
    """Return what JSON says, or a dict as Python writes one, which some emitters take for it."""
    try:
        return orjson.loads(text) if len(text) <= MAX_JSON else None
    except ValueError:
        pass
    if isinstance(text, bytes) or len(text) > MAX_WRITTEN or not text.startswith("{'"):
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
