"""What a budget was at a position: what the read models hold of it as of there, whatever came after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import frozen

from analytics_es import AnalyticsService
from analytics_es.cost.budgets.accounts import Account, Allocation
from analytics_es.cost.budgets.book import AccountBook
from analytics_es.cost.budgets.first_reached import BEGINNING, BudgetHistory, PriceHistory, State
from analytics_es.projections import Budgets, Cost
from analytics_es.testing import NOON, event, price, provider_call, tool_call
from tests.cost.budgets.test_budgets import allocated, spent
from tests.cost.budgets.test_thresholds import a_dollar_a_token, acme_call
from tests.stores import opened

OF_ACME = {"scope": "tenant", "scope_id": "acme", "tenant_id": None}  # it begins with its first allocation
ACCOUNT = Account("acme-march", "USD", "tenant", "acme")
DAY_BEFORE = NOON - timedelta(days=1)


@frozen
class Past:
    """A store, and its budget as the read models had it at each position."""

    analytics: AnalyticsService
    states: list[State | None]

    def history(self, earlier: State, latest: State) -> BudgetHistory:
        parts = self.analytics._parts
        assert parts.thresholds
        return BudgetHistory.of(
            store=parts.store,
            context=parts.context,
            account=ACCOUNT,
            price_history=PriceHistory.of(parts.prices.book()),
            earlier=earlier,
            latest=latest,
        )


def priced(analytics: AnalyticsService) -> None:
    """Record calls that cost what prices say, which change; a correction, and an allocation of the day before."""
    analytics.publish_prices([a_dollar_a_token("2"), price(model="another")]).unwrap()
    early = {**acme_call(4), "occurred_at": DAY_BEFORE}
    events = [allocated(amount="100", **OF_ACME), acme_call(20), allocated(budget_id="b", amount="7"), early]
    analytics.record_events([*events, spent("3", **OF_ACME), provider_call(cost="6")]).unwrap()
    analytics.correct_cost(analytics.store.log.head(), "1", note="the bill").unwrap()
    analytics.publish_prices([a_dollar_a_token("1")]).unwrap()
    later = [spent("2", **OF_ACME), spent("9", budget_id="b"), acme_call(5), tool_call()]
    more = allocated(amount="50", thresholds=[10], occurred_at=DAY_BEFORE, **OF_ACME)
    analytics.record_events([*later, more, acme_call(3), spent("4", **OF_ACME)]).unwrap()


def told(analytics: AnalyticsService) -> None:
    """Record calls that tell what they cost, while prices are published."""
    analytics.record_events([allocated(amount="10", **OF_ACME), provider_call(cost="1")]).unwrap()
    analytics.publish_prices([a_dollar_a_token("1")]).unwrap()
    analytics.record_events([provider_call(cost="2"), *(provider_call(cost="0.5") for _ in range(20))]).unwrap()


def credited(analytics: AnalyticsService) -> None:
    """Record calls and credits, so that what is spent goes up and down: thresholds are passed on the way."""
    credit = [event("provider.usage.billed", tenant_id="acme", cost=cost, currency="USD") for cost in ("-4", "-7.5")]
    analytics.record_events([allocated(amount="10", **OF_ACME), provider_call(cost="4"), credit[0]]).unwrap()
    analytics.publish_prices([a_dollar_a_token("1")]).unwrap()
    up_and_down = [provider_call(cost="6"), spent("3", **OF_ACME), credit[1], spent("-1.5", **OF_ACME), acme_call(2)]
    again = [provider_call(cost="0.5"), spent("-0.5", **OF_ACME)] * 4
    analytics.record_events([*up_and_down, *again, provider_call(cost="5"), credit[0]]).unwrap()


@pytest.fixture(scope="module", params=[priced, told, credited], ids=["priced", "told", "credited"])
def past(request: pytest.FixtureRequest) -> Iterator[Past]:
    with opened(projections=[Budgets, Cost], privacy="full") as analytics:
        request.param(analytics)
        head = analytics.store.log.head()
        yield Past(analytics, [BEGINNING, *(_as_of(analytics, position) for position in range(1, head + 1))])


def _as_of(analytics: AnalyticsService, position: int) -> State | None:
    """Bring the read models up to a position, and return what they hold of the budget, and what its calls cost."""
    while analytics.store.runner.step(position):
        pass
    book, parts = AccountBook(), analytics._parts
    with parts.context.read_models.read() as snapshot:
        book.read(snapshot, None)
        state = book.state(snapshot, ACCOUNT, position, parts.store.calendar)
    return state and Past(analytics, []).history(BEGINNING, state).latest


def figures(state: State) -> dict[str, Any]:
    return {"allocation": state.allocation, "taken": state.taken, "reduced": state.reduced, "spent": state.spent}


@pytest.mark.parametrize(("first", "last"), [(0, -1), (7, -1), (0, 14)])
def test_a_budget_at_a_position_is_what_was_read_there(past: Past, first: int, last: int) -> None:
    """Up to 14, prices change and no period does; then both."""
    latest, earlier = past.states[last], past.states[first]
    assert latest and earlier
    history = past.history(earlier, latest)
    for position in range(first + 1, latest.position):
        expected = past.states[position]
        state = history._state(position, earlier, history.latest)

        published = history.price_history.count(position) if history.latest.prices else 0
        assert (state.position, state.prices) == (position, published)
        if expected is None:
            assert state.allocation == Allocation()
        else:
            assert figures(history._with_cost(state)) == figures(expected)


@pytest.mark.parametrize("percent", [Decimal(10), Decimal(50), Decimal(80)])
def test_a_threshold_is_reached_where_the_first_of_all_states_has_reached_it(past: Past, percent: Decimal) -> None:
    latest = past.states[-1]
    assert latest
    reached = (state for state in past.states if state and state.has_reached(percent))

    first = past.history(BEGINNING, latest).first(percent)

    expected = next(reached, None)
    assert (first and (first.position, figures(first))) == (expected and (expected.position, figures(expected)))


@pytest.mark.parametrize("past", [told], indirect=True, ids=["told"])
def test_calls_are_folded_once_however_many_positions_are_looked_at(past: Past) -> None:
    latest = past.states[-1]
    assert latest
    history = past.history(BEGINNING, latest)

    state = history._state(latest.position // 2, BEGINNING, history.latest)

    assert state.cost is not None  # it is that of now without what came since
    assert history.first(Decimal(50)) and len(history._by_position) == 1
