"""What differs in a file without being another figure: which prices are installed, and how a mail ends lines."""

from __future__ import annotations

import re

from analytics_es.presentation.report.finding import CHECKSUM

# What a page says where other prices are installed than those that were in use.
_REMARK = re.compile(
    rb"<p[^<>]*>Computed with genai-prices [\w.+!-]+; in use then was [\w.+!-]+: "
    rb"install that to see the figures of then\.</p>\n?"
)
_MARK = b"\xef\xbb\xbf"  # of UTF-8


def alike(file: bytes, expected: bytes, *, then: str | None, now: str | None) -> bool:
    """Say whether a file is what is expected but for the version of the prices then, and now."""
    if then and now:
        expected = expected.replace(f"genai-prices {now}".encode(), f"genai-prices {then}".encode())
    return _plain(file) == _plain(expected)


def _plain(file: bytes) -> bytes:
    return _REMARK.sub(b"", CHECKSUM.sub(b"", file))


def is_sent(file: bytes, expected: bytes) -> bool:
    """Say whether a file is what is expected but for the ends of its lines, or the mark of its encoding before it."""
    return _sent(file) == _sent(expected)


def unsent(file: bytes) -> bytes:
    """Return a file with the ends of its lines as they were written."""
    return _sent(file) + b"\n"


def _sent(file: bytes) -> bytes:
    return file.removeprefix(_MARK).replace(b"\r\n", b"\n").rstrip(b"\n")
