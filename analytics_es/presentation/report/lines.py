"""What a file shows, against what it would show: the lines that differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from html import unescape
from itertools import islice, zip_longest

from analytics_es.types import ReportChange

MOST = 400  # lines that are compared, once the same ones at both ends are left out
LISTED = 20
LONGEST = 200  # characters of a line
AROUND = 60  # characters of markup on either side of where it differs
_TAGS = re.compile(r"<[^<>]*(?:>|$)")  # the last one may be cut


def edited(file: bytes, drawn: bytes) -> list[ReportChange]:
    """Return the first lines of a file that are not what was drawn; a file may hold anything."""
    shown, expected = (text.decode(errors="replace").split("\n") for text in (file, drawn))
    if len(shown) == len(expected):
        return list(islice(_beside(shown, expected), LISTED))
    first = next((place for place, (one, other) in enumerate(zip_longest(shown, expected)) if one != other), 0)
    last = _same_at_the_end(shown[first:], expected[first:])
    differing = list(_differing(shown[first : len(shown) - last][:MOST], expected[first : len(expected) - last][:MOST]))
    return differing[:LISTED]


def _same_at_the_end(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(reversed(one), reversed(other), strict=False)
    shortest = min(len(one), len(other))
    return next((count for count, (line, expected) in enumerate(pairs) if line != expected), shortest)


def _differing(shown: Sequence[str], expected: Sequence[str]) -> Iterator[ReportChange]:
    for kind, start, end, from_, to in SequenceMatcher(None, shown, expected, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from _beside(shown[start:end], expected[from_:to])


def _beside(shown: Sequence[str], expected: Sequence[str]) -> Iterator[ReportChange]:
    for line, drawn in zip_longest(shown, expected):
        if line == drawn:
            continue
        if (was := _text(line)) != (now := _text(drawn)):
            yield ReportChange(figure="line", was=was, now=now)
        elif line and drawn and "<meta " not in line:  # what is said of the file has a verdict of its own
            yield _unseen(line, drawn)


def _unseen(line: str, drawn: str) -> ReportChange:
    """Return a bit of the markup that differs where the same is seen, such as the exact figure beside a rounded one."""
    place = next((at for at, (one, other) in enumerate(zip(line, drawn, strict=False)) if one != other), 0)
    begin, end = max(place - AROUND, 0), place + AROUND
    return ReportChange(figure="markup", was=line[begin:end], now=drawn[begin:end])


def _text(line: str | None) -> str | None:
    """Return what is seen of a line."""
    if line is None:
        return None
    return " ".join(unescape(_TAGS.sub(" ", line[: 20 * LONGEST].replace("<wbr>", ""))).split())[:LONGEST] or None
