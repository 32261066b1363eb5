"""Cost: what provider calls used and what was reported to be charged for them, and the budgets they run on.

`pricing` keeps apart what a later price book needs: calls that reported a cost, calls that did not, and of these the
calls with more than 200,000 input tokens, because prices step there (the call's whole usage moves to the higher price).
"""

from typing import Any

from analytics_es.projection import count, key, projection, total

_CALL = "family = 'provider' AND outcome IS NOT NULL"
_PRICING = """CASE
    WHEN family <> 'provider' THEN ''
    WHEN coalesce(cost_change, cost) IS NOT NULL THEN 'reported'
    WHEN input_tokens > 200000 THEN 'unknown_above_200k'
    ELSE 'unknown'
END"""


def _tokens(field: str) -> Any:
    return total(field, where="family = 'provider'", unit="tokens")


@projection(
    version=1,
    consumes=("provider.>", "budget.>"),
    entities=("user", "tenant", "agent", "job", "task", "conversation", "budget"),
)
class Cost:
    """One operation of one model charged in one currency to one entity, in one bucket of time."""

    entity_type: str = key("entity.type")
    entity_id: str = key("entity.id")
    provider: str = key("provider")
    model: str = key("model")
    operation: str = key("operation")
    currency: str = key("CASE WHEN coalesce(cost, cost_change, amount) IS NOT NULL THEN currency END")
    pricing: str = key(_PRICING)

    calls: int = count(where=_CALL, unit="calls")
    failures: int = count(where="family = 'provider' AND outcome = 'error'", unit="calls")
    calls_without_cost: int = count(where=f"{_CALL} AND cost IS NULL", unit="calls")
    calls_at_zero_cost: int = count(
        where=f"{_CALL} AND cost = 0 AND (input_tokens > 0 OR output_tokens > 0)", unit="calls"
    )
    input_tokens: int | None = _tokens("input_tokens")
    output_tokens: int | None = _tokens("output_tokens")
    cache_read_tokens: int | None = _tokens("cache_read_tokens")
    cache_creation_tokens: int | None = _tokens("cache_creation_tokens")
    reasoning_tokens: int | None = _tokens("reasoning_tokens")
    reported_cost: int | None = total(
        "coalesce(cost_change, cost)", where="family = 'provider'", unit="currency", decimals=9
    )

    allocated: int | None = total("amount", where="type = 'budget.allocated'", unit="currency", decimals=9)
    spent: int | None = total("amount", where="type = 'budget.spent'", unit="currency", decimals=9)
