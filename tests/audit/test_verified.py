"""What was found when read models were verified last: noted beside them, and gone with them."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from analytics_es import AnalyticsService
from analytics_es.errors import StoreFailed
from analytics_es.projections import Usage
from analytics_es.read_models import ReadModels
from analytics_es.testing import DAY, NOON, record, tool_call
from analytics_es.types import LastVerification
from tests.stores import sql

pytestmark = [
    pytest.mark.store("sqlite", projections=Usage, clock=lambda: NOON + timedelta(hours=6), privacy="full"),
]

FOUND = LastVerification(
    projection="usage",
    scope="all",
    verified_at=NOON + timedelta(hours=6),
    position=1,
    identical=True,
    rows=22,
    differences=0,
    damaged=0,
    derived_since=False,
)


@pytest.fixture
def analytics(analytics: AnalyticsService) -> AnalyticsService:
    record(analytics, tool_call())
    return analytics


def last(analytics: AnalyticsService) -> list[LastVerification]:
    return list(analytics.last_verifications().unwrap())


def test_what_was_never_verified_is_not_listed(analytics: AnalyticsService) -> None:
    assert last(analytics) == []


@pytest.mark.store("sqlite", "postgres")
def test_what_was_found_is_noted(analytics: AnalyticsService) -> None:
    analytics.verify().unwrap()

    (found,) = last(analytics)

    assert found.rows > 0
    assert found == evolve(FOUND, rows=found.rows)


def test_what_differs_is_noted_too(analytics: AnalyticsService, tmp_path: Path) -> None:
    sql(tmp_path / "analytics.views.db", "UPDATE usage_v4 SET events = events + 1")

    verified = analytics.verify(limit=1).unwrap()

    (found,) = last(analytics)
    assert (verified.identical, found.identical) == (False, False)
    assert found.differences == len(verified.projections[0].divergences) + verified.projections[0].omitted


@pytest.mark.parametrize(
    ("options", "scope"),
    [
        ({"period": DAY}, "2026-03-02T00:00:00+00:00/2026-03-03T00:00:00+00:00"),
        ({"sample": 1, "seed": 7}, "1 day, seed 7"),
    ],
)
def test_of_a_part_it_says_which(analytics: AnalyticsService, options: dict[str, Any], scope: str) -> None:
    analytics.verify(**options).unwrap()

    assert [found.scope for found in last(analytics)] == [scope]


def test_a_part_does_not_take_the_place_of_all_and_goes_when_all_is_looked_at_again(
    analytics: AnalyticsService,
) -> None:
    clock = (NOON + timedelta(hours=hour) for hour in count())
    object.__setattr__(analytics.store, "clock", lambda: next(clock))
    for options in ({}, {"period": DAY}):
        analytics.verify(**options).unwrap()

    assert [found.scope[:3] for found in last(analytics)] == ["all", "202"]

    analytics.verify().unwrap()

    assert [found.scope for found in last(analytics)] == ["all"]


def test_rows_that_were_derived_again_are_told(analytics: AnalyticsService) -> None:
    analytics.verify().unwrap()
    analytics.run_aggregation(DAY).unwrap()

    assert [found.derived_since for found in last(analytics)] == [True]


def test_of_read_models_that_are_filled_anew_nothing_is_known(analytics: AnalyticsService) -> None:
    analytics.verify().unwrap()
    analytics.rebuild().unwrap()

    assert last(analytics) == []


def test_what_was_found_is_told_even_where_it_cannot_be_noted(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreFailed(problem="the disk is full")

    monkeypatch.setattr(ReadModels, "note_verified", full)

    assert analytics.verify().unwrap().identical
    assert last(analytics) == []
    assert "That read models were verified could not be noted" in caplog.text
