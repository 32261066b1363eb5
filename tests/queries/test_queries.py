"""Questions: every answer on the small day, and the rules that every answer keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import to_plain
from analytics_es.events.outcomes import ERROR, WORDS
from analytics_es.projection import Histogram, count, histogram, key, projection, total
from analytics_es.projections import Usage
from analytics_es.testing import NOON, job_failed, message_added, provider_call, task_completed, tool_call
from analytics_es.types import Distribution, MetricSummary, OperationResult
from tests import day
from tests.day import DAY, MONDAY, NOW
from tests.stores import OURS, append, opened, record, stored

pytestmark = [
    pytest.mark.store(clock=lambda: NOW),
    pytest.mark.usefixtures("full_privacy"),  # answers are compared whole, with names and positions
]

NEVER = TimePeriod.day(date(2020, 1, 1))
HOUR = TimePeriod(NOON, NOON + timedelta(hours=1))
LARGEST = 2**63 - 1


@pytest.fixture(scope="module")
def monday(monday: AnalyticsService) -> AnalyticsService:
    """Return the small day, and which default prices it is priced with."""
    monday.get_cost_breakdown(DAY).unwrap()
    monday.catch_up()
    return monday


def summary(analytics: AnalyticsService, metric: str, period: TimePeriod = DAY, **asked: Any) -> MetricSummary:
    return analytics.get_summary(metric, period, **asked).unwrap()


def groups(answer: MetricSummary) -> dict[tuple[str, ...], Any]:
    """Return the total (or the count) of each group."""
    return {tuple(each.keys.values()): each.figures.total for each in answer.groups}


def refusal(result: OperationResult[Any]) -> tuple[str, str]:
    assert result.failure is not None
    return result.failure.code, result.failure.message


# ── every answer on the small day ───────────────────────────────────────────────────────────────────────────────

ANSWERS: dict[str, Callable[[AnalyticsService], OperationResult[Any]]] = {
    "usage of everyone": lambda it: it.get_usage_stats(None, None, DAY),
    "usage of all users": lambda it: it.get_usage_stats("user", None, TimePeriod(DAY.start, DAY.end, "total")),
    "usage of a user": lambda it: it.get_usage_stats("user", "ada", TimePeriod(DAY.start, DAY.end, "day")),
    "performance": lambda it: it.get_performance_metrics(TimePeriod(DAY.start, DAY.end, "day")),
    "cost by model": lambda it: it.get_cost_breakdown(TimePeriod(DAY.start, DAY.end, "day")),
    "cost by user and operation": lambda it: it.get_cost_breakdown(
        TimePeriod(DAY.start, DAY.end, "total"), by=("user", "operation")
    ),
    "cost by currency": lambda it: it.get_cost_breakdown(TimePeriod(DAY.start, DAY.end, "total"), by=("currency",)),
    "cost by nothing": lambda it: it.get_cost_breakdown(TimePeriod(DAY.start, DAY.end, "total"), by=()),
    "a count by the hour": lambda it: it.get_summary(
        "usage.events", TimePeriod(DAY.start + timedelta(hours=8), DAY.start + timedelta(hours=11)), group_by=("user",)
    ),
    "a total": lambda it: it.get_summary(
        "cost.input_tokens", TimePeriod(DAY.start, DAY.end, "total"), group_by=("provider", "model")
    ),
    "a smallest": lambda it: it.get_summary("usage.first_seen", TimePeriod(DAY.start, DAY.end, "total")),
    "a largest": lambda it: it.get_summary("usage.last_seen", TimePeriod(DAY.start, DAY.end, "total")),
    "a histogram": lambda it: it.get_summary(
        "performance.duration", TimePeriod(DAY.start, DAY.end, "day"), group_by=("operation",)
    ),
    "money": lambda it: it.get_summary(
        "cost.reported_cost", TimePeriod(DAY.start, DAY.end, "day"), group_by=("tenant",)
    ),
    "projections": lambda it: it.projections(),
    "unreadable values": lambda it: it.unreadable_values(),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_on_the_small_day(monday: AnalyticsService, name: str, snapshot: SnapshotAssertion) -> None:
    assert to_plain(ANSWERS[name](monday).unwrap()) == snapshot


def test_every_metric_is_a_line(monday: AnalyticsService, snapshot: SnapshotAssertion) -> None:
    metrics = to_plain(monday.list_metrics().unwrap())

    assert "\n".join(" · ".join(map(str, metric.values())) for metric in metrics) == snapshot


# ── every event once ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_metric_that_spreads_over_entities_counts_each_event_once(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), provider_call(user_id="bob"), tool_call(user_id=None))

    assert summary(analytics, "usage.events").figures.count == 3
    assert summary(analytics, "usage.events", group_by=("event_type",)).figures.count == 3
    assert groups(summary(analytics, "usage.events", group_by=("event_type",))) == {
        ("provider.call.completed",): 2,
        ("tool.call.completed",): 1,
    }


def test_filtered_or_grouped_by_an_entity_it_counts_for_each_entity(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), provider_call(user_id="bob"), tool_call(user_id=None))

    by_user = summary(analytics, "usage.events", group_by=("user",))
    assert (by_user.figures.count, groups(by_user)) == (3, {("ada",): 1, ("bob",): 1, ("",): 1})
    assert summary(analytics, "usage.events", where={"user": "ada"}).figures.count == 1
    assert summary(analytics, "usage.events", where={"tenant": "acme"}).figures.count == 3
    assert groups(summary(analytics, "usage.events", where={"user": "bob"}, group_by=("event_type",))) == {
        ("provider.call.completed",): 1
    }


def test_grouped_and_filtered_by_the_same_entity_it_is_one_group(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), provider_call(user_id="bob"))

    assert groups(summary(analytics, "cost.calls", group_by=("user", "model"), where={"user": "bob"})) == {
        ("bob", "claude-sonnet-4-5"): 1
    }


# ── money ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_currencies_are_never_added(monday: AnalyticsService) -> None:
    answer = summary(monday, "cost.reported_cost")

    assert {each.currency: each.figures.total for each in answer.by_currency} == {
        "EUR": Decimal("0.0012"),
        "USD": Decimal("0.020115"),
    }
    assert (answer.currency, answer.figures, answer.previous, answer.change) == (
        None,
        Distribution(),
        Distribution(),
        None,
    )
    assert {point.figures for point in answer.series} == {Distribution()}
    assert len(answer.series) == 24
    assert answer.groups == []


def test_one_currency_is_told_directly(monday: AnalyticsService) -> None:
    answer = summary(monday, "cost.reported_cost", where={"currency": "USD"})

    assert (answer.currency, answer.figures.total) == ("USD", Decimal("0.020115"))
    assert (answer.previous.total, answer.change) == (Decimal("0.01"), 1.0115)
    assert answer.by_currency[0].figures == answer.figures
    assert sum(point.figures.total or 0 for point in answer.series) == answer.figures.total


def test_costs_are_told_by_currency_and_the_unknown_apart(monday: AnalyticsService) -> None:
    answer = monday.get_cost_breakdown(DAY).unwrap()

    computed = 250_100 * Decimal("0.000002") + 1_010 * Decimal("0.000006")
    assert {each.currency: (each.reported_cost, each.computed_cost, each.calls) for each in answer.totals} == {
        "USD": (Decimal("0.020115"), computed, 5),
        "EUR": (Decimal("0.0012"), None, 1),
    }
    assert (answer.calls, answer.reported_calls, answer.computed_calls, answer.unknown_calls) == (8, 4, 2, 2)
    assert {(each.model, each.reason, each.calls, each.tokens.input) for each in answer.unknown} == {
        ("gpt-4.1", "no_usage", 1, None),
        ("gpt-4.1", "reported_as_zero", 1, 800),
    }


def test_a_currency_without_a_cost_is_none(analytics: AnalyticsService) -> None:
    unlisted = {"model": "unlisted", "cost": None}
    record(analytics, provider_call(), provider_call(**unlisted), provider_call(**unlisted, currency=None))

    answer = analytics.get_cost_breakdown(DAY).unwrap()

    assert [(each.currency, each.calls) for each in answer.totals] == [("USD", 1)]
    assert [(each.currency, each.calls, each.cost is None) for each in answer.rows] == [
        ("USD", 1, False),
        ("", 2, True),
    ]


def test_rows_and_series_add_up_to_the_totals_whatever_told_the_cost(analytics: AnalyticsService) -> None:
    billed = {"provider": "anthropic", "model": "claude-sonnet-4-5", "cost": "2.5", "currency": "USD"}
    record(
        analytics,
        provider_call(cost="0.5"),
        {"event_type": "provider.usage.billed", "data": billed, "occurred_at": NOON + timedelta(hours=2)},
    )

    answer = analytics.get_cost_breakdown(DAY, by=("model",)).unwrap()

    assert [(each.currency, each.reported_cost, each.calls) for each in answer.totals] == [("USD", Decimal("3"), 1)]
    assert sum(row.reported_cost or 0 for row in answer.rows) == 3
    assert sum(point.reported_cost or 0 for point in answer.series) == 3
    assert [row.share for row in answer.rows] == [1.0]


def test_every_bucket_has_a_point_for_every_currency_of_the_period(monday: AnalyticsService) -> None:
    series = monday.get_cost_breakdown(DAY).unwrap().series

    assert [point.currency for point in series] == ["", "EUR", "USD"] * 24
    assert [(p.start.hour, p.reported_cost) for p in series if p.currency == "EUR" and p.reported_cost is not None] == [
        (10, Decimal("0.0012"))
    ]


def test_token_kinds_are_disjoint_and_add_up(monday: AnalyticsService) -> None:
    tokens = monday.get_cost_breakdown(DAY).unwrap().tokens

    assert (tokens.input, tokens.output) == (4200 + 250_600 + 800, 550 + 1070 + 90)
    assert tokens.uncached_input is not None
    assert tokens.text_output is not None
    assert tokens.uncached_input + (tokens.cache_read or 0) + (tokens.cache_creation or 0) == tokens.input
    assert tokens.text_output + (tokens.reasoning or 0) == tokens.output


# ── percentiles, rates ──────────────────────────────────────────────────────────────────────────────────────────


def test_percentiles_are_merged_not_averaged(analytics: AnalyticsService) -> None:
    fast = [tool_call(duration_ms=10, id=f"fast-{n}", source="t") for n in range(99)]
    record(analytics, *fast, tool_call(duration_ms=9000, occurred_at=NOON + timedelta(hours=1)))

    figures = summary(analytics, "performance.duration").figures

    assert (figures.count, figures.minimum, figures.maximum) == (100, 10, 9000)
    assert figures.p50 == figures.p90 == figures.p99
    assert figures.p99 is not None
    assert abs(figures.p99 - 10) < Decimal("0.11")
    assert figures.mean == Decimal("99.9")


def test_percentiles_of_one_value_are_that_value(analytics: AnalyticsService) -> None:
    record(analytics, tool_call(duration_ms=1234.567))

    figures = summary(analytics, "performance.duration").figures

    assert {figures.p50, figures.p90, figures.p95, figures.p99, figures.mean, figures.total} == {Decimal("1234.567")}


def test_success_is_the_share_of_what_finished_that_did_not_fail(analytics: AnalyticsService) -> None:
    record(analytics, message_added(), tool_call(), job_failed(), task_completed(), tool_call(status="cancelled"))

    answer = analytics.get_usage_stats(None, None, DAY).unwrap()

    assert (answer.totals.events, answer.totals.finished, answer.totals.failures) == (5, 4, 1)
    assert answer.success_rate == 0.75


def test_what_does_not_say_how_it_ended_is_neither_a_success_nor_a_failure(analytics: AnalyticsService) -> None:
    unclear = {**tool_call(status=None), "event_type": "tool.call.exploded"}
    ended = {**tool_call(status=None, duration_ms=None), "event_type": "tool.call.ended"}
    failed = {**tool_call(status=None), "event_type": "tool.call.error"}
    record(analytics, unclear, ended, failed, tool_call())

    usage = analytics.get_usage_stats(None, None, HOUR).unwrap()
    answer = analytics.get_performance_metrics(HOUR).unwrap()

    totals = usage.totals
    assert (totals.finished, totals.failures, totals.unknown, usage.success_rate) == (4, 1, 2, 0.5)
    for row in (answer.operations[0], answer.series[0]):
        assert (row.calls, row.failures, row.unknown, row.error_rate) == (4, 1, 2, 0.5)


def test_a_task_of_unknown_outcome_is_no_successful_one(analytics: AnalyticsService) -> None:
    record(analytics, {**task_completed(status=None), "event_type": "task.handled"}, task_completed())

    assert summary(analytics, "cost.successful_tasks", HOUR).figures.count == 1


@pytest.mark.parametrize("word", WORDS[ERROR])
def test_a_call_that_says_that_it_failed_is_a_failure_and_costs(analytics: AnalyticsService, word: str) -> None:
    told = provider_call(status=None, cost="1")
    record(analytics, {**told, "event_type": f"provider.call.{word}"})

    answer = analytics.get_cost_breakdown(HOUR).unwrap()
    assert [(effort.effort, effort.cost) for effort in answer.efforts] == [("failed", 1)]
    assert summary(analytics, "performance.failures", HOUR).figures.count == 1


def test_of_nothing_that_finished_there_is_no_success_rate(analytics: AnalyticsService) -> None:
    record(analytics, message_added())

    assert analytics.get_usage_stats(None, None, DAY).unwrap().success_rate is None


def test_throughput_is_over_what_passed_of_the_period_and_over_its_busy_hours(analytics: AnalyticsService) -> None:
    record(analytics, *(tool_call(occurred_at=NOON + timedelta(minutes=10 * n)) for n in range(9)))

    (tool,) = analytics.get_performance_metrics(DAY).unwrap().operations

    assert (tool.operation, tool.subject, tool.calls) == ("tool.call", "bash", 9)
    assert tool.calls_per_second == 9 / (NOW - DAY.start).total_seconds()
    assert tool.busy_calls_per_second == 9 / 7200


def test_tokens_per_second_are_those_of_calls_that_told_both(analytics: AnalyticsService) -> None:
    record(
        analytics,
        provider_call(output_tokens=100, duration_ms=2000),
        provider_call(output_tokens=900, duration_ms=None),
        provider_call(output_tokens=None, reasoning_tokens=None, duration_ms=5000),
    )

    (call,) = analytics.get_performance_metrics(DAY).unwrap().operations

    assert (call.output_tokens, call.output_tokens_per_second) == (1000, 50.0)


def test_tokens_per_second_are_unknown_where_no_call_told_both(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(duration_ms=None), tool_call())

    assert {each.output_tokens_per_second for each in analytics.get_performance_metrics(DAY).unwrap().operations} == {
        None
    }


# ── nothing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_an_empty_period_counts_are_zero_and_everything_else_is_unknown(monday: AnalyticsService) -> None:
    assert summary(monday, "usage.events", NEVER).figures == Distribution(count=0, total=Decimal(0))
    assert summary(monday, "usage.input_tokens", NEVER).figures == Distribution()
    assert summary(monday, "usage.first_seen", NEVER).figures == Distribution()
    assert summary(monday, "performance.duration", NEVER).figures == Distribution(count=0)
    assert summary(monday, "cost.reported_cost", NEVER).by_currency == []
    assert summary(monday, "usage.events", NEVER, group_by=("user",)).groups == []


def test_of_an_empty_period_every_answer_says_so(monday: AnalyticsService) -> None:
    usage = monday.get_usage_stats(None, None, NEVER).unwrap()
    performance = monday.get_performance_metrics(NEVER).unwrap()
    cost = monday.get_cost_breakdown(NEVER).unwrap()

    assert (usage.totals.events, usage.totals.input_tokens, usage.totals.duration_ms) == (0, None, None)
    assert (usage.success_rate, usage.by_event_type, usage.top_entities, usage.active_entities) == (None, [], [], {})
    assert {point.totals.events for point in usage.series} == {0}
    assert (performance.operations, {point.error_rate for point in performance.series}) == ([], {None})
    assert (cost.calls, cost.totals, cost.rows, cost.unknown, cost.series) == (0, [], [], [], [])
    assert (cost.tokens.input, cost.tokens.uncached_input, cost.unknown_calls) == (None, None, 0)


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("metric", "close"),
    [
        ("usage.event", "usage.events"),
        ("performance.durations", "performance.duration"),
        ("cost.token", "cost.output_tokens or cost.input_tokens or cost.reasoning_tokens"),
        ("costs.calls", "cost.calls"),
    ],
)
def test_an_unknown_metric_names_the_close_ones(monday: AnalyticsService, metric: str, close: str) -> None:
    code, message = refusal(monday.get_summary(metric, DAY))

    assert code == "unknown_metric"
    assert set(close.split(" or ")) & set(message.partition("did you mean ")[2].partition("?")[0].split(" or "))


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("usage.event", ": did you mean usage.events?"),
        ("events", ": did you mean usage.events?"),
        ("usage.requests", ": did you mean cost.requests?"),
        ("perf.duration", ": did you mean performance.duration or performance.output_duration or usage.duration?"),
        ("performance.latency", "."),
        ("budgets.spend", ": did you mean budgets.spent?"),
        ("budgets.left", ": what is spent of budgets, and what remains, is get_budgets (`analytics-es budgets`)."),
        ("spending.total", ", as there is no projection 'spending' here, only budgets, cost, performance, usage."),
    ],
)
def test_what_is_offered_is_of_the_projection_that_was_named_or_nothing(
    monday: AnalyticsService, metric: str, told: str
) -> None:
    _, message = refusal(monday.get_summary(metric, DAY))

    assert message == f"There is no metric {metric!r}{told} `analytics-es metrics` lists them all."


@pytest.mark.parametrize("metric", ["cost.cost", "cost.costs", "cost.total", "cost"])
def test_what_calls_cost_is_no_metric_and_where_it_is_answered_is_told(monday: AnalyticsService, metric: str) -> None:
    for result in (monday.explain(metric, DAY), monday.get_summary(metric, DAY)):
        assert "get_cost_breakdown (`analytics-es cost`), and explain_cost lists the calls" in refusal(result)[1]


def test_a_metric_of_a_projection_that_is_not_kept_offers_nothing_of_another() -> None:
    with opened(projections=[Usage]) as analytics:
        _, message = refusal(analytics.get_summary("budgets.spent", DAY))

    assert message == (
        "There is no metric 'budgets.spent', as there is no projection 'budgets' here, only usage. "
        "`analytics-es metrics` lists them all."
    )


@pytest.mark.parametrize("metric", ["", "x", "events", "usage.", "usage.events; DROP TABLE usage_v4; --"])
def test_what_is_close_to_no_metric_is_refused_all_the_same(monday: AnalyticsService, metric: str) -> None:
    code, message = refusal(monday.get_summary(metric, DAY))

    assert code == "unknown_metric"
    assert message.startswith(f"There is no metric {metric!r}")
    assert "`analytics-es metrics` lists them all" in message


@pytest.mark.parametrize(
    ("metric", "asked"),
    [
        ("usage.events", {"group_by": ("model_name",)}),
        ("usage.events", {"group_by": ("bucket",)}),
        ("usage.events", {"group_by": ("events",)}),
        ("usage.events", {"group_by": ("budget",)}),
        ("performance.calls", {"group_by": ("user",)}),
        ("performance.calls", {"where": {"grain": "day"}}),
        ("usage.events", {"where": {"1=1 OR entity_type": "x"}}),
        ("usage.events", {"group_by": ("event_type; DROP TABLE usage_v4",)}),
        ("usage.events", {"group_by": ("event_type, entity_id",)}),
        ("usage.events", {"group_by": ("entity_type",)}),
        ("usage.events", {"group_by": ("entity_type", "entity_id")}),
        ("usage.events", {"group_by": ("user", "entity_id")}),
        ("usage.events", {"where": {"entity_id": "ada"}}),
        ("cost.calls", {"where": {"entity_id": ""}}),
    ],
)
def test_an_unknown_key_is_refused_naming_the_known_ones(
    monday: AnalyticsService, metric: str, asked: dict[str, Any]
) -> None:
    code, message = refusal(monday.get_summary(metric, DAY, **asked))

    assert code == "unknown_key"
    assert "use " in message
    assert summary(monday, "usage.events").figures.count == 26


@pytest.mark.parametrize(
    "asked",
    [
        {"where": {"entity_type": "tenant"}, "group_by": ("user",)},
        {"where": {"entity_type": "tenant", "user": "ada"}, "group_by": ("tenant",)},
    ],
)
def test_two_entities_at_once_are_asked_for_by_their_own_names(monday: AnalyticsService, asked: dict[str, Any]) -> None:
    code, message = refusal(monday.get_summary("usage.events", DAY, **asked))

    assert code == "unknown_key"
    assert "several entities are asked for by their own names" in message


@pytest.mark.parametrize("entity", ["team", "", "user_id", "budget", "' OR 1=1 --"])
def test_usage_of_an_unknown_entity_is_refused_naming_the_known_ones(monday: AnalyticsService, entity: str) -> None:
    code, message = refusal(monday.get_usage_stats(entity, None, DAY))

    assert code == "unknown_entity"
    assert "use one of user, tenant, agent" in message


def test_an_id_without_the_type_of_entity_is_refused(monday: AnalyticsService) -> None:
    assert refusal(monday.get_usage_stats(None, "ada", DAY))[0] == "unknown_entity"


@pytest.mark.parametrize("by", [("team",), ("user", "tenant", "team"), ("calls",), ("model; --",)])
def test_a_cost_by_unknown_dimensions_is_refused(monday: AnalyticsService, by: tuple[str, ...]) -> None:
    assert refusal(monday.get_cost_breakdown(DAY, by=by))[0] == "unknown_key"


def test_a_question_to_a_projection_that_is_not_kept_is_refused() -> None:
    with AnalyticsService.open(":memory:", projections=[Usage], follow=False) as analytics:
        assert refusal(analytics.get_cost_breakdown(DAY))[0] == "missing_projection"
        assert refusal(analytics.get_performance_metrics(DAY))[0] == "missing_projection"
        assert refusal(analytics.get_summary("cost.calls", DAY))[0] == "unknown_metric"


HOSTILE = "'; DROP TABLE usage_v4; --\"`\n\\"


def test_hostile_names_in_events_are_just_data(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id=HOSTILE, model=HOSTILE, currency="USD"), tool_call())

    assert analytics.get_usage_stats("user", HOSTILE, DAY).unwrap().totals.events == 1
    assert summary(analytics, "usage.events", where={"user": HOSTILE}).figures.count == 1
    assert summary(analytics, "cost.calls", where={"model": HOSTILE}).figures.count == 1
    assert (HOSTILE,) in groups(summary(analytics, "usage.events", group_by=("user",)))
    assert analytics.get_cost_breakdown(DAY).unwrap().rows[0].keys == {"model": HOSTILE}
    assert {each.subject for each in analytics.get_performance_metrics(DAY).unwrap().operations} == {HOSTILE, "bash"}
    assert analytics.run_aggregation(DAY).ok


@pytest.mark.parametrize("value", ["' OR '1'='1", "%", "*", "ADA", "ada ", 7])
def test_a_filter_matches_a_value_exactly(monday: AnalyticsService, value: Any) -> None:
    assert summary(monday, "usage.events", where={"user": value}).figures.count == 0


# ── before ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_period_before_a_day_is_the_day_before(monday: AnalyticsService) -> None:
    answer = summary(monday, "usage.events")

    assert (answer.figures.count, answer.previous.count, answer.change) == (26, 2, 12.0)


def test_without_anything_before_there_is_no_change(monday: AnalyticsService) -> None:
    answer = summary(monday, "usage.events", TimePeriod.day(date(2026, 3, 1)))

    assert (answer.figures.count, answer.previous.count, answer.change) == (2, 0, None)


def test_nothing_after_something_is_a_change_to_nothing(monday: AnalyticsService) -> None:
    answer = summary(monday, "usage.events", TimePeriod(NOON + timedelta(hours=2), NOON + timedelta(hours=6)))

    assert (answer.figures.count, answer.previous.count, answer.change) == (0, 12, -1.0)


def test_what_has_not_begun_is_compared_with_nothing(monday: AnalyticsService) -> None:
    answer = summary(monday, "usage.events", TimePeriod.day(date(2026, 3, 3)))

    assert (answer.figures.count, answer.previous.count, answer.change) == (0, None, None)


@pytest.mark.parametrize(
    ("zone", "first", "days", "earliest"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 1, date(2026, 3, 28)),
        ("Europe/Berlin", date(2026, 3, 30), 1, date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 3, 26), 7, date(2026, 3, 19)),
        ("Europe/Berlin", date(2026, 10, 26), 7, date(2026, 10, 19)),
        ("Australia/Lord_Howe", date(2026, 4, 5), 2, date(2026, 4, 3)),
        ("Pacific/Apia", date(2011, 12, 31), 2, date(2011, 12, 28)),
    ],
)
def test_the_period_before_whole_days_is_as_many_days_however_long_they_are(
    zone: str, first: date, days: int, earliest: date
) -> None:
    period = TimePeriod(
        TimePeriod.day(first, zone).start, TimePeriod.day(first + timedelta(days=days - 1), zone).end, "total"
    )
    with AnalyticsService.open(":memory:", timezone=zone, follow=False) as analytics:
        edges = (TimePeriod.day(earliest, zone).start, period.start, period.end)
        instants = [edge.astimezone(UTC) for edge in edges]
        record(analytics, *(tool_call(occurred_at=t + timedelta(seconds=n)) for t in instants for n in (-1, 0)))

        answer = summary(analytics, "usage.events", period)

    assert (answer.previous.count, answer.figures.count) == (2, 2)


def test_the_period_before_hours_is_as_many_seconds(monday: AnalyticsService) -> None:
    answer = summary(
        monday, "usage.events", TimePeriod(DAY.start + timedelta(hours=9), DAY.start + timedelta(hours=11))
    )

    assert (answer.figures.count, answer.previous.count) == (8, 11)


# ── what an answer stands on ────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_says_which_position_it_stands_on_and_how_far_behind_that_is() -> None:
    now = [NOW]
    with AnalyticsService.open(":memory:", follow=False, clock=lambda: now[0]) as analytics:
        record(analytics, tool_call(), job_failed())
        analytics.record_event(**provider_call()).unwrap()
        now[0] += timedelta(seconds=90)
        analytics.record_event(**provider_call(user_id="bob")).unwrap()

        found = [
            summary(analytics, "usage.events").completeness,
            analytics.get_usage_stats(None, None, DAY).unwrap().completeness,
            analytics.get_performance_metrics(DAY).unwrap().completeness,
            analytics.get_cost_breakdown(DAY).unwrap().completeness,
        ]
        assert {(each.position, each.lag_events, each.lag_seconds) for each in found} == {(2, 2, 90.0)}

        analytics.catch_up()

        done = summary(analytics, "usage.events").completeness
        assert (done.position, done.lag_events, done.lag_seconds) == (4, 0, 0.0)


@pytest.mark.parametrize(
    ("period", "reaches"),
    [
        (DAY, True),
        (TimePeriod(DAY.start, NOW), True),
        (TimePeriod(DAY.start, NOW.replace(minute=0)), False),
        (TimePeriod(DAY.start, NOW.replace(minute=0) + timedelta(seconds=1)), True),
        (NEVER, False),
    ],
)
def test_buckets_are_open_while_their_hour_is_not_over(
    monday: AnalyticsService, period: TimePeriod, reaches: bool
) -> None:
    assert summary(monday, "usage.events", period).completeness.open_buckets is reaches


def test_what_was_unreadable_is_told_for_its_period_and_its_projection(monday: AnalyticsService) -> None:
    afternoon = TimePeriod(DAY.start + timedelta(hours=13), DAY.end)
    morning = TimePeriod(DAY.start, DAY.start + timedelta(hours=13))

    assert summary(monday, "usage.events", afternoon).completeness.unreadable == 1
    assert summary(monday, "usage.events", morning).completeness.unreadable == 0
    assert monday.get_usage_stats("user", "ada", DAY).unwrap().completeness.unreadable == 1
    assert summary(monday, "cost.calls", afternoon).completeness.unreadable == 0


def test_what_is_no_event_counts_as_unreadable_in_every_period(analytics: AnalyticsService) -> None:
    append(analytics.store.log, ("tool.call.completed", b"{"), stored(occurred_at="once"))
    analytics.catch_up()

    assert summary(analytics, "usage.events", NEVER).completeness.unreadable == 2
    assert summary(analytics, "performance.calls", NEVER).completeness.unreadable == 1


# ── periods and series ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_period_that_cuts_hours_is_answered_for_whole_hours_and_says_so(monday: AnalyticsService) -> None:
    cut = TimePeriod(DAY.start + timedelta(hours=8, minutes=7), DAY.start + timedelta(hours=9, microseconds=1))
    whole = TimePeriod(DAY.start + timedelta(hours=8), DAY.start + timedelta(hours=10), "hour")

    for answer in (
        summary(monday, "usage.events", cut),
        monday.get_usage_stats(None, None, cut).unwrap(),
        monday.get_performance_metrics(cut).unwrap(),
        monday.get_cost_breakdown(cut).unwrap(),
    ):
        assert (answer.period.start, answer.period.end) == (whole.start, whole.end)
    assert summary(monday, "usage.events", cut).figures == summary(monday, "usage.events", whole).figures


def test_in_a_zone_of_half_hours_whole_hours_begin_at_half_past() -> None:
    with AnalyticsService.open(":memory:", timezone="Asia/Kolkata", follow=False) as analytics:
        record(analytics, *(tool_call(occurred_at=NOON + timedelta(minutes=n)) for n in (29, 30, 89, 90)))

        answer = summary(analytics, "usage.events", HOUR)

    assert [(each.start.astimezone(UTC).minute, each.figures.count) for each in answer.series] == [(30, 1), (30, 2)]
    assert answer.figures.count == 3


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        ("UTC", MONDAY, 24),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 24),
    ],
)
def test_a_series_has_every_hour_of_a_day(zone: str, on: date, hours: int) -> None:
    period = TimePeriod.day(on, zone)
    with AnalyticsService.open(":memory:", timezone=zone, follow=False) as analytics:
        answers = (
            summary(analytics, "usage.events", period).series,
            analytics.get_usage_stats(None, None, period).unwrap().series,
            analytics.get_performance_metrics(period).unwrap().series,
        )

    for series in answers:
        starts = [point.start.timestamp() for point in series]
        assert len(starts) == hours
        assert starts == sorted(set(starts))
        assert (starts[0], max(starts) < period.end.timestamp()) == (period.start.timestamp(), True)


def test_a_series_has_every_day_and_the_parts_of_days_at_its_ends(monday: AnalyticsService) -> None:
    period = TimePeriod(DAY.start - timedelta(days=2, hours=3), DAY.start + timedelta(days=1, hours=9), "day")

    series = summary(monday, "usage.events", period).series

    assert [(f"{point.start:%m-%d %H}", point.figures.count) for point in series] == [
        ("02-27 21", 0),
        ("02-28 00", 0),
        ("03-01 00", 2),
        ("03-02 00", 26),
        ("03-03 00", 0),
    ]


def test_a_series_of_days_within_one_day_or_over_midnight_is_cut_at_midnight(monday: AnalyticsService) -> None:
    within = TimePeriod(DAY.start + timedelta(hours=8), DAY.start + timedelta(hours=10), "day")
    over = TimePeriod(DAY.start - timedelta(hours=14), DAY.start + timedelta(hours=9), "day")

    assert [point.figures.count for point in summary(monday, "usage.events", within).series] == [14]
    assert [
        (f"{point.start:%d %H}", point.figures.count) for point in summary(monday, "usage.events", over).series
    ] == [
        ("01 10", 1),
        ("02 00", 11),
    ]


def test_a_total_is_a_series_of_one_point(monday: AnalyticsService) -> None:
    (point,) = summary(monday, "usage.events", TimePeriod(DAY.start, DAY.end, "total")).series

    assert (point.start, point.figures.count) == (DAY.start, 26)


def test_a_late_event_is_in_the_hour_it_happened(monday: AnalyticsService) -> None:
    series = monday.get_performance_metrics(DAY).unwrap().series

    assert [(point.start.hour, point.calls) for point in series if point.calls] == [(8, 5), (9, 3), (10, 5), (11, 3)]


# ── entities ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ten_busiest_entities_are_listed_and_all_are_counted(analytics: AnalyticsService) -> None:
    users = [f"user-{n:02}" for n in range(13)]
    record(
        analytics,
        *(
            tool_call(user_id=user, occurred_at=NOON + timedelta(hours=6 * hour))
            for n, user in enumerate(users)
            for hour in range(n % 4 + 1)
        ),
    )
    answer = analytics.get_usage_stats("user", None, TimePeriod(DAY.start, DAY.start + timedelta(days=2))).unwrap()

    assert [(each.entity_id, each.totals.events) for each in answer.top_entities] == [
        *((f"user-{n:02}", 4) for n in (3, 7, 11)),
        *((f"user-{n:02}", 3) for n in (2, 6, 10)),
        *((f"user-{n:02}", 2) for n in (1, 5, 9)),
        ("user-00", 1),
    ]
    assert answer.active_entities == {"user": 13}
    assert answer.totals.events == sum(n % 4 + 1 for n in range(13))


def test_of_everyone_the_active_entities_of_each_type_are_counted_once(monday: AnalyticsService) -> None:
    both = TimePeriod(DAY.start - timedelta(days=1), DAY.end)

    assert monday.get_usage_stats(None, None, both).unwrap().active_entities == {
        "agent": 1,
        "conversation": 1,
        "job": 2,
        "model": 3,
        "provider": 3,
        "task": 2,
        "tenant": 2,
        "tool": 2,
        "user": 2,
    }


def test_usage_of_one_entity_is_its_own(monday: AnalyticsService) -> None:
    ada, bob = (monday.get_usage_stats("user", user, DAY).unwrap() for user in ("ada", "bob"))

    assert (ada.totals.events, bob.totals.events) == (14, 9)
    assert (ada.totals.input_tokens, bob.totals.input_tokens) == (4240, 251_400)
    assert (ada.success_rate, bob.success_rate) == (7 / 8, 6 / 8)
    assert ada.totals.first_seen == datetime(2026, 3, 2, 8, 5, tzinfo=UTC)
    assert monday.get_usage_stats("user", "nobody", DAY).unwrap().totals.events == 0


# ── beyond 64 bits ──────────────────────────────────────────────────────────────────────────────────────────────


def test_sums_beyond_64_bits_over_rows_come_out_exact() -> None:
    @projection(version=1, consumes=(">",))
    class Large:
        """Large numbers."""

        family: str = key("family")
        whole: int | None = total("value")
        size: Histogram = histogram("value")

    def told(day: int, value: int) -> tuple[str, bytes]:
        return stored(value=value, occurred_at=f"2026-03-0{day}T12:00:00Z")

    with AnalyticsService.open(":memory:", projections=[Large], follow=False) as analytics:
        append(
            analytics.store.log,
            told(1, LARGEST),
            told(2, LARGEST - 5),
            told(3, 7),
            told(4, -LARGEST),
            told(5, -LARGEST),
        )
        analytics.catch_up()
        first, all_of_it = (TimePeriod(day_of(1).start, day_of(last).end) for last in (3, 6))

        assert summary(analytics, "large.whole", first).figures.total == 2 * LARGEST + 2
        assert summary(analytics, "large.whole", all_of_it).figures.total == 2
        assert groups(summary(analytics, "large.whole", first, group_by=("family",))) == {("custom",): 2 * LARGEST + 2}
        size = summary(analytics, "large.size", first).figures
        assert (size.count, size.total, size.maximum) == (3, 2 * LARGEST + 2, LARGEST)


def day_of(number: int) -> TimePeriod:
    return TimePeriod.day(date(2026, 3, number))


# ── a user's own ────────────────────────────────────────────────────────────────────────────────────────────────


@projection(version=1, consumes=("review.>",), entities=("user",))
class Reviews:
    """How much was reviewed, by whom."""

    who: str = key("entity.type")
    which: str = key("entity.id")
    region: str = key("attributes.region")
    reviews: int = count(unit="reviews")
    lines: int | None = total("attributes.lines", unit="lines")


def test_a_projection_of_your_own_adds_its_metrics() -> None:
    with day.recorded(projections=[*OURS, Reviews]) as analytics:
        mine = [each for each in analytics.list_metrics().unwrap() if each.projection == "reviews"]
        assert [(each.name, each.kind, each.unit, each.keys) for each in mine] == [
            ("reviews.reviews", "count", "reviews", ["region", "user"]),
            ("reviews.lines", "total", "lines", ["region", "user"]),
        ]
        answer = summary(analytics, "reviews.lines", group_by=("user",))
        assert (answer.figures.total, groups(answer)) == (120, {("ada",): 120, ("bob",): None})
        assert answer.completeness.unreadable == 1
        assert summary(analytics, "reviews.reviews").figures.count == 2


def test_answers_come_from_what_is_kept_not_from_what_is_recorded(analytics: AnalyticsService) -> None:
    analytics.record_event(**tool_call()).unwrap()

    assert summary(analytics, "usage.events").figures.count == 0
    assert {each.position for each in analytics.projections().unwrap()} == {0}
