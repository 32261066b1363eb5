"""Rows that were refused: the first are shown, all can be kept in a file of JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from attrs import asdict, define, field, frozen

from analytics_es.errors import CannotWrite, FileExists

SHOWN = 10


@frozen(kw_only=True)
class RefusedRow:
    """One row that was refused, and why."""

    file: str
    row: int
    code: str
    message: str


@define
class Rejects:
    """Counts refused rows, remembers the first, writes all."""

    _to: TextIO | None
    count: int = 0
    first: list[RefusedRow] = field(factory=list)

    def add(self, refused: RefusedRow, raw: str) -> None:
        """Take one more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(refused)
        if self._to:
            self._to.write(json.dumps({**asdict(refused), "raw": raw}) + "\n")


@contextmanager
def rejects(path: Path | None) -> Iterator[Rejects]:
    """Collect refused rows, in a new file if there is a path; it goes again if nothing was refused.

    Raises FileExists before anything else is done: a file is never overwritten.
    """
    if path is None:
        yield Rejects(None)
        return
    try:
        path.touch(0o600, exist_ok=False)  # for the owner's eyes only, as the store is
    except FileExistsError:
        raise FileExists(path=path) from None
    except OSError as error:
        raise CannotWrite(path=path, problem=error.strerror) from error
    with path.open("w", encoding="utf-8") as file:
        refused = Rejects(file)
        try:
            yield refused
        finally:
            if not refused.count:
                path.unlink()
