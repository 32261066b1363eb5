"""What an event lost to the policy of privacy, told by name in one small field of its own, to be counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from analytics_es.events.fields import LEFT_OUT

MOST = 16  # names of one event: of the rest there is a number
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]{0,95}")
_TOLD = re.compile(r"(?:[A-Za-z_$][A-Za-z0-9_.$-]{0,95}(?: |$)){0,16}(?:\+[1-9][0-9]{0,5})?")


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
