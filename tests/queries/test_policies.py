"""What a policy of privacy did not store, no question answers with 0: the answer says that it is not stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.ingest import in_force
from analytics_es.service.questions import Questions
from analytics_es.testing import NOON, provider_call
from tests.stores import opened, policies, record

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12), "hour")
WHERE = {"user": "ada"}

# Every question that takes a filter, or something to group by, each asked for a user.
QUESTIONS: dict[str, Callable[[Questions], Any]] = {
    "usage": lambda asked: asked.get_usage_stats("user", "ada", DAY),
    "usage of all": lambda asked: asked.get_usage_stats("user", None, DAY),
    "summary": lambda asked: asked.get_summary("usage.events", DAY, where=WHERE),
    "summary by": lambda asked: asked.get_summary("usage.events", DAY, group_by=["user"]),
    "summary by two": lambda asked: asked.get_summary("usage.events", DAY, group_by=["user", "tenant"]),
    "cost": lambda asked: asked.get_cost_breakdown(DAY, where=WHERE),
    "cost by": lambda asked: asked.get_cost_breakdown(DAY, by=["user"]),
    "cost by two": lambda asked: asked.get_cost_breakdown(DAY, by=["user", "tenant"]),
    "explanation": lambda asked: asked.explain("usage.events", DAY, where=WHERE),
    "bill": lambda asked: asked.explain_cost(DAY, where=WHERE),
}


def not_stored(asked: Questions, question: str) -> tuple[str, ...]:
    words: tuple[str, ...] = QUESTIONS[question](asked).unwrap().completeness.not_stored
    return words


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("privacy", ["anonymous", {"preset": "full", "rules": {"*.user_id": "drop"}}])
def test_an_answer_by_what_is_not_stored_says_so(question: str, privacy: Any) -> None:
    with opened(privacy=privacy, clock=lambda: NOON) as analytics:
        record(analytics, provider_call(user_id="ada"))

        assert not_stored(analytics, question) == ("user",)
        with analytics.as_of(analytics.store.log.head()) as then:
            assert not_stored(then, question) == ("user",)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("privacy", ["full", "pseudonymous"])
def test_an_answer_by_what_is_stored_says_nothing(question: str, privacy: str) -> None:
    with opened(privacy=privacy, clock=lambda: NOON) as analytics:
        record(analytics, provider_call(user_id="ada"))

        assert not_stored(analytics, question) == ()


def test_tags_fields_and_what_units_are_of_are_told_too() -> None:
    rules = {"model": "drop", "attributes.team": "drop_text"}
    with opened(privacy={"preset": "anonymous", "rules": rules}, tags=["team"], clock=lambda: NOON) as analytics:
        record(analytics, provider_call(attributes={"team": "blue"}))
        asked = analytics.get_cost_breakdown(DAY, by=["attributes.team", "provider"], where={"model": "m"}).unwrap()

        assert asked.completeness.not_stored == ("attributes.team", "model")
        assert analytics.get_unit_costs(DAY).unwrap().completeness.not_stored == ("conversation",)
        assert analytics.get_cost_breakdown(DAY, by=["provider"]).unwrap().completeness.not_stored == ()


def test_only_policies_count_that_events_of_the_period_may_have_been_recorded_under(tmp_path: Path) -> None:
    def words(analytics: AnalyticsService, days: int) -> tuple[str, ...]:
        start = DAY.start + timedelta(days=days)
        period = TimePeriod(start, start + timedelta(days=1), "day")
        return analytics.get_cost_breakdown(period, where=WHERE).unwrap().completeness.not_stored

    for number, policy in enumerate(["full", "anonymous", "pseudonymous"]):
        at = NOON + timedelta(days=number)
        with opened(tmp_path / "a.db", privacy=policy, clock=lambda at=at: at) as analytics:
            record(analytics, provider_call(user_id="ada", occurred_at=at))
            before_it = words(analytics, 0)
            after = words(analytics, 3)
            if policy == "full":
                assert (before_it, after) == ((), ())
            elif policy == "anonymous":  # an event of any day may be recorded later
                assert (before_it, after) == (("user",), ("user",))
            else:
                assert (before_it, after) == (("user",), ())


@pytest.mark.store("file", "postgres")
def test_who_goes_on_under_another_policy_than_the_one_told_last_tells_of_its_own_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_force, "AGAIN_SECONDS", 0.0)
    now, later = NOON, TimePeriod(NOON + timedelta(hours=1), NOON + timedelta(hours=2), "hour")

    def asked_later(analytics: AnalyticsService) -> tuple[str, ...]:
        analytics.catch_up()
        return analytics.get_usage_stats("user", None, later).unwrap().completeness.not_stored

    with (
        opened(url, privacy="anonymous", clock=lambda: now) as one,
        opened(url, privacy="full", clock=lambda: now) as two,
    ):
        for service in (one, two):
            record(service, provider_call(user_id="ada"))
        now = later.start + timedelta(minutes=5)
        record(one, provider_call(user_id="bob", occurred_at=now))

        assert [preset for _, preset in policies(one)] == ["anonymous", "full", "anonymous"]
        assert asked_later(two) == ("user",)
