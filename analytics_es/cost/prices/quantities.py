"""What calls are charged for: kinds of quantities, named as the fields of events, and which of them lie in which."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from itertools import combinations

from analytics_es.errors import BadUsage

# Digits for the largest count there can be, times the longest price there can be, many times; never rounded.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])

# Each kind with what it is; a kind lies in every other that says less. `requests` is one a call, whatever it tells.
KINDS: dict[str, frozenset[str]] = {
    "input_tokens": frozenset({"input"}),
    "cache_read_tokens": frozenset({"input", "cache_read"}),
    "cache_creation_tokens": frozenset({"input", "cache_creation"}),
    "cache_creation_1h_tokens": frozenset({"input", "cache_creation", "1h"}),
    "input_audio_tokens": frozenset({"input", "audio"}),
    "cache_read_audio_tokens": frozenset({"input", "cache_read", "audio"}),
    "input_image_tokens": frozenset({"input", "image"}),
    "cache_read_image_tokens": frozenset({"input", "cache_read", "image"}),
    "output_tokens": frozenset({"output"}),
    "reasoning_tokens": frozenset({"output", "reasoning"}),
    "output_audio_tokens": frozenset({"output", "audio"}),
    "output_image_tokens": frozenset({"output", "image"}),
    "searches": frozenset({"searches"}),
    "requests": frozenset({"requests"}),
}
# Kinds of which some may be both, and no event tells how many.
_UNCLEAR = [
    {kind, f"{side}_{medium}_tokens"}
    for kind, side in (
        ("reasoning_tokens", "output"),
        ("cache_creation_tokens", "input"),
        ("cache_creation_1h_tokens", "input"),
    )
    for medium in ("audio", "image")
]
_BY_WHAT = {what: kind for kind, what in KINDS.items()}


def trimmed(number: Decimal) -> Decimal:
    """Return the same number without zeros at its end: one number is one text."""
    short = number.normalize(EXACT)
    return short.quantize(Decimal(1), context=EXACT) if short == short.to_integral_value() else short


def side(kind: str) -> str:
    """Say whether a kind is `input`, `output`, or `other`."""
    return next((each for each in ("input", "output") if each in KINDS[kind]), "other")


def digits(kind: str) -> int:
    """Return how many digits are between the price of one and the price as it is listed: per million, or thousand."""
    return 3 if side(kind) == "other" else 6


def listed(kind: str, each: Decimal) -> Decimal:
    """Return the price of one as it is listed."""
    return trimmed(EXACT.scaleb(each, digits(kind)))


def lies_in(part: str, whole: str) -> bool:
    """Say whether a kind is a part of another."""
    return KINDS[part] > KINDS[whole]


@functools.cache  # asked for each call that is explained
def wholes(kind: str) -> tuple[str, ...]:
    """Return the kinds that a kind is a part of."""
    return tuple(each for each in KINDS if lies_in(kind, each))


@functools.cache
def both(one: str, other: str) -> str | None:
    """Return the kind of what is of two kinds at once, neither of which lies in the other; None where there is none."""
    if lies_in(one, other) or lies_in(other, one):
        return None
    return _BY_WHAT.get(KINDS[one] | KINDS[other])


def apart(priced: Collection[str], usage: Mapping[str, int]) -> dict[str, int]:
    """Return how many there are of each priced kind that are of no more special priced kind: what is priced as such.

    What is not told is 0. Raises BadUsage where parts are more than what they lie in, and where it is not told how many
    are of two kinds at once that are priced apart.
    """
    check_parts(priced, usage)
    found: dict[str, int] = {}
    for kind in most_special(priced):
        found[kind] = usage.get(kind, 0) - sum(found[part] for part in found if lies_in(part, kind))
        if found[kind] < 0:
            parts = " + ".join(part for part in found if lies_in(part, kind) and found[part])
            raise BadUsage(problem=f"{parts} is above {kind}")
    return found


def most_special(kinds: Collection[str]) -> list[str]:
    """Return kinds in the order of what they say, each before those that it lies in."""
    return sorted(kinds, key=lambda each: (-len(KINDS[each]), each))


def check_parts(priced: Collection[str], usage: Mapping[str, int]) -> None:
    """Raise BadUsage where two kinds are priced apart, and what is both is not told, or has no price: it is not both's.

    A count is missing where it is not told. Of reasoning, and of what is written to a cache, it never is.
    """
    for one, other in combinations(sorted(kind for kind in priced if usage.get(kind)), 2):
        kind = both(one, other)
        if kind and usage.get(kind) is None:
            raise BadUsage(problem=f"{kind} is not told, and {one} and {other} have prices of their own")
        if (kind and kind not in priced and usage[kind]) or {one, other} in _UNCLEAR:
            raise BadUsage(problem=f"what is both {one} and {other} has no price, and these have prices of their own")


def without_price(priced: Collection[str], usage: Mapping[str, int]) -> tuple[str, ...]:
    """Return the kinds that were used and have no price; a part has at least that of what it lies in.

    A request without a price is none of them: nothing is charged for it.
    """
    missing = [kind for kind in KINDS if kind not in priced and kind != "requests" and not wholes(kind)]
    return tuple(kind for kind in missing if usage.get(kind))
