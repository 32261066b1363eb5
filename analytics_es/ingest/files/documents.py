"""JSON files as they are: a row a line, one document with a list of rows somewhere in it, or one after another.

Nothing of a document is in memory but the row at hand, whatever its length.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from attrs import define, field

from analytics_es.events.walking import MAX_VALUE, MOST_INSIDE, PIECE, Malformed, Walk
from analytics_es.ingest.files.notes import Notes
from analytics_es.ingest.files.paths import ITEMS, Steps, written
from analytics_es.ingest.files.problems import reading
from analytics_es.ingest.files.records import BOM, Record, json_record, lines, loaded
from analytics_es.ingest.files.unpacking import unpacked
from analytics_es.ingest.problems import in_one_line

Loads = Callable[[bytes], Any]

TOO_LARGE = f"longer than {MAX_VALUE} bytes, or of more than {MOST_INSIDE} objects and lists"
DEEP = 8  # levels of what is passed over that are walked through, so that each of their parts may be large


def json_rows(path: Path, steps: Steps, notes: Notes, loads: Loads = loaded) -> Iterator[Record]:
    """Yield a record for each row: of lines, of the lists at a path, or of a list that is the document.

    Rows count from 1; of lines these count, of documents elements. A document that breaks off ends the file with a row
    that is refused, of which the notes say so.
    """
    if is_of_lines(path):
        yield from _of_lines(path, steps, loads)
        return
    rows = _Rows(steps, loads)
    try:
        with opened(path) as walk:
            while walk.kind():
                yield from rows.of(walk)
    except Malformed as error:
        notes.broken = f"{in_one_line(error)}, and nothing after it is read"
        yield Record(rows.count + 1, {}, None, notes.broken)
    except ValueError as error:
        notes.broken = f"not read on{in_one_line(error)}"
        yield Record(rows.count + 1, {}, None, notes.broken)


def _of_lines(path: Path, steps: Steps, loads: Loads) -> Iterator[Record]:
    rows = _Rows(steps, loads)
    for number, line in lines(path):
        if not steps:
            yield json_record(number, line, loads)
            continue
        try:
            walk = Walk(BytesIO(line).read)
            yield from rows.of(walk)
            walk.end()
        except ValueError as error:
            yield rows.refused(f"line {number}: {in_one_line(error)}")


@define
class _Rows:
    """The rows of documents, numbered through them all."""

    _steps: Steps
    _loads: Loads
    count: int = field(init=False, default=0)

    def of(self, walk: Walk) -> Iterator[Record]:
        """Yield the rows of the next document."""
        seen = list[bytes]()
        is_list = walk.kind() == b"["
        whole = not self._steps and not is_list
        for _ in [None] if whole else places(walk, self._steps, seen):
            text = walk.text()
            if text is None:
                yield self.refused(TOO_LARGE)
            else:
                self.count += 1
                yield json_record(self.count, text, self._loads)
        if b"[" not in seen and b"n" not in seen and self._steps:
            there = "it is no list" if seen else "there is none"
            there += "; the document is a list itself: leave the path out" if is_list and not seen else ""
            yield self.refused(f"no list at {written(self._steps)}: {there}")

    def refused(self, problem: str) -> Record:
        """Return a row that is none."""
        self.count += 1
        return Record(self.count, {}, None, problem)


def places(walk: Walk, steps: Steps, seen: list[bytes]) -> Iterator[None]:
    """Stand before each row of what comes next, which has to be taken; `seen` is told what there is at the path.

    A list on the way is gone through, whether the path says so or not.
    """
    kind = walk.kind()
    if kind == b"[" and len(steps) <= (steps[-1:] == (ITEMS,)):
        seen.append(kind)
        yield from walk.elements()
    elif kind == b"[":
        for _ in walk.elements():
            yield from places(walk, steps[1:] if steps[0] is ITEMS else steps, seen)
    elif kind == b"{" and steps and steps[0] is not ITEMS:
        for name in walk.members():
            if name == steps[0]:
                yield from places(walk, steps[1:], seen)
            else:
                pass_over(walk)
    else:
        seen.append(kind)
        pass_over(walk)


def pass_over(walk: Walk, depth: int = 0) -> None:
    """Take what comes next, of whatever size."""
    kind = walk.kind()
    if kind == b"[" and depth < DEEP:
        for _ in walk.elements():
            pass_over(walk, depth + 1)
    elif kind == b"{" and depth < DEEP:
        for _ in walk.members():
            pass_over(walk, depth + 1)
    else:
        walk.text()


@contextmanager
def opened(path: Path) -> Iterator[Walk]:
    """Stand at the beginning of a file, unpacked, behind its byte order mark."""
    with reading(path), unpacked(path) as file:
        first = file.read(PIECE).removeprefix(BOM)
        pieces = itertools.chain([first] if first else [], iter(partial(file.read, PIECE), b""))
        yield Walk(lambda _: next(pieces, b""))


# ── lines, or documents ─────────────────────────────────────────────────────────────────────────────────────────


def is_of_lines(path: Path) -> bool:
    """Say whether each line of a file is a row of its own, good or bad, rather than a part of a document."""
    with reading(path), unpacked(path) as file:
        head = file.read(PIECE).removeprefix(BOM).lstrip()
    if head[:1] not in (b"{", b"[") or not head:
        return True
    if head[:1] == b"[" and b"\n" not in head:
        return False
    beginning = [line for _, line in itertools.islice(lines(path), 2)]
    first, second = beginning[0], beginning[1].lstrip() if len(beginning) > 1 else b""
    after = _after(first)
    if head[:1] == b"[":
        return after == b"" and second[:1] == b"{"
    if after is not None:
        return after != b"{"
    if not second:
        return len(first) <= MAX_VALUE
    return _after(second) == b"" and second[:1] == b"{" and not _is_sound(path)


def begins_as_json(path: Path) -> bool:
    """Say whether a file begins as an object or a list does."""
    with opened(path) as walk:
        return walk.kind() in (b"{", b"[")


def _after(line: bytes) -> bytes | None:
    """Return how what comes after the first value of a line begins, b"" for nothing, None if that value has no end."""
    walk = Walk(BytesIO(line).read)
    try:
        walk.text()
        return walk.kind()
    except Malformed:
        return None
    except ValueError:  # there is too much in it: whoever reads it says so
        return b""


def _is_sound(path: Path) -> bool:
    """Say whether a whole file is values of JSON, one after another."""
    try:
        with opened(path) as walk:
            while walk.kind():
                pass_over(walk)
    except ValueError:
        return False
    return True
