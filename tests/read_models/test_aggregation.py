"""Deriving a period again: what is wrong in it is healed, what is outside stays as it is, and nobody has to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.fold import Fold
from analytics_es.read_models import Tiling, temporary
from analytics_es.read_models.aggregation import run_aggregation
from analytics_es.testing import job_failed, provider_call, tool_call
from tests.stores import (
    OURS,
    Contents,
    append,
    contents,
    derived,
    engine,
    log_of,
    nth,
    runner_of,
    sql,
    stored,
    views_of,
)

# A zone of half hours, a day of 25 hours, a day of 23, and a change of half an hour.
DAYS = [
    ("UTC", date(2026, 3, 2)),
    ("Asia/Kolkata", date(2026, 3, 2)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/St_Johns", date(2026, 3, 8)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
]


class Store:
    """A store on disk with events in every hour of three days around one, all of them derived."""

    def __init__(self, folder: Path, zone: str, day: date) -> None:
        self.zone, self.calendar = zone, Calendar(zone)
        self.day = TimePeriod.day(day, zone)
        self.service = AnalyticsService.open(folder / "analytics.db", timezone=zone, follow=False)
        self.file = folder / "analytics.views.db"
        start = self.day.start - timedelta(days=1, minutes=17)
        self.service.record_events(
            [
                make(occurred_at=start + timedelta(minutes=40 * n))
                for n in range(110)
                for make in (provider_call, job_failed)
            ]
        ).unwrap()
        append(self.service.store.log, stored(value="x", occurred_at=(self.day.start + timedelta(hours=2)).isoformat()))
        self.service.catch_up()
        self.right = self.contents()

    def contents(self) -> Contents:
        return contents(self.service.store.read_models)

    def hours(self, start: int, end: int) -> TimePeriod:
        """Return a period of the day, from the so manieth to the so manieth of its hours."""
        hours = self.calendar.hours(*(int(each.timestamp()) for each in (self.day.start, self.day.end)))
        return TimePeriod(*(datetime.fromtimestamp(hours[n], UTC) for n in (start, end)))

    def plant(self, where: str) -> None:
        """Make rows wrong, take some away, and add some that should not be there."""
        sql(self.file, f"UPDATE usage_v4 SET events = events + 1000, last_seen = 7 WHERE {where} AND entity_type = ''")
        sql(self.file, f"UPDATE performance_v3 SET duration_buckets = '[[1],[1]]' WHERE {where}")
        sql(self.file, f"DELETE FROM cost_v4 WHERE {where} AND entity_type IN ('user', '')")
        sql(
            self.file,
            "INSERT INTO cost_v4 (grain, bucket, entity_type, entity_id, provider, model, operation, currency, "
            "pricing, rate, untold, effort, calls, settled_calls, successful_tasks) SELECT DISTINCT grain, bucket, "
            f"'user', 'ghost', '', '', '', '', '', '', '', '', 9, 9, 9 FROM usage_v4 WHERE {where}",
        )


@pytest.fixture(params=DAYS, ids=lambda param: param[0])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, *request.param)
    with store.service:
        yield store


def within(found: Contents, *spans: tuple[str, int, int]) -> dict[str, Any]:
    """Return the rows of these buckets."""
    return {name: [row for row in rows if inside(name, row, spans)] for name, rows in found.items()}


def outside(found: Contents, *spans: tuple[str, int, int]) -> dict[str, Any]:
    return {name: [row for row in rows if not inside(name, row, spans)] for name, rows in found.items()}


def inside(name: str, row: tuple[Any, ...], spans: tuple[tuple[str, int, int], ...]) -> bool:
    grain, bucket = ("hour", row[1]) if name == "unreadable" else (row[0], next(v for v in row[1:] if type(v) is int))
    return any(grain == each and start <= bucket < end for each, start, end in spans)


def seconds(period: TimePeriod) -> tuple[int, int]:
    return int(period.start.timestamp()), int(period.end.timestamp())


@pytest.mark.parametrize(("first", "last"), [(0, 4), (1, 2), (5, 20)])
def test_what_is_wrong_inside_is_healed_and_what_is_outside_is_left_alone(store: Store, first: int, last: int) -> None:
    period = store.hours(first, last)
    start, end = seconds(period)
    day = seconds(store.day)
    sql(store.file, "DELETE FROM unreadable")
    sql(
        store.file,
        "INSERT INTO unreadable VALUES ('usage_v4', ?, 1, 'events'), ('usage_v4', ?, 2, 'events')",
        start,
        end,
    )
    store.plant("TRUE")
    planted = store.contents()
    assert planted != store.right

    result = store.service.run_aggregation(period).unwrap()

    spans = ("hour", start, end), ("day", *day)
    assert within(store.contents(), *spans) == within(store.right, *spans)
    assert outside(store.contents(), *spans) == outside(planted, *spans)
    assert seconds(result.period) == (start, end)
    assert result.projections == ["budgets", "cost", "performance", "usage"]
    assert result.position == store.service.store.log.head()
    assert result.rows == sum(len(rows) for rows in within(store.right, *spans).values()) - unreadable_in(
        store, start, end
    )


def unreadable_in(store: Store, start: int, end: int) -> int:
    return sum(start <= hour < end for _, hour, _, _ in store.right["unreadable"])


def test_a_day_is_healed_whole_with_its_hours(store: Store) -> None:
    start, end = seconds(store.day)
    sql(store.file, "DELETE FROM cost_v4 WHERE bucket >= ? AND bucket < ?", start, end)
    sql(store.file, "UPDATE performance_v3 SET calls = 0 WHERE bucket >= ? AND bucket < ?", start, end)
    sql(store.file, "DELETE FROM unreadable")
    assert store.contents() != store.right

    store.service.run_aggregation(store.day).unwrap()

    assert store.contents() == store.right


def test_a_period_that_cuts_an_hour_derives_the_whole_hour(store: Store) -> None:
    whole = store.hours(3, 5)
    cut = TimePeriod(whole.start + timedelta(minutes=7), whole.end - timedelta(microseconds=1))
    store.plant(f"bucket >= {whole.start.timestamp():.0f} AND bucket < {whole.end.timestamp():.0f}")

    result = store.service.run_aggregation(cut).unwrap()

    assert store.contents() == store.right
    assert seconds(result.period) == seconds(whole)
    assert str(result.period.start.tzinfo) == store.zone


# ── one day in UTC ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def monday(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, *DAYS[0])
    with store.service:
        yield store


def test_a_period_over_midnight_heals_both_days(monday: Store) -> None:
    monday.plant("TRUE")
    midnight = monday.day.end
    period = TimePeriod(midnight - timedelta(hours=1), midnight + timedelta(hours=2))

    monday.service.run_aggregation(period).unwrap()

    days = ("day", *seconds(TimePeriod(monday.day.start, midnight + timedelta(days=1))))
    spans = ("hour", *seconds(period)), days
    assert within(monday.contents(), *spans) == within(monday.right, *spans)


def test_a_period_without_events_is_emptied(monday: Store) -> None:
    period = TimePeriod.day(date(2025, 1, 1))
    sql(
        monday.file,
        "INSERT INTO performance_v3 (grain, bucket, operation, subject, calls, failures, duration_buckets, "
        "time_to_first_chunk_buckets) VALUES ('hour', ?1, '', '', 1, 1, '', ''), ('day', ?1, '', '', 1, 1, '', '')",
        int(period.start.timestamp()),
    )
    assert monday.contents() != monday.right

    result = monday.service.run_aggregation(period).unwrap()

    assert (result.rows, result.events) == (0, 0)
    assert monday.contents() == monday.right


def test_only_what_was_folded_before_is_derived_and_the_rest_is_left_to_the_runner(monday: Store) -> None:
    monday.service.record_event(**tool_call(occurred_at=monday.day.start)).unwrap()

    result = monday.service.run_aggregation(monday.day).unwrap()

    assert monday.contents() == monday.right
    assert result.position == monday.service.store.log.head() - 1
    monday.service.catch_up()
    assert monday.contents() == derived(monday.service.store.log)


def test_events_folded_while_a_period_is_derived_are_in_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    period = TimePeriod(noon, noon + timedelta(hours=1))
    with log_of([tool_call(), job_failed()]) as log, views_of(log) as read_models:
        runner = runner_of(log, read_models)
        runner.catch_up()
        fold, late = Fold.__call__, [provider_call(user_id="late")]

        def overtaken(*arguments: Any, **options: Any) -> Any:
            result = fold(*arguments, **options)
            if late:  # the first fold, of all, is outside of any transaction
                append(log, late.pop())
                runner.catch_up()
            return result

        monkeypatch.setattr(Fold, "__call__", overtaken)
        run_aggregation(log, read_models, engine(), Tiling.of(Calendar("UTC"), period), period)

        assert log.head() == 3
        assert contents(read_models) == derived(log)


def test_beside_a_follower_and_writers_the_result_is_exact(tmp_path: Path) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    period = TimePeriod(noon - timedelta(hours=1), noon + timedelta(hours=1))
    with AnalyticsService.open(tmp_path / "analytics.db") as service:

        def write(user: str) -> None:
            for n in range(15):
                at = noon + timedelta(minutes=10 * (n - 7))
                service.record_event(**provider_call(occurred_at=at, user_id=user, duration_ms=n)).unwrap()

        writers = [threading.Thread(target=write, args=(user,)) for user in ("ada", "bob")]
        for writer in writers:
            writer.start()
        results = [service.run_aggregation(period).unwrap()]
        while any(writer.is_alive() for writer in writers):
            results.append(service.run_aggregation(period).unwrap())
        for writer in writers:
            writer.join()
        service.wait_until_caught_up()
        results.append(service.run_aggregation(period).unwrap())

        assert contents(service.store.read_models) == derived(service.store.log)
        assert [each.position for each in results] == sorted(each.position for each in results)
        assert results[-1].position == nth(30)
        assert service.get_summary("cost.calls", TimePeriod.day(date(2026, 3, 2))).unwrap().figures.count == 30


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_derived_read_models_hold_just_the_period(zone: str, day: date) -> None:
    period = TimePeriod.day(day, zone)
    moments = [period.start + timedelta(minutes=90 * n) for n in range(-3, 30)]
    tiling = Tiling.of(Calendar(zone), period)
    with log_of(tool_call(occurred_at=moment) for moment in moments) as log:
        read_models = temporary.derive(log, list(engine(OURS, zone)._declarations.values()), engine(OURS, zone), tiling)
        found, positions = contents(read_models), read_models.live()
        read_models.close()

        assert {live.position for live in positions.values()} == {log.head()}
        assert sum(row[5] for row in found["usage"] if row[:2] == ("day", "")) == sum(
            period.start <= moment < period.end for moment in moments
        )
        assert within(found, ("hour", *seconds(period)), ("day", *seconds(period))) == found
