"""Checksums that are written later cover what is kept of seals, too."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analytics_es import AnalyticsService
from analytics_es.log.seals import HORIZON, WRITE_STATE
from analytics_es.testing import NOON, tool_call
from tests.stores import set_clock


@pytest.mark.store("sqlite", "postgres")
def test_seals_of_before_are_given_a_checksum(analytics: AnalyticsService) -> None:
    analytics.record_events(tool_call(occurred_at=NOON + timedelta(days=n)) for n in range(9)).unwrap()
    set_clock(analytics, NOON + timedelta(days=30))
    analytics.retain({"events": "26d"}).unwrap()
    seals = analytics.store.log.seals
    with seals._database.write() as cursor:  # as a version before wrote it
        cursor.execute(WRITE_STATE, (HORIZON, seals.horizon().write()))

    assert analytics.write_checksums().unwrap().events == 0

    with seals._database.write() as cursor:
        cursor.execute("UPDATE sealed_days SET events = events + 1")
    codes = [failed.failure.code for failed in (analytics.verify(), analytics.rebuild())]
    assert codes == ["damaged_sealing"] * 2
