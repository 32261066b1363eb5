"""What a name was meant to be that is none of ours: a field or type of somebody else, or one of ours with a slip."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from analytics_es.events.fields import BUDGET, DOCUMENTED, FREE_TEXT, PROVIDER, VOCABULARY
from analytics_es.events.other_names import ACTIVITIES, BY_PLAIN_NAME, TIME, plain
from analytics_es.events.outcomes import VERDICTS

LONG = 8  # a slip in a name of somebody else is looked for where that has so many letters
REMEMBERED = 4096

# Documented are these with any of the words that begin or end an activity, and the types below.
DOCUMENTED_ACTIVITIES = ("provider.call", "tool.call", "task", "job", "conversation")
DOCUMENTED_TYPES = frozenset(
    {
        *(f"{activity}.{word}" for activity in DOCUMENTED_ACTIVITIES for word in VERDICTS),
        *("provider.cost.corrected", "provider.usage.billed", "provider.quota.updated", "conversation.message.added"),
        *("budget.allocated", "budget.spent", "budget.credit.granted", "budget.credit.voided"),
        "budget.threshold.reached",
    }
)
_FIELDS = {plain(name): name for name in (*VOCABULARY, *PROVIDER, *BUDGET)} | {plain("occurred_at"): TIME}
_TYPES = {plain(name): name for name in sorted(DOCUMENTED_TYPES)}
_LONG = {name: ours for name, ours in BY_PLAIN_NAME.items() if len(name) >= LONG}
_ACTIVITIES = {plain(name): ours for name, ours in ACTIVITIES.items()}
_SAID = frozenset(map(plain, FREE_TEXT))


@functools.lru_cache(maxsize=REMEMBERED)
def field_meant(name: str) -> str | None:
    """Say what a name of a field was most likely meant to be; None for a documented one, and where none is near.

    First what others call so, then names of ours that one letter more, less, other or in another place makes of it.
    """
    if name in DOCUMENTED:
        return None
    word = plain(name)
    return BY_PLAIN_NAME.get(word) or _near(name, _FIELDS) or _near(name, _LONG)


def attribute_meant(name: str) -> str | None:
    """Say what an attribute was meant to be, which are yours to name: only what others call a figure of ours so."""
    ours = BY_PLAIN_NAME.get(plain(name), "")
    return ours if any(unit in ours for unit in ("_tokens", "_ms", "cost, with")) else None


@functools.lru_cache(maxsize=REMEMBERED)
def is_said(name: str) -> bool:
    """Say whether a field holds what was said: it is kept for people to read."""
    return plain(name) in _SAID and field_meant(name) is None


@functools.lru_cache(maxsize=REMEMBERED)
def type_meant(event_type: str) -> str | None:
    """Say what a type was most likely meant to be; None for one that is documented, and where none is near."""
    if event_type in DOCUMENTED_TYPES:
        return None
    return _of_others(event_type) or _near(event_type, _TYPES)


def _of_others(event_type: str) -> str | None:
    if ours := _ACTIVITIES.get(plain(event_type)):
        return f"{ours}.completed"
    activity, _, word = event_type.rpartition(".")
    if ours := _ACTIVITIES.get(plain(activity)):
        return f"{ours}.{word if word in VERDICTS else 'completed'}"
    return None


def _near(name: str, names: Mapping[str, str]) -> str | None:
    """Say of which names it is a slip, by the words alone or as it is written; first of which only that differs."""
    word = plain(name)
    same = [names[word]] if word in names else []
    slips = (ours for other, ours in names.items() if _is_slip(word, other) or _is_slip(name, ours))
    return " or ".join(dict.fromkeys([*same, *slips])) or None


def _is_slip(word: str, name: str) -> bool:
    """Say whether one letter more, less, other, or changed with its neighbour makes one text of the other."""
    if abs(len(word) - len(name)) > 1 or word == name:
        return word == name
    start = next((n for n, (one, other) in enumerate(zip(word, name, strict=False)) if one != other), None)
    if start is None:
        return True  # one of them has one letter more at its end
    if len(word) != len(name):
        longer, shorter = (word, name) if len(word) > len(name) else (name, word)
        return longer[start + 1 :] == shorter[start:]
    changed = word[start : start + 2] == name[start : start + 2][::-1] and word[start + 2 :] == name[start + 2 :]
    return changed or word[start + 1 :] == name[start + 1 :]
