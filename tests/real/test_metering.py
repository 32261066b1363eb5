"""Usage-metering cases of OpenMeter, restated: aggregations over windows, deduplication, values that are no numbers."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection import Histogram, count, histogram, key, projection, total
from analytics_es.projections import Usage

EXACT = 16  # decimals that the cases have


@projection(version=1, consumes=("meter.>",))
class Meter:
    """A metered value of a subject, told apart by the names it came with."""

    subject: str = key("data.subject")
    name: str = key("data.name")
    method: str = key("data.method")
    events: int = count()
    value: Histogram = histogram("data.metered", decimals=EXACT)
    duration: int | None = total("data.elapsed_ms", unit="ms")


pytestmark = pytest.mark.store(projections=[Usage, Meter], strict_ids=True)


@pytest.fixture
def cases(data: Path) -> Any:
    return json.loads((data / "metering" / "openmeter_aggregation.json").read_text())


def record(analytics: AnalyticsService, data: Any, time: str, id: str, **more: Any) -> Any:
    # The cases' `value` may be anything; the common field of that name may not, so it has a name of its own here.
    renamed = {{"value": "metered", "duration_ms": "elapsed_ms"}.get(name, name): item for name, item in data.items()}
    at = datetime.fromisoformat(time).replace(tzinfo=UTC)
    return analytics.record_event("meter.read", {**renamed, **more}, occurred_at=at, id=id)


def figures(analytics: AnalyticsService, metric: str, start: str, end: str, **options: Any) -> Any:
    analytics.catch_up()
    return analytics.get_summary(metric, TimePeriod.parse(f"{start}/{end}", **options)).unwrap()


def test_aggregations_over_a_window_with_values_and_one_without(cases: Any, analytics: AnalyticsService) -> None:
    section = cases["A_aggregations"]
    for event in section["events"]:
        record(analytics, event["data"], event["time"], event["id"]).unwrap()

    for case in section["cases"]:
        if case["aggregation"] == "LATEST":
            continue  # not a commutative measure: the latest value depends on order, so no projection keeps it
        start, end = case["range(half-open [from,to))"]
        assert answered(analytics, case["aggregation"], start, end) == case["expected"], case


def answered(analytics: AnalyticsService, aggregation: str, start: str, end: str) -> float | None:
    if aggregation == "COUNT":
        return float(figures(analytics, "meter.events", start, end).figures.count)
    if aggregation == "UNIQUE_COUNT":
        period = TimePeriod.parse(f"{start}/{end}")
        groups = analytics.get_summary("meter.events", period, group_by=["name"]).unwrap().groups
        return float(len([group for group in groups if group.keys["name"]]))
    field = {"SUM": "total", "AVG": "mean", "MIN": "minimum", "MAX": "maximum"}[aggregation]
    value = getattr(figures(analytics, "meter.value", start, end).figures, field)
    return None if value is None else float(value)


def test_windows_of_an_hour_a_day_and_all(cases: Any, analytics: AnalyticsService) -> None:
    section = cases["B_windows"]
    for event in section["events"]:
        record(analytics, event["data"], event["time"], event["id"], subject=event["subject"]).unwrap()

    for granularity in ("hour", "day"):
        series = figures(analytics, "meter.duration", "2023-05-06", "2023-05-08", granularity=granularity).series
        windows = [
            {"sum": int(point.figures.total), "window_start": f"{point.start:%Y-%m-%d %H:%M:%S}"}
            for point in series
            if point.figures.total is not None
        ]
        assert windows == section["expected"][granularity]
    whole = figures(analytics, "meter.duration", "2023-05-06", "2023-05-08")
    period = TimePeriod.parse("2023-05-06/2023-05-08")
    groups = analytics.get_summary("meter.duration", period, group_by=["subject"]).unwrap().groups
    assert whole.figures.total == section["expected"]["total"]["sum"]
    wanted = section["expected"]["subjects customer-1, customer-2"]
    assert {g.keys["subject"]: g.figures.total for g in groups if g.keys["subject"] in wanted} == wanted


def test_a_thousand_deliveries_of_one_id_with_different_times_count_once(analytics: AnalyticsService) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = [
        {"event_type": "meter.read", "data": {}, "id": "1", "occurred_at": start + timedelta(seconds=second)}
        for second in range(1000)
    ]

    receipt = analytics.record_events(events).unwrap()

    assert (receipt.recorded, receipt.duplicates) == (1, 999)
    assert figures(analytics, "meter.events", "2026-01-01", "2026-01-02").figures.count == 1


def test_what_is_no_number_is_stored_and_listed_but_left_out_of_the_sum(analytics: AnalyticsService) -> None:
    values: list[Any] = [100, None, "", "NaN", "Inf"]
    for index, value in enumerate([*values, "missing"]):
        data = {} if value == "missing" else {"duration_ms": value}
        record(analytics, data, "2026-01-01T10:00:00", str(index)).unwrap()

    summary = figures(analytics, "meter.duration", "2026-01-01", "2026-01-02")

    assert summary.figures.total == 100
    assert figures(analytics, "meter.events", "2026-01-01", "2026-01-02").figures.count == 6
    assert summary.completeness.unreadable == 3


def test_numbers_and_numeric_texts_count_alike(analytics: AnalyticsService) -> None:
    record(analytics, {"duration_ms": 100, "method": "GET"}, "2026-01-01T10:00:00", "1").unwrap()
    record(analytics, {"duration_ms": "100"}, "2026-01-01T10:00:00", "2").unwrap()

    period = TimePeriod.parse("2026-01-01")
    analytics.catch_up()
    groups = analytics.get_summary("meter.duration", period, group_by=["method"]).unwrap().groups

    assert {group.keys["method"]: group.figures.total for group in groups} == {"GET": 100, "": 100}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused(analytics: AnalyticsService, value: float) -> None:
    result = record(analytics, {"duration_ms": value}, "2026-01-01T10:00:00", "1")

    assert result.failure is not None
    assert result.failure.code == "bad_field"
