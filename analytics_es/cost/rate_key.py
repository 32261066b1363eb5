"""The key `rate` of the read model `cost`: which of a model's prices calls have, and how many each event stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from analytics_es.events.tiers import BATCH, STANDARD, tier

_RATE = re.compile(r"(\d+)( batch)?(?: (:00|:30))?( \+)?(?: (.*))?", re.DOTALL)


class RateKey(NamedTuple):
    """What it says of calls.

    `band`: their input is above so many tokens. `tier`: of service. `half`: the half of the hour in which they all
    were, `:00` or `:30` (UTC), where rows tell it. `pooled`: their events stand for many requests each.
    """

    band: int
    tier: str
    half: str
    pooled: bool


@lru_cache(maxsize=256)
def rate_of(text: str) -> RateKey:
    """Read the key: `<band>[ batch][ :00|:30][ +][ tier]`, as projections/cost.py writes it; of no call it is ""."""
    words = _RATE.fullmatch(text or "0")
    if words is None:  # of nothing that has a price
        return RateKey(0, f"? {text}", "", pooled=False)
    band, batch, half, pooled, written = words.groups(default="")
    word = tier(written) or STANDARD
    if batch:  # which may be told with the standard tier; with another one it is of neither
        word = BATCH if word == STANDARD else f"{BATCH} {word}"
    return RateKey(int(band), word, half, pooled=bool(pooled))


def as_calls(counts: Mapping[str, Any], *, pooled: bool) -> dict[str, Any]:
    """Return counts in which every request is a call, where events stand for many."""
    calls, settled = counts["calls"], counts.get("settled_calls")
    if pooled:
        calls, settled = counts.get("requests") or calls, counts.get("settled_requests") or settled
    return {**counts, "calls": calls, "settled_calls": settled, "requests": calls}
