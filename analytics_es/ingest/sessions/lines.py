"""Files of lines, alive and untrusted → their records, from where the last look ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import orjson
from attrs import define, field

from analytics_es.ingest.sessions.facts import Skipped

PIECE = 4 << 20  # bytes that are read at once
LONGEST = 128 << 20  # bytes of a line: a longer one is passed over, and counted
BROKEN, TOO_LONG = "line that is no JSON", "line longer than 128 MB"


@define
class LineReader:
    """Reads the whole lines of an open file from an offset on, up to another.

    offset: where the first line begins that was not taken.
    """

    file: BinaryIO
    offset: int
    end: int
    marks: Sequence[bytes] = ()
    _skipped: list[Skipped] = field(init=False, factory=list)

    def records(self, *, rest: bool) -> Iterator[list[Any]]:
        """Yield the records of some lines at a time; `rest`: a last line without its end is taken, too, if it is whole.

        `offset` is behind the lines of a list when it has been yielded.
        """
        self.file.seek(self.offset)
        begun, at = b"", self.offset
        while at < self.end and (piece := self.file.read(min(PIECE, self.end - at))):
            at += len(piece)
            whole, newline, after = piece.rpartition(b"\n")
            if not newline:
                begun = self._grown(begun, piece)
                continue
            lines, begun = (begun + whole).split(b"\n"), after
            self.offset = at - len(after)
            yield self._parsed(lines)
        if rest and begun and self.end - self.offset == len(begun) and _is_json(begun):
            self.offset = at
            yield self._parsed([begun])

    def taken_skips(self) -> list[Skipped]:
        """Return the lines that were passed over since this was asked last."""
        skipped, self._skipped = self._skipped, []
        return skipped

    def _grown(self, begun: bytes, piece: bytes) -> bytes:
        return begun + piece  # TODO bounded

    def _parsed(self, lines: list[bytes]) -> list[Any]:
        records: list[Any] = []
        for line in lines:
            if self.marks and not any(mark in line for mark in self.marks):
                continue
            if not line.strip():
                continue
            try:
                record = orjson.loads(line)
            except ValueError:
                record = self._forgiven(line)
            if isinstance(record, list):
                records.extend(record)
            else:
                records.append(record)
        return records

    def _forgiven(self, line: bytes) -> Any:
        try:
            return json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            self._skipped.append(Skipped(BROKEN))
            return []


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True
