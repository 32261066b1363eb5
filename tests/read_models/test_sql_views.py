"""SQL views say what the answers say, on every database, whatever becomes of the read models."""

from __future__ import annotations

import sqlite3
import tarfile
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import psycopg
import psycopg.rows
import pytest
from hypothesis import given

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost import view_costs
from analytics_es.projection import Histogram, count, histogram, key, projection, smallest, total
from analytics_es.projections import Cost, Usage
from analytics_es.read_models.postgres import PostgresReadModels
from analytics_es.testing import NOON, price, provider_call, tool_call
from tests import day
from tests.examples import examples
from tests.histories_of_cost import DAYS, calls, entries
from tests.service.test_earlier_stores import STORES
from tests.stores import append, eventually, only_live, opened, record, sql, stored

GRAINS = {"hour": "hourly", "day": "daily"}
Row = dict[str, Any]

both = pytest.mark.store("sqlite", "postgres")
the_day = pytest.mark.store(events=day.events(), privacy="full", clock=lambda: day.NOW)


def query(analytics: AnalyticsService, statement: str) -> list[Row]:
    """Ask as a tool does that knows nothing of this package: without its functions."""
    read_models = analytics.store.read_models
    if isinstance(read_models, PostgresReadModels):
        database = read_models._there()
        with psycopg.connect(database.url, row_factory=psycopg.rows.dict_row) as server:  # type: ignore[attr-defined]
            server.execute(f"SET search_path TO {database.schema}".encode())  # type: ignore[attr-defined]
            return list(server.execute(statement.encode()).fetchall())  # type: ignore[arg-type]
    with closing(sqlite3.connect(f"file:{read_models.place}?mode=ro", uri=True)) as file:
        file.row_factory = sqlite3.Row
        return [dict(row) for row in file.execute(statement).fetchall()]


def number(row: Row, name: str) -> Decimal | None:
    """Return a number to its last digit."""
    exact = row.get(f"{name}_exact", row[name])
    return None if exact is None else Decimal(str(exact))


def when(row: Row) -> datetime:
    return row["time"] if isinstance(row["time"], datetime) else datetime.fromisoformat(row["time"])


def summed(rows: Iterable[Row], names: list[str], *by: str) -> dict[Any, tuple[Any, ...]]:
    """Add up, as a tool would, but exactly; None of nothing."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(when(row) if key == "time" else row[key] for key in by)].append(row)
    return {group: tuple(_sum(number(row, name) for row in part) for name in names) for group, part in groups.items()}


def _sum(numbers: Iterable[Decimal | None]) -> Decimal | None:
    there = [one for one in numbers if one is not None]
    return sum(there, Decimal(0)) if there else None


def check(analytics: AnalyticsService, start: datetime, end: datetime) -> None:
    """Assert that every view adds up to the answers about a period, by hour, by day, and in all."""
    for grain, name in GRAINS.items():
        period = TimePeriod(start, end, grain)  # type: ignore[arg-type]
        within = f"bucket >= {int(start.timestamp())} AND bucket < {int(end.timestamp())}"
        check_usage(analytics, period, f"v_usage_{name}", within)
        check_performance(analytics, period, f"v_performance_{name}", within)
        check_cost(analytics, period, f"v_cost_{name}", within)


def check_usage(analytics: AnalyticsService, period: TimePeriod, view: str, within: str) -> None:
    names = ["events", "finished", "failures", "duration_ms", "input_tokens", "output_tokens"]
    stats = analytics.get_usage_stats(None, None, period).unwrap()
    rows = query(analytics, f"SELECT * FROM {view} WHERE {within}")

    assert summed(rows, names, "time") == {
        (point.start,): tuple(_decimal(getattr(point.totals, name)) for name in names)
        for point in stats.series
        if point.totals.events
    }
    assert {row["event_type"] for row in rows} == {part.event_type for part in stats.by_event_type}
    of_users = query(analytics, f"SELECT * FROM {view}_by_user WHERE {within}")
    for (user,), figures in summed(of_users, names, "user_id").items():
        totals = analytics.get_usage_stats("user", user, period).unwrap().totals
        assert figures == tuple(_decimal(getattr(totals, name)) for name in names)
    assert len({row["user_id"] for row in of_users}) == stats.active_entities.get("user", 0)


def check_performance(analytics: AnalyticsService, period: TimePeriod, view: str, within: str) -> None:
    names = ["calls", "failures", "duration_count", "duration_ms_total"]
    rows = query(analytics, f"SELECT * FROM {view} WHERE {within}")

    assert summed(rows, names, "operation", "subject") == {
        (operation.operation, operation.subject): (
            *(operation.calls, operation.failures, operation.duration_ms.count),
            operation.duration_ms.total,
        )
        for operation in analytics.get_performance_metrics(period).unwrap().operations
    }


def check_cost(analytics: AnalyticsService, period: TimePeriod, view: str, within: str) -> None:
    names = ["calls", "cost", "reported_cost", "computed_cost"]
    breakdown = analytics.get_cost_breakdown(period, by=["provider", "model", "operation"]).unwrap()
    rows = query(analytics, f"SELECT * FROM {view} WHERE {within}")

    points = {(point.start, point.currency): _figures(point, names) for point in breakdown.series}
    assert _told(summed(rows, names, "time", "currency")) == _told(points)
    keys = ("provider", "model", "operation")
    parts = {(*row.keys.values(), row.currency): _figures(row, names) for row in breakdown.rows}
    assert _told(summed(rows, names, *keys, "currency")) == _told(parts)
    unknown = {(row.model, row.reason): Decimal(row.calls) for row in breakdown.unknown if row.calls}
    of_unknown = [row for row in rows if row["unknown_calls"]]
    assert {key: n for key, (n,) in summed(of_unknown, ["calls"], "model", "unknown_reason").items()} == unknown
    ((tokens),) = summed(rows, ["input_tokens", "output_tokens"]).values() or [(None, None)]
    assert tokens == (_decimal(breakdown.tokens.input), _decimal(breakdown.tokens.output))
    by_user = analytics.get_cost_breakdown(period, by=["user"]).unwrap()
    users = {(row.keys["user"], row.currency): _figures(row, names) for row in by_user.rows if row.keys["user"]}
    of_users = query(analytics, f"SELECT * FROM {view}_by_user WHERE {within}")
    assert _told(summed(of_users, names, "user_id", "currency")) == _told(users)


def _figures(answer: Any, names: list[str]) -> tuple[Any, ...]:
    return tuple(_decimal(getattr(answer, name)) for name in names)


def _told(groups: dict[Any, tuple[Any, ...]]) -> dict[Any, tuple[Any, ...]]:
    return {group: figures for group, figures in groups.items() if any(figures)}


def _decimal(figure: Any) -> Decimal | None:
    return None if figure is None else Decimal(str(figure))


MARCH = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)


# ── they are the answers ────────────────────────────────────────────────────────────────────────────────────────


@both
@the_day
def test_views_add_up_to_the_answers(analytics: AnalyticsService) -> None:
    check(analytics, *MARCH)


@given(calls(), calls(), entries(), entries())
@examples(5)
def test_they_do_for_any_calls_and_prices_whenever_these_come(
    tmp_path_factory: pytest.TempPathFactory, first: Any, late: Any, published: Any, later: Any
) -> None:
    path = tmp_path_factory.mktemp("any") / "analytics.db"
    with opened(path, privacy="full", clock=lambda: DAYS.end) as analytics:
        steps = [
            lambda: (analytics.publish_prices(published).unwrap(), record(analytics, *first)),
            lambda: record(analytics, *late),
            lambda: analytics.publish_prices(later).unwrap(),
        ]
        for step in steps:
            step()
            assert analytics._parts.view_costs.look()  # what was not done soon, by and by
            check(analytics, DAYS.start, DAYS.end)


@pytest.mark.parametrize("zone", ["America/St_Johns", "Asia/Kolkata"])
@pytest.mark.store("sqlite")
def test_days_are_those_of_the_store(url: str, zone: str) -> None:
    with opened(url, timezone=zone, privacy="full", clock=lambda: day.NOW) as analytics:
        analytics.publish_prices([price(provider="mistral", model="*", effective_from="2026-03-02T10:05:30Z")]).unwrap()
        record(analytics, *day.events())
        calendar = analytics.store.calendar
        starts = calendar.days(int(MARCH[0].timestamp()), int(MARCH[1].timestamp()))
        check(analytics, calendar.local(starts[0]), calendar.local(starts[-1]))
        rows = query(
            analytics, "SELECT day, time, bucket FROM v_usage_daily UNION SELECT day, time, bucket FROM v_usage_hourly"
        )
        assert {row["day"] for row in rows} == {"2026-03-01", "2026-03-02"}
        for row in rows:
            assert row["day"] == calendar.local(calendar.day_start(row["bucket"])).date().isoformat()
            assert when(row) == datetime.fromtimestamp(row["bucket"], UTC)


@both
@the_day
def test_no_view_holds_what_another_row_of_it_holds(analytics: AnalyticsService) -> None:
    (everyone,) = query(analytics, "SELECT sum(events) AS events FROM v_usage_daily")
    assert everyone["events"] == len(day.events())
    for entity, field in {"user": "user_id", "tenant": "tenant_id", "tool": "tool", "model": "model"}.items():
        (of_entity,) = query(analytics, f"SELECT sum(events) AS events FROM v_usage_hourly_by_{entity}")
        named = [event for event in day.events() if field in event["data"]]
        assert of_entity["events"] == len(named)


@both
@the_day
def test_budgets_are_those_of_the_answer(analytics: AnalyticsService) -> None:
    allocated = {
        "budget_id": "models",
        "amount": "1",
        "currency": "USD",
        "scope": "all",
        "starts_at": "2026-03-02T00:00:00Z",
    }
    record(analytics, {"event_type": "budget.allocated", "data": allocated, "occurred_at": MARCH[0]})
    names = ["allocated", "spent", "remaining"]

    for cost in (None, "0.5"):
        if cost:
            record(
                analytics, provider_call(occurred_at=MARCH[0] + timedelta(days=1, hours=9), cost=cost, currency="USD")
            )
        budgets = analytics.get_budgets().unwrap().budgets
        rows = query(analytics, "SELECT * FROM v_budgets")
        assert summed(rows, [*names, "unknown_calls"], "budget_id", "scope") == {
            (budget.budget_id, budget.scope): (*_figures(budget, names), Decimal(budget.unknown_calls))
            for budget in budgets
        }
        used = {budget.budget_id: budget.used for budget in budgets}
        assert {row["budget_id"]: row["used"] for row in rows} == pytest.approx(used)
    assert {row["position"] for row in rows} == {analytics.store.log.head()}


# ── whatever becomes of the read models ─────────────────────────────────────────────────────────────────────────


@both
@the_day
def test_they_follow_what_is_live_when_it_is_rebuilt_or_derived_again(analytics: AnalyticsService) -> None:
    tables = {live.declaration.table for live in analytics.store.read_models.live().values()}
    analytics.rebuild(set_aside=True).unwrap()
    assert not tables & {live.declaration.table for live in analytics.store.read_models.live().values()}
    check(analytics, *MARCH)

    record(analytics, provider_call(occurred_at=MARCH[0] + timedelta(hours=3), user_id="eve", cost=None, currency=None))
    analytics.run_aggregation(TimePeriod(*MARCH)).unwrap()
    check(analytics, *MARCH)


@both
@pytest.mark.store(privacy="full", clock=lambda: NOON + timedelta(days=3))
def test_a_correction_makes_known_what_was_not(analytics: AnalyticsService) -> None:
    ends = NOON - timedelta(hours=12), NOON + timedelta(hours=12)
    call = {**provider_call(cost="0", currency="USD"), "id": "call-1", "source": "platform"}
    other = provider_call(cost="0.5", currency="USD")
    first = analytics.record_event(**call).unwrap().position
    second = analytics.record_event(**other).unwrap().position
    analytics.catch_up()
    check(analytics, *ends)
    analytics.correct_cost(first, "0.25", note="the bill").unwrap()
    analytics.correct_cost(second, "0.125", note="the bill").unwrap()
    analytics.catch_up()

    check(analytics, *ends)
    (row,) = query(analytics, "SELECT sum(cost) AS cost, sum(unknown_calls) AS unknown FROM v_cost_daily")
    assert (row["cost"], row["unknown"]) == (Decimal("0.375"), 0)


@both
@pytest.mark.store(privacy="full", clock=lambda: NOON + timedelta(days=3))
def test_what_is_merged_and_published_later_changes_what_is_priced(analytics: AnalyticsService) -> None:
    call = {
        "event_type": "provider.call.completed",
        "data": {"provider": "acme", "model": "acme-large", "input_tokens": 1_000_000},
        "occurred_at": NOON,
    }

    def shown() -> list[tuple[str, Decimal | None, int]]:
        rows = query(analytics, "SELECT * FROM v_cost_daily ORDER BY currency")
        return [(row["currency"], number(row, "cost"), row["calls"]) for row in rows]

    record(analytics, {**call, "id": "first"})
    assert shown() == [("", None, 1)]
    record(analytics, {**call, "id": "second"})  # into rows that were priced
    assert shown() == [("", None, 2)]
    analytics.publish_prices([price(per_mtok={"input_tokens": "2"})]).unwrap()
    assert shown() == [("EUR", Decimal(4), 2)]
    analytics.publish_prices([price(per_mtok={"input_tokens": "3"})]).unwrap()
    assert shown() == [("EUR", Decimal(6), 2)]


@both
@pytest.mark.store(privacy="full", clock=lambda: NOON + timedelta(days=200))
def test_they_hold_what_retention_keeps(analytics: AnalyticsService) -> None:
    times = [NOON + timedelta(days=days) for days in range(0, 40, 2)]
    record(analytics, *(provider_call(occurred_at=time, cost=None, currency=None) for time in times), tool_call())
    turn = NOON + timedelta(days=10, hours=3)  # within a day of which the hours go
    analytics.publish_prices([price(provider="*", model="*", effective_from=turn.isoformat())]).unwrap()
    analytics.retain({"events": "170d", "hourly": "180d", "daily": "190d"}).unwrap()

    midnight = NOON.replace(hour=0)
    check(analytics, midnight + timedelta(days=20), midnight + timedelta(days=41))
    days = TimePeriod(midnight + timedelta(days=10), midnight + timedelta(days=41), "day")
    within = f"bucket >= {int(days.start.timestamp())}"
    check_cost(analytics, days, "v_cost_daily", within)
    check_usage(analytics, days, "v_usage_daily", within)
    for name, table in (("hourly", "hour"), ("daily", "day")):
        since = 20 if table == "hour" else 10
        (oldest,) = query(analytics, f"SELECT min(bucket) AS bucket FROM v_cost_{name}")
        assert oldest["bucket"] >= (midnight + timedelta(days=since)).timestamp()


@both
@pytest.mark.store(clock=lambda: day.NOW, privacy="full", events=day.events())
def test_nobody_is_in_a_view_who_is_forgotten(analytics: AnalyticsService) -> None:
    assert query(analytics, "SELECT * FROM v_cost_hourly_by_user WHERE user_id = 'ada'")

    analytics.forget("ada").unwrap()

    for view in ("v_cost_hourly_by_user", "v_cost_daily_by_user", "v_usage_daily_by_user"):
        assert query(analytics, f"SELECT * FROM {view} WHERE user_id = 'ada'") == []
    check(analytics, *MARCH)


@both
@the_day
def test_what_is_derived_again_shows_nothing_of_before(analytics: AnalyticsService) -> None:
    assert query(analytics, "SELECT * FROM v_cost_daily WHERE computed_calls > 0")

    analytics.store.derive_again(TimePeriod(*MARCH))  # and nobody has priced it yet

    rows = query(analytics, "SELECT computed_calls, unknown_calls, unknown_reason FROM v_cost_daily")
    assert {row["unknown_reason"] for row in rows if row["unknown_calls"]} == {"not_priced_yet"}
    assert not any(row["computed_calls"] for row in rows)


@pytest.mark.store("sqlite", "postgres", privacy="full")
def test_sums_are_exact_to_the_last_digit_whatever_their_size(analytics: AnalyticsService) -> None:
    large = {"input_tokens": 2**63 - 1, "cost": "9000000000.000000000000000001", "currency": "USD", "model": "large"}
    append(
        analytics.store.log, *(stored("provider.call.completed", id=f"{n}", user_id="ada", **large) for n in range(3))
    )
    analytics.catch_up()

    for view in ("v_cost_daily", "v_cost_hourly_by_user"):
        (row,) = query(analytics, f"SELECT * FROM {view}")
        assert number(row, "cost") == Decimal("27000000000.000000000000000003")
        assert int(row["input_tokens"]) == 3 * (2**63 - 1)
    (row,) = query(analytics, "SELECT * FROM v_usage_daily WHERE event_type = 'provider.call.completed'")
    assert int(row["input_tokens"]) == 3 * (2**63 - 1)


# ── of any projection, in any store ─────────────────────────────────────────────────────────────────────────────


def reviews(version: int = 1, **changes: Any) -> type:
    """Return a projection with a measure of every kind, and names that views have, too."""

    class Reviews:
        time: str = key("attributes.team")
        user_id: str = key("entity.type")
        whose: str = key("entity.id")
        reviews: int = count()
        duration: Histogram = histogram("duration_ms", unit="ms", decimals=3)
        points: int | None = total("attributes.points", decimals=6)
        first: int | None = smallest("occurred_at", unit="us")

    for name, part in changes.items():
        setattr(Reviews, name, part)
        Reviews.__annotations__[name] = int
    entities = ("user", "attributes.Cost/Centre")
    return projection(version=version, consumes=("review.>",), entities=entities)(Reviews)


REVIEW = {
    "duration_ms": 1500.5,
    "user_id": "ada",
    "attributes": {"team": "core", "points": "-0.000125", "Cost/Centre": "7"},
}


@both
def test_views_of_ones_own_projection_follow_from_its_declaration(url: str) -> None:
    with opened(url, projections=[reviews(), Usage], privacy="full") as analytics:
        record(analytics, *({"event_type": "review.completed", "data": REVIEW, "occurred_at": NOON} for _ in "12"))

        (row,) = query(analytics, "SELECT * FROM v_reviews_daily_by_user")
        (hour,) = query(analytics, "SELECT * FROM v_reviews_hourly")
        assert (row["k_time"], row["user_id"], row["reviews"]) == ("core", "ada", 2)
        assert (when(row), when(hour), str(row["day"])) == (NOON.replace(hour=0), NOON, f"{NOON:%Y-%m-%d}")
        assert number(hour, "points") == Decimal("-0.00025")
        assert (hour["duration_count"], float(hour["duration_ms_total"]), hour["duration_ms_mean"]) == (2, 3001, 1500.5)
        assert str(hour["first"]).replace(" ", "T")[:19] == f"{NOON:%Y-%m-%dT%H:%M:%S}"
        names = {row["projection"] for row in query(analytics, "SELECT * FROM v_projections")}
        assert names == {"reviews", "usage"}
        (tag,) = [view for view in views(analytics) if view.startswith("v_reviews_daily_by_cost")]
        assert query(analytics, f"SELECT * FROM {tag}")[0]["reviews"] == 2


def views(analytics: AnalyticsService) -> set[str]:
    """Return the names of all views."""
    if isinstance(analytics.store.read_models, PostgresReadModels):
        rows = query(analytics, "SELECT viewname AS name FROM pg_views WHERE schemaname = current_schema()")
    else:
        rows = query(analytics, "SELECT name FROM sqlite_master WHERE type = 'view'")
    return {row["name"] for row in rows}


@both
def test_a_definition_that_changes_changes_its_views(url: str) -> None:
    review = {"event_type": "review.completed", "data": REVIEW, "occurred_at": NOON}
    with opened(url, projections=[reviews()], privacy="full") as analytics:
        record(analytics, review)
    with opened(
        url, projections=[reviews(2, waited=total("attributes.waited", unit="ms"))], privacy="full"
    ) as analytics:
        assert "waited_ms" not in query(analytics, "SELECT * FROM v_reviews_daily")[0]
        analytics.catch_up()
        (row,) = query(analytics, "SELECT * FROM v_reviews_daily")
        assert (row["reviews"], row["waited_ms"]) == (1, None)


@both
def test_what_somebody_else_calls_as_a_view_is_left_alone(url: str) -> None:
    with opened(url, projections=[Usage], privacy="full") as analytics:
        record(analytics, provider_call())
        execute(analytics, "CREATE VIEW v_cost_daily AS SELECT 1 AS mine")
        execute(analytics, "CREATE TABLE v_cost_hourly (mine integer)")
    with opened(url, projections=[Usage, Cost], privacy="full") as analytics:
        record(analytics, provider_call(cost="0.5"))

        assert query(analytics, "SELECT * FROM v_cost_daily") == [{"mine": 1}]
        assert query(analytics, "SELECT * FROM v_cost_hourly") == []
        assert query(analytics, "SELECT calls FROM v_cost_daily_by_user") == [{"calls": 2}]
        analytics.rebuild().unwrap()
        assert query(analytics, "SELECT * FROM v_cost_daily") == [{"mine": 1}]


def execute(analytics: AnalyticsService, statement: str) -> None:
    """Change something behind everyone's back."""
    read_models = analytics.store.read_models
    if isinstance(read_models, PostgresReadModels):
        database: Any = read_models._there()
        with psycopg.connect(database.url, autocommit=True) as server:
            server.execute(f"SET search_path TO {database.schema}".encode())
            server.execute(statement.encode())
    else:
        sql(Path(str(read_models.place)), statement)


@both
def test_a_view_that_is_gone_comes_back(url: str) -> None:
    with opened(url, privacy="full") as analytics:
        record(analytics, provider_call(cost="0.5"))
        execute(analytics, "DROP VIEW v_cost_daily")
    with opened(url, privacy="full") as analytics:
        assert query(analytics, "SELECT calls FROM v_cost_daily") == [{"calls": 1}]


def test_a_store_of_0_1_0_has_views_when_it_is_opened(tmp_path: Path) -> None:
    with tarfile.open(STORES / "0.1.0.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with opened(tmp_path / "old.db") as analytics:
        analytics.catch_up()
        check(analytics, NOON.replace(hour=0) - timedelta(days=9), NOON.replace(hour=0) + timedelta(days=1))


@pytest.mark.store("sqlite", privacy="full")
def test_what_is_not_priced_yet_is_said(analytics: AnalyticsService) -> None:
    computed = provider_call(cost=None, currency=None)
    analytics.record_events([computed, provider_call(cost="0.5"), provider_call(requests=3, cost=None)]).unwrap()
    analytics.catch_up(thresholds=False)  # as who only asks

    rows = query(analytics, "SELECT * FROM v_cost_daily ORDER BY currency")
    assert {row["unknown_reason"]: row["calls"] for row in rows if row["unknown_calls"]} == {"not_priced_yet": 3}
    assert [number(row, "cost") for row in rows] == [None, None, Decimal("0.5")]
    assert query(analytics, "SELECT buckets_to_price AS n FROM v_projections WHERE projection = 'cost'") == [{"n": 2}]
    analytics.catch_up()
    check_cost(analytics, TimePeriod.day(NOON.date(), granularity="day"), "v_cost_daily", "true")
    assert query(analytics, "SELECT buckets_to_price AS n FROM v_projections WHERE projection = 'cost'") == [{"n": 0}]


@both
@pytest.mark.store(privacy="full", clock=lambda: NOON + timedelta(days=3))
def test_calls_that_came_to_what_was_priced_are_said_to_be_not_priced_yet(analytics: AnalyticsService) -> None:
    computed = provider_call(cost=None, currency=None, user_id="ada", occurred_at=NOON)
    record(analytics, computed, provider_call(cost="0.5", currency="USD", user_id="ada", occurred_at=NOON))
    later = {"user_id": "bob", "occurred_at": NOON, "cost": None, "currency": None}
    analytics.record_events([computed, provider_call(**later), provider_call(requests=3, **later)]).unwrap()
    analytics.catch_up(thresholds=False)  # as who only asks

    for view in ("v_cost_daily", "v_cost_hourly", "v_cost_daily_by_user"):
        rows = query(analytics, f"SELECT * FROM {view}")
        waiting = [row for row in rows if row["unknown_reason"] == "not_priced_yet"]
        assert sum(row["calls"] for row in rows) == 7
        assert sum(row["unknown_calls"] for row in waiting) == sum(row["calls"] for row in waiting) == 5
        assert all(row["cost"] is None and row["currency"] == "" for row in waiting)
        assert sum(number(row, "reported_cost") or 0 for row in rows) == Decimal("0.5")
    assert {row["user_id"]: row["calls"] for row in waiting} == {"ada": 1, "bob": 4}
    analytics.catch_up()
    assert query(analytics, "SELECT * FROM v_cost_daily WHERE unknown_reason = 'not_priced_yet'") == []


@both
@pytest.mark.store(privacy="full", clock=lambda: NOON + timedelta(days=3))
def test_no_cost_by_earlier_prices_is_shown_once_there_are_others(analytics: AnalyticsService) -> None:
    since = (NOON - timedelta(days=9)).isoformat()
    times = [NOON - timedelta(hours=n) for n in range(0, 60, 6)]
    analytics.publish_prices([price(per_mtok={"input_tokens": "2"}, effective_from=since)]).unwrap()
    record(
        analytics,
        *(provider_call(cost=None, model="acme-large", provider="acme", currency=None, occurred_at=at) for at in times),
    )
    before = query(analytics, "SELECT * FROM v_cost_hourly")
    assert {row["unknown_reason"] for row in before} == {""}

    with patch.object(view_costs, "MANY", 0), patch.object(view_costs, "A_LITTLE", 0.0):
        analytics.publish_prices([price(per_mtok={"input_tokens": "3"}, effective_from=since)]).unwrap()

    (waiting,) = query(analytics, "SELECT buckets_to_price AS n FROM v_projections WHERE projection = 'cost'")
    assert waiting["n"]
    for view in ("v_cost_hourly", "v_cost_daily"):
        for row in query(analytics, f"SELECT * FROM {view}"):
            assert (
                row["unknown_reason"] == "not_priced_yet"
                or number(row, "cost") == 3 * Decimal(row["input_tokens"]) / 10**6
            )
        ((calls,),) = [row.values() for row in query(analytics, f"SELECT sum(calls) AS n FROM {view}")]
        assert calls == len(times)
    analytics.sql_views().unwrap()
    check(analytics, NOON - timedelta(days=4), NOON + timedelta(days=1))


@both
@pytest.mark.store(privacy="full")
def test_a_log_that_is_restored_from_an_older_copy_takes_costs_with_it(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(cost="0.5"))
    analytics.store.read_models.restart_beyond(lambda: 0)
    assert query(analytics, "SELECT * FROM v_cost_daily") == []
    analytics.catch_up()
    assert query(analytics, "SELECT calls FROM v_cost_daily") == [{"calls": 1}]


def test_who_follows_prices_too(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db", follow=True, privacy="full") as analytics:
        analytics.record_event(**provider_call(cost=None, currency=None)).unwrap()
        eventually(lambda: query(analytics, "SELECT * FROM v_cost_daily WHERE computed_calls = 1"))


def test_read_models_in_memory_have_no_views_nor_need_them() -> None:
    with opened(privacy="full") as analytics:
        record(analytics, provider_call(cost="0.5"))
        with analytics.store.read_models.reading() as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'view'")
            assert cursor.fetchone() == (0,)


# ── on PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.store("postgres")
def test_who_may_read_views_alone_may_after_every_rebuild_and_change(url: str) -> None:
    role, review = f"grafana_{uuid4().hex[:8]}", {"event_type": "review.completed", "data": REVIEW, "occurred_at": NOON}

    def read(table: str) -> Any:
        with psycopg.connect(url) as server:
            server.execute(f"SET ROLE {role}".encode())
            return server.execute(f"SELECT count(*) FROM analytics.{table}".encode()).fetchone()

    with opened(url, projections=[reviews()], privacy="full") as analytics:
        record(analytics, review)
        execute(analytics, f"CREATE ROLE {role}")
        execute(analytics, f"GRANT USAGE ON SCHEMA analytics TO {role}")
        execute(analytics, f"GRANT SELECT ON v_reviews_daily TO {role}")
        analytics.rebuild().unwrap()
        assert read("v_reviews_daily") == (1,)
    waited = total("attributes.waited", unit="ms")
    with opened(url, projections=[reviews(2, waited=waited)], privacy="full") as analytics:
        analytics.catch_up()
        assert "waited_ms" in query(analytics, "SELECT * FROM v_reviews_daily")[0]
    assert read("v_reviews_daily") == (1,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        read("stored_events")


@pytest.mark.store("postgres", privacy="full")
def test_a_view_that_others_build_on_is_no_reason_not_to_rebuild(url: str, analytics: AnalyticsService) -> None:
    record(analytics, provider_call(cost="0.5"))
    execute(analytics, "CREATE VIEW theirs AS SELECT calls FROM v_cost_daily")

    for _ in range(2):
        analytics.rebuild().unwrap()

    assert query(analytics, "SELECT calls FROM theirs") == [{"calls": 1}]
    check_cost(analytics, TimePeriod.day(NOON.date(), granularity="day"), "v_cost_daily", "true")
    only_live(analytics.store.read_models)


@pytest.mark.store("postgres", privacy="full")
def test_a_rebuild_does_not_fail_because_somebody_reads_for_long(url: str, analytics: AnalyticsService) -> None:
    record(analytics, provider_call(cost="0.5"))
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM analytics.v_usage_daily")
        analytics.rebuild(["usage"]).unwrap()
        record(analytics, tool_call())
    analytics.rebuild(["usage"]).unwrap()
    assert sum(row["events"] for row in query(analytics, "SELECT events FROM v_usage_daily")) == 2
    only_live(analytics.store.read_models)
