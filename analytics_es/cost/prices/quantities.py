"""What calls are charged for: kinds of quantities, named as the fields of events, and which of them lie in which."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from itertools import combinations

from analytics_es.errors import BadUsage
from analytics_es.queries.figures import trimmed

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
_BY_TRAITS = {traits: kind for kind, traits in KINDS.items()}


def side(kind: str) -> str:
    """Say whether a kind is `input`, `output`, or `other`."""
    return next((name for name in ("input", "output") if name in KINDS[kind]), "other")


def digits(kind: str) -> int:
    """Return how many digits are between the price of one and the price as it is listed: per million, or thousand."""
    return 3 if side(kind) == "other" else 6


def listed(kind: str, price: Decimal) -> Decimal:
    """Return the price of one as it is listed."""
    return trimmed(EXACT.scaleb(price, digits(kind)))


def lies_in(part: str, whole: str) -> bool:
    """Say whether a kind is a part of another."""
    return KINDS[part] > KINDS[whole]


@functools.cache  # asked for each call that is explained
def wholes(kind: str) -> tuple[str, ...]:
    """Return the kinds that a kind is a part of."""
    return tuple(whole for whole in KINDS if lies_in(kind, whole))


@functools.cache
def both(one: str, other: str) -> str | None:
    """Return the kind of what is of two kinds at once, neither of which lies in the other; None where there is none."""
    if lies_in(one, other) or lies_in(other, one):
        return None
    return _BY_TRAITS.get(KINDS[one] | KINDS[other])


def apart(priced: Collection[str], usage: Mapping[str, int]) -> dict[str, int]:
    """Return how many are priced as each kind, in a usage that is checked first.

    Raises BadUsage where parts are more than what they lie in, and where it is not told how many are of two kinds at
    once that are priced apart.
    """
    check_parts(priced, usage)
    alone = without_parts(priced, usage)
    for kind, count in alone.items():
        if count < 0:
            parts = " + ".join(part for part in alone if lies_in(part, kind) and alone[part])
            raise BadUsage(problem=f"{parts} is above {kind}")
    return alone


def without_parts(priced: Collection[str], usage: Mapping[str, int | None]) -> dict[str, int]:
    """Return how many there are of each priced kind that are of no more special priced kind: what is priced as such.

    What is not told is 0. The most special kinds come first: each before those that it lies in.
    """
    alone: dict[str, int] = {}
    for kind in sorted(priced, key=lambda kind: (-len(KINDS[kind]), kind)):
        alone[kind] = (usage.get(kind) or 0) - sum(alone[part] for part in alone if lies_in(part, kind))
    return alone


@functools.lru_cache(maxsize=256)  # asked for each price that is in force for a while
def changes(priced: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Return what one more of each kind changes of what is priced as each: a part of another is none of that."""
    alone = {kind: without_parts(priced, {kind: 1}) for kind in priced}
    return {kind: {whole: count for whole, count in counts.items() if count} for kind, counts in alone.items()}


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
