"""What a job, a successful task, a conversation and 1,000 tokens of output cost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import UnknownKey
from analytics_es.testing import NOON, job_failed, provider_call, task_completed
from analytics_es.types import UnitCost

D = Decimal
HOUR = timedelta(hours=1)
DAY = TimePeriod(NOON - 12 * HOUR, NOON + 12 * HOUR)
UNKNOWN: dict[str, Any] = {"model": "nobody-knows", "cost": None, "currency": None}


def units(analytics: AnalyticsService, *events: dict[str, Any], **asked: Any) -> dict[tuple[str, str], UnitCost]:
    analytics.record_events(events).unwrap()
    analytics.catch_up()
    return {(each.unit, each.currency): each for each in analytics.get_unit_costs(DAY, **asked).unwrap().units}


def test_units_are_those_that_calls_name(analytics: AnalyticsService) -> None:
    found = units(
        analytics,
        provider_call(job_id="a", cost="1"),
        provider_call(job_id="a", cost="2", conversation_id=None),
        provider_call(job_id="b", cost="3", conversation_id="other"),
        provider_call(job_id=None, cost="4"),
        job_failed(job_id="without-calls"),
        task_completed(job_id="without-calls", conversation_id="without-calls"),
    )

    job, conversation = found["job", "USD"], found["conversation", "USD"]
    assert (job.cost, job.units, job.each) == (D(6), D(2), D(3))
    assert (conversation.cost, conversation.units, conversation.each) == (D(8), D(2), D(4))


def test_a_successful_task_pays_for_those_that_failed(analytics: AnalyticsService) -> None:
    found = units(
        analytics,
        *(provider_call(task_id=task, cost="1") for task in ("good", "bad", "open")),
        provider_call(task_id=None, cost="9"),
        task_completed(task_id="good"),
        task_completed(task_id="good", occurred_at=NOON + HOUR),
        task_completed(task_id="no-call"),
        {**task_completed(task_id="bad"), "event_type": "task.failed"},
    )

    task = found["successful_task", "USD"]
    assert (task.cost, task.units, task.each) == (D(3), D(2), D("1.5"))


def test_without_a_successful_task_there_is_no_figure(analytics: AnalyticsService) -> None:
    task = units(analytics, provider_call())["successful_task", "USD"]

    assert (task.units, task.each) == (D(0), None)


def test_output_is_that_of_calls_in_the_same_currency(analytics: AnalyticsService) -> None:
    found = units(
        analytics,
        provider_call(cost="1", output_tokens=500),
        provider_call(cost="2", output_tokens=1500, currency="EUR"),
        provider_call(**UNKNOWN, output_tokens=10_000),
    )

    assert {key[1]: each.each for key, each in found.items() if key[0] == "1000_output_tokens"} == {
        "USD": D(2),
        "EUR": D("1.333333333333"),
    }


def test_what_is_not_known_is_counted_by_unit(analytics: AnalyticsService) -> None:
    found = units(analytics, provider_call(cost="1"), provider_call(**UNKNOWN, job_id="b", conversation_id=None))

    assert (found["job", "USD"].each, found["job", "USD"].unknown_calls) == (D("0.5"), 1)
    assert found["conversation", "USD"].unknown_calls == 0
    assert analytics.get_unit_costs(DAY).unwrap().unknown_calls == 1


def test_where_nothing_is_known_that_is_said(analytics: AnalyticsService) -> None:
    job = units(analytics, provider_call(**UNKNOWN))["job", ""]

    assert (job.cost, job.units, job.each, job.unknown_calls) == (None, D(1), None, 1)


def test_filters_choose_calls_and_tasks_stay_all_that_ended_well(analytics: AnalyticsService) -> None:
    events = [
        provider_call(cost="1", job_id="a"),
        provider_call(cost="2", job_id="b", model="gpt-4o"),
        task_completed(),
        task_completed(task_id="task-2"),
    ]
    found = units(analytics, *events, where={"model": "gpt-4o"})

    assert (found["job", "USD"].units, found["job", "USD"].each) == (D(1), D(2))
    assert (found["successful_task", "USD"].units, found["successful_task", "USD"].each) == (D(2), D(1))


def test_a_filter_by_an_entity_is_a_failure(analytics: AnalyticsService) -> None:
    with pytest.raises(UnknownKey, match="not a key of unit costs"):
        units(analytics, provider_call(), where={"user": "ada"})


def test_no_calls_have_no_units_and_then_it_says_the_same(analytics: AnalyticsService) -> None:
    assert units(analytics, task_completed()) == {}
    head = analytics.record_event(**provider_call()).unwrap().position
    analytics.catch_up()

    with analytics.as_of(head) as then:
        assert then.get_unit_costs(DAY).unwrap().units == analytics.get_unit_costs(DAY).unwrap().units
