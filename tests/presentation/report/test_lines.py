"""A report that was edited: it is found, whatever was done to its checksum, and where."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.presentation.report.carried import Unreadable
from analytics_es.presentation.report.finding import located
from tests.presentation.report.forging import (
    causes_of,
    checked,
    summed,
)


@settings(max_examples=300)
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@example(place=0.0, byte=0)
def test_every_byte_that_is_another_one_is_found(file: bytes, place: float, byte: int) -> None:
    at = int(place * len(file))
    changed = file[:at] + bytes([byte]) + file[at + 1 :]
    try:
        fits = located(changed).fits
    except Unreadable:
        fits = False

    assert fits == (changed == file)


def figures(file: bytes) -> list[tuple[int, int]]:
    """Return where figures stand that are seen."""
    body = file.index(b"<body")
    return [
        (match.start(1), match.end(1))
        for match in re.finditer(rb">([0-9][0-9,.]*)[^<]*<", file)
        if match.start() > body
    ]


@settings(max_examples=12)
@given(data=st.data())
def test_a_figure_that_was_edited_is_found_whatever_was_done_to_the_checksum(
    written: tuple[AnalyticsService, Path], data: st.DataObject
) -> None:
    service, path = written
    file = path.read_bytes()
    start, end = data.draw(st.sampled_from(figures(file)))
    other = file[start:end].translate(bytes.maketrans(b"0123456789", b"1234567890"))
    changed = file[:start] + other + file[end:]
    edited = path.with_name("edited.html")
    edited.write_bytes(summed(changed) if data.draw(st.booleans()) else changed)
    answer = checked(service, edited)

    assert (answer.verdict, answer.holds, answer.drawn, causes_of(answer)) == ("edited", False, False, ["edited"])
    assert [file[start:end].decode() in str(line.now) for line in answer.lines[:1]] == [True]
    assert [other.decode() in str(line.was) for line in answer.lines[:1]] == [True]


@pytest.mark.parametrize("is_summed", [True, False])
def test_an_exact_figure_that_was_edited_beside_its_rounded_one_is_told(
    written: tuple[AnalyticsService, Path], tmp_path: Path, is_summed: bool
) -> None:
    service, path = written
    file = path.read_bytes()
    start = file.index(b'<data value="') + len(b'<data value="')
    changed = file[:start] + b"7" + file[start:]
    edited = tmp_path / "edited.html"
    edited.write_bytes(summed(changed) if is_summed else changed)
    answer = checked(service, edited)

    told = [line for line in answer.lines if line.figure == "markup"]
    assert (answer.verdict, len(told)) == ("edited", 1)
    assert ('value="7' in str(told[0].was), 'value="7' in str(told[0].now)) == (True, False)


def test_lines_that_were_taken_out_or_put_in_are_told(written: tuple[AnalyticsService, Path], tmp_path: Path) -> None:
    service, path = written
    edited = tmp_path / "edited.html"
    edited.write_bytes(path.read_bytes().replace(b"<main>", b"<p>All is well</p>\n<main>"))

    assert [(line.was, line.now is None) for line in checked(service, edited).lines[:1]] == [("All is well", False)]


@pytest.mark.parametrize("change", [lambda file: file.replace(b"\n", b"\r\n"), lambda file: b"\xef\xbb\xbf" + file])
def test_a_mail_that_ended_lines_otherwise_is_told(
    written: tuple[AnalyticsService, Path], tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    service, path = written
    sent = tmp_path / "sent.html"
    sent.write_bytes(change(path.read_bytes()))
    answer = checked(service, sent)

    assert (answer.verdict, answer.lines) == ("edited", [])
    assert answer.causes[1].text.startswith("all that it shows is as it was: lines end otherwise")
