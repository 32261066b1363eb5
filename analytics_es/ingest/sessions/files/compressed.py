"""Files that an agent has compressed, since they rest → the bytes that they hold."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

SUFFIX = ".zst"


class Unpacked(io.RawIOBase):
    """What an open file holds, from its beginning on; raises OSError where it is damaged, or ends too early."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._stream: Any = None

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read again, from its beginning."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to the beginning."""
        if offset or whence != io.SEEK_SET:
            raise io.UnsupportedOperation("a compressed file is read from its beginning")
        self._file.seek(0)
        self._stream = None
        return 0

    def readinto(self, buffer: Any, /) -> int:
        """Read what comes next."""
        import pyarrow as pa

        try:
            if self._stream is None:
                self._stream = pa.CompressedInputStream(pa.PythonFile(self._file, mode="r"), "zstd")
            text = self._stream.read(len(buffer))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise OSError(0, str(error)) from error
        buffer[: len(text)] = text
        return len(text)
