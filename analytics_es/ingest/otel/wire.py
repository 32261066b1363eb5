"""The wire format of protobuf, walked through before anything is read: a request is cut into records, and bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from attrs import define, field

from analytics_es.events.walking import MAX_SMALL, MOST_INSIDE

MOST_PARTS = 200_000  # around the records of a request: groups, scopes, records, and who tells them
OLD_RECORDS = 1000  # the field of the records in requests of before 2022

_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5  # kinds of fields; what is left are groups, which OTLP does not have
_CUT, _NONE = "it ends in the middle", "its bytes are no fields of protobuf"


class Part(NamedTuple):
    """A field that has a length: its number, and where its bytes are. Other fields have the number 0."""

    number: int
    start: int
    end: int


class Group(NamedTuple):
    """The records of one scope of one resource: the bytes that tell of both, and where each record is."""

    resource: bytes
    scope: bytes
    records: list[Part]


def groups(body: bytes) -> list[Group]:
    """Return what a request holds: those of traces and of logs have the same frame.

    Raises ValueError where the bytes are no request, or where it is of more than MOST_PARTS.
    """
    frame, found = _Frame(body), list[Group]()
    for number, start, end in frame.parts(0, len(body)):
        if number == 1:
            found += frame.of_resource(start, end)
    return found


@define
class _Frame:
    body: bytes
    _passed: int = field(default=0, init=False)

    def parts(self, start: int, end: int) -> Iterator[Part]:
        for part in parts(self.body, start, end):
            self._passed += 1
            if self._passed > MOST_PARTS:
                raise ValueError(f"it is of more than {MOST_PARTS} parts")
            yield part

    def of_resource(self, start: int, end: int) -> Iterator[Group]:
        members = list(self.parts(start, end))
        if any(number == OLD_RECORDS for number, _, _ in members):
            raise ValueError("its records are where they were before 2022, in instrumentation_library_…")
        resource = self._joined(members)
        for number, inner_start, inner_end in members:
            if number == 2:
                inner = list(self.parts(inner_start, inner_end))
                yield Group(resource, self._joined(inner), [part for part in inner if part.number == 2])

    def _joined(self, members: list[Part]) -> bytes:
        """Return the message in field 1; several that follow one another are one message."""
        return b"".join([self.body[start:end] for number, start, end in members if number == 1])


def parts(body: bytes, start: int, end: int) -> Iterator[Part]:
    """Yield the fields between two places; raises ValueError where there is anything else."""
    at = start
    while at < end:
        tag, at = _varint(body, at, end)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise ValueError(_NONE)
        if kind == _SIZED:
            length, at = _varint(body, at, end)
            at += length
            if at > end:
                raise ValueError(_CUT)
            yield Part(number, at - length, at)
            continue
        at = _behind(body, at, end, kind)
        yield Part(0, at, at)


def _behind(body: bytes, at: int, end: int, kind: int) -> int:
    """Return the place behind a field without a length."""
    if kind == _VARINT:
        return _varint(body, at, end)[1]
    if kind not in (_EIGHT, _FOUR):
        raise ValueError(_NONE)
    at += 8 if kind == _EIGHT else 4
    if at > end:
        raise ValueError(_CUT)
    return at


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number at a place, and the place behind it."""
    number = shift = 0
    while at < end:
        byte = body[at]
        at += 1
        if byte < 128:
            return number | byte << shift, at
        number |= (byte & 127) << shift
        shift += 7
        if shift > 63:
            raise ValueError(_NONE)
    raise ValueError(_CUT)


# ── what lies in a record ───────────────────────────────────────────────────────────────────────────────────────

# The messages that lie in a message, by the numbers of their fields.
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "span": {9: "pair", 11: "event", 13: "link"},
    "event": {3: "pair"},
    "link": {4: "pair"},
    "record": {5: "any", 6: "pair"},
    "resource": {1: "pair"},
    "scope": {3: "pair"},
    "pair": {2: "any"},
    "any": {5: "list", 6: "pairs"},
    "list": {1: "any"},
    "pairs": {1: "pair"},
}


def is_crowded(message: str, content: bytes) -> bool:
    """Say whether more lies in a message than MOST_INSIDE: each part takes many times the memory of its bytes.

    A small one is not looked into. Raises ValueError where the bytes are none.
    """
    if len(content) <= MAX_SMALL:
        return False
    count, left = 0, [(message, 0, len(content))]
    while left:
        name, first, last = left.pop()
        for number, start, end in parts(content, first, last):
            count += 1
            if count > MOST_INSIDE:
                return True
            if inner := _MESSAGES[name].get(number):
                left.append((inner, start, end))
    return False
