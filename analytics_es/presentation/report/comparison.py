"""Answers of then and of now compared, figure by figure: where each stands, what it was, and what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, zip_longest
from typing import Any

import attrs

from analytics_es.types import ReportChange

LISTED = 1_000  # changes that are told; all are counted
LONGEST = 200  # characters of a figure
# What tells a row from others of its list.
NAMES = ("name", "entity_id", "id", "budget", "provider", "model", "operation", "subject", "kind", "currency", "start")
# Which prices are installed: told as a cause where they are others, not as a figure.
_INSTALLED = re.compile(r"(^|\.)prices\.(default_version|used(\[.*\])?\.version)$")
_ABSENT, _FOREIGN = object(), object()

Leaf = tuple[str, Any, Any]


class Fields(dict[str, Any]):
    """The fields of an answer, by name: which there are, a version decides, and not the log."""


@attrs.define
class Compared:
    """What differs.

    changes: the first figures that are others now.
    changed: how many are.
    foreign: the first figures of then which this version does not derive.
    """

    changes: list[ReportChange] = attrs.field(factory=list)
    changed: int = 0
    foreign: list[str] = attrs.field(factory=list)

    def add(self, figure: str, was: Any, now: Any) -> None:
        """Take a figure that is not the same."""
        if now is _FOREIGN:
            self.foreign += [figure][: LISTED - len(self.foreign)]
            return
        self.changed += 1
        if len(self.changes) < LISTED:
            self.changes.append(ReportChange(figure=figure, was=_text(was), now=_text(now)))


def compared(was: Any, now: Any, *, installed: bool = False) -> Compared:
    """Compare answers as plain data: with which prices are `installed`, or without.

    Where those of now are `Fields`, a field that only they have is none that differs, and one that they have not is
    foreign: another version had it.
    """
    answer = Compared()
    for figure, before, after in _differing("", was, now):
        if installed or not _INSTALLED.search(figure):
            answer.add(figure, before, after)
    return answer


def with_fields(plain: Any, answer: Any) -> Any:
    """Return an answer as plain data which tells fields of classes from rows and keys that came from the log."""
    if isinstance(plain, dict):
        if attrs.has(type(answer)):
            return Fields({name: with_fields(inner, getattr(answer, name, None)) for name, inner in plain.items()})
        keyed = answer if isinstance(answer, Mapping) else {}
        by_text = {str(name): inner for name, inner in keyed.items()}
        return {name: with_fields(inner, by_text.get(name)) for name, inner in plain.items()}
    if isinstance(plain, list):
        rows = list(answer) if isinstance(answer, Iterable) else []
        return [with_fields(*pair) for pair in zip_longest(plain, rows[: len(plain)])]
    return plain


def _differing(path: str, was: Any, now: Any) -> Iterator[Leaf]:
    if isinstance(was, dict) and isinstance(now, dict):
        absent = _FOREIGN if isinstance(now, Fields) else _ABSENT
        for name in dict.fromkeys(chain(was, () if absent is _FOREIGN else now)):
            inner = f"{path}.{name}" if path else name
            yield from _differing(inner, was.get(name, _ABSENT), now.get(name, absent))
    elif isinstance(was, list) and isinstance(now, list):
        yield from _rows(path, was, now)
    elif was is _ABSENT and isinstance(now, dict | list):
        yield from ((figure, _ABSENT, leaf) for figure, leaf in _leaves(path, now))
    elif (now is _ABSENT or now is _FOREIGN) and isinstance(was, dict | list):
        yield from ((figure, leaf, now) for figure, leaf in _leaves(path, was))
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
