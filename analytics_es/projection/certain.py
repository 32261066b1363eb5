"""Values of events in Python, as DuckDB has them: what is not surely the same raises Unsure, and DuckDB folds it."""

from __future__ import annotations

import functools
import math
import re
from typing import Any

import orjson

from analytics_es.events.checks import MAX_INTEGER

THOUSANDTHS, EIGHTEENTHS = 10**3, 10**18
# Decimals below this have room in every type that takes them, and a million of them in a sum.
MOST = 10**15 - 1
MOST_TO_ADD = 10**33
FULL = 2**31 - 1  # what a literal's type holds

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,18}))?", re.ASCII)
_LEAST_FLOAT = 0.001  # written without an exponent by everybody
_MOST_FLOAT = 10**10  # times 1,000, a float still tells hundredths


class Unsure(Exception):
    """What DuckDB makes of something is not surely known here; the message says of what, in a user's words."""


# ── texts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def text(value: Any) -> str | None:
    """Return what a JSON value is as VARCHAR."""
    kind = type(value)
    if kind is str or value is None:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return "true" if value else "false"
    if kind is int and -MAX_INTEGER <= value <= MAX_INTEGER:
        return str(value)
    if kind in (list, dict) and _is_plain(value):
        written = orjson.dumps(value).decode()
        if "\\" not in written:
            return written
    raise Unsure("a value that is no plain text")


def _is_plain(value: Any) -> bool:
    if type(value) is list:
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(map(_is_plain, value.values()))
    if type(value) is float:
        return _DECIMAL.fullmatch(repr(value)) is not None
    return type(value) is not int or -MAX_INTEGER <= value <= MAX_INTEGER


def lowered(words: str) -> str:
    """Return a text in lower case: of other letters than these, libraries differ."""
    if not words.isascii():
        raise Unsure("the case of letters beyond ASCII")
    return words.lower()


def raised(words: str) -> str:
    """Return a text in upper case."""
    if not words.isascii():
        raise Unsure("the case of letters beyond ASCII")
    return words.upper()


def ascii_only(words: str) -> str:
    """Return a text of which every character is one byte."""
    if not words.isascii():
        raise Unsure("the ends of a text beyond ASCII")
    return words


def decimal_text(number: int, decimals: int) -> str:
    """Return a decimal, told as a whole number of its last digits, as VARCHAR."""
    digits = f"{abs(number):0{decimals + 1}}"
    return f"{'-' if number < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def part_of(words: str, separator: str, place: int) -> str:
    """Return the n-th part of a text, from 1; "" beyond the last."""
    parts = words.split(separator)
    return parts[place - 1] if place <= len(parts) else ""


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def whole(value: Any, least: int, most: int) -> int | None:
    """Return what a JSON value is as BIGINT."""
    if type(value) is str and _WHOLE.fullmatch(value):
        value = int(value)
    if value is None or (type(value) is int and least <= value <= most):
        return value
    raise Unsure("a value that is no plain whole number")


def thousandths(value: Any, least: int, most: int) -> int | None:
    """Return what a JSON value is as DECIMAL(18,3), times 1,000."""
    kind = type(value)
    if value is None:
        return None
    if kind is int:
        number = value * THOUSANDTHS
    elif kind is float:
        number = _nearest(value)
    else:
        number = _decimal(value, 3)
    if least <= number <= most:
        return number  # type: ignore[no-any-return]
    raise Unsure("a number that is too large or below 0")


def _nearest(value: float) -> int:
    """Round to thousandths where every way of rounding gives the same."""
    times = value * 1000.0
    if not math.isfinite(times) or 0 < abs(value) < _LEAST_FLOAT or abs(value) >= _MOST_FLOAT:
        raise Unsure("a number that is too large or too small")
    number = round(times)
    if abs(times - number) > 0.01:
        raise Unsure("a number with more decimals than are kept")
    return number


def eighteenths(value: Any, least: int, most: int, *, as_text: bool) -> int | None:
    """Return what a JSON value is as DECIMAL(38,18), times 10^18; `as_text`: by way of VARCHAR."""
    kind = type(value)
    if value is None:
        return None
    if kind is int:
        number = value * EIGHTEENTHS
    elif kind is float:
        if not as_text:
            raise Unsure("a number that is no exact decimal")
        number = _decimal(repr(value), 18)
    else:
        number = _decimal(value, 18)
    if least <= number <= most:
        return number  # type: ignore[no-any-return]
    raise Unsure("a number that is too large or below 0")


@functools.lru_cache(maxsize=4096, typed=True)
def _read(digits: str, decimals: int) -> int | None:
    parts = _DECIMAL.fullmatch(digits)
    if parts is None:
        return None
    sign, integer, fraction = parts[1], parts[2], parts[3] or ""
    if len(fraction) > decimals:
        return None
    return int(f"{sign}{integer}{fraction:0<{decimals}}")


def _decimal(value: Any, decimals: int) -> int:
    number = _read(value, decimals) if type(value) is str else None
    if number is None:
        raise Unsure("a value that is no plain number")
    return number


def cast_whole(words: str, most: int) -> int:
    """Return a text as a whole number."""
    number = int(words) if _WHOLE.fullmatch(words) else None
    if number is None or abs(number) > most:
        raise Unsure("a text that is no plain whole number")
    return number


def bounded(number: int, most: int) -> int:
    """Return a number of which it is sure that its type holds it."""
    if abs(number) > most:
        raise Unsure("a number that is too large")
    return number


def undecimal(number: int, factor: int, most: int) -> int:
    """Return a decimal as the whole number that it is."""
    if number % factor:
        raise Unsure("a number with decimals where a whole one is needed")
    return bounded(number // factor, most)


def quotient(number: int, divisor: int) -> int:
    """Divide towards zero."""
    return number // divisor if number >= 0 else -(-number // divisor)


def remainder(number: int, divisor: int) -> int:
    """Return what is left of a division towards zero."""
    return number % divisor if number >= 0 else -(-number % divisor)


def rounded(number: int, factor: int) -> int:
    """Divide by a power of ten, half away from zero."""
    half = (abs(number) + factor // 2) // factor
    return half if number >= 0 else -half


# ── histograms ──────────────────────────────────────────────────────────────────────────────────────────────────

_BEYOND = 10**13  # `fold_sql.BUCKET_OF` says why
_TOO_NEAR = 1e-11


@functools.lru_cache(maxsize=16_384)
def bucket_of(number: int) -> int:
    """Return the bucket of a histogram that a number is in, as `fold_sql.BUCKET_OF` says."""
    if number <= 0:
        return -2
    if number < _BEYOND:
        return _ceiling(math.log2(number) * 32) - 1
    nearest = math.floor(math.log2(number) + 0.5)
    return nearest * 32 + _ceiling(math.log2(number / 2.0**nearest) * 32) - 1


def _ceiling(place: float) -> int:
    """Round up, unless it depends on the last digits of a logarithm."""
    nearest = round(place)
    if place != nearest and abs(place - nearest) < _TOO_NEAR:
        raise Unsure("a number at the very edge of a histogram's bucket")
    return math.ceil(place)
