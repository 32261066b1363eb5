"""One stored event: what it says, what it adds to which metric, its cost, its corrections, what is gone or wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import to_json
from analytics_es.projections import Usage
from analytics_es.testing import NOON, event, provider_call, tool_call
from analytics_es.types import StoredEvent
from tests.examples import examples
from tests.stores import append, opened, record, sql
from tests.test_laws import histories, near

pytestmark = [pytest.mark.store("sqlite", "postgres"), pytest.mark.usefixtures("full_privacy")]

CALL = {**provider_call(cost="0.25", currency="USD", occurred_at=NOON), "id": "call-1", "source": "app"}
HOUR = TimePeriod(NOON, NOON + timedelta(hours=1))


def stored(analytics: AnalyticsService, *events: dict[str, Any], position: int = 1) -> StoredEvent:
    """Record events, and return what is stored at a position."""
    record(analytics, *events)
    return analytics.get_event(position).unwrap()


def added(event: StoredEvent) -> dict[str, Decimal]:
    """Return what an event adds, by metric."""
    return {counted.metric: counted.value for counted in event.counted}


# ── what is stored ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_is_returned_as_it_is_stored(analytics: AnalyticsService) -> None:
    call = stored(analytics, CALL)

    assert (call.position, call.last_position) == (1, 1)
    assert (call.type, call.source, call.id) == (CALL["event_type"], "app", "call-1")
    assert (call.occurred_at, call.data) == (NOON, CALL["data"])
    assert (call.raw, call.problem, call.uncounted, call.unknown_pseudonyms) == (None, None, [], [])


@pytest.mark.store("sqlite", timezone="Asia/Kathmandu")
def test_it_happened_in_the_zone_of_the_store(analytics: AnalyticsService) -> None:
    occurred_at = stored(analytics, CALL).occurred_at

    assert occurred_at == NOON
    assert str(occurred_at.tzinfo) == "Asia/Kathmandu"


@pytest.mark.parametrize("position", [0, -1, 2])
def test_a_position_that_the_log_has_not_reached_is_said(analytics: AnalyticsService, position: int) -> None:
    record(analytics, CALL)

    failure = analytics.get_event(position).failure

    assert failure is not None
    assert failure.code == "no_such_position"
    assert failure.message == f"There is no position {position}: this log has 0 to 1."


def test_a_sealed_event_is_said_to_be_gone(url: str) -> None:
    now = NOON + timedelta(days=9)
    with opened(url, clock=lambda: now) as analytics:
        record(analytics, CALL, {**CALL, "occurred_at": now})
        analytics.retain({"events": "7d"}).unwrap()

        failure = analytics.get_event(1).failure
        left = analytics.get_event(2).unwrap()

    assert failure is not None
    assert failure.code == "sealed_event"
    assert "is sealed: events of before 2026-03-04 00:00:00+00:00 are gone" in failure.message
    assert left.occurred_at == now


def test_a_pseudonym_of_somebody_who_was_forgotten_is_told(url: str) -> None:
    with opened(url, privacy="pseudonymous") as analytics:
        record(analytics, tool_call(user_id="ada"), tool_call(user_id="bob"))
        before = analytics.get_event(2).unwrap()
        pseudonym = before.data["user_id"] if before.data else ""
        analytics.forget("ada").unwrap()

        after, other = analytics.get_event(2).unwrap(), analytics.get_event(3).unwrap()

    assert before.unknown_pseudonyms == other.unknown_pseudonyms == []
    assert after.data == before.data  # it named nobody
    assert after.unknown_pseudonyms == [pseudonym]


def test_what_named_somebody_has_a_pseudonym_in_its_place(url: str) -> None:
    with opened(url) as analytics:
        record(analytics, tool_call(user_id="ada"))
        analytics.forget("ada").unwrap()
        event = analytics.get_event(1).unwrap()

    assert event.data
    assert event.unknown_pseudonyms == [event.data["user_id"]]
    assert "ada" not in to_json(event)


@pytest.mark.store("sqlite")
def test_what_is_damaged_is_said_to_be_and_adds_nothing(analytics: AnalyticsService, path: Path) -> None:
    record(analytics, CALL)
    sql(path, "UPDATE stored_events SET state = CAST(replace(state, 'app', 'apq') AS BLOB) WHERE rowid = 1")

    event = analytics.get_event(1).unwrap()

    assert (event.type, event.source, event.data, event.counted) == ("", None, None, [])
    assert event.problem == "what is stored is not what was recorded: its checksum is wrong"


@pytest.mark.store("sqlite")
def test_what_another_hand_stored_is_shown_as_it_is(analytics: AnalyticsService) -> None:
    append(analytics.store.log, ("custom.thing", b"no JSON"))  # type: ignore[arg-type]  # it is SQLite's
    analytics.catch_up()

    event = analytics.get_event(1).unwrap()

    assert (event.type, event.raw, event.data, event.counted) == ("custom.thing", "no JSON", None, [])
    assert event.problem is not None
    assert event.problem.startswith("what is stored is no JSON (")
    assert [(uncounted.projection, uncounted.field) for uncounted in event.uncounted] == [("usage", "event")]


@pytest.mark.store("sqlite")
def test_an_event_that_is_gone_and_was_not_sealed_is_damage(analytics: AnalyticsService, path: Path) -> None:
    record(analytics, CALL, tool_call())
    sql(path, "DELETE FROM stored_events WHERE rowid = 1")

    failure = analytics.get_event(1).failure

    assert failure is not None
    assert (failure.code, failure.details["problem"]) == ("broken_event", "it is gone, and was not sealed")


# ── what becomes of it ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_it_adds_is_told_by_metric_with_the_row_that_it_is_added_to(analytics: AnalyticsService) -> None:
    call = stored(analytics, CALL)

    reported = next(counted for counted in call.counted if counted.metric == "cost.reported_cost")
    assert (reported.value, reported.currency, reported.unit) == (Decimal("0.25"), "USD", "currency")
    assert reported.keys["model"] == "claude-sonnet-4-5"
    assert added(call)["performance.duration"] == 2500
    assert added(call)["usage.events"] == 1
    assert "usage.failures" not in added(call)


@pytest.mark.store("sqlite")
@examples(4)
@given(histories(near([NOON, NOON + timedelta(days=1)], hours=8), size=5))
def test_what_all_events_add_is_what_is_counted(history: list[dict[str, Any]]) -> None:
    """What each adds to a total or a count is what summaries have, whichever events there are."""
    with opened() as analytics:
        record(analytics, *history)
        events = [analytics.get_event(position).unwrap() for position in range(1, analytics.store.log.head() + 1)]
        sums: dict[tuple[str, str | None], Decimal] = {}
        for counted in (counted for event in events for counted in event.counted):
            sums[counted.metric, counted.currency] = (
                sums.get((counted.metric, counted.currency), Decimal()) + counted.value
            )
        always = TimePeriod(NOON - timedelta(days=400), NOON + timedelta(days=400), "total")
        for info in analytics.list_metrics().unwrap():
            if info.kind not in ("count", "total"):
                continue
            summary = analytics.get_summary(info.name, always).unwrap()
            for part in summary.by_currency or [summary]:
                assert sums.get((info.name, part.currency), 0) == (part.figures.total or 0), info.name


def test_what_a_projection_cannot_use_is_told_with_its_cause(analytics: AnalyticsService) -> None:
    odd = stored(analytics, event("review.merged", input_tokens="plenty"))

    (uncounted,) = odd.uncounted
    assert (uncounted.projection, uncounted.field) == ("usage", "input_tokens")
    assert uncounted.cause == 'total of input_tokens; input_tokens = "plenty" is not a number'
    assert added(odd)["usage.events"] == 1
    assert "usage.input_tokens" not in added(odd)


# ── its cost ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_cost_of_a_call_is_that_of_the_explanation(analytics: AnalyticsService) -> None:
    computed = {**provider_call(cost=None, model="gpt-4.1", provider="openai"), "id": "2"}
    record(analytics, CALL, computed, {**provider_call(cost=None, model="own-model"), "id": "3"})

    explained = analytics.explain_cost(HOUR, largest=False).unwrap().events

    assert [analytics.get_event(position).unwrap().cost for position in (1, 2, 3)] == explained
    assert [cost.state for cost in explained] == ["reported", "computed", "unknown"]


def test_what_is_no_call_costs_nothing(analytics: AnalyticsService) -> None:
    assert stored(analytics, tool_call()).cost is None


@pytest.mark.store("sqlite", projections=Usage)
def test_without_the_projection_of_costs_nothing_is_said_of_them(analytics: AnalyticsService) -> None:
    assert stored(analytics, CALL).cost is None


def test_a_call_and_its_corrections_lead_to_one_another(analytics: AnalyticsService) -> None:
    record(analytics, CALL)
    for cost in ("0.5", "0.75"):
        analytics.correct_cost(1, cost, note="invoice").unwrap()
    analytics.catch_up()

    call, first, second = (analytics.get_event(position).unwrap() for position in (1, 2, 3))

    assert (call.corrections, call.corrects) == ([2, 3], None)
    assert [(correction.corrections, correction.corrects) for correction in (first, second)] == [([], 1), ([], 1)]
    assert [event.cost.cost for event in (call, first, second) if event.cost] == [Decimal("0.25")] * 3


# ── as the log stood ────────────────────────────────────────────────────────────────────────────────────────────


def test_as_of_a_position_there_is_nothing_after_it(analytics: AnalyticsService) -> None:
    record(analytics, CALL, tool_call())
    with analytics.as_of(1) as then:
        call, later = then.get_event(1).unwrap(), then.get_event(2).failure

    assert (call.position, call.last_position) == (1, 1)
    assert call.cost == analytics.get_event(1).unwrap().cost
    assert later is not None
    assert later.code == "no_such_position"
