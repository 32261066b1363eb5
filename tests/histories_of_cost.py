"""Calls of every kind, and prices that change in their midst: what laws of costs are tried on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from analytics_es import TimePeriod
from analytics_es.testing import NOON, price, provider_call

HOUR = timedelta(hours=1)
DAYS = TimePeriod(NOON - 36 * HOUR, NOON + 36 * HOUR)
WHOLE_HOURS = [NOON + n * HOUR for n in (-30, -12, 0, 1, 12)]
# Also within an hour, where a call of the same hour is on one side or the other.
TURNS = [*WHOLE_HOURS, NOON + timedelta(minutes=30), NOON + timedelta(minutes=30, microseconds=1)]
MODELS = [("acme", "acme-large"), ("acme", "acme-small"), ("anthropic", "claude-sonnet-4-5"), (None, "nobody-knows")]

_COSTS: list[dict[str, Any]] = [
    {"cost": None, "currency": None},
    {"cost": "0.25", "currency": "USD"},
    {"cost": "0.5", "currency": "EUR"},
    {"cost": "0", "currency": "USD"},
]


@st.composite
def calls(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return a few calls, reported or not, on both sides of every turn and threshold."""
    history = []
    for _ in range(draw(st.integers(1, 8))):
        provider, model = draw(st.sampled_from(MODELS))
        usage: dict[str, Any] = draw(
            st.sampled_from(
                [
                    {},
                    {"input_tokens": 200_000, "output_tokens": 70},
                    {"input_tokens": 200_001, "output_tokens": 70},
                    dict.fromkeys(("input_tokens", "output_tokens", "cache_read_tokens"))
                    | {"cache_creation_tokens": None, "reasoning_tokens": None},
                ]
            )
        )
        batch = draw(st.sampled_from([True, None]))
        verb = draw(st.sampled_from(["completed", "completed", "completed", "started"]))
        history.append(
            provider_call(
                occurred_at=draw(st.sampled_from(TURNS))
                - draw(st.sampled_from([timedelta(0), timedelta(microseconds=1)])),
                provider=provider,
                model=model,
                user_id=draw(st.sampled_from(["ada", "bob"])),
                batch=batch,
                service_tier=None if batch else draw(st.sampled_from([None, "default", "flex", "vip"])),
                requests=draw(st.sampled_from([None, None, 1, 30])),
                **draw(st.sampled_from(_COSTS)),
                **usage,
            )
            | {"event_type": f"provider.call.{verb}"}
        )
    return history


@st.composite
def entries(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return prices of some of the models: new ones, free ones, multiples, from and until some turn."""
    published = []
    for _ in range(draw(st.integers(1, 3))):
        provider, model = draw(st.sampled_from([*MODELS, ("*", "*")]))
        way: dict[str, Any] = draw(
            st.sampled_from(
                [
                    {"currency": "USD"},
                    {"currency": "EUR"},
                    {"currency": "USD", "per_mtok": {"output_tokens": "9"}, "batch": "0.5"},
                    {"currency": "USD", "per_mtok": {"output_tokens": "2"}, "service_tier": "Flex"},
                    {
                        "currency": "USD",
                        "per_mtok": {"input_tokens": {"base": 1, "tiers": [{"above": 200_000, "price": 3}]}},
                    },
                    {"currency": None, "per_mtok": None, "free": True},
                    {"currency": None, "per_mtok": None, "multiplier": "0.8"},
                ]
            )
        )
        until = draw(st.sampled_from([None, (NOON + 24 * HOUR).isoformat()]))
        since = draw(st.sampled_from(TURNS)).isoformat()
        published.append(price(provider=provider, model=model, effective_from=since, effective_until=until, **way))
    return published
