"""Whether a file is what was read before, has grown, or is another one."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from analytics_es.ingest.sessions.files.finding import File
from analytics_es.ingest.sessions.files.lines import KNOWN_BY
from analytics_es.ingest.sessions.state import FileEntry


def stands(file: File | FileEntry) -> tuple[int, int, int, float, int]:
    """Return by what a file is seen to have changed."""
    return file.device, file.inode, file.size, file.modified, file.changed


def modified(path: str, otherwise: float) -> float:
    """Return when a file was changed last, in Unix seconds; otherwise where nobody can say."""
    try:
        return Path(path).stat().st_mtime
    except (OSError, ValueError):
        return otherwise


def continues(opened: BinaryIO, entry: FileEntry, file: File) -> bool:
    """Say whether a file is the one that was read before, or a longer one."""
    if (entry.device, entry.inode) != (file.device, file.inode) or file.size < entry.offset:
        return False
    if not entry.offset:
        return True
    head = opened.read(min(KNOWN_BY, entry.offset))
    opened.seek(max(0, entry.offset - KNOWN_BY))
    return digest(head, opened.read(min(KNOWN_BY, entry.offset))) == entry.before


def digest(head: bytes, tail: bytes) -> str:
    """Return a digest of the beginning of what was read, and of its end."""
    return blake2b(head + tail, digest_size=8).hexdigest()
