"""A report holds as long as the log says the same, whatever came later."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.prices import genai
from analytics_es.presentation.report import (
    report_bytes,
    write_report,
)
from analytics_es.presentation.report.finding import located
from analytics_es.testing import price, provider_call
from tests import hostile_store
from tests.cli.conftest import NOON, fixed_events
from tests.presentation.report.forging import (
    NOW,
    WEEK,
    checked,
)
from tests.stores import opened, record


def test_it_says_what_it_stands_on(service: AnalyticsService, path: Path) -> None:
    log, head = service.store.log.identity, service.store.log.head()
    about = write_report(service, path, WEEK).unwrap()
    text = path.read_text()

    assert (about.path, about.position, about.log, about.bytes) == (path, head, log, len(path.read_bytes()))
    for said in (log, f"{head:,}, as of 2024-03-06 12:00:00 UTC", about.sha256, "no price was published"):
        assert said in text
    assert f"genai-prices {genai.edition().version}" in text


def test_its_checksum_is_of_all_its_other_bytes(file: bytes) -> None:
    spot = located(file)

    assert hashlib.sha256(file.replace(spot.checksum.encode(), b"")).hexdigest() == spot.checksum


def test_one_question_as_of_one_position_has_one_file(service: AnalyticsService) -> None:
    assert report_bytes(service, WEEK, as_of=13).unwrap() == report_bytes(service, WEEK, as_of=13).unwrap()


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

    assert (checked(service, path).drawn, b"published up to 15" in now) == (True, True)


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


@pytest.mark.store("postgres", events=fixed_events(), clock=lambda: NOW)
def test_it_holds_on_a_server(analytics: AnalyticsService, path: Path) -> None:
    write_report(analytics, path, WEEK).unwrap()
    record(analytics, provider_call(occurred_at=NOON, cost="7"))

    assert (checked(analytics, path).drawn, [file.name for file in path.parent.iterdir()]) == (True, [path.name])
