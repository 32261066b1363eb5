"""A report in a file: what it carries, that it holds as long as the log says the same, and what is said where not."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.prices import genai
from analytics_es.errors import BadArgument, BadPeriod, BadWord, CannotRead, MissingExtra, NotAReport
from analytics_es.presentation.report import (
    asking,
    causes,
    check,
    check_report,
    comparison,
    drawing,
    finding,
    report_bytes,
    write_report,
)
from analytics_es.presentation.report.carried import Carried, Unreadable
from analytics_es.presentation.report.finding import carried, located
from analytics_es.testing import price, provider_call
from analytics_es.types import ReportCheck
from tests import hostile_store
from tests.cli.conftest import NOON, fixed_events
from tests.stores import opened, record

WEEK = TimePeriod(NOON.replace(day=1, hour=0), NOON.replace(day=8, hour=0))
NOW = NOON + timedelta(days=2)


@pytest.fixture
def service() -> Iterator[AnalyticsService]:
    with opened(":memory:", privacy="full", clock=lambda: NOW) as store:
        record(store, *fixed_events())
        yield store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "week.html"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AnalyticsService, Path]]:
    """Return a store and a report of it; nothing is added to either."""
    path = tmp_path_factory.mktemp("written") / "week.html"
    with opened(":memory:", privacy="full", clock=lambda: NOW) as store:
        record(store, *fixed_events())
        write_report(store, path, WEEK).unwrap()
        yield store, path


@pytest.fixture(scope="module")
def file(written: tuple[AnalyticsService, Path]) -> bytes:
    return written[1].read_bytes()


def checked(service: AnalyticsService, path: Path) -> ReportCheck:
    return check_report(service, path).unwrap()


def causes_of(answer: ReportCheck) -> list[str]:
    return [cause.cause for cause in answer.causes]


def summed(file: bytes) -> bytes:
    """Return a file with a checksum that fits, as who edits it can give it."""
    place = located(file).place
    return file[:place] + drawing.checksum(file, place).encode() + file[place + 64 :]


def carrying_other(file: bytes, change: Callable[[Carried], Carried]) -> bytes:
    """Return a file that carries something else, with all checksums as they must be."""
    said = carried(file)
    return summed(saying(file, **json.loads(change(said).write())))


# ── it holds ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_says_what_it_stands_on(service: AnalyticsService, path: Path) -> None:
    about = write_report(service, path, WEEK).unwrap()
    text = path.read_text()
    log, head = service.store.log.identity, service.store.log.head()

    assert (about.path, about.position, about.log, about.bytes) == (path, head, log, len(path.read_bytes()))
    for said in (log, f"{head:,}, as of 2024-03-06 12:00:00 UTC", about.sha256, "no price was published"):
        assert said in text
    assert f"genai-prices {genai.edition().version}" in text


def test_its_checksum_is_of_all_its_other_bytes(file: bytes) -> None:
    spot = located(file)

    assert hashlib.sha256(file.replace(spot.checksum.encode(), b"")).hexdigest() == spot.checksum


def test_one_question_has_one_file(service: AnalyticsService) -> None:
    assert report_bytes(service, WEEK).unwrap() == report_bytes(service, WEEK).unwrap()


def test_it_holds_and_is_drawn_again_byte_for_byte(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    answer = checked(service, path)

    assert (answer.verdict, answer.holds, answer.drawn, answer.causes, answer.changed) == ("holds", True, True, [], 0)


def test_it_holds_after_more_events_of_the_same_days_and_after_a_rebuild(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    record(service, *(provider_call(occurred_at=NOON + timedelta(minutes=minute), cost="9") for minute in range(5)))
    service.rebuild().unwrap()

    assert checked(service, path).drawn


def test_a_price_that_is_published_later_changes_nothing(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    service.publish_prices([price(provider="selfhosted", model="llama-3.3-70b")]).unwrap()
    now = report_bytes(service, WEEK).unwrap()

    assert (checked(service, path).drawn, b"published up to 14" in now) == (True, True)


def test_the_time_it_was_is_kept_so_that_a_week_that_went_on_still_goes_on(path: Path) -> None:
    now = [NOON]
    with opened(":memory:", clock=lambda: now[0]) as service:
        record(service, provider_call(occurred_at=NOON))
        write_report(service, path, WEEK).unwrap()
        now[0] += timedelta(days=30)

        assert checked(service, path).drawn
        assert "still open" in path.read_text()


def test_a_week_that_is_over_is_closed_whenever_its_last_event_was_recorded(path: Path) -> None:
    now = [NOON]
    with opened(":memory:", clock=lambda: now[0]) as service:
        record(service, provider_call(occurred_at=NOON))
        now[0] += timedelta(days=30)
        write_report(service, path, WEEK).unwrap()
        now[0] += timedelta(days=30)

        assert ("period closed" in path.read_text(), checked(service, path).drawn) == (True, True)


def test_an_empty_store_has_a_report_that_holds_when_it_is_no_longer_empty(path: Path) -> None:
    with opened(":memory:", clock=lambda: NOW) as service:
        write_report(service, path, WEEK).unwrap()
        first = checked(service, path)
        record(service, *fixed_events())

        assert (first.drawn, checked(service, path).drawn) == (True, True)


def test_it_answers_as_of_what_is_asked(service: AnalyticsService, path: Path) -> None:
    about = write_report(service, path, WEEK, as_of=5).unwrap()

    assert (about.position, checked(service, path).drawn) == (5, True)


@pytest.mark.parametrize("script", [False, True])
def test_hostile_names_two_currencies_a_day_of_25_hours_and_lag(
    script: bool, hard: AnalyticsService, path: Path
) -> None:
    period = TimePeriod.parse("2026-10-24/2026-10-28", hostile_store.ZONE)
    write_report(hard, path, period, script=script).unwrap()
    text = path.read_text()
    answer = checked(hard, path)

    assert (answer.drawn, answer.period) == (True, period)
    assert [name for name in hostile_store.NAMES if "<" in name and name in text] == []
    assert "USD" in text and "EUR" in text


def test_the_zone_of_its_days_is_kept(hard: AnalyticsService, path: Path) -> None:
    period = TimePeriod.parse("2026-10-24/2026-10-28", "America/New_York")
    write_report(hard, path, period).unwrap()

    assert (checked(hard, path).drawn, "America/New_York" in path.read_text()) == (True, True)


def test_pages_and_words_are_those_that_are_asked_for(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK, pages=["cost"], words={"by": ["user"]}).unwrap()
    text = path.read_text()

    assert (checked(service, path).drawn, "by=user" in text, "ada" in text) == (True, True, True)


# ── it does not hold ────────────────────────────────────────────────────────────────────────────────────────────


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


def test_answers_that_were_exchanged_are_told_figure_by_figure(service: AnalyticsService, path: Path) -> None:
    def dearer(said: Carried) -> Carried:
        answers = said.answers.replace(b'"1234.5678"', b'"1334.5678"')
        assert answers != said.answers
        return evolve(said, answers=answers)

    path.write_bytes(carrying_other(report_bytes(service, WEEK).unwrap(), dearer))
    answer = checked(service, path)

    assert (answer.verdict, answer.changed > 0, causes_of(answer)) == ("changed", True, ["unexplained"])
    assert {(change.was, change.now) for change in answer.changes} == {("1334.5678", "1234.5678")}


def test_rows_are_told_by_their_names_and_those_that_are_gone_too() -> None:
    was = {"cost": {"rows": [{"model": "a", "calls": 1}, {"model": "b", "calls": 2}], "note": None}}
    now = {"cost": {"rows": [{"model": "b", "calls": 3}, {"model": "c", "calls": {"all": [5]}}], "note": "x"}}
    changes, count = comparison.changes(json.dumps(was).encode(), json.dumps(now).encode())

    assert [(change.figure, change.was, change.now) for change in changes] == [
        ("cost.rows[a].model", "a", None),
        ("cost.rows[a].calls", "1", None),
        ("cost.rows[b].calls", "2", "3"),
        ("cost.rows[c].model", None, "c"),
        ("cost.rows[c].calls.all[0]", None, "5"),
        ("cost.note", "null", "x"),
    ]
    assert count == 6


def test_of_many_changes_the_first_are_told_and_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "LISTED", 2)
    changes, count = comparison.changes(b'{"a":[1,2,3,4]}', b'{"a":[2,3,4,5]}')

    assert (len(changes), count) == (2, 4)


def test_a_subject_that_was_forgotten_changes_who_there_was(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    service.forget("ada").unwrap()
    answer = checked(service, path)

    assert (answer.verdict, causes_of(answer), answer.causes[0].text) == (
        "changed",
        ["forgotten"],
        "1 subject forgotten since",
    )


def test_events_that_were_sealed_are_a_cause(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    service.retain({"events": "1d"}).unwrap()
    answer = checked(service, path)
    sealed = [change for change in answer.changes if change.figure == "overview.usage.completeness.sealed_until"]

    assert (answer.verdict, causes_of(answer)) == ("changed", ["sealed"])
    assert [(change.was, change.now) for change in sealed] == [("null", "2024-03-05T00:00:00+00:00")]


def test_before_events_that_were_sealed_it_cannot_be_derived_again(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK, as_of=5).unwrap()
    service.retain({"events": "1d"}).unwrap()
    answer = checked(service, path)

    assert (answer.verdict, answer.holds, causes_of(answer)) == ("underivable", False, ["sealed", "sealed"])


def test_another_log_cannot_say(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    with opened(":memory:", clock=lambda: NOW) as other:
        record(other, *fixed_events())
        answer = checked(other, path)

    assert (answer.verdict, causes_of(answer)) == ("underivable", ["other_log"])


def test_an_older_copy_of_the_log_cannot_say(service: AnalyticsService, path: Path) -> None:
    beyond = carrying_other(report_bytes(service, WEEK).unwrap(), lambda said: evolve(said, position=999))
    path.write_bytes(beyond)
    answer = checked(service, path)

    assert (answer.verdict, causes_of(answer)) == ("underivable", ["shorter_log"])


def test_other_default_prices_are_told_though_no_figure_changed(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(service, path, WEEK).unwrap()
    monkeypatch.setattr(genai, "edition", lambda: genai.Edition(version="9.9", digest="d" * 64))
    answer = checked(service, path)

    assert (answer.verdict, answer.drawn, causes_of(answer)) == ("holds", True, ["other_prices"])
    assert answer.causes[0].text.endswith("of genai-prices 9.9 (dddddddd) now")


def test_another_version_compares_figures_and_the_checksum(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(service, path, WEEK).unwrap()
    monkeypatch.setattr(check, "version", lambda: "9.9")
    monkeypatch.setattr(causes, "version", lambda: "9.9")
    answer = checked(service, path)
    path.write_bytes(path.read_bytes().replace(b"<main>", b"<main><p>well</p>"))

    assert (answer.verdict, answer.drawn, causes_of(answer)) == ("holds", True, ["other_version"])
    assert checked(service, path).verdict == "edited"


def well(file: bytes) -> bytes:
    """Return a file that shows more than was written, with a checksum that fits."""
    return summed(file.replace(b"<main>", b"<main><p>All is well</p>"))


@pytest.mark.parametrize("otherwise", [{"version": "9.9"}, {"drawing": {"htpy": "1"}}, {"drawing": {}}])
def test_who_says_that_another_version_drew_it_is_not_believed(
    service: AnalyticsService, path: Path, otherwise: dict[str, Any]
) -> None:
    file = report_bytes(service, WEEK).unwrap()
    path.write_bytes(well(carrying_other(file, lambda said: evolve(said, **otherwise))))
    answer = checked(service, path)

    assert (answer.verdict, answer.holds, causes_of(answer)[-1]) == ("undrawn", False, "not_drawn")
    assert [str(line.was).startswith("All is well") for line in answer.lines[:1]] == [True]


def test_without_what_draws_it_nothing_is_said_of_what_it_shows(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(service, path, WEEK).unwrap()

    def missing(*_: object, **__: object) -> dict[str, str]:
        raise MissingExtra(package="htpy", extra="page")

    monkeypatch.setattr(check, "drawn", missing)
    answer = checked(service, path)

    assert (answer.verdict, answer.holds, causes_of(answer)) == ("undrawn", False, ["not_drawn"])


def test_other_prices_excuse_no_other_figure(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(well(report_bytes(service, WEEK).unwrap()))
    monkeypatch.setattr(genai, "edition", lambda: genai.Edition(version="9.9", digest="d" * 64))
    answer = checked(service, path)

    assert (answer.verdict, answer.holds) == ("edited", False)


def test_a_remark_of_other_prices_then_is_no_other_figure(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(service, provider_call(occurred_at=NOON, provider="openai", model="gpt-4o", cost=None))
    report_bytes(service, WEEK).unwrap()  # the log says which prices are in use, once they were asked
    write_report(service, path, WEEK).unwrap()
    own = genai.edition()
    genai.find.cache_clear()
    monkeypatch.setattr(genai, "edition", lambda: genai.Edition(version="9.9", digest="d" * 64))
    answer = checked(service, path)
    genai.find.cache_clear()

    assert f"prices: genai-prices {own.version}</p>" in path.read_text()
    assert (answer.verdict, causes_of(answer)) == ("holds", ["other_prices"])


def test_up_to_where_prices_were_published_is_what_the_log_says(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    said = carried(path.read_bytes())
    other = evolve(said, prices=evolve(said.prices, published=9))
    with service.as_of(said.position, now=said.now) as then:
        pages = asking.answered(service, then, said.period, said.words, said.pages).pages
    path.write_bytes(drawing.drawn(pages, other, service))
    answer = checked(service, path)

    assert (answer.verdict, answer.lines[0].was is not None) == ("edited", True)


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


def test_projections_that_are_defined_otherwise_are_named(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(service, path, WEEK).unwrap()
    own = asking.definitions(service)
    monkeypatch.setattr(causes, "definitions", lambda _: {**own, "cost": "other"})

    assert [cause.text for cause in checked(service, path).causes] == ["projections are defined otherwise: cost"]


def test_a_read_model_that_was_wrong_when_it_was_written_is_found(tmp_path: Path, path: Path) -> None:
    place = tmp_path / "analytics.db"
    with opened(place, clock=lambda: NOW) as service:
        record(service, *fixed_events())
        table = service.store.read_models.live()["cost"].declaration.table
    with sqlite3.connect(place.with_suffix(".views.db")) as views:
        views.execute(f"UPDATE {table} SET calls = calls + 1")
    views.close()
    with opened(place, clock=lambda: NOW) as service:
        write_report(service, path, WEEK).unwrap()
        answer = checked(service, path)

    assert (answer.verdict, causes_of(answer)) == ("changed", ["unexplained"])


def test_names_are_shown_where_they_are_asked_for_and_answers_keep_pseudonyms(tmp_path: Path, path: Path) -> None:
    with opened(tmp_path / "analytics.db", clock=lambda: NOW, privacy={"names": True}) as service:
        record(service, provider_call(occurred_at=NOON, user_id="Ada <ada@example.com>"))
        write_report(service, path, WEEK, names=True).unwrap()
        text, answer = path.read_text().replace("<wbr>", ""), checked(service, path)
        service.forget("Ada <ada@example.com>").unwrap()
        later = checked(service, path)

    assert ("Ada &lt;ada@example.com&gt;" in text, b"Ada" in carried(path.read_bytes()).answers) == (True, False)
    assert (answer.verdict, answer.drawn) == ("holds", True)
    assert (later.verdict, causes_of(later)) == ("changed", ["forgotten", "other_names"])


# ── the file may be anybody's ───────────────────────────────────────────────────────────────────────────────────


def said_by(file: bytes) -> dict[str, Any]:
    found = re.search(rb'analytics-es-report" content="([^"]*)"', file)
    assert found
    said: dict[str, Any] = json.loads(unescape(found[1].decode()))
    return said


def saying(file: bytes, **changes: Any) -> bytes:
    """Return a file that carries other words, whatever its checksums are."""
    said = escape(json.dumps({**said_by(file), **changes})).encode()
    return META.sub(lambda match: match[1] + said + match[2], file)


META = re.compile(rb'(<meta name="analytics-es-report" content=")[^"]*(">)')
BOMB = base64.b64encode(zlib.compress(b"0" * 50_000_000, 9)).decode()


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


# ── how it is written ───────────────────────────────────────────────────────────────────────────────────────────


def test_it_replaces_a_file_only_where_that_is_said(service: AnalyticsService, path: Path) -> None:
    path.write_text("mine")
    refused = write_report(service, path, WEEK)

    assert (refused.failure and refused.failure.code, path.read_text()) == ("file_exists", "mine")
    assert write_report(service, path, WEEK, replace=True).unwrap().path == path
    assert (checked(service, path).drawn, [file.name for file in path.parent.iterdir()]) == (True, [path.name])


@pytest.mark.parametrize("replace", [False, True])
def test_where_it_cannot_be_written_it_is_said(service: AnalyticsService, tmp_path: Path, replace: bool) -> None:
    for place in (tmp_path, tmp_path / "nosuch" / "week.html"):
        failure = write_report(service, place, WEEK, replace=replace).failure
        assert failure and failure.code == "cannot_write"


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(service: AnalyticsService, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    failure = write_report(service, pipe, WEEK, replace=True).failure

    assert (failure and failure.code, pipe.is_fifo()) == ("cannot_write", True)


def test_without_the_extra_it_is_said_what_to_install(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise drawing.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(drawing.metadata, "version", missing)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'analytics-es[page]'")):
        write_report(service, path, WEEK).unwrap()


@pytest.mark.parametrize(
    "options",
    [{"pages": ["nosuch"]}, {"words": [1]}, {"script": "yes"}, {"service": None}, {"path": None}, {"pages": 5}],
)
def test_a_wrong_argument_is_named(service: AnalyticsService, path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadArgument, match=next(iter(options))):
        write_report(**{"service": service, "path": path, "period": WEEK, **options}).unwrap()


def test_progress_is_told_page_by_page(service: AnalyticsService) -> None:
    told: list[tuple[str, int, int]] = []
    report_bytes(service, WEEK, progress=lambda *said: told.append(said)).unwrap()

    assert told[:2] == [("asking for overview", 0, 5), ("asking for cost", 1, 5)]


# ── what a browser may do with it ───────────────────────────────────────────────────────────────────────────────


def policy(text: str) -> str:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found
    return unescape(found[1])


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_file_for_a_mail_has_no_script_and_nothing_from_elsewhere(file: bytes) -> None:
    text = file.decode()
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)

    assert (b"<script" in file, len(file) < 200_000, b"<svg" in file) == (False, True, True)
    assert [
        address for address in re.findall(r'(?:href|src|action)="([^"]*)"', text) if not address.startswith("#")
    ] == []
    assert re.findall(r"url\(|@import|<link|<iframe|<object| style=", text) == []
    assert policy(text) == (
        f"default-src 'none'; style-src {hashed(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_a_file_with_a_script_names_what_may_run(service: AnalyticsService) -> None:
    text = report_bytes(service, WEEK, script=True).unwrap().decode()
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)

    assert (len(scripts), len(text) < 6_000_000) == (2, True)
    assert f"script-src {' '.join(map(hashed, scripts))};" in policy(text)


@pytest.mark.store("postgres", events=fixed_events(), clock=lambda: NOW)
def test_it_holds_on_a_server(analytics: AnalyticsService, path: Path) -> None:
    write_report(analytics, path, WEEK).unwrap()
    record(analytics, provider_call(occurred_at=NOON, cost="7"))

    assert (checked(analytics, path).drawn, [file.name for file in path.parent.iterdir()]) == (True, [path.name])
