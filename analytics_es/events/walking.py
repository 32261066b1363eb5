"""A JSON text, walked through part by part: one of any length is never whole in memory, and its parts are bounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import BytesIO

import orjson

MAX_VALUE = 16 * 2**20  # bytes of a part
MOST_INSIDE = 100_000  # objects and lists within a part: each takes up to 40 times the memory of its text
MOST_PASSED = 1_000_000  # … of a part that is passed over: it would take long
MAX_SMALL = 2**20  # bytes of a text that is read as a whole, whatever is in it
PIECE = 2**16

_SPACE = re.compile(rb"[ \t\n\r]*+")
_PLAIN = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+"[^"{}\[\]]*+)*+')  # up to a bracket, or a text to look into
_QUOTED = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SCALAR = re.compile(rb"[^\[\]{},:\" \t\n\r]*+")


class Malformed(ValueError):
    """The text is no JSON."""


class Walk:
    """A place in a JSON text, which moves on: whoever is given a member or an element takes or skips its value."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self._text, self._at = read, b"", 0

    def kind(self) -> bytes:
        """Return the first byte of what comes next, b"" at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def members(self) -> Iterator[str]:
        """Yield the names of an object; null has none. Raises ValueError for anything else."""
        for _ in self._within(b"{", b"}"):
            if self.kind() != b'"' or not isinstance(name := self.value(), str):
                raise Malformed("not valid JSON: an object has a name that is none")
            self._take(b":")
            yield name

    def elements(self) -> Iterator[None]:
        """Stand before each element of a list; null has none. Raises ValueError for anything else."""
        return self._within(b"[", b"]")

    def value(self) -> object:
        """Take the next value; one that is too large is `TOO_LARGE`."""
        text = self.text()
        if text is None:
            return TOO_LARGE
        try:
            return orjson.loads(text)
        except ValueError as error:
            raise Malformed(f"not valid JSON: {error}") from None

    def text(self) -> bytes | None:
        """Take the text of the next value; None for one that is too large, which is passed over."""
        if self.kind() in (b"{", b"[", b'"'):
            return self._bracketed()
        length = 0
        while True:
            end = _SCALAR.match(self._text, self._at + length).end()  # type: ignore[union-attr]
            length = end - self._at
            if end < len(self._text) or length > MAX_VALUE or not self._more():
                break
        text, self._at = self._text[self._at : self._at + length], self._at + length
        if not text or length > MAX_VALUE:
            raise Malformed("not valid JSON: a value is missing, or none")
        return text

    def end(self) -> None:
        """Raise Malformed where something comes after the text."""
        if self.kind():
            raise Malformed("not valid JSON: there is something after its end")

    def _within(self, opens: bytes, closes: bytes) -> Iterator[None]:
        if self.kind() == b"n" and self.value() is None:
            return
        if self.kind() != opens:
            raise ValueError(f": {'an object' if opens == b'{' else 'a list'} is expected")
        self._at += 1
        if self.kind() == closes:
            self._at += 1
            return
        while True:
            yield
            if self.kind() == closes:
                self._at += 1
                return
            self._take(b",")

    def _take(self, byte: bytes) -> None:
        if self.kind() != byte:
            raise Malformed(f"not valid JSON: {byte.decode()!r} is missing")
        self._at += 1

    def _more(self) -> bool:
        """Read on, twice as much where a value goes on; what was passed is let go of."""
        piece = self._read(max(PIECE, len(self._text) - self._at))
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)

    def _bracketed(self) -> bytes | None:
        """Take an object, a list or a text; brackets within texts are none."""
        quoted = self._text[self._at : self._at + 1] == b'"'
        at, depth, inside, kept = self._at + quoted, 0, 0, True
        while True:
            at = (_QUOTED if quoted else _PLAIN).match(self._text, at).end()  # type: ignore[union-attr]
            byte = self._text[at : at + 1]
            if not byte or (byte == b"\\" and at + 1 == len(self._text)):
                kept = kept and at - self._at <= MAX_VALUE and inside <= MOST_INSIDE
                self._at, at = (self._at, at - self._at) if kept else (at, 0)
                if not self._more():
                    raise Malformed("not valid JSON: it ends in the middle")
                if inside > MOST_PASSED:
                    raise ValueError(f": a part of it is of more than {MOST_PASSED} objects and lists")
                continue
            at += 1
            if byte == b'"':
                quoted = not quoted
            elif not quoted and byte in b"{[":
                depth, inside = depth + 1, inside + 1
            elif not quoted:
                depth -= 1
            if depth <= 0 and not quoted:
                break
        kept = kept and at - self._at <= MAX_VALUE and inside <= MOST_INSIDE
        text, self._at = self._text[self._at : at] if kept else None, at
        return text


TOO_LARGE = object()


def check_size(text: bytes) -> None:
    """Raise ValueError where a JSON text is too long to be read as a whole, or takes too much memory for its length."""
    if len(text) > MAX_VALUE:
        raise ValueError(f"it is longer than {MAX_VALUE} bytes")
    if len(text) > MAX_SMALL and _crowded(text):
        raise ValueError(f"it is of more than {MOST_INSIDE} objects and lists")


def _crowded(text: bytes) -> bool:
    """Say whether more objects and lists are in a JSON text than a value may have; brackets within texts are none."""
    if text.count(b"{") + text.count(b"[") <= MOST_INSIDE:
        return False
    walk = Walk(BytesIO(text).read)
    try:
        return walk.text() is None
    except Malformed:
        return False  # which is told by who reads it
    except ValueError:
        return True
