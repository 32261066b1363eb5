"""How many parts a series is said to have: those that its period overlaps, in its zone."""

from __future__ import annotations

from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from analytics_es.errors import BadWord
from analytics_es.presentation.asked import check_parts
from analytics_es.projection.calendar import Calendar
from analytics_es.types import Granularity, TimePeriod

EVER = ("1990-01-01T00:00", "2090-12-31T23:59:59.999999")
OFTEN = [
    ("2026-01-01", "2026-04-15T06:00"),
    ("2026-07-20T00:30", "2026-11-01T03:01"),
    ("2026-10-25", "2026-10-25T03:00"),
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("granularity", sorted({*get_args(Granularity)} - {"total"}))
@pytest.mark.parametrize(("start", "end"), [EVER, *OFTEN])
def test_as_many_as_there_are_is_not_too_many_and_one_fewer_is(
    zone: str, granularity: Granularity, start: str, end: str
) -> None:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) for text in (start, end))
    parts = len(Calendar(zone).starts(granularity, int(first.timestamp()), -int(-last.timestamp() // 1)))
    period = TimePeriod(first, last, granularity)
    check_parts(period, parts)

    with pytest.raises(BadWord, match=f"would have {parts:,} parts, and has {parts - 1:,} at most here"):
        check_parts(period, parts - 1)
