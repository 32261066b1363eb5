"""Reports in files, as another version writes them, and as whoever has one can change it, with checksums that fit."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from html import escape, unescape
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import StoreUnavailable
from analytics_es.presentation.report import asking, check_report, drawing, write_report, writing
from analytics_es.presentation.report.asking import Answered
from analytics_es.presentation.report.carried import Carried, canonical
from analytics_es.presentation.report.finding import carried, located
from analytics_es.types import ReportCheck
from tests.cli.conftest import NOON

WEEK = TimePeriod(NOON.replace(day=1, hour=0), NOON.replace(day=8, hour=0))
NOW = NOON + timedelta(days=2)
META = re.compile(rb'(<meta name="analytics-es-report" content=")[^"]*(">)')
BOMB = base64.b64encode(zlib.compress(b"0" * 50_000_000, 9)).decode()


def checked(service: AnalyticsService, path: Path) -> ReportCheck:
    return check_report(service, path).unwrap()


def causes_of(answer: ReportCheck) -> list[str]:
    return [cause.cause for cause in answer.causes]


def untold(*_: object) -> int:
    """Be a log that cannot be told of a report."""
    raise StoreUnavailable(problem="it only reads")


def summed(file: bytes) -> bytes:
    """Return a file with a checksum that fits, as who edits it can give it."""
    place = located(file).place
    return file[:place] + drawing.checksum(file, place).encode() + file[place + 64 :]


def carrying_other(file: bytes, change: Callable[[Carried], Carried]) -> bytes:
    """Return a file that carries something else, with all checksums as they must be."""
    said = carried(file)
    return summed(saying(file, **json.loads(change(said).write())))


def well(file: bytes) -> bytes:
    """Return a file that shows more than was written, with a checksum that fits."""
    return summed(file.replace(b"<main>", b"<main><p>All is well</p>"))


def said_by(file: bytes) -> dict[str, Any]:
    found = re.search(rb'analytics-es-report" content="([^"]*)"', file)
    assert found
    said: dict[str, Any] = json.loads(unescape(found[1].decode()))
    return said


def saying(file: bytes, **changes: Any) -> bytes:
    """Return a file that carries other words, whatever its checksums are."""
    said = escape(json.dumps({**said_by(file), **changes})).encode()
    return META.sub(lambda match: match[1] + said + match[2], file)


Answers = dict[str, Any]


def as_an_older_version(
    patch: pytest.MonkeyPatch, answers: Callable[[Answers], None] = lambda _: None, version: str = "0.0.9"
) -> None:
    """Write as another version did: it looked otherwise, and its answers had other fields."""
    html = import_module("analytics_es.presentation.html.document")  # its package has a function of that name
    style, asked = html.stylesheet(), asking.answered

    def answered_then(*arguments: Any) -> Answered:
        now = asked(*arguments)
        then = json.loads(now.answers)
        answers(then)
        return evolve(now, answers=canonical(then))

    patch.setattr(html, "stylesheet", lambda: f"{style}/* as it was */")
    patch.setattr(writing, "version", lambda: version)
    patch.setattr(writing, "answered", answered_then)


def written_then(
    service: AnalyticsService,
    path: Path,
    answers: Callable[[Answers], None] = lambda _: None,
    pages: Sequence[str] = asking.PAGES,
) -> None:
    """Write a report as another version did."""
    with pytest.MonkeyPatch.context() as patch:
        as_an_older_version(patch, answers)
        write_report(service, path, WEEK, pages=pages).unwrap()
