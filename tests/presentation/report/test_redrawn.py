"""A report drawn anew from the log: the same question, as of the same position and time, by the version of now."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from analytics_es import AnalyticsService
from analytics_es.errors import BadArgument, CannotWrite, FileExists, MissingExtra
from analytics_es.presentation.report import check, check_report, report_bytes, write_report
from analytics_es.presentation.report.finding import carried
from analytics_es.testing import provider_call
from tests.cli.conftest import NOON, fixed_events
from tests.presentation.report.forging import NOW, WEEK, carrying_other, checked, well, written_then
from tests.stores import opened, record


@pytest.fixture
def anew(tmp_path: Path) -> Path:
    return tmp_path / "anew.html"


def test_a_file_that_cannot_be_said_to_hold_is_drawn_anew_and_that_holds(
    service: AnalyticsService, path: Path, anew: Path
) -> None:
    file = report_bytes(service, WEEK).unwrap()
    path.write_bytes(well(carrying_other(file, lambda said: evolve(said, version="9.9"))))
    record(service, provider_call(occurred_at=NOON, cost="9"))
    answer = check_report(service, path, redraw=anew).unwrap()

    assert (answer.verdict, answer.redrawn and answer.redrawn.path, anew.read_bytes()) == ("undrawn", anew, file)
    assert (checked(service, anew).drawn, answer.redrawn and answer.redrawn.position) == (True, 13)


def test_of_what_an_older_version_wrote_both_hold(service: AnalyticsService, path: Path, anew: Path) -> None:
    written_then(service, path)
    answer = check_report(service, path, redraw=anew).unwrap()

    assert (answer.verdict, checked(service, anew).drawn, b"as it was" in anew.read_bytes()) == ("holds", True, False)
    assert carried(anew.read_bytes()).now == carried(path.read_bytes()).now


def test_what_the_log_says_otherwise_now_is_drawn_as_the_log_says_it(
    service: AnalyticsService, path: Path, anew: Path
) -> None:
    write_report(service, path, WEEK).unwrap()
    service.forget("ada").unwrap()

    assert check_report(service, path, redraw=anew).unwrap().verdict == "changed"
    assert (checked(service, anew).drawn, checked(service, path).verdict) == (True, "changed")


def test_of_a_report_that_is_drawn_twice_the_log_told_when_it_was_written(
    service: AnalyticsService, path: Path, anew: Path
) -> None:
    about = write_report(service, path, WEEK).unwrap()
    again = check_report(service, path, redraw=anew).unwrap().redrawn

    assert again and again.announced and about.announced
    assert (again.sha256, again.announced > about.announced) == (about.sha256, True)
    assert checked(service, path).announced == about.announced


def test_names_are_not_shown_because_a_file_asks_for_them(tmp_path: Path, path: Path, anew: Path) -> None:
    with opened(tmp_path / "analytics.db", clock=lambda: NOW, privacy={"names": True}) as service:
        record(service, provider_call(occurred_at=NOON, user_id="Ada <ada@example.com>"))
        write_report(service, path, WEEK, names=True).unwrap()
        check_report(service, path, redraw=anew).unwrap()

    assert ("with names" in path.read_text(), "with names" in anew.read_text()) == (True, False)
    assert "Ada" not in anew.read_text()


def test_what_cannot_be_derived_is_not_drawn(service: AnalyticsService, path: Path, anew: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    with opened(":memory:", clock=lambda: NOW) as other:
        record(other, *fixed_events())
        answer = check_report(other, path, redraw=anew).unwrap()

    assert (answer.verdict, answer.redrawn, anew.exists()) == ("underivable", None, False)


def test_a_file_that_is_there_stays(service: AnalyticsService, path: Path, anew: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    anew.write_text("mine")
    for target in (anew, path):
        with pytest.raises(FileExists):
            check_report(service, path, redraw=target).unwrap()

    assert anew.read_text() == "mine"


def test_where_it_cannot_be_written_it_is_said(service: AnalyticsService, path: Path, tmp_path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    with pytest.raises(CannotWrite):
        check_report(service, path, redraw=tmp_path / "nosuch" / "anew.html").unwrap()
    with pytest.raises(BadArgument, match="redraw"):
        check_report(service, path, redraw=5).unwrap()  # type: ignore[arg-type]


def test_without_what_draws_it_it_is_said_what_to_install(
    service: AnalyticsService, path: Path, anew: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> dict[str, str]:
        raise MissingExtra(package="htpy", extra="page")

    write_report(service, path, WEEK).unwrap()
    monkeypatch.setattr(check, "stands_on", missing)
    with pytest.raises(MissingExtra):
        check_report(service, path, redraw=anew).unwrap()
