"""Files that may be packed: what they unpack to is bounded by what they are, whoever made them."""

from __future__ import annotations

import gzip
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from analytics_es.errors import CannotRead

ENOUGH = 64 * 2**20  # bytes that any file may unpack to
MOST_TIMES = 200  # its size; events with times and ids of their own unpack to 10 to 40 times it


def unpacked(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a file to read its bytes, unpacked; reading one that was made to fill memory raises CannotRead."""
    if not path.name.lower().endswith(".gz"):
        return path.open("rb")
    return cast("AbstractContextManager[BinaryIO]", _Packed(path))


class _Packed:
    def __init__(self, path: Path) -> None:
        self._path, self._file = path, gzip.open(path, "rb")  # noqa: SIM115  # `__exit__` closes it
        self._left = max(ENOUGH, MOST_TIMES * path.stat().st_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        return self._counted(self._file.read(size))

    def readline(self, size: int) -> bytes:
        return self._counted(self._file.readline(size))

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise CannotRead(path=self._path, problem=f"it unpacks to more than {MOST_TIMES} times its size")
        return piece
