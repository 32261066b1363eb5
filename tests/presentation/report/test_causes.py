"""What is not as it was when a report was written is told, whether it changed figures or not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from attrs import evolve

from analytics_es import AnalyticsService
from analytics_es.cost.prices import genai
from analytics_es.presentation.report import (
    asking,
    causes,
    drawing,
    report_bytes,
    write_report,
    writing,
)
from analytics_es.presentation.report.finding import carried
from analytics_es.testing import provider_call
from tests.cli.conftest import NOON, fixed_events
from tests.presentation.report.forging import (
    NOW,
    WEEK,
    carrying_other,
    causes_of,
    checked,
    untold,
    well,
)
from tests.stores import opened, record


def test_a_subject_that_was_forgotten_changes_who_there_was(service: AnalyticsService, path: Path) -> None:
    write_report(service, path, WEEK).unwrap()
    service.forget("ada").unwrap()
    answer = checked(service, path)

    assert (answer.verdict, causes_of(answer), answer.causes[0].text) == (
        "changed",
        ["forgotten"],
        "1 subject forgotten since",
    )


def test_events_that_were_sealed_are_a_cause(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "announce_report", untold)  # or something came in between, which is now sealed
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
    assert answer.announced
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
