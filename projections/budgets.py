"""Budgets: what was allocated and spent, the credits that were granted, and the thresholds that were told of."""

from analytics_es.projection import count, key, projection, smallest, total

_WHOSE = "CASE scope WHEN 'tenant' THEN tenant_id WHEN 'user' THEN user_id WHEN 'model' THEN model END"
_ALLOCATED, _GRANTED = "type = 'budget.allocated'", "type = 'budget.credit.granted'"
_CHANGE = """CASE
    WHEN type = 'budget.spent' AND amount < 0 THEN amount
    WHEN family = 'provider' AND cost < 0 THEN cost
    ELSE cost_change
END"""
_REACHED = "type = 'budget.threshold.reached'"


@projection(
    version=3,
    carries=(1, 2),
    consumes=("budget.>", "provider.>"),
    where="family = 'budget' OR type = 'provider.cost.corrected' OR cost < 0",
)
class Budgets:
    """One budget in one period of its own, one grant of credits, or one threshold, in one bucket of time.

    The hours of a grant are in the place of a period's, and a threshold that was reached in that of those to tell of.
    `reduced`: by corrections of what calls cost, and by credits; without it, what is spent could only grow.
    """

    budget_id: str = key("budget_id")
    currency: str = key("currency")
    scope: str = key("scope")
    scope_id: str = key(_WHOSE)
    starts_at: str = key("coalesce(starts_at, effective_at)")
    ends_at: str = key("coalesce(ends_at, expires_at)")
    thresholds: str = key("coalesce(thresholds, threshold)")
    grant_id: str = key("grant_id")
    priority: str = key("priority")
    recurs_hours: str = key("recurs_hours")

    allocations: int = count(where=_ALLOCATED)
    allocated: int | None = total("amount", where=_ALLOCATED, unit="currency", decimals=18)
    first_allocated_at: int | None = smallest("occurred_at", where=_ALLOCATED, unit="us")
    least_allocated: int | None = smallest("amount", where=_ALLOCATED, unit="currency", decimals=18)
    spent: int | None = total("amount", where="type = 'budget.spent'", unit="currency", decimals=18)
    first_spent_at: int | None = smallest("occurred_at", where="type = 'budget.spent'", unit="us")
    granted: int | None = total("amount", where=_GRANTED, unit="currency", decimals=18)
    first_granted_at: int | None = smallest("occurred_at", where=_GRANTED, unit="us")
    voided_at: int | None = smallest("occurred_at", where="type = 'budget.credit.voided'", unit="us")
    reached_position: int | None = smallest("at_position", where=_REACHED)
    reached_at: int | None = smallest("occurred_at", where=_REACHED, unit="us")
    reduced: int | None = total(_CHANGE, where=f"{_CHANGE} < 0", unit="currency", decimals=18)
