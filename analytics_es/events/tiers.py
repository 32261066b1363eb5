"""Tiers of service: faster, slower or cheaper answers of the same model, at prices of their own; one word each."""

from __future__ import annotations

import re
from typing import Any

from analytics_es.errors import BadField
from analytics_es.events.checks import shown, text

STANDARD, BATCH = "standard", "batch"
# What providers call the tier of a call that asked for none.
STANDARD_TIERS = (STANDARD, "default", "auto", "standard_only", "on_demand", "unspecified")
LONGEST = 64
_APART = re.compile(r"[^a-z0-9.]+")


def service_tier(name: str, value: Any) -> str | None:
    """Check a field: keep a tier as one word, such as `flex`; of an empty text nothing."""
    written = text(name, value)
    if written is None:
        return None
    word = tier(written)
    if not 0 < len(word) <= LONGEST:
        problem = f"must name a tier such as flex, in at most {LONGEST} characters"
        raise BadField(field=name, problem=problem, actual=shown(value))
    return word


def tier(written: str) -> str:
    """Return a tier as it is compared, however it is written: in lower case, with `_` between words."""
    word = _APART.sub("_", written.lower()).strip("_")
    return STANDARD if word in STANDARD_TIERS else word


def check_batch(data: dict[str, Any]) -> None:
    """Raise BadField where `batch` and the tier contradict each other; a batch may be told with the standard tier."""
    word, batch = data["service_tier"], data.get("batch")
    if (batch is False and word == BATCH) or (batch and word not in (BATCH, STANDARD)):
        both = f"{word} with batch {str(batch).lower()}"
        raise BadField(field="service_tier", problem="and batch are of one tier", actual=both)
