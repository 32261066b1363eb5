"""Every number is explained down to its events: the parts of a cell merge to what the read model says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.audit.explain import explain
from analytics_es.errors import BadLimit, NotARow, SeveralCurrencies, UnknownKey, UnknownMetric
from analytics_es.events.codec import to_json
from analytics_es.events.event import EPOCH
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.projection import Histogram, count, histogram, key, largest, projection, smallest, total
from analytics_es.projection.declaration import Declaration, Measure
from analytics_es.projections import Cost
from analytics_es.queries.summary import summary
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.testing import NOON, budget_allocated, job_failed, provider_call, task_completed, tool_call
from analytics_es.types import Distribution, Explanation, MetricPoint
from tests.servers import Server
from tests.stores import USUAL, append, engine, log_of, nth, runner_of, stored, views_of
from tests.test_laws import ALL, ZONES, broken, histories, moderate, source_of

HOUR = timedelta(hours=1)
LUNCH = TimePeriod(NOON, NOON + HOUR)
DAY = TimePeriod(NOON - 12 * HOUR, NOON + 12 * HOUR)


@projection(version=1, consumes=(">",), where="family <> 'job'", entities=("user", "tool", "task"))
class Every:
    """Every kind of measure, each with a condition."""

    kind: str = key("entity.type")
    which: str = key("entity.id")
    family: str = key("family")
    currency: str = key("currency")
    region: str = key("attributes.region")
    failures: int = count(where="outcome = 'error'")
    money: int | None = total("coalesce(cost, amount)", where="outcome IS NOT NULL", unit="currency", decimals=9)
    shortest: int | None = smallest("duration_ms", where="attributes.region IS NULL", unit="ms", decimals=3)
    longest: int | None = largest("duration_ms / 3", where="user_id IS NOT NULL", unit="ms", decimals=3)
    sizes: Histogram = histogram("attributes.size", where="attributes.size > '1'", decimals=1)


CLASSES = (*ALL, Every)


# ── the law ─────────────────────────────────────────────────────────────────────────────────────────────────────


def of_all_of_a_kind(declaration: Declaration, row: Any) -> bool:
    """Whether a row is of no entity by name, but of all of a kind."""
    named = dict(zip(declaration.row_key, row, strict=False))
    return declaration.rollup and bool(named["entity_type"]) and not named["entity_id"]


def some_cell(
    read_models: SQLiteReadModels, zone: str, chance: random.Random
) -> tuple[Declaration, Measure, TimePeriod, Any]:
    """Choose a row of a read model, some of its keys, and one of its measures."""
    with read_models.read() as snapshot:
        rows = {
            name: [row for row in snapshot.rows(each) if not of_all_of_a_kind(each, row)]
            for name, each in read_models.declarations.items()
        }
    name = chance.choice([name for name, found in rows.items() if found])
    declaration = read_models.declarations[name]
    row = dict(zip(declaration.row_key, chance.choice(rows[name]), strict=False))
    grain, start = row.pop("grain"), row.pop("bucket")
    calendar = source_of(read_models, zone).calendar
    end = calendar.next_hour(start) if grain == "hour" else calendar.next_day(start)
    where = {word: value for word, value in row.items() if chance.random() < 0.5}
    kind = declaration.entities and row[declaration.entity_key("type")]
    if kind and chance.random() < 0.5:
        own = {each.name for each in declaration.keys if not each.of_entity}
        where = {word: value for word, value in where.items() if word in own}
        where[kind] = row[declaration.entity_key("id")]
    period = TimePeriod(EPOCH + timedelta(seconds=start), EPOCH + timedelta(seconds=end))
    return declaration, chance.choice(declaration.measures), period, where


def merged(measure: Measure, found: Explanation) -> Distribution:
    """Add up the events that were listed, knowing nothing of SQL."""
    values = [event.value for event in found.events]
    whole, low, high = sum(values, Decimal()), min(values, default=None), max(values, default=None)
    match measure.kind:
        case "count":
            return Distribution(count=len(values), total=whole)
        case "total":
            return Distribution(total=whole if values else None)
        case "smallest":
            return Distribution(minimum=low)
        case "largest":
            return Distribution(maximum=high)
        case _:
            return Distribution(count=len(values), total=whole if values else None, minimum=low, maximum=high)


def exact(figures: Distribution) -> tuple[Any, ...]:
    """Return all but mean and percentiles."""
    return figures.count, figures.total, figures.minimum, figures.maximum


@moderate
@given(histories(), broken, st.randoms(use_true_random=False), st.sampled_from(ZONES))
def test_what_is_explained_adds_up_to_the_number(
    history: list[dict[str, Any]], damaged: list[Any], chance: random.Random, zone: str
) -> None:
    arrivals = [*history, *damaged]
    chance.shuffle(arrivals)
    with log_of(arrivals, door=USUAL) as log, views_of(log, CLASSES, zone) as read_models:
        runner_of(log, read_models, batch=chance.randint(1, 20), classes=CLASSES, zone=zone).step()
        with read_models.read() as snapshot:
            if not any(map(snapshot.size, read_models.declarations.values())):
                return
        store: Any = SimpleNamespace(log=log, fold=engine(CLASSES, zone))
        for _ in range(6):
            declaration, measure, period, where = some_cell(read_models, zone, chance)
            source, metric = source_of(read_models, zone), f"{declaration.name}.{measure.name}"
            told = summary(source, metric, period, group_by=(), where=where)
            try:
                found = explain(source, store, metric, period, where)
            except SeveralCurrencies:
                assert len(told.by_currency) > 1
                continue

            assert found.figures == told.figures
            assert exact(merged(measure, found)) == exact(told.figures)
            assert (found.count, found.omitted) == (len(found.events), 0)
            assert (found.period, found.currency) == (told.period, told.currency)
            assert found.completeness == told.completeness
            assert [each.position for each in found.events] == sorted(each.position for each in found.events)


# ── one service ─────────────────────────────────────────────────────────────────────────────────────────────────


def recorded(service: AnalyticsService, *events: dict[str, Any]) -> None:
    service.record_events([{"id": f"call-{n}", **event} for n, event in enumerate(events, 1)]).unwrap()
    service.catch_up()


def ids(found: Explanation) -> list[str]:
    return [event.id for event in found.events]


def test_an_event_is_told_with_its_place_its_time_and_what_it_brings(analytics: AnalyticsService) -> None:
    recorded(analytics, tool_call(), provider_call(occurred_at=NOON + timedelta(microseconds=7), cost="0.25"))

    found = analytics.explain("cost.reported_cost", LUNCH).unwrap()

    (event,) = found.events
    assert (event.position, event.id, event.source, event.type) == (
        nth(2),
        "call-2",
        "local",
        "provider.call.completed",
    )
    assert (event.occurred_at, event.value) == (NOON + timedelta(microseconds=7), Decimal("0.25"))
    assert event.recorded_at is not None
    assert (found.count, found.currency, found.figures.total, found.keys) == (1, "USD", Decimal("0.25"), {})


def test_an_event_counts_once_unless_an_entity_is_asked_for(analytics: AnalyticsService) -> None:
    recorded(analytics, provider_call(), provider_call(user_id="bob"), provider_call(user_id=None))

    assert ids(analytics.explain("usage.events", LUNCH).unwrap()) == ["call-1", "call-2", "call-3"]
    assert ids(analytics.explain("usage.events", LUNCH, where={"user": "bob"}).unwrap()) == ["call-2"]
    assert ids(analytics.explain("usage.events", LUNCH, where={"user": "nobody"}).unwrap()) == []


def test_an_id_without_its_type_is_refused_because_an_event_may_have_it_several_times(
    analytics: AnalyticsService,
) -> None:
    recorded(analytics, task_completed(agent_id="x", tenant_id="x"))

    with pytest.raises(UnknownKey, match="asked for by its name"):
        analytics.explain("usage.events", LUNCH, where={"entity_id": "x"}).unwrap()


def test_a_late_event_is_among_those_of_its_hour(analytics: AnalyticsService) -> None:
    recorded(analytics, tool_call(), tool_call(occurred_at=NOON + 3 * HOUR), tool_call(occurred_at=NOON + HOUR / 2))

    assert [each.position for each in analytics.explain("usage.events", LUNCH).unwrap().events] == [nth(1), nth(3)]


def test_the_first_are_listed_and_the_rest_is_counted(analytics: AnalyticsService) -> None:
    recorded(analytics, *(tool_call(duration_ms=ms) for ms in (3, 9, 5, 9)))

    first = analytics.explain("usage.duration", LUNCH, limit=2).unwrap()
    most = analytics.explain("usage.duration", LUNCH, limit=3, largest=True).unwrap()
    none = analytics.explain("usage.duration", LUNCH, limit=0).unwrap()

    assert (ids(first), first.omitted, first.count) == (["call-1", "call-2"], 2, 4)
    assert (ids(most), most.omitted) == (["call-2", "call-4", "call-3"], 1)
    assert (ids(none), none.omitted) == ([], 4)
    assert {each.figures.total for each in (first, most, none)} == {Decimal(26)}


def test_the_latest_are_those_that_happened_last_whenever_they_were_recorded(analytics: AnalyticsService) -> None:
    minutes = (3, 9, 5, 9)
    recorded(analytics, *(provider_call(occurred_at=NOON + HOUR / 60 * minute) for minute in minutes))

    latest = analytics.explain("usage.events", LUNCH, limit=3, latest=True).unwrap()
    of_both = analytics.explain("usage.duration", LUNCH, limit=3, latest=True, largest=True).unwrap()
    charged = analytics.explain_cost(LUNCH, limit=3, latest=True).unwrap()

    last = [nth(4), nth(2), nth(3)]
    assert [event.position for event in latest.events] == last
    assert [event.position for event in of_both.events] == last
    assert [event.position for event in charged.events] == last
    assert (latest.omitted, charged.omitted) == (1, 1)


def test_what_an_event_is_about_is_what_speed_is_told_by(analytics: AnalyticsService) -> None:
    failed = job_failed(job_type="import", error_type="timeout")
    both = task_completed(task_type="fix", attributes={"model": "no model of its own"})
    nameless = tool_call(tool=None)
    recorded(analytics, provider_call(model="large"), tool_call(tool="bash"), both, failed, nameless)

    told = {}
    for row in analytics.get_performance_metrics(LUNCH).unwrap().operations:
        keys = {"operation": row.operation, "subject": row.subject}
        events = analytics.explain("performance.calls", LUNCH, where=keys).unwrap().events
        told[row.subject] = {(event.subject, event.error_type) for event in events}

    assert told == {
        "large": {("large", "")},
        "bash": {("bash", "")},
        "fix": {("fix", "")},
        "import": {("import", "timeout")},
        "": {("", "")},
    }


def test_what_is_far_apart_in_the_log_is_listed_in_order(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics_es.log.event_log.SPAN_GAP", 0)
    monkeypatch.setattr("analytics_es.log.sqlite.log.DENSE", 0)
    monkeypatch.setattr("analytics_es.log.sqlite.log.FEW", 0)
    monkeypatch.setattr("analytics_es.log.scanned.GROUP_BYTES", 500)  # two events
    recorded(
        analytics,
        *(tool_call(occurred_at=NOON + (n % 2) * HOUR, duration_ms=n) for n in range(12)),
    )
    seen: list[tuple[int, int]] = []

    def told(limit: int, **order: bool) -> list[int]:
        options: dict[str, Any] = {"limit": limit, "progress": at, **order}
        found = analytics.explain("usage.duration", LUNCH, **options).unwrap()
        assert (6, 6 - limit, Decimal(30)) == (found.count, found.omitted, found.figures.total)
        return [int(each.value) for each in found.events]

    def at(_: str, done: int, whole: int) -> None:
        seen.append((done, whole))

    assert told(5, largest=False) == [0, 2, 4, 6, 8]
    assert told(3, largest=True) == [10, 8, 6]
    assert told(3, latest=True) == [10, 8, 6]
    assert seen[:3] == [(nth(n), nth(12)) for n in (3, 7, 11)]


def test_what_is_not_in_the_read_model_yet_explains_nothing(analytics: AnalyticsService) -> None:
    recorded(analytics, tool_call())
    analytics.record_event(**tool_call()).unwrap()

    found = analytics.explain("usage.events", LUNCH).unwrap()

    assert (ids(found), found.completeness.position, found.completeness.lag_events) == (["call-1"], nth(1), 1)


def test_an_unreadable_value_brings_nothing(analytics: AnalyticsService) -> None:
    assert isinstance(analytics.store.log, SQLiteLog)
    custom = [stored("custom.thing.measured", input_tokens=value) for value in (5, "lots", "1e400", None)]
    append(analytics.store.log, *custom, ("custom.thing.measured", b"{"))
    analytics.catch_up()
    noon = TimePeriod(NOON, NOON + HOUR)

    found = analytics.explain("usage.input_tokens", noon).unwrap()

    assert ([each.position for each in found.events], found.figures.total) == ([1], Decimal(5))
    assert analytics.explain("usage.events", noon).unwrap().count == 4
    assert found.completeness.unreadable > 0


def test_a_sum_beyond_64_bits_is_explained() -> None:
    with AnalyticsService.open(":memory:", follow=False, projections=[Cost]) as analytics:
        calls = (stored("provider.call.completed", input_tokens=2**63 - 1, model=f"m-{n}", id=f"{n}") for n in range(3))
        append(analytics.store.log, *calls)
        analytics.catch_up()

        found = analytics.explain("cost.input_tokens", LUNCH).unwrap()
        told = analytics.get_summary("cost.input_tokens", LUNCH).unwrap()

    assert Decimal(3 * (2**63 - 1)) == found.figures.total == told.figures.total


def test_a_long_text_is_found_by_all_of_it(analytics: AnalyticsService) -> None:
    long = "m" * 400
    recorded(analytics, provider_call(model=long), provider_call(model=long[1:]))

    assert ids(analytics.explain("cost.calls", LUNCH, where={"model": long}).unwrap()) == ["call-1"]


def test_hours_of_a_half_hour_zone_begin_at_half_past() -> None:
    times = [NOON + timedelta(minutes=minutes) for minutes in (29, 30, 89, 90)]
    with AnalyticsService.open(":memory:", follow=False, timezone="Asia/Kolkata") as analytics:
        recorded(analytics, *(tool_call(occurred_at=time) for time in times))

        found = analytics.explain("usage.events", TimePeriod(times[1], times[2])).unwrap()

    assert ids(found) == ["call-2", "call-3"]
    assert (times[1], times[3]) == (found.period.start, found.period.end)
    assert f"{found.events[0].occurred_at:%H:%M}" == "18:00"


def test_money_of_several_currencies_is_refused_by_name(analytics: AnalyticsService) -> None:
    recorded(analytics, provider_call(), provider_call(currency="EUR"), provider_call(cost=None, currency=None))

    refused = analytics.explain("cost.reported_cost", LUNCH)
    euros = analytics.explain("cost.reported_cost", LUNCH, where={"currency": "EUR"}).unwrap()

    assert refused.failure and "EUR, USD" in refused.failure.message
    assert (euros.currency, ids(euros)) == ("EUR", ["call-2"])


def test_nothing_is_explained_by_nothing(analytics: AnalyticsService) -> None:
    found = {name: analytics.explain(name, LUNCH).unwrap() for name in ("usage.events", "cost.reported_cost")}

    assert [found["usage.events"].figures.count, found["cost.reported_cost"].figures.total] == [0, None]
    assert {(each.count, each.omitted, each.currency) for each in found.values()} == {(0, 0, None)}


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("usage.evnts", LUNCH, {}), UnknownMetric),
        (("usage.events", LUNCH, {"where": {"colour": "red"}}), UnknownKey),
        (("performance.calls", LUNCH, {"where": {"user": "ada"}}), UnknownKey),
        (("usage.events", LUNCH, {"limit": -1}), BadLimit),
        (("usage.events", LUNCH, {"row": MetricPoint(start=NOON, figures=Distribution())}), NotARow),
        (("usage.events", 5, {}), NotARow),
    ],
)
def test_what_cannot_be_explained_is_refused(analytics: AnalyticsService, asked: Any, error: type[Exception]) -> None:
    metric, period, options = asked

    result = analytics.explain(metric, period, **options)

    with pytest.raises(error):
        result.unwrap()


# ── rows of answers ─────────────────────────────────────────────────────────────────────────────────────────────


BUSY: dict[str, Any] = {  # with names, which are compared over two databases
    "follow": False,
    "timezone": "Asia/Kathmandu",
    "clock": lambda: NOON + 24 * HOUR,
    "privacy": "full",
}


@pytest.fixture(scope="module")
def busy() -> Iterator[AnalyticsService]:
    """Open a store with a day of several users, currencies and operations."""
    with AnalyticsService.open(":memory:", **BUSY) as service:
        recorded(service, *a_busy_day())
        yield service


def a_busy_day() -> list[dict[str, Any]]:
    events = [
        make(occurred_at=NOON + timedelta(minutes=37 * n - 300), user_id=("ada", "bob", None)[n % 3])
        for n in range(24)
        for make in (provider_call, tool_call, task_completed, job_failed, budget_allocated)
    ]
    for n, event in enumerate(events[::5]):
        event["data"] |= {"cost": f"0.{n + 1}", "currency": ("USD", "EUR")[n % 2], "model": ("a", "b")[n // 12]}
    return events


def figure(service: AnalyticsService, metric: str, answer: Any, row: Any) -> Distribution:
    return service.explain(metric, answer, row=row).unwrap().figures


@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month", "total"])
def test_rows_of_a_summary_are_explained(busy: AnalyticsService, granularity: Any) -> None:
    day = TimePeriod(DAY.start, DAY.end, granularity)
    told = busy.get_summary("performance.duration", day, group_by=["operation"]).unwrap()

    assert told.figures == figure(busy, told.metric, told, None)
    for row in [*told.series, *told.groups]:
        assert row.figures == figure(busy, told.metric, told, row)


def test_a_summary_that_was_filtered_is_explained_by_the_same_filter(busy: AnalyticsService) -> None:
    ada = {"user": "ada"}
    told = busy.get_summary("cost.reported_cost", DAY, group_by=["model"], where=ada).unwrap()

    for part in told.by_currency:
        for row in [None, *part.series, *part.groups]:
            found = busy.explain(told.metric, part, row=row, where=ada).unwrap()
            assert (row or part).figures == found.figures
    assert len(told.by_currency) == 2


def test_rows_of_a_cost_breakdown_are_explained(busy: AnalyticsService) -> None:
    told = busy.get_cost_breakdown(DAY, by=["user", "model"]).unwrap()

    for row in [*told.rows, *told.series, *told.totals]:
        assert row.reported_cost == figure(busy, "cost.reported_cost", told, row).total
    assert told.calls == figure(busy, "cost.calls", told, None).count


def test_rows_of_performance_are_explained(busy: AnalyticsService) -> None:
    told = busy.get_performance_metrics(DAY).unwrap()

    for row in [*told.operations, *told.series, told.totals]:
        assert row.duration_ms == figure(busy, "performance.duration", told, row)
        assert row.failures == figure(busy, "performance.failures", told, row).count


@pytest.mark.parametrize("entity", [(None, None), ("user", None), ("user", "ada")])
def test_rows_of_usage_are_explained(busy: AnalyticsService, entity: Any) -> None:
    told = busy.get_usage_stats(*entity, DAY).unwrap()

    assert told.totals.events == figure(busy, "usage.events", told, None).count
    for row in [*told.top_entities, *told.by_event_type, *told.series]:
        assert row.totals.events == figure(busy, "usage.events", told, row).count


def test_a_row_of_another_answer_is_refused(busy: AnalyticsService) -> None:
    told = busy.get_summary("usage.events", DAY).unwrap()
    later = MetricPoint(start=DAY.end, figures=Distribution())

    for row in (later, told.completeness):
        with pytest.raises(NotARow):
            busy.explain("usage.events", told, row=row).unwrap()  # type: ignore[arg-type]


def test_an_hour_that_comes_twice_is_explained_apart() -> None:
    second = NOON.replace(month=10, day=25, hour=1)
    with AnalyticsService.open(":memory:", follow=False, timezone="Europe/Berlin") as analytics:
        recorded(analytics, *(tool_call(occurred_at=second + (n - 1) * HOUR) for n in (0, 1, 1)))
        told = analytics.get_summary("usage.events", TimePeriod(second - HOUR, second + HOUR)).unwrap()

        found = [analytics.explain("usage.events", told, row=row).unwrap().count for row in told.series]

    assert found == [1, 2]


# ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_postgres_explains_the_same(busy: AnalyticsService, postgres: Server) -> None:
    options: dict[str, Any] = {"schema": postgres.schema(), **BUSY}
    asked: list[tuple[str, dict[str, str]]] = [
        ("usage.events", {"user": "ada"}),
        ("cost.reported_cost", {"currency": "EUR"}),
        ("performance.duration", {"operation": "tool.call"}),
    ]
    with AnalyticsService.open(postgres.url, **options) as analytics:
        recorded(analytics, *a_busy_day())
        for metric, where in asked:
            told = [
                to_json(each.explain(metric, DAY, where=where, largest=True, limit=7).unwrap())
                for each in (busy, analytics)
            ]
            assert told[0] == told[1]
