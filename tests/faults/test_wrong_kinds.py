"""A value that was put past the door into a field for numbers is said wherever a store says how much it knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import AnalyticsError
from analytics_es.log.address import read_models_path
from analytics_es.testing import NOON, provider_call
from tests.stores import append, opened, sql, stored

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
EXPECTED = [(2, "cost", "input_tokens"), (2, "usage", "input_tokens")]


def put_past_the_door(analytics: AnalyticsService) -> None:
    """Record a call, and store one as no door lets it in."""
    analytics.record_events([provider_call(input_tokens=7, cache_read_tokens=0, cache_creation_tokens=0)]).unwrap()
    append(
        analytics.store.log,  # type: ignore[arg-type]
        stored("provider.call.completed", occurred_at=NOON.isoformat(), input_tokens="many", output_tokens=3),
    )


def said(analytics: AnalyticsService) -> list[tuple[int, str, str]]:
    """Return what is listed as unreadable."""
    return sorted((value.position, value.projection, value.field) for value in analytics.unreadable_values().unwrap())


@pytest.mark.store("sqlite", "postgres", privacy="full")
def test_it_is_in_every_list_and_the_rest_of_the_event_is_counted(analytics: AnalyticsService) -> None:
    put_past_the_door(analytics)
    analytics.catch_up()

    usage = analytics.get_summary("usage.input_tokens", DAY).unwrap()
    assert (str(usage.figures.total), usage.completeness.unreadable) == ("7", 1)
    assert analytics.get_summary("usage.events", DAY).unwrap().figures.total == 2
    assert said(analytics) == EXPECTED
    assert {status.name: status.unreadable for status in analytics.projections().unwrap()} == {
        "budgets": 0,
        "cost": 1,
        "performance": 0,
        "usage": 1,
    }
    assert [(letter.position, letter.projection, letter.field) for letter in analytics.dead_letters().unwrap()] == (
        EXPECTED
    )
    (cause, _) = analytics.dead_letter(2).unwrap().causes
    assert 'input_tokens = "many" is not a number' in cause.cause
    (health,) = (check for check in analytics.check_health().unwrap().checks if check.name == "dead_letters")
    assert health.state == "warning"
    assert analytics.verify().unwrap().identical


@pytest.mark.store("sqlite", "postgres", privacy="full")
def test_a_rebuild_stops_at_it_unless_it_is_to_be_set_aside(analytics: AnalyticsService) -> None:
    put_past_the_door(analytics)
    analytics.catch_up()

    with pytest.raises(AnalyticsError, match="input_tokens"):
        analytics.rebuild().unwrap()
    assert analytics.rebuild(set_aside=True).unwrap().unreadable == 2
    assert said(analytics) == EXPECTED


def test_verify_says_what_an_earlier_version_did_not_list_and_a_rebuild_does(tmp_path: Path) -> None:
    place = tmp_path / "analytics.db"
    with opened(place, privacy="full") as analytics:
        put_past_the_door(analytics)
        analytics.catch_up()
        sql(read_models_path(place), "DELETE FROM unreadable")

        missing = [
            (value.position, value.projection, value.field, value.kind)
            for projection in analytics.verify().unwrap().projections
            for value in projection.unreadable
        ]
        assert sorted(missing) == [(*value, "missing") for value in EXPECTED]
        analytics.rebuild(set_aside=True).unwrap()
        assert analytics.verify().unwrap().identical
        assert said(analytics) == EXPECTED
