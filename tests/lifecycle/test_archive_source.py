"""A rebuild from an archive and the log around it is the rebuild from the log, to the byte."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection import declaration_of
from analytics_es.projections import Usage
from analytics_es.testing import tool_call
from tests import day
from tests.stores import contents, derived, nth, record, sql

pytestmark = pytest.mark.store("sqlite", events=day.events())

START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)  # within the day's events: some are before it, some after
PERIODS = [
    TimePeriod(START, START + timedelta(hours=1)),
    TimePeriod(START + timedelta(hours=1), START.replace(hour=12)),
]


@pytest.fixture
def analytics(analytics: AnalyticsService, tmp_path: Path) -> AnalyticsService:
    """Return a store that was archived in two files, and went on: late, in the archived period, and after it."""
    (tmp_path / "archive").mkdir()
    for n, period in enumerate(PERIODS):
        analytics.export_data("parquet", period, to=tmp_path / f"archive/{n}.parquet").unwrap()
    record(analytics, *(tool_call(occurred_at=START + timedelta(hours=n)) for n in (-3, 0, 1, 9)))
    return analytics


@pytest.mark.parametrize(("workers", "size"), [(1, 1000), (1, 3), (2, 5)])
def test_a_rebuild_from_an_archive_changes_no_byte(
    analytics: AnalyticsService, tmp_path: Path, workers: int, size: int
) -> None:
    sql(tmp_path / "analytics.views.db", f"DELETE FROM {declaration_of(Usage).table}")

    result = analytics.rebuild(archive=tmp_path / "archive", workers=workers, batch_size=size, set_aside=True).unwrap()

    assert (result.events, result.position) == (nth(len(day.events()) + len(PERIODS) + 4), analytics.store.log.head())
    assert contents(analytics.store.read_models) == derived(analytics.store.log)  # type: ignore[arg-type]
    assert all(each.identical for each in analytics.check_ledger().unwrap())


def test_what_is_archived_is_not_read_from_the_log(analytics: AnalyticsService, tmp_path: Path) -> None:
    before = contents(analytics.store.read_models)  # type: ignore[arg-type]
    bounds = [f"{int(time.timestamp() * 1000):012x}" for time in (PERIODS[0].start, PERIODS[-1].end)]
    within = "originator_id >= ? AND originator_id < ? AND rowid <= ?"
    sql(tmp_path / "analytics.db", f"DELETE FROM stored_events WHERE {within}", *bounds, nth(len(day.events())))

    analytics.rebuild(archive=tmp_path / "archive", set_aside=True).unwrap()

    assert derived(analytics.store.log) != before  # type: ignore[arg-type]
    assert contents(analytics.store.read_models) == before  # type: ignore[arg-type]


def test_an_archive_that_ends_within_a_millisecond_is_refused(analytics: AnalyticsService, tmp_path: Path) -> None:
    (tmp_path / "cut").mkdir()
    cut = TimePeriod(START, START + timedelta(microseconds=1_500))
    analytics.export_data("parquet", cut, to=tmp_path / "cut/a.parquet").unwrap()

    failure = analytics.rebuild(archive=tmp_path / "cut").failure

    assert failure is not None
    assert (failure.code, "whole milliseconds" in failure.message) == ("bad_manifest", True)


def test_an_archive_of_more_than_the_log_holds_is_refused(analytics: AnalyticsService, tmp_path: Path) -> None:
    sql(tmp_path / "analytics.db", "DELETE FROM stored_events WHERE rowid > 5")

    failure = analytics.rebuild(archive=tmp_path / "archive").failure

    assert failure is not None
    assert failure.code == "other_log"
