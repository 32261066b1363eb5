"""The guards of retention, each by itself: up to when, what one fold may seal, who may fail, what is archived."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from attrs import evolve

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import BadRetention, FoldFailed
from analytics_es.lifecycle.archiving import archive_period
from analytics_es.lifecycle.retention import RetentionPolicy, target
from analytics_es.lifecycle.seal_once import _Watched, is_plain
from analytics_es.lifecycle.stuck import Stuck
from analytics_es.log import Horizon
from analytics_es.projection import count, key, projection
from analytics_es.projection.calendar import Calendar
from analytics_es.testing import NOON, tool_call
from tests.stores import engine, entry, opened, record

CALENDAR = Calendar("UTC")
DAY = 86_400


def day(number: int) -> int:
    """Return the start of a day, so many before NOON's."""
    return int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) - number * DAY


def goal(horizon: Horizon | None = None, **lengths: str) -> Horizon:
    named = {name.replace("_family", ".*"): length for name, length in lengths.items()}
    return target(RetentionPolicy.of(named), horizon or Horizon(), CALENDAR, NOON)


# ── up to when ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_length_ends_where_a_day_begins() -> None:
    wanted = goal(events="10d", tool_family="5d", hourly="20d", daily="30d")
    assert wanted.refused == {"": day(10), "tool": day(5)}
    assert (wanted.hours, wanted.days, wanted.timezone) == (day(20), day(30), "UTC")


def test_what_is_kept_for_ever_has_no_end() -> None:
    wanted = goal(tool_family="5d")
    assert (wanted.refused, wanted.hours, wanted.days) == ({"tool": day(5)}, 0, 0)


def test_no_horizon_ever_goes_back() -> None:
    before = goal(events="10d", tool_family="5d", hourly="20d", daily="30d")
    for longer in (goal(before, events="99d"), goal(before), goal(before, events="99d", hourly="200d", daily="300d")):
        assert all(longer.time_of(f"{name}.x") >= before.time_of(f"{name}.x") for name in ("tool", "job"))
        assert (longer.hours, longer.days) == (before.hours, before.days)


def test_buckets_are_no_shorter_than_the_events_that_are_kept_longest() -> None:
    lengths = {"events": "10d", "tool.*": "30d"}
    assert RetentionPolicy.of(lengths).longest == 30
    assert RetentionPolicy.of({"events": "10d", "tool.*": "forever"}).longest is None
    assert RetentionPolicy.of({**lengths, "hourly": "30d"}).hourly == 30
    for hourly in ("29d", "10d"):
        with pytest.raises(BadRetention, match="events stay 30d"):
            RetentionPolicy.of({**lengths, "hourly": hourly})


@pytest.mark.parametrize("length", [timedelta(days=1, hours=1), timedelta(0), timedelta(days=-1), timedelta(hours=5)])
def test_a_length_is_of_whole_days(length: timedelta) -> None:
    assert RetentionPolicy.of({"events": timedelta(days=3)}).longest == 3
    with pytest.raises(BadRetention):
        RetentionPolicy.of({"events": length})


# ── what is sealed by one fold ──────────────────────────────────────────────────────────────────────────────────


@projection(version=1, consumes=("tool.>",))
class Tools:
    """Calls of tools."""

    family: str = key("family")
    events: int = count()


@projection(version=1, consumes=("tool.>", "job.>"))
class Both:
    """Of two families."""

    family: str = key("family")
    events: int = count()


@pytest.fixture(scope="module")
def store() -> Iterator[AnalyticsService]:
    with opened(projections=[Tools, Both]) as service:
        record(service, tool_call())
        yield service


@pytest.mark.parametrize(
    ("refused", "sealed", "plain"),
    [
        ({"": 9}, {}, True),
        ({"": 9}, {"": 5}, True),
        ({"": 9, "tool": 9}, {"": 5, "tool": 5}, True),
        ({"": 9, "tool": 8}, {"": 5}, False),
        ({"": 9}, {"": 5, "tool": 6}, False),
        ({"": 9}, {"tool": 6}, False),
        ({"tool": 9}, {}, False),
    ],
)
def test_one_fold_is_of_what_occurred_before_one_time(
    store: AnalyticsService, refused: dict[str, int], sealed: dict[str, int], plain: bool
) -> None:
    assert is_plain(store.store, Horizon(refused=refused), Horizon(sealed=sealed)) is plain


@pytest.mark.parametrize(("position", "odd"), [(1, False), (2, True)])
def test_an_event_that_came_after_the_look_is_odd(position: int, odd: bool) -> None:
    written = entry(NOON, **tool_call(occurred_at=NOON))
    columns = {"type": [written.type], "position": [position], "key": [written.key], "state": [written.state]}
    watched = _Watched(engine(), 1)
    watched(0, pa.table(columns))
    assert watched.odd is odd
    assert {start: {at: sums["events"] for at, sums in days.items()} for start, days in watched.days.items()} == {
        0: {day(0): 1}
    }


def test_what_is_never_sealed_is_not_counted() -> None:
    columns = {"type": ["analytics.x"], "position": [9], "key": ["0" * 32], "state": [b"{"]}
    watched = _Watched(engine(), 1)
    watched(0, pa.table(columns))
    assert (watched.odd, sum(len(days) for days in watched.days.values())) == (False, 0)


# ── who may fail ────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_failed_before_and_whom_nobody_knows_may_fail(store: AnalyticsService) -> None:
    stuck = Stuck(store.store, {})
    assert (stuck.may_fail("tools"), stuck.may_fail("theirs")) == (False, True)
    stuck.errors["tools"] = FoldFailed(projection="tools", problem="no")
    assert stuck.may_fail("tools")


@pytest.mark.parametrize(
    ("sealed", "until", "settled", "rows"),
    [
        ({}, {"": -1}, True, True),
        ({"": 9}, {"": -1}, True, True),
        ({"": -1}, {"": -2}, True, False),  # its day was sealed before
        ({}, {"": 1}, True, False),  # its day is to be kept
        ({"": 9, "tool": 3}, {"": -1, "tool": -1}, False, True),
        ({}, {"": 1, "tool": -1}, False, False),
        ({"": -1, "tool": 3}, {"": -2, "tool": -2}, False, False),
    ],
)
def test_rows_are_sealed_as_they_are_of_days_that_are_sealed_as_a_whole(
    store: AnalyticsService, sealed: dict[str, int], until: dict[str, int], settled: bool, rows: bool
) -> None:
    """Up to so many days before NOON's; what takes one family alone does not care about others."""
    horizon, ends = Horizon(sealed=_days(sealed)), _days(until)
    live = store.store.read_models.live()
    adopted = Stuck(store.store, {}).adopt(live["both"], horizon, ends, [])
    assert (adopted.settled, bool(adopted.rows)) == (settled, rows)
    assert (adopted.definition.definition == live["both"].declaration.fingerprint) is settled
    assert Stuck(store.store, {}).adopt(live["tools"], horizon, ends, []).settled


def _days(numbers: dict[str, int]) -> dict[str, int]:
    return {family: day(number) for family, number in numbers.items()}


def test_what_it_had_not_taken_in_is_missed_and_what_it_had_is_not(store: AnalyticsService) -> None:
    live, events = store.store.read_models.live()["tools"], store.store.log.scan(after=0, limit=10)
    for position, lost in ((live.position, 0), (live.position - 1, 1)):
        adopted = Stuck(store.store, {}).adopt(evolve(live, position=position), Horizon(), {"": day(-1)}, [events])
        assert (adopted.lost, sum(number for _, number, _ in adopted.missed)) == (lost, lost)
        assert (adopted.definition.definition == live.declaration.fingerprint) is (not lost)


# ── what is archived ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_archive_goes_on_from_what_it_holds(tmp_path: Path) -> None:
    with opened() as service:
        record(service, *(tool_call(occurred_at=NOON + timedelta(days=n)) for n in range(4)))
        start = datetime(2026, 3, 2, tzinfo=UTC)

        def archived(first: int, days: int) -> tuple[int, str] | None:
            period = TimePeriod(start + timedelta(days=first), start + timedelta(days=days), "day")
            result = archive_period(service.store, period, str(tmp_path / "archive"))
            return result and (result.rows, Path(result.path).name)

        assert archive_period(service.store, TimePeriod(start, start + timedelta(days=1)), None) is None
        assert archived(0, 2) == (2, "events_2026-03-02_2026-03-04.parquet")
        assert archived(0, 2) is None
        assert archived(1, 2) is None
        assert archived(0, 3) == (1, "events_2026-03-04_2026-03-05.parquet")
