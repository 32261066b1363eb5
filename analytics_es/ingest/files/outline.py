"""A file that is one JSON object: whether it is a row or has rows in its lists, and which lists there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from attrs import define, field

from analytics_es.errors import CannotRead
from analytics_es.events.walking import Malformed, Walk
from analytics_es.ingest.files.documents import opened, pass_over, places
from analytics_es.ingest.files.paths import Steps, written

DEEP, MOST, SHOWN = 4, 1000, 5
MOST_COUNTED = 100_000  # elements of a list: beyond, nothing more is looked at
CLOUD_EVENT = frozenset({"specversion", "id", "source", "type", "time"})  # many documents have data


class ListIn(NamedTuple):
    """A list of a document: where it is, how long it is, and the names of the first that is an object."""

    steps: Steps
    length: int
    names: frozenset[str]


@define
class Outline:
    """The names and the lists of one JSON object."""

    names: set[str] = field(factory=set)
    lists: list[ListIn] = field(factory=list)

    def best(self, read: frozenset[str]) -> ListIn:
        """Return the list whose elements have most of the names that are read; of equals the longest."""
        return max(self.lists, key=lambda part: (len(part.names & read), part.length))


def check_rows(path: Path, steps: Steps, read: frozenset[str]) -> None:
    """Raise CannotRead, which says where its lists are, for one JSON object that is no row, or has no list at a path.

    `read` are the names that are read of a row, in small letters: an object is a row that has as many of them as the
    elements of its lists do, and some.
    """
    try:
        with opened(path) as walk:
            if walk.kind() != b"{":
                return
            if steps:
                seen = list[bytes]()
                for _ in places(walk, steps, seen):
                    return
                if walk.kind() or b"[" in seen or b"n" in seen:
                    return
        with opened(path) as walk:
            outline = Outline()
            for found in _lists(walk, (), outline):
                outline.lists.append(found)
                if found.length > MOST_COUNTED:
                    break
            else:
                if walk.kind():
                    return  # one after another: each is a row, or has rows
    except Malformed:
        return  # which is told as a row
    except ValueError as error:
        raise CannotRead(path=path, problem=str(error).removeprefix(": ")) from None
    _judge(path, steps, read, outline)


def _judge(path: Path, steps: Steps, read: frozenset[str], outline: Outline) -> None:
    own = len(outline.names & read)
    if not outline.lists:
        if steps:
            raise CannotRead(path=path, problem=f"there is no list at {written(steps)}, nor anywhere else")
        return
    best = outline.best(read)
    if not steps and own and own >= len(best.names & read):
        return
    counted = [f"{written(part.steps)} ({_length(part)})" for part in outline.lists]
    more = f" and {len(counted) - SHOWN:,} more" if len(counted) > SHOWN else ""
    found = f"its lists are {', '.join(counted[:SHOWN])}{more}: say --rows '{written(best.steps)}'"
    what = f"there is no list at {written(steps)}" if steps else "this is one JSON object"
    raise CannotRead(path=path, problem=f"{what}; {found}")


def _length(part: ListIn) -> str:
    return f"{part.length:,}" if part.length <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"


def _lists(walk: Walk, above: Steps, outline: Outline) -> Iterator[ListIn]:
    """Yield the lists of an object, and of the objects in it, as far down as people would look."""
    for name in walk.members():
        if not above and len(outline.names) < MOST:
            outline.names.add(name.lower())
        kind, steps = walk.kind(), (*above, name)
        if kind == b"[" and len(outline.lists) < MOST:
            yield _counted(walk, steps)
        elif kind == b"{" and len(steps) < DEEP:
            yield from _lists(walk, steps, outline)
        else:
            pass_over(walk)


def _counted(walk: Walk, steps: Steps) -> ListIn:
    count, names = 0, frozenset[str]()
    for _ in walk.elements():
        count += 1
        if count > MOST_COUNTED:
            break
        if not names and walk.kind() == b"{":
            names = frozenset(_names(walk))
        else:
            pass_over(walk)
    return ListIn(steps, count, names)


def _names(walk: Walk) -> Iterator[str]:
    for number, name in enumerate(walk.members()):
        if number < MOST:
            yield name.lower()
        pass_over(walk)
