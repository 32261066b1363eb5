"""Totals that include their parts, of totals as an agent tells them; what a told grand total says of that."""

from __future__ import annotations

import itertools
from typing import Any

WHOLES = ("input_tokens", "output_tokens")
PARTS = {
    "cache_read_tokens": "input_tokens",
    "cache_creation_tokens": "input_tokens",
    "reasoning_tokens": "output_tokens",
}


def settled(tokens: dict[str, Any], *, beside: frozenset[str], total: Any) -> str:
    """Make the totals include their parts, in place; returns which figures contradict one another, as words.

    A grand total that fits another reading than the declared one decides; that is said, as is one that fits none.
    """
    inner = {part: tokens[part] for part in PARTS if tokens.get(part)}
    declared = frozenset(beside & inner.keys())
    others = (frozenset(chosen) for n in range(len(inner) + 1) for chosen in itertools.combinations(inner, n))
    possible = [added for added in (declared, *others) if _is_possible(tokens, added)]
    fits = [added for added in possible if type(total) is int and total > 0 and _sum(tokens, added) == total]
    chosen = (fits or possible)[0]
    words = [] if fits or not (type(total) is int and total > 0) else ["total_tokens"]
    words += sorted((chosen ^ declared) if chosen != declared else ())
    for part in chosen:
        tokens[PARTS[part]] = (tokens.get(PARTS[part]) or 0) + inner[part]
    return " ".join(words)


def _is_possible(tokens: dict[str, Any], added: frozenset[str]) -> bool:
    """Say whether all parts are within their totals where these are beside them."""
    for whole in WHOLES:
        parts = [part for part, of in PARTS.items() if of == whole]
        inside = sum(tokens.get(part) or 0 for part in parts if part not in added)
        if inside > (tokens.get(whole) or 0):
            return False
    return True


def _sum(tokens: dict[str, Any], added: frozenset[str]) -> int:
    return sum(int(tokens.get(name) or 0) for name in (*WHOLES, *added))
