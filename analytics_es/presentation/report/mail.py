"""What programs for mail make of a file: its lines end otherwise, and the mark of its encoding stands before it."""

from __future__ import annotations

_MARK = b"\xef\xbb\xbf"  # of UTF-8


def is_sent(file: bytes, expected: bytes) -> bool:
    """Say whether a file is what is expected but for the ends of its lines, or the mark of its encoding before it."""
    return _sent(file) == _sent(expected)


def unsent(file: bytes) -> bytes:
    """Return a file with the ends of its lines as they were written."""
    return _sent(file) + b"\n"


def _sent(file: bytes) -> bytes:
    return file.removeprefix(_MARK).replace(b"\r\n", b"\n").rstrip(b"\n")
