"""Budgets: what their events may say, and what is answered about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import GUIDE, BadField
from analytics_es.events.event import admit
from analytics_es.projections import Performance
from analytics_es.testing import NOON, budget_allocated, price, provider_call
from analytics_es.types import BudgetStatus
from tests.stores import found_in, nth, opened

pytestmark = pytest.mark.store(clock=lambda: NOW)

MARCH = {"starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}
APRIL = {"starts_at": "2026-04-01T00:00:00Z", "ends_at": "2026-05-01T00:00:00Z"}
ACME = {"scope": "tenant", "scope_id": "acme", "tenant_id": None, **MARCH}
NOW = NOON + timedelta(hours=12)  # a day and a half into March


def allocated(**changes: Any) -> dict[str, Any]:
    return budget_allocated(**{"job_id": None, "task_id": None, "user_id": None, **changes})


def spent(amount: str, *, occurred_at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    return {**allocated(amount=amount, occurred_at=occurred_at, **changes), "event_type": "budget.spent"}


def granted(grant_id: str, amount: str, *, occurred_at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    event = allocated(amount=amount, grant_id=grant_id, occurred_at=occurred_at, **changes)
    return {**event, "event_type": "budget.credit.granted"}


def record(analytics: AnalyticsService, *events: dict[str, Any]) -> None:
    analytics.record_events(events).unwrap()
    analytics.catch_up(thresholds=False)


def statuses(analytics: AnalyticsService, **asked: Any) -> list[BudgetStatus]:
    analytics.catch_up(thresholds=False)
    return analytics.get_budgets(**asked).unwrap().budgets


def only(analytics: AnalyticsService, **asked: Any) -> BudgetStatus:
    (found,) = statuses(analytics, **asked)
    return found


# ── what events may say ─────────────────────────────────────────────────────────────────────────────────────────


def data(**changes: Any) -> dict[str, Any]:
    return admit(now=NOON, **allocated(**changes)).data


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00+05:30", "2026-02-28T18:30:00Z"),
        (datetime(2026, 3, 1, 1, tzinfo=UTC), "2026-03-01T01:00:00Z"),
    ],
)
def test_a_period_is_kept_in_utc(given: Any, kept: str) -> None:
    assert data(starts_at=given)["starts_at"] == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [([80, "50", 99.50, 80.0], "50,80,99.5"), ("50,80", "50,80"), ((100, Decimal("0.001")), "0.001,100")],
)
def test_thresholds_are_kept_in_order_and_once(given: Any, kept: str) -> None:
    assert data(thresholds=given)["thresholds"] == kept
    assert data(thresholds=kept)["thresholds"] == kept


@pytest.mark.parametrize(
    ("scope", "field", "whose"), [("tenant", "tenant_id", "acme"), ("user", "user_id", "ada"), ("model", "model", "m")]
)
def test_whose_spending_counts_is_kept_where_it_is_told_everywhere(scope: str, field: str, whose: str) -> None:
    by_scope_id = data(scope=scope, scope_id=whose, tenant_id=None)

    assert by_scope_id == data(scope=scope, **{"tenant_id": None, field: whose})
    assert (by_scope_id[field], "scope_id" in by_scope_id) == (whose, False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scope": "team", "scope_id": "x"}, "scope"),
        ({"scope": "user"}, "scope_id"),
        ({"scope_id": "ada"}, "scope_id"),
        ({"scope": "all", "scope_id": "ada"}, "scope_id"),
        ({"scope": "user", "scope_id": "ada", "user_id": "bob"}, "scope_id"),
        ({"starts_at": "2026-03-01T00:30:00Z"}, "starts_at"),
        ({"starts_at": "2026-03-01T00:00:00.000001Z"}, "starts_at"),
        ({"starts_at": "2026-03-01T00:00:00"}, "starts_at"),
        ({"starts_at": "1066-10-14T00:00:00Z"}, "starts_at"),
        ({"starts_at": "March"}, "starts_at"),
        ({"starts_at": 1772323200}, "starts_at"),
        ({"ends_at": datetime.max.replace(tzinfo=UTC)}, "ends_at"),
        ({"starts_at": MARCH["starts_at"], "ends_at": MARCH["starts_at"]}, "ends_at"),
        ({"effective_at": MARCH["ends_at"], "expires_at": MARCH["starts_at"]}, "expires_at"),
        ({"thresholds": []}, "thresholds"),
        ({"thresholds": [0]}, "thresholds"),
        ({"thresholds": [1001]}, "thresholds"),
        ({"thresholds": [True]}, "thresholds"),
        ({"thresholds": ["half"]}, "thresholds"),
        ({"thresholds": 50}, "thresholds"),
        ({"thresholds": list(range(1, 22))}, "thresholds"),
        ({"threshold": [50]}, "threshold"),
        ({"priority": -1}, "priority"),
        ({"recurs_hours": 0}, "recurs_hours"),
    ],
)
def test_what_a_budget_cannot_be_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadField) as caught:
        data(**changes)

    assert caught.value.details["field"] == field


def test_other_families_may_use_these_words_as_they_like() -> None:
    own = {"scope": "repo", "thresholds": "low", "priority": "high", "starts_at": "soon", "scope_id": 7}

    assert admit(now=NOON, **provider_call(**own)).data.items() >= own.items()


# ── allocated, spent, remaining ─────────────────────────────────────────────────────────────────────────────────


def test_a_budget_without_a_scope_is_spent_by_what_is_told_of_it(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="100"), provider_call(cost="7"), spent("12.5"))

    found = only(analytics)

    assert (found.scope, found.allocated, found.spent, found.remaining) == ("", 100, Decimal("12.5"), Decimal("87.5"))
    assert found.used == 0.125


def test_a_budget_of_which_nothing_is_told_to_be_spent_does_not_say_0(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="100"))

    assert (only(analytics).spent, only(analytics).remaining) == (None, 100)


def test_a_budget_that_only_spent_has_nothing_known_to_remain(analytics: AnalyticsService) -> None:
    record(analytics, spent("12.5"))

    assert (only(analytics).allocated, only(analytics).spent, only(analytics).remaining) == (
        None,
        Decimal("12.5"),
        None,
    )


def test_allocations_of_the_same_period_add_up(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="100", **ACME), allocated(amount="20.5", **ACME))

    assert only(analytics).allocated == Decimal("120.5")


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"scope": "all"}, "1.111"),
        ({"scope": "tenant", "scope_id": "acme"}, "1.1"),
        ({"scope": "user", "scope_id": "bob"}, "0.1"),
        ({"scope": "model", "scope_id": "other-model"}, "0.011"),
    ],
)
def test_what_calls_of_its_scope_cost_counts_against_a_budget(
    analytics: AnalyticsService, scope: dict[str, str], expected: str
) -> None:
    record(
        analytics,
        allocated(amount="2", tenant_id=None, **MARCH, **scope),
        provider_call(cost="1"),
        provider_call(cost="0.1", user_id="bob"),
        provider_call(cost="0.01", tenant_id="globex", model="other-model"),
        provider_call(cost="0.001", tenant_id="globex", model="other-model", user_id=None),
    )

    assert only(analytics).spent == Decimal(expected)


def test_what_events_of_the_budget_tell_comes_on_top(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="2", **ACME), provider_call(cost="1"), spent("0.5"))

    assert only(analytics).spent == Decimal("1.5")


def test_only_the_hours_of_its_period_count(analytics: AnalyticsService) -> None:
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    times = {start - tick: "0.1", start: "1", end - tick: "10", end: "100"}

    record(
        analytics,
        allocated(amount="1000", **ACME),
        *(provider_call(cost=cost, occurred_at=at) for at, cost in times.items()),
        *(spent(cost, occurred_at=at, **MARCH) for at, cost in times.items()),
    )

    assert [(each.allocated, each.spent) for each in statuses(analytics, budget="acme-march")] == [
        (1000, 22),
        (None, Decimal("100.1")),
    ]


def test_without_a_start_calls_count_from_the_hour_of_the_first_allocation(analytics: AnalyticsService) -> None:
    scope = {"scope": "all", "tenant_id": None}
    early, before = NOON - timedelta(minutes=30), NOON - timedelta(minutes=31)

    record(
        analytics,
        allocated(amount="10", occurred_at=NOON + timedelta(hours=1), **scope),
        allocated(amount="10", occurred_at=NOON - timedelta(minutes=1), **scope),
        *(provider_call(cost="1", occurred_at=at) for at in (early, before, NOON - timedelta(hours=1, seconds=1))),
    )

    assert (only(analytics).spent, only(analytics).starts_at) == (2, NOON - timedelta(minutes=1))


def test_the_next_period_of_a_budget_begins_anew(analytics: AnalyticsService) -> None:
    record(
        analytics,
        allocated(amount="10", **ACME),
        allocated(amount="20", **{**ACME, **APRIL}),
        provider_call(cost="1"),
        provider_call(cost="2", occurred_at=datetime(2026, 4, 2, tzinfo=UTC)),
    )

    found = sorted(statuses(analytics, budget="acme-march"), key=lambda each: each.allocated or 0)

    assert [(each.allocated, each.spent) for each in found] == [(10, 1), (20, 2)]
    assert [each.allocated for each in statuses(analytics)] == [10]
    assert [each.allocated for each in statuses(analytics, at=datetime(2026, 4, 1, tzinfo=UTC))] == [20]


def test_the_cost_of_calls_that_report_none_is_computed(analytics: AnalyticsService) -> None:
    analytics.publish_prices([price(currency="USD", per_mtok={"input_tokens": "1000", "output_tokens": "0"})]).unwrap()
    call = provider_call(
        cost=None,
        provider="acme",
        model="acme-large",
        input_tokens=500,
        cache_read_tokens=None,
        cache_creation_tokens=None,
    )

    record(analytics, allocated(amount="2", **ACME), call)

    assert (only(analytics).spent, only(analytics).unknown_calls) == (Decimal("0.5"), 0)


def test_calls_of_unknown_cost_are_told_and_other_currencies_are_never_added(analytics: AnalyticsService) -> None:
    record(
        analytics,
        allocated(amount="2", **ACME),
        provider_call(cost="1"),
        provider_call(cost=None, model="house-model"),
        provider_call(cost="5", currency="EUR"),
    )

    found = only(analytics)

    assert (found.spent, found.unknown_calls, found.other_currencies) == (1, 1, {"EUR": 5})


def test_a_period_that_is_not_of_whole_hours_here_is_told_as_such() -> None:
    with AnalyticsService.open(":memory:", follow=False, timezone="Asia/Kolkata", clock=lambda: NOW) as analytics:
        record(analytics, allocated(amount="2", **ACME), provider_call(cost="1"))

        found = only(analytics)

    assert (found.allocated, found.spent, found.remaining, found.used) == (2, None, None, None)
    assert "do not begin at 2026-03-01T00:00:00+00:00" in (found.problem or "")


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"])
@pytest.mark.parametrize("scope", [{"scope": "tenant"}, {"scope": "all", "tenant_id": None}])
def test_a_budget_without_an_end_is_answered_where_hours_begin_at_other_minutes(
    zone: str, scope: dict[str, Any]
) -> None:
    with AnalyticsService.open(":memory:", follow=False, timezone=zone, clock=lambda: NOW) as analytics:
        record(
            analytics, allocated(amount="2", occurred_at=NOON - timedelta(hours=2), **scope), provider_call(cost="1")
        )
        analytics.catch_up()  # looks at thresholds, too

        found = only(analytics)

    assert (found.spent, found.remaining, found.problem) == (1, 1, None)
    assert [threshold.percent for threshold in found.thresholds if threshold.reached_at] == [50]


def test_a_user_is_known_by_a_pseudonym_in_a_budget_too(tmp_path: Path) -> None:
    ada = "ada.lovelace@example.com"
    with opened(tmp_path / "a.db", clock=lambda: NOW) as analytics:
        record(
            analytics,
            allocated(amount="2", scope="user", scope_id=ada, **MARCH),
            provider_call(user_id=ada, cost="1"),
        )

        found = only(analytics)

    assert (found.spent, found.scope_id[:2]) == (1, "p_")
    assert found_in(tmp_path, ada) == []


# ── what is not stored ──────────────────────────────────────────────────────────────────────────────────────────

USERS = {"scope": "user", "scope_id": "ada", **MARCH}
UNSTORED: list[tuple[Any, dict[str, Any]]] = [
    ("anonymous", USERS),
    ({"preset": "full", "rules": {"user_id": "drop"}}, USERS),
    ({"preset": "full", "rules": {"tenant_id": "drop"}}, ACME),
    ({"preset": "full", "rules": {"model": "drop_text"}}, {**MARCH, "scope": "model", "scope_id": "claude-sonnet-4-5"}),
]


@pytest.mark.parametrize(("privacy", "whose"), UNSTORED)
def test_what_nobody_stored_is_not_known_to_be_spent_and_reaches_nothing(privacy: Any, whose: dict[str, Any]) -> None:
    with opened(privacy=privacy, clock=lambda: NOW) as analytics:
        record(analytics, allocated(amount="2", **whose), provider_call(user_id="ada", tenant_id="acme", cost="5"))
        analytics.catch_up()
        status = only(analytics)

    assert (status.allocated, status.spent, status.remaining, status.used) == (2, None, None, None)
    assert f"What the calls of a {whose['scope']} cost cannot be known" in (status.problem or "")
    assert [step.reached_at for step in status.thresholds] == [None, None, None]


@pytest.mark.parametrize("privacy", ["full", "pseudonymous", {"preset": "anonymous", "rules": {"user_id": "keep"}}])
def test_what_is_stored_as_it_is_or_as_a_pseudonym_is_spent_by_whom_it_is(privacy: Any) -> None:
    with opened(privacy=privacy, clock=lambda: NOW) as analytics:
        record(analytics, allocated(amount="2", **USERS), provider_call(user_id="ada", cost="5"))
        record(analytics, provider_call(user_id="bob", cost="7"), provider_call(user_id=None, cost="9"))

        assert (only(analytics).spent, only(analytics).problem) == (5, None)


@pytest.mark.parametrize("policies", [("full", "anonymous"), ("anonymous", "full")])
def test_calls_under_another_policy_may_be_anybodys(tmp_path: Path, policies: tuple[str, str]) -> None:
    """The budget is known in both, as it is told of under the policy that stores users."""
    for policy in policies:
        with opened(tmp_path / "a.db", privacy=policy, clock=lambda: NOW) as analytics:
            known = [allocated(amount="2", **USERS)] if policy == "full" else []
            record(analytics, *known, provider_call(user_id="ada", cost="1"))
            found = statuses(analytics)

    assert [(status.scope_id, status.spent, status.problem) for status in found] == [
        (
            "ada",
            None,
            "What the calls of a user cost cannot be known: a policy of privacy did not store which one made 1 of the "
            f"calls of its period (see {GUIDE}/privacy.md).",
        )
    ]


def test_a_policy_of_before_a_period_or_under_which_nobody_called_is_no_problem(tmp_path: Path) -> None:
    events = {"anonymous": NOON - timedelta(days=40), "full": NOON}
    for policy, at in events.items():
        with opened(tmp_path / "a.db", privacy=policy, clock=lambda at=at: at) as analytics:
            known = [allocated(amount="2", **USERS)] if policy == "full" else []
            record(analytics, *known, provider_call(user_id="ada", cost="1", occurred_at=at))
    with opened(tmp_path / "a.db", privacy="anonymous", clock=lambda: NOON) as analytics:
        record(analytics, {"event_type": "job.completed", "data": {"user_id": "ada"}, "occurred_at": NOON})

        assert (only(analytics).spent, only(analytics).problem) == (1, None)


# ── rate and where it leads ─────────────────────────────────────────────────────────────────────────────────────


def test_a_rate_is_that_of_what_has_passed_and_says_when_nothing_is_left(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10", **ACME), provider_call(cost="4"))

    found = only(analytics)

    # 4 in two days of March are 2 a day; the 6 that are left last three days more.
    assert (found.burn_rate, found.exhausted_at) == (2, NOW + timedelta(days=3))


@pytest.mark.parametrize(("amount", "cost"), [("1000", "4"), ("4", "4"), ("3", "4"), ("10", None)])
def test_what_lasts_beyond_the_period_or_is_used_up_is_never_exhausted(
    analytics: AnalyticsService, amount: str, cost: str | None
) -> None:
    record(analytics, allocated(amount=amount, **ACME), provider_call(cost=cost))

    assert only(analytics).exhausted_at is None


def test_before_its_period_a_budget_has_no_rate(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10", **{**ACME, **APRIL}))

    assert only(analytics, budget="acme-march").burn_rate is None


# ── credits ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_credits_burn_by_priority_and_what_they_do_not_cover_is_told(analytics: AnalyticsService) -> None:
    hour = timedelta(hours=1)
    record(
        analytics,
        allocated(amount="10", **ACME),
        granted("second", "1", priority=2, effective_at=NOON - hour, expires_at=NOON + 2 * hour),
        granted("first", "0.5", priority=1, effective_at=NOON - hour),
        provider_call(cost="0.75"),
        provider_call(cost="2", occurred_at=NOON + 3 * hour),
    )

    found = only(analytics)

    assert [(each.grant_id, each.balance) for each in found.credits] == [("first", 0), ("second", 0)]
    assert found.overage == 2


def test_what_expires_first_burns_first_and_what_is_left_of_it_is_gone(analytics: AnalyticsService) -> None:
    hour = timedelta(hours=1)
    record(
        analytics,
        allocated(amount="10", **ACME),
        granted("for ever", "1", effective_at=NOON),
        granted("short", "1", effective_at=NOON, expires_at=NOON + hour),
        provider_call(cost="0.25"),
        provider_call(cost="0.25", occurred_at=NOON + hour),
    )

    found = only(analytics)

    assert [(each.grant_id, each.balance) for each in found.credits] == [("short", 0), ("for ever", Decimal("0.75"))]
    assert found.overage == 0


def test_a_voided_grant_burns_until_the_end_of_that_hour(analytics: AnalyticsService) -> None:
    record(
        analytics,
        allocated(amount="10", **ACME),
        granted("g", "5", effective_at=NOON - timedelta(hours=1)),
        provider_call(cost="1", occurred_at=NOON + timedelta(minutes=59)),
        provider_call(cost="2", occurred_at=NOON + timedelta(hours=1)),
        {**granted("g", "0", occurred_at=NOON + timedelta(minutes=5)), "event_type": "budget.credit.voided"},
    )

    (credit,) = only(analytics).credits

    assert (credit.voided, credit.ends_at, credit.balance) == (True, NOON + timedelta(hours=1), 0)
    assert only(analytics).overage == 2


def test_a_grant_may_come_again_and_its_rest_is_replaced(analytics: AnalyticsService) -> None:
    record(
        analytics,
        allocated(amount="10", **ACME),
        granted("daily", "1", effective_at=NOON - timedelta(hours=24), recurs_hours=24),
        provider_call(cost="0.9", occurred_at=NOON - timedelta(hours=1)),
        provider_call(cost="0.2", occurred_at=NOON),
    )

    (credit,) = only(analytics).credits

    assert (credit.balance, credit.recurs_hours) == (Decimal("0.8"), 24)


def test_credits_alone_are_a_budget(analytics: AnalyticsService) -> None:
    record(analytics, granted("g", "5", scope="tenant", effective_at=MARCH["starts_at"]), provider_call(cost="1"))

    found = only(analytics)

    assert (found.allocated, found.spent, found.thresholds) == (None, 1, [])
    assert [each.balance for each in found.credits] == [4]


def test_credits_that_begin_later_are_not_there_yet(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10", **ACME), granted("g", "5", effective_at="2026-03-20T00:00:00Z"))

    (credit,) = only(analytics).credits

    assert (credit.amount, credit.balance, only(analytics).overage) == (5, 0, 0)


# ── the answer ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_fullest_comes_first_and_one_may_be_asked_for(analytics: AnalyticsService) -> None:
    for name, cost in (("a", "5"), ("b", "9"), ("c", "1")):
        record(analytics, allocated(budget_id=name, amount="10"), spent(cost, budget_id=name))

    assert [each.budget_id for each in statuses(analytics)] == ["b", "a", "c"]
    assert [each.budget_id for each in statuses(analytics, budget="c")] == ["c"]
    assert statuses(analytics, budget="d") == []


def test_at_a_time_what_occurred_later_does_not_count(analytics: AnalyticsService) -> None:
    hour = timedelta(hours=1)
    times = {NOON: "1", NOON + hour: "2"}
    record(
        analytics,
        allocated(amount="10", **ACME),
        granted("g", "5", effective_at=NOON - hour),
        *(provider_call(cost=cost, occurred_at=at) for at, cost in times.items()),
        *(spent(cost, occurred_at=at, **MARCH) for at, cost in times.items()),
        spent("1", budget_id="later", occurred_at=NOON + hour),
    )

    found = statuses(analytics, at=NOON + timedelta(minutes=30))

    # 2 in a day and a half of March, and half an hour.
    assert [(each.budget_id, each.spent, each.credits[0].balance) for each in found if each.credits] == [
        ("acme-march", 2, 3)
    ]
    assert found[0].burn_rate == Decimal(2 * 24 / Decimal("36.5")).quantize(Decimal("1e-9"))
    assert [each.spent for each in found if each.budget_id == "later"] == [0]


def test_as_of_a_position_budgets_are_what_they_were(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10", **ACME), provider_call(cost="1"))
    before = analytics.get_budgets().unwrap().budgets

    record(analytics, provider_call(cost="2"), allocated(amount="5", **ACME))
    with analytics.as_of(nth(2)) as then:
        found = then.get_budgets(at=NOW).unwrap()

    assert (found.budgets[0].spent, found.budgets[0].allocated) == (before[0].spent, before[0].allocated) == (1, 10)
    assert found.completeness.position == nth(2)


def test_without_the_projection_the_failure_says_so() -> None:
    with AnalyticsService.open(":memory:", follow=False, projections=[Performance]) as analytics:
        failure = analytics.get_budgets().failure

    assert failure and failure.code == "missing_projection"


def test_at_a_time_there_is_nothing_of_what_was_allocated_later(analytics: AnalyticsService) -> None:
    day = timedelta(days=1)
    record(
        analytics,
        allocated(amount="10", occurred_at=NOON - 3 * day),
        allocated(amount="5", occurred_at=NOON),
        allocated(budget_id="later", amount="7", occurred_at=NOON),
        spent("3", budget_id="later", occurred_at=NOON),
        spent("2", budget_id="of nothing", occurred_at=NOON),
        allocated(amount="20", **{**ACME, "budget_id": "of a tenant"}, occurred_at=NOON),
    )

    assert [(each.budget_id, each.allocated) for each in statuses(analytics, at=NOON - 2 * day)] == [("acme-march", 10)]
    assert statuses(analytics, at=NOON - 9 * day) == statuses(analytics, at=datetime(1980, 1, 1, tzinfo=UTC)) == []
    assert len(statuses(analytics)) == 4


def test_a_refund_is_given_back_to_the_credits_that_burn_last_up_to_what_was_granted(
    analytics: AnalyticsService,
) -> None:
    hour = timedelta(hours=1)
    first, second = granted("a", "10", priority=1), granted("b", "20", priority=2)
    record(analytics, first, second, spent("16", occurred_at=NOON + hour))
    assert [credit.balance for credit in only(analytics).credits] == [0, 14]

    record(analytics, spent("-8", occurred_at=NOON + hour))
    assert [credit.balance for credit in only(analytics).credits] == [2, 20]

    record(analytics, spent("-50", occurred_at=NOON + hour))
    status = only(analytics)
    assert ([credit.balance for credit in status.credits], status.overage) == ([10, 20], 0)
    assert (status.spent, status.exhausted_at) == (-42, None)
