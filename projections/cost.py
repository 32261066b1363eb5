"""Cost: what provider calls used and what was reported to be charged for them, and the budgets they run on.

Calls that reported no cost are summed apart, in two bands of total input tokens, because prices step at 200,000 (the
call's whole usage moves to the higher price): what a price book needs to price them later.
"""

from typing import Any

from analytics_es.projection import count, key, projection, total

_ENDED = "family = 'provider' AND outcome IS NOT NULL"
_LOW = "family = 'provider' AND cost IS NULL AND coalesce(input_tokens, 0) <= 200000"
_HIGH = "family = 'provider' AND cost IS NULL AND input_tokens > 200000"


def _tokens(field: str, where: str = "family = 'provider'") -> Any:
    return total(field, where=where, unit="tokens")


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
    currency: str = key("currency")

    calls: int = count(where=_ENDED, unit="calls")
    failures: int = count(where="family = 'provider' AND outcome = 'error'", unit="calls")
    input_tokens: int | None = _tokens("input_tokens")
    output_tokens: int | None = _tokens("output_tokens")
    cache_read_tokens: int | None = _tokens("cache_read_tokens")
    cache_creation_tokens: int | None = _tokens("cache_creation_tokens")
    reasoning_tokens: int | None = _tokens("reasoning_tokens")
    reported_cost: int | None = total("cost", where="family = 'provider'", unit="currency", decimals=9)

    calls_at_zero_cost: int = count(
        where=f"{_ENDED} AND cost = 0 AND coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0", unit="calls"
    )
    calls_without_cost: int = count(where=f"{_ENDED} AND cost IS NULL", unit="calls")
    calls_without_cost_above_200k: int = count(where=f"{_ENDED} AND {_HIGH}", unit="calls")
    unpriced_input_tokens: int | None = _tokens("input_tokens", _LOW)
    unpriced_output_tokens: int | None = _tokens("output_tokens", _LOW)
    unpriced_cache_read_tokens: int | None = _tokens("cache_read_tokens", _LOW)
    unpriced_cache_creation_tokens: int | None = _tokens("cache_creation_tokens", _LOW)
    unpriced_reasoning_tokens: int | None = _tokens("reasoning_tokens", _LOW)
    unpriced_input_tokens_above_200k: int | None = _tokens("input_tokens", _HIGH)
    unpriced_output_tokens_above_200k: int | None = _tokens("output_tokens", _HIGH)
    unpriced_cache_read_tokens_above_200k: int | None = _tokens("cache_read_tokens", _HIGH)
    unpriced_cache_creation_tokens_above_200k: int | None = _tokens("cache_creation_tokens", _HIGH)
    unpriced_reasoning_tokens_above_200k: int | None = _tokens("reasoning_tokens", _HIGH)

    allocated: int | None = total("amount", where="type = 'budget.allocated'", unit="currency", decimals=9)
    spent: int | None = total("amount", where="type = 'budget.spent'", unit="currency", decimals=9)
