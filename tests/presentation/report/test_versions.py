"""A report that another version drew: the log knows the file, or else it cannot be said to hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from analytics_es import AnalyticsService
from analytics_es.errors import MissingExtra
from analytics_es.presentation.report import asking, causes, check, report_bytes, write_report, writing
from analytics_es.presentation.report.carried import Carried, canonical
from analytics_es.presentation.report.finding import carried
from analytics_es.testing import provider_call
from tests.cli.conftest import NOON
from tests.presentation.report.forging import (
    NOW,
    WEEK,
    Answers,
    as_an_older_version,
    carrying_other,
    causes_of,
    checked,
    untold,
    well,
    written_then,
)
from tests.stores import opened, record

# ── the log knows it ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_an_older_version_wrote_holds_as_the_log_tells_of_the_file(service: AnalyticsService, path: Path) -> None:
    written_then(service, path)
    record(service, provider_call(occurred_at=NOON, cost="9"))
    answer = checked(service, path)

    assert (answer.verdict, answer.drawn, answer.announced, answer.version) == ("holds", False, 14, "0.0.9")
    assert (causes_of(answer), answer.lines, answer.changes) == (["other_version"], [], [])


def test_without_what_draws_it_it_holds_too(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> dict[str, str]:
        raise MissingExtra(package="htpy", extra="page")

    written_then(service, path)
    monkeypatch.setattr(check, "drawn", missing)
    answer = checked(service, path)

    assert (answer.verdict, answer.drawn, causes_of(answer)) == ("holds", False, ["other_version", "not_drawn"])


def test_a_field_that_later_versions_have_too_is_no_other_figure(service: AnalyticsService, path: Path) -> None:
    def fewer(answers: Answers) -> None:
        del answers["overview"]["cost"]["rows"][0]["tokens"]["reasoning"]
        del answers["performance"]

    written_then(service, path, fewer)

    assert checked(service, path).verdict == "holds"


def test_a_figure_that_this_version_does_not_derive_cannot_be_said_to_hold(
    service: AnalyticsService, path: Path
) -> None:
    def more(answers: Answers) -> None:
        answers["overview"]["cost"]["mood"] = "good"

    written_then(service, path, more)
    answer = checked(service, path)

    assert (answer.verdict, answer.changed, causes_of(answer)) == ("undrawn", 0, ["other_version", "not_derived"])
    assert answer.causes[-1].text.endswith("does not derive: overview.cost.mood")


def test_a_figure_that_is_another_one_now_does_not_hold_whoever_drew_it(service: AnalyticsService, path: Path) -> None:
    def dearer(answers: Answers) -> None:
        answers["overview"]["cost"]["rows"][0]["cost"] = "1"

    written_then(service, path, dearer)
    answer = checked(service, path)

    assert (answer.verdict, answer.announced, answer.changed) == ("changed", 14, 1)
    assert [change.was for change in answer.changes] == ["1"]


def test_names_that_were_forgotten_since_are_not_said_to_hold(tmp_path: Path, path: Path) -> None:
    with opened(tmp_path / "analytics.db", clock=lambda: NOW, privacy={"names": True}) as service:
        record(service, provider_call(occurred_at=NOON, user_id="Ada <ada@example.com>"))
        with pytest.MonkeyPatch.context() as patch:
            as_an_older_version(patch)
            write_report(service, path, WEEK, names=True).unwrap()
        before = checked(service, path)
        service.forget("Ada <ada@example.com>").unwrap()
        later = checked(service, path)

    assert (before.verdict, later.verdict) == ("holds", "undrawn")
    assert causes_of(later) == ["forgotten", "other_version", "other_names"]


def test_a_mail_that_ended_its_lines_otherwise_is_told(then: tuple[AnalyticsService, Path], tmp_path: Path) -> None:
    service, path = then
    sent = tmp_path / "sent.html"
    sent.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    answer = checked(service, sent)

    assert (answer.verdict, answer.lines) == ("edited", [])
    assert answer.causes[-1].text.startswith("all that it shows is as it was")


def test_a_log_that_cannot_be_told_has_its_report_all_the_same(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "announce_report", untold)
    about = write_report(service, path, WEEK).unwrap()

    assert (about.announced, checked(service, path).verdict) == (None, "holds")


# ── the log does not know it ────────────────────────────────────────────────────────────────────────────────────


def test_another_version_that_draws_the_same_bytes_needs_no_log_that_was_told(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "announce_report", untold)
    write_report(service, path, WEEK).unwrap()
    monkeypatch.setattr(check, "version", lambda: "9.9")
    monkeypatch.setattr(causes, "version", lambda: "9.9")
    answer = checked(service, path)
    path.write_bytes(path.read_bytes().replace(b"<main>", b"<main><p>well</p>"))

    assert (answer.verdict, answer.drawn, causes_of(answer)) == ("holds", True, ["other_version"])
    assert checked(service, path).verdict == "edited"


def test_a_file_of_which_no_log_was_told_cannot_be_said_to_hold_once_it_looks_otherwise(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "announce_report", untold)
    written_then(service, path)
    answer = checked(service, path)

    assert (answer.verdict, answer.announced, causes_of(answer)) == ("undrawn", None, ["other_version", "not_drawn"])


@pytest.mark.parametrize("otherwise", [{"version": "9.9"}, {"drawing": {"htpy": "1"}}, {"drawing": {}}])
def test_who_says_that_another_version_drew_it_is_not_believed(
    service: AnalyticsService, path: Path, otherwise: dict[str, Any]
) -> None:
    file = report_bytes(service, WEEK).unwrap()
    path.write_bytes(well(carrying_other(file, lambda said: evolve(said, **otherwise))))
    answer = checked(service, path)

    assert (answer.verdict, answer.holds, causes_of(answer)[-1]) == ("undrawn", False, "not_drawn")
    assert [str(line.was).startswith("All is well") for line in answer.lines[:1]] == [True]


def added(said: Carried) -> Carried:
    """Carry what no version derives, as of a version that nobody has."""
    return evolve(
        said, version="9.9", answers=canonical({**json.loads(said.answers), "audit": {"by": "A", "ok": True}})
    )


def test_answers_that_nobody_derives_do_not_hold_though_all_is_drawn_as_it_would_be(
    service: AnalyticsService, path: Path
) -> None:
    said = added(carried(report_bytes(service, WEEK).unwrap()))
    with service.as_of(said.position, now=said.now) as as_of:
        pages = asking.answered(service, as_of, said.period, said.words, said.pages).pages
    path.write_bytes(check.drawn(pages, said, service))
    answer = checked(service, path)

    assert (answer.drawn, answer.verdict, causes_of(answer)) == (True, "undrawn", ["other_version", "not_derived"])
