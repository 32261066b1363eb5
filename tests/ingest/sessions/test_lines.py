"""Lines of files that are alive and untrusted: what is a record, what is passed over, and where to go on."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.ingest.sessions.files import lines as module
from analytics_es.ingest.sessions.files.lines import BROKEN, HALF, NO_RECORD, TOO_LONG, LineReader

WHOLE = b'{"a":1}\n{"b":2}\n'


def read(text: bytes, *, rest: bool = False, **options: Any) -> tuple[list[Any], list[str], int]:
    """Return the records of a file, why lines were passed over, and where to go on."""
    reader = LineReader(io.BytesIO(text), options.pop("offset", 0), options.pop("end", len(text)), **options)
    records = [record for some in reader.records(rest=rest) for record in some]
    return records, [skipped.reason for skipped in reader.taken_skips()], reader.offset


def test_each_line_is_a_record() -> None:
    assert read(WHOLE) == ([{"a": 1}, {"b": 2}], [], len(WHOLE))


def test_reading_goes_on_where_it_ended() -> None:
    assert read(WHOLE, offset=8) == ([{"b": 2}], [], len(WHOLE))


def test_what_is_written_meanwhile_waits() -> None:
    assert read(WHOLE, end=10) == ([{"a": 1}], [], 8)


def test_a_line_without_its_end_is_left_until_it_ends() -> None:
    assert read(WHOLE + b'{"c":3}') == ([{"a": 1}, {"b": 2}], [], len(WHOLE))


def test_a_last_line_without_its_end_is_taken_from_a_file_that_rests() -> None:
    assert read(WHOLE + b'{"c":3}', rest=True) == ([{"a": 1}, {"b": 2}, {"c": 3}], [], len(WHOLE) + 7)


@pytest.mark.parametrize("half", [b'{"c":', b"12", b'"text"'])
def test_half_a_line_is_told_and_left_also_where_a_file_rests(half: bytes) -> None:
    assert read(WHOLE + half, rest=True) == ([{"a": 1}, {"b": 2}], [HALF], len(WHOLE))


def test_a_file_may_end_in_blanks() -> None:
    assert read(WHOLE + b" \0\0", rest=True) == ([{"a": 1}, {"b": 2}], [], len(WHOLE))


@pytest.mark.parametrize(
    "written",
    [
        WHOLE.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + WHOLE,
        b"\n\n \n" + WHOLE,
        b"\0\0\0" + WHOLE,
        b'[{"a":1},{"b":2}]\n',
        WHOLE.decode().encode("utf-16"),
        b"\xff\xfe" + WHOLE.decode().encode("utf-16-le"),
        b"\xfe\xff" + WHOLE.decode().encode("utf-16-be"),
    ],
    ids=["CRLF", "BOM", "blank lines", "NUL bytes", "a list", "UTF-16", "UTF-16-LE", "UTF-16-BE"],
)
def test_a_file_may_be_written_otherwise(written: bytes) -> None:
    assert read(written) == ([{"a": 1}, {"b": 2}], [], len(written))


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_reading_goes_on_in_a_file_of_wide_letters_and_halves_of_two_are_no_end(coding: str) -> None:
    beginning = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}[coding]
    lines = [json.dumps({"a": "Ċ\u0a00\u0a0a ਊ"}, ensure_ascii=False), json.dumps({"b": "ਊ"}, ensure_ascii=False)]
    first = beginning + (lines[0] + "\n").encode(coding)
    written = first + (lines[1] + "\n").encode(coding)

    assert read(written[: len(first) + 4])[2] == len(first)
    assert read(written, offset=len(first)) == ([json.loads(lines[1])], [], len(written))


def test_bytes_that_are_no_text_are_read_as_far_as_they_are() -> None:
    assert read(b'{"a":"\xff\xfe","n":1}\n')[0] == [{"a": "\ufffd\ufffd", "n": 1}]


def test_numbers_that_are_none_are_read() -> None:
    assert read(b'{"a":Infinity,"n":1}\n')[0] == [{"a": float("inf"), "n": 1}]


@pytest.mark.parametrize("line", [b"12", b'"text"', b"null", b"true", b"[1]", b"[[]]"])
def test_what_is_no_record_is_counted(line: bytes) -> None:
    assert read(line + b"\n" + WHOLE)[:2] == ([{"a": 1}, {"b": 2}], [NO_RECORD])


@pytest.mark.parametrize("line", [b"{", b"nothing", b'{"a":1}{"b":2}', b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_is_counted(line: bytes) -> None:
    assert read(line + b"\n" + WHOLE)[:2] == ([{"a": 1}, {"b": 2}], [BROKEN])


def test_of_lines_without_a_mark_nothing_is_looked_at() -> None:
    assert read(b'broken\n{"a":1}\n{"b":2}\n', marks=[b'"b"', b'"c"'])[:2] == ([{"b": 2}], [])


@pytest.mark.parametrize("ends", [b"\n", b""])
def test_a_line_that_is_too_long_is_passed_over_and_counted(monkeypatch: pytest.MonkeyPatch, ends: bytes) -> None:
    monkeypatch.setattr(module, "PIECE", 16)
    long = b'{"long":"' + b"x" * 200 + b'"}' + ends

    records, skipped, offset = read(WHOLE + long, rest=True, longest=100)

    assert (records, skipped, offset) == ([{"a": 1}, {"b": 2}], [TOO_LONG], len(WHOLE + long))


def test_lines_after_one_that_is_too_long_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 16)

    assert read(b"x" * 200 + b"\n" + WHOLE, longest=100) == ([{"a": 1}, {"b": 2}], [TOO_LONG], 201 + len(WHOLE))


def test_of_a_line_that_is_too_long_no_more_is_held_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    long = io.BytesIO(b"x" * (40 << 20) + b"\n" + WHOLE)
    reader = LineReader(long, 0, (40 << 20) + 1 + len(WHOLE), longest=4 << 20)
    tracemalloc.start()

    records = [record for some in reader.records(rest=False) for record in some]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert records == [{"a": 1}, {"b": 2}]
    assert most < 16 << 20


def test_a_long_line_is_read() -> None:
    long = json.dumps({"long": "x" * (5 << 20), "n": 1}).encode() + b"\n"

    records, skipped, offset = read(WHOLE + long + WHOLE)

    assert [record.get("n") for record in records] == [None, None, 1, None, None]
    assert (skipped, offset) == ([], len(WHOLE + long + WHOLE))


LINE = st.one_of(
    st.dictionaries(st.text(max_size=3), st.text(max_size=20), max_size=3).map(
        lambda record: json.dumps(record, ensure_ascii=False)
    ),
    st.just(""),
    st.text(alphabet='ab{}[]"', max_size=30),
)


@given(
    st.lists(LINE, max_size=12),
    st.integers(1, 20).map(lambda half: 2 * half),
    st.integers(0, 400),
    st.sampled_from(["", "utf-16-le"]),
)
def test_wherever_pieces_and_looks_end_the_same_is_read(lines: list[str], piece: int, cut: int, coding: str) -> None:
    written = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    if coding:
        written = b"\xff\xfe" + written.decode().encode(coding)
    whole = read(written)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(module, "PIECE", piece)

        first = read(written, end=min(cut, len(written)))
        second = read(written, offset=first[2])

    assert (first[0] + second[0], first[1] + second[1], second[2]) == whole
