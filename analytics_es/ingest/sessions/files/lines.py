"""Files of lines, alive and untrusted → their records, from where the last look ended."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import orjson
from attrs import define, field

from analytics_es.ingest.sessions.facts import Skipped

KNOWN_BY = 1024  # bytes, the first of a file and those before the offset, by which it is known again
PIECE = 1 << 17  # bytes that are read at once: more of them, and what they say, are not in a processor's cache
LONGEST = 128 << 20  # bytes of a line: a longer one is passed over, and counted
FORGIVEN = 16 << 20  # bytes of a line that is read again when it is no strict JSON, which takes many times as many
BROKEN, TOO_LONG, HALF = "line that is no JSON", "line longer than 128 MB", "last line that has no end"
NO_RECORD = "line that is no record"
BLANK = b" \t\r\n\0"  # a machine that stopped leaves NUL bytes
WIDE = {codecs.BOM_UTF16_LE: ("utf-16-le", b"\n\0"), codecs.BOM_UTF16_BE: ("utf-16-be", b"\0\n")}

Text = bytes | bytearray
Records = list[Mapping[str, Any]]


@define
class LineReader:
    """Reads the whole lines of an open file from an offset on, up to another.

    offset: where the first line begins that was not taken; `head`: the first bytes of the file; `tail`: those before
    the offset.
    """

    file: BinaryIO
    offset: int
    end: int
    marks: Sequence[bytes] = ()
    longest: int = LONGEST
    head: bytes = field(init=False, default=b"")
    tail: bytes = field(init=False, default=b"")
    _skipped: list[Skipped] = field(init=False, factory=list)
    _coding: str = field(init=False, default="")
    _newline: bytes = field(init=False, default=b"\n")

    def records(self, *, rest: bool) -> Iterator[Records]:
        """Yield the records of some lines at a time; `rest`: a last line without its end is taken, too, if it is whole.

        `offset` is behind the lines of a list when it has been yielded. No more is held than a piece and a line.
        """
        self._begin()
        begun, too_long, at, read = bytearray(), False, self.offset, self.tail
        while at < self.end and (piece := self.file.read(min(PIECE, self.end - at))):
            records: Records = []
            first, last = self._ends(piece, at) if begun or too_long else (0, self._last_end(piece, at))
            if first:
                if too_long:
                    self._skipped.append(Skipped(TOO_LONG))
                else:
                    begun += piece[:first]  # in place: it may be long
                    self._take_lines(begun, records)
                begun, too_long = bytearray(), False
            if last > first:
                self._take_lines(piece[first:last], records)
            if last:
                self.tail = (read + piece[max(0, last - KNOWN_BY) : last])[-KNOWN_BY:]
            read = (read + piece[-KNOWN_BY:])[-KNOWN_BY:]
            at += len(piece)
            too_long = too_long or len(begun) + len(piece) - last > self.longest
            begun = bytearray() if too_long else begun
            if not too_long:
                begun += piece[last:]
            if last:
                self.offset = at - (len(piece) - last)
                yield records
        if rest:
            yield from self._rest(begun, at, too_long, read)

    def taken_skips(self) -> list[Skipped]:
        """Return the lines that were passed over since this was asked last."""
        skipped, self._skipped = self._skipped, []
        return skipped

    # ── where lines end ─────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        """See by its first bytes how the file is written, which holds for all of it, and go to the offset."""
        self.file.seek(0)
        self.head = self.file.read(KNOWN_BY)
        self._coding, self._newline = WIDE.get(self.head[:2], ("", b"\n"))
        self.tail = self.head[: self.offset]
        if self.offset > len(self.head):
            self.file.seek(self.offset - KNOWN_BY)
            self.tail = self.file.read(KNOWN_BY)
        else:
            self.file.seek(self.offset)

    def _ends(self, piece: bytes, at: int) -> tuple[int, int]:
        """Return where the first line in a piece ends, and the last; 0 where none does."""
        place = piece.find(self._newline)
        while place >= 0 and self._coding and (at + place) % 2:  # halves of two letters
            place = piece.find(self._newline, place + 1)
        return (place + len(self._newline), self._last_end(piece, at)) if place >= 0 else (0, 0)

    def _last_end(self, piece: bytes, at: int) -> int:
        place = piece.rfind(self._newline)
        while place >= 0 and self._coding and (at + place) % 2:
            place = piece.rfind(self._newline, 0, place + len(self._newline) - 1)
        return place + len(self._newline) if place >= 0 else 0

    # ── what lines say ──────────────────────────────────────────────────────────────────────────────────────────

    def _rest(self, begun: bytearray, at: int, too_long: bool, read: bytes) -> Iterator[Records]:
        """Take a last line without its end, if it is whole; else it is left, since more of it may be written."""
        records: Records = []
        text = self._decoded(begun)
        if too_long:
            self._skipped.append(Skipped(TOO_LONG))
        elif not text.strip(BLANK) or not self._is_marked(text):
            return
        elif not _is_whole(text):
            self._skipped.append(Skipped(HALF))
            return
        else:
            self._take(text, records)
        self.offset, self.tail = at, read
        yield records

    def _decoded(self, text: Text) -> Text:
        return text.decode(self._coding, "replace").encode("utf-8", "replace") if self._coding else text

    def _is_marked(self, text: Text) -> bool:
        return not self.marks or any(mark in text for mark in self.marks)

    def _take_lines(self, text: Text, records: Records) -> None:
        text = self._decoded(text)
        if not self._is_marked(text):
            return
        lines: list[Text] = list(text.split(b"\n")) if len(text) <= 2 * PIECE else [text]  # one that is long
        marks = self.marks or (b"",)  # which every line has
        for line in lines:
            if line:
                for mark in marks:
                    if mark in line:
                        self._take(line, records)
                        break

    def _take(self, line: Text, records: Records) -> None:
        try:
            record = orjson.loads(line)
        except ValueError:
            record = self._forgiven(line)
        if isinstance(record, dict):
            records.append(record)
        elif isinstance(record, list):
            some = [part for part in record if isinstance(part, dict)]
            records.extend(some)
            self._skipped += [Skipped(NO_RECORD)] * (len(record) - len(some))
        else:
            self._skipped.append(Skipped(NO_RECORD))

    def _forgiven(self, line: Text) -> Any:
        """Read what is no strict JSON: other bytes than UTF-8, control characters, numbers that are none."""
        try:
            bare = line.strip(BLANK) if len(line) <= FORGIVEN else b"."
            return json.loads(bare.decode("utf-8-sig", "replace"), strict=False) if bare else []
        except (ValueError, RecursionError):
            self._skipped.append(Skipped(BROKEN))
            return []


def _is_whole(text: Text) -> bool:
    """Say whether a line is JSON that cannot go on: a number could."""
    try:
        return isinstance(orjson.loads(text.strip(BLANK).removeprefix(codecs.BOM_UTF8)), (dict, list))
    except ValueError:
        return False
