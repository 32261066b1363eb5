"""Two answers compared, figure by figure: where each stands, what it was, and what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from analytics_es.types import ReportChange

LISTED = 1_000  # changes that are told; all are counted
LONGEST = 200  # characters of a figure
# What tells a row from others of its list.
NAMES = ("name", "entity_id", "id", "budget", "provider", "model", "operation", "subject", "kind", "currency", "start")
# Which prices are installed: told as a cause where they are others, not as a figure.
_INSTALLED = re.compile(r"(^|\.)prices\.(default_version|used(\[.*\])?\.version)$")
_ABSENT = object()

Leaf = tuple[str, Any, Any]


def changes(was: bytes, now: bytes, *, installed: bool = False) -> tuple[list[ReportChange], int]:
    """Return the first figures of answers that differ, and how many do: with which prices are `installed`, or without.

    Raises ValueError for what is no JSON.
    """
    first: list[ReportChange] = []
    count = 0
    for figure, before, after in _differing("", json.loads(was), json.loads(now)):
        if not installed and _INSTALLED.search(figure):
            continue
        count += 1
        if len(first) < LISTED:
            first.append(ReportChange(figure=figure, was=_text(before), now=_text(after)))
    return first, count


def _differing(path: str, was: Any, now: Any) -> Iterator[Leaf]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys(chain(was, now)):
            inner = f"{path}.{name}" if path else name
            yield from _differing(inner, was.get(name, _ABSENT), now.get(name, _ABSENT))
    elif isinstance(was, list) and isinstance(now, list):
        yield from _rows(path, was, now)
    elif (was is _ABSENT or now is _ABSENT) and isinstance(rest := now if was is _ABSENT else was, dict | list):
        for figure, leaf in _leaves(path, rest):
            yield (figure, _ABSENT, leaf) if was is _ABSENT else (figure, leaf, _ABSENT)
    elif was != now or type(was) is not type(now):
        yield path, was, now


def _rows(path: str, was: list[Any], now: list[Any]) -> Iterator[Leaf]:
    """Compare rows by what tells them apart; a row that is another one now is not one that moved."""
    before, after = _by_name(was), _by_name(now)
    for name in dict.fromkeys(chain(before, after)):
        yield from _differing(f"{path}[{name}]", before.get(name, _ABSENT), after.get(name, _ABSENT))


def _by_name(rows: Iterable[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for place, row in enumerate(rows):
        name = _name(row) or str(place)
        named[name if name not in named else f"{name}, {place}"] = row
    return named


def _name(row: Any) -> str:
    if not isinstance(row, Mapping):
        return ""
    return " ".join(str(row[name]) for name in NAMES if isinstance(row.get(name), str) and row[name])


def _leaves(path: str, part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from _leaves(f"{path}.{name}", inner)
    elif isinstance(part, list):
        for name, inner in _by_name(part).items():
            yield from _leaves(f"{path}[{name}]", inner)
    else:
        yield path, part


def _text(leaf: Any) -> str | None:
    return None if leaf is _ABSENT else (leaf if isinstance(leaf, str) else json.dumps(leaf))[:LONGEST]
