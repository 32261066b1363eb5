"""A report is found again in a file that may be anything: what it carries, and its checksum."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from attrs import frozen

from analytics_es.errors import CannotRead
from analytics_es.presentation.report.carried import Carried, Unreadable, read_carried
from analytics_es.presentation.report.drawing import checksum

LARGEST = 64 * 1024 * 1024  # bytes of a file that is read
CARRIED = re.compile(rb'<meta name="analytics-es-report" content="([^"<>]*)">')
CHECKSUM = re.compile(rb'<code id="analytics-es-sha256">([0-9a-f]{64})</code>')


@frozen(kw_only=True)
class Located:
    """The checksum in a file: where it stands, what it says, and whether it fits."""

    place: int
    checksum: str
    fits: bool


def read_file(path: Path) -> bytes:
    """Read a file, which may be anything; raises CannotRead, Unreadable."""
    try:
        if not path.is_file():
            raise CannotRead(path=path, problem=_none(path))
        with path.open("rb") as opened:
            file = opened.read(LARGEST + 1)
    except OSError as error:
        raise CannotRead(path=path, problem=error.strerror or error) from error
    if len(file) > LARGEST:
        raise Unreadable(f"it is larger than {LARGEST // 2**20} MiB")
    return file


def _none(path: Path) -> str:
    """Say why a path is no file."""
    if path.is_dir():
        return "it is a directory"
    return "it is no file, but a pipe or a device" if path.exists() else "there is no such file"


def located(file: bytes) -> Located:
    """Find the checksum in a file; raises Unreadable."""
    places = list(CHECKSUM.finditer(file))
    if len(places) != 1:
        raise Unreadable("it has no checksum" if not places else "it has several checksums")
    place, said = places[0].start(1), places[0][1].decode()
    return Located(place=place, checksum=said, fits=checksum(file, place) == said)


def carried(file: bytes) -> Carried:
    """Read what a file carries; raises Unreadable."""
    said = list(CARRIED.finditer(file))
    if len(said) != 1:
        problem = "it carries no answers" if not said else "it carries answers twice"
        raise Unreadable(problem)
    try:
        return read_carried(unescape(said[0][1].decode()))
    except UnicodeDecodeError:
        raise Unreadable("what it carries cannot be read") from None
