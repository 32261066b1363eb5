"""A report in a file that may be anything, by anybody: what is none is told in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import BadPeriod, BadWord, CannotRead, NotAReport
from analytics_es.presentation.report import (
    check_report,
    finding,
    report_bytes,
)
from tests.presentation.report.forging import (
    BOMB,
    META,
    WEEK,
    carrying_other,
    checked,
    said_by,
    saying,
    well,
)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda file: b"", "it has no checksum"),
        (lambda file: b"<html>hello</html>", "it has no checksum"),
        (lambda file: file[: len(file) // 2], "it has no checksum"),
        (lambda file: file + file, "it has several checksums"),
        (lambda file: file.replace(b"analytics-es-report", b"other"), "it carries no answers"),
        (
            lambda file: file.replace(b"<main>", b'<meta name="analytics-es-report" content="">'),
            "it carries answers twice",
        ),
        (lambda file: saying(file, format=2), "it is of format '2', which this version does not know"),
        (lambda file: saying(file, position=3), "what it carries was changed: its checksum does not fit"),
        (lambda file: saying(file, position="3"), "what it carries cannot be read"),
        (lambda file: saying(file, answers="%%%"), "what it carries cannot be read"),
        (lambda file: saying(file, answers=BOMB), "its answers are not of the size that it says"),
        (lambda file: saying(file, answers=BOMB, bytes=10**9), "it says that its answers are larger than 64 MiB"),
        (lambda file: saying(file, period=[]), "what it carries cannot be read"),
        (lambda file: META.sub(rb"\1[[[[\2", file), "what it carries cannot be read"),
        (
            lambda file: META.sub(rb"\1" + b"[" * 100_000 + rb"\2", file),
            "what it carries cannot be read",
        ),
        (lambda file: META.sub(b"\\1\xff\\2", file), "what it carries cannot be read"),
    ],
)
def test_what_is_no_report_is_told_in_one_line(
    file: bytes, change: Callable[[bytes], bytes], problem: str, service: AnalyticsService, path: Path
) -> None:
    path.write_bytes(change(file))
    with pytest.raises(NotAReport, match=re.escape(f"{path} is no report that can be checked: {problem}.")):
        check_report(service, path).unwrap()


@pytest.mark.parametrize(
    ("otherwise", "problem"),
    [
        ({"answers": b"hello"}, "what it carries cannot be read"),
        ({"answers": b"\xff"}, "what it carries cannot be read"),
        ({"answers": b"[" * 200_000}, "what it carries cannot be read"),
        ({"answers": b'{"a":' + b"1" * 5_000 + b"}"}, "what it carries cannot be read"),
        ({"version": "1.0, audited by A"}, "what it carries cannot be read"),
        ({"words": {"audited": ["by A"]}}, "it says what is no question: 'audited' is no word of these pages"),
        ({"words": {"names": ["1"]}}, "it says what is no question: 'names' is no word of these pages"),
        ({"words": {"last": ["30d"]}}, "it says another period than the one that it shows"),
        ({"words": {"tz": ["Asia/Kolkata"]}}, "it says another period than the one that it shows"),
        ({"words": {"granularity": ["month"]}}, "it says another period than the one that it shows"),
        ({"words": {"month": ["soon"]}}, "it says what is no question"),
        ({"pages": ["cost", "cost"]}, "it has a page twice"),
    ],
)
def test_what_is_carried_with_all_checksums_is_still_not_believed(
    file: bytes, otherwise: dict[str, Any], problem: str, written: tuple[AnalyticsService, Path], tmp_path: Path
) -> None:
    path = tmp_path / "other.html"
    path.write_bytes(carrying_other(file, lambda said: evolve(said, **otherwise)))
    with pytest.raises(NotAReport, match=re.escape(problem)):
        check_report(written[0], path).unwrap()


@pytest.mark.parametrize("depth", [100, 300, 480, 900, 970])
def test_answers_within_answers_are_no_traceback(
    file: bytes, depth: int, written: tuple[AnalyticsService, Path], tmp_path: Path
) -> None:
    path = tmp_path / "other.html"
    deep = b'{"overview":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    path.write_bytes(carrying_other(file, lambda said: evolve(said, answers=deep)))
    result = check_report(written[0], path)

    assert result.failure is None or result.failure.code == "not_a_report"


def test_answers_have_one_form(file: bytes, written: tuple[AnalyticsService, Path], tmp_path: Path) -> None:
    path = tmp_path / "other.html"
    path.write_bytes(well(carrying_other(file, lambda said: evolve(said, answers=said.answers + b" "))))
    with pytest.raises(NotAReport, match="what it carries cannot be read"):
        check_report(written[0], path).unwrap()


def test_words_that_no_page_is_asked_are_refused(service: AnalyticsService) -> None:
    with pytest.raises(BadWord, match="'nosuch' is no word of these pages"):
        report_bytes(service, WEEK, words={"nosuch": ["1"]}).unwrap()


def test_a_series_without_end_is_not_asked_for(file: bytes, service: AnalyticsService, path: Path) -> None:
    endless = TimePeriod(WEEK.start, datetime(2099, 1, 1, tzinfo=UTC), "hour")
    path.write_bytes(saying(file, period={**said_by(file)["period"], "end": str(endless.end), "granularity": "hour"}))
    with pytest.raises(NotAReport, match="what it carries cannot be read"):
        check_report(service, path).unwrap()
    with pytest.raises(BadPeriod, match="more than 200,000 buckets"):
        report_bytes(service, endless).unwrap()


def test_a_page_or_a_word_that_is_not_known_is_no_traceback(service: AnalyticsService, path: Path) -> None:
    file = report_bytes(service, WEEK).unwrap()
    path.write_bytes(carrying_other(file, lambda said: evolve(said, pages=["nosuch"])))
    with pytest.raises(NotAReport, match="a page that this version does not know: 'nosuch'"):
        check_report(service, path).unwrap()
    path.write_bytes(carrying_other(file, lambda said: evolve(said, words={"by": ["nosuch"]})))

    assert checked(service, path).verdict == "underivable"


def test_a_file_that_is_too_large_or_none_is_not_read(
    service: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "LARGEST", 1024**2)
    (tmp_path / "large").write_bytes(b"0" * (1024**2 + 1))
    for name, error in (("large", NotAReport), ("nosuch", CannotRead), (".", CannotRead)):
        with pytest.raises(error):
            check_report(service, tmp_path / name).unwrap()
