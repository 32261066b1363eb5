"""What an event says of itself: what it lost to the policy of privacy, by name, and what contradicts itself in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from analytics_es.events.fields import CALLS, CONTRADICTION, LEFT_OUT, PARTIAL, PROVIDER, VOCABULARY

MOST = 16  # names of one event: of the rest there is a number
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]{0,95}")
_TOLD = re.compile(r"(?:[A-Za-z_$][A-Za-z0-9_.$-]{0,95}(?: |$)){0,16}(?:\+[1-9][0-9]{0,5})?")

# The words of a contradiction: fields, what checks them, that usage of spans was counted before they were related, and
# that a call is partial.
_FIELDS = ("total_tokens", "time_to_first_chunk", "cache_creation_5m_tokens", "counted_twice")
_WORDS = frozenset({*VOCABULARY, *PROVIDER, *_FIELDS, PARTIAL})


def take_contradiction(data: dict[str, Any]) -> str | None:
    """Return which figures contradict what was told beside them, and take it out of checked data, in place.

    That is the names of fields, which says nothing of anybody: it is kept whatever the policy. None for anything else.
    """
    attributes = data.get("attributes")
    if type(attributes) is not dict or type(said := attributes.get(CONTRADICTION)) is not str:
        return None
    words = said.split(" ")
    if len(words) > MOST + (PARTIAL in words) or not _WORDS.issuperset(words):
        return None
    return str(attributes.pop(CONTRADICTION))


def take_partial(event_type: str, data: dict[str, Any]) -> bool:
    """Say whether an event is a partial call, and take that out of its checked data, in place, before any policy."""
    attributes = data.get("attributes")
    if type(attributes) is not dict or attributes.get(PARTIAL) is not True or not event_type.startswith(CALLS):
        return False
    del attributes[PARTIAL]
    return True


def tell_partial(data: dict[str, Any]) -> None:
    """Say of a call that it is partial, in place: as it was told, and where it is counted."""
    attributes = data.setdefault("attributes", {})
    attributes[PARTIAL] = True
    said = attributes.get(CONTRADICTION)
    words = said.split(" ") if type(said) is str else []
    attributes[CONTRADICTION] = " ".join(words if PARTIAL in words else [*words, PARTIAL])


def tell(data: dict[str, Any], lost: Sequence[str], before: Any = None) -> None:
    """Add what is lost, by path, to what an event of another store says it has lost already, in place.

    It is a text such as `attributes.comment prompt +2`: names in their order, and how many more there are.
    """
    names, more = _read(before)
    sayable = {path for path in lost if _NAME.fullmatch(path)}
    listed = sorted({*names, *sayable})
    more += len(set(lost) - sayable) + max(0, len(listed) - MOST)
    words = [*listed[:MOST], *([f"+{more}"] if more else [])]
    if words:
        data[LEFT_OUT] = " ".join(words)


def _read(before: Any) -> tuple[list[str], int]:
    if type(before) is not str or _TOLD.fullmatch(before) is None:
        return [], 0
    words = before.split()
    names = [word for word in words if not word.startswith("+")]
    if names != sorted(set(names)):  # as they are written here, and as hardly a sentence is
        return [], 0
    return names, sum(int(word) for word in words if word[0] == "+")
