"""Emitters: what their declarations are, what calls cost as they tell them, and the guide's table of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.otel.conventions import COMMON, EMITTERS
from analytics_es.ingest.otel.conventions.declaration import FIELDS, UNITS, Emitter
from analytics_es.ingest.otel.conventions.own import OWN
from analytics_es.testing import NOON
from tests.emitters_table import PAGE, written
from tests.ingest.otel.emitted import Attributes, data, event
from tests.ingest.otel.test_emitters_agents import CLAUDE_CODE, LOGFIRE
from tests.ingest.otel.test_emitters_platforms import BY_LITELLM, LITELLM, MLFLOW

ALL = (OWN, *EMITTERS, *COMMON)
DAY = timedelta(days=1)


# ── the declarations themselves ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("emitter", ALL, ids=lambda emitter: f"{emitter.name} {emitter.since or emitter.until}".strip())
def test_a_declaration_names_its_source_and_known_fields(emitter: Emitter) -> None:
    assert emitter.source
    assert {name.field for name in emitter.names} <= FIELDS
    durations = [name for name in emitter.names if name.field in ("time_to_first_chunk", "duration")]
    assert all(name.unit in UNITS for name in durations)
    rows = [(name.field, name.attribute, name.inside) for name in emitter.names]
    assert len(set(rows)) == len(rows)
    assert len(set(emitter.free_text)) == len(emitter.free_text)


@pytest.mark.parametrize("emitter", EMITTERS, ids=lambda emitter: f"{emitter.name} {emitter.until}".strip())
def test_an_emitter_can_be_known_by_something(emitter: Emitter) -> None:
    assert emitter.scopes or emitter.spans or emitter.telltales


# ── what it costs ───────────────────────────────────────────────────────────────────────────────────────────────

_CHAT = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}
COSTS: dict[
    str, tuple[Attributes, Attributes, str | None]
] = {  # what is told, of which span, and what that costs by the prices that come along
    "a deployment of Azure, and the model that answered": (
        {
            **_CHAT,
            "gen_ai.provider.name": "azure.ai.openai",
            "gen_ai.request.model": "prod-chat",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
        },
        {},
        "0.0035",
    ),
    "a deployment of Azure through LiteLLM, as a framework": (
        {
            **_CHAT,
            "gen_ai.system": "litellm",
            "gen_ai.request.model": "azure/prod-chat",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
        },
        {},
        "0.0035",
    ),
    "a profile of Bedrock by its ARN, told by an agent as its framework": (
        {
            **_CHAT,
            "gen_ai.system": "strands-agents",
            "gen_ai.request.model": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
        },
        {},
        "0.0045",
    ),
    "a model of Vertex AI by its path": (
        {
            **_CHAT,
            "gen_ai.provider.name": "vertexai",
            "gen_ai.request.model": "projects/p/locations/l/publishers/google/models/gemini-2.5-flash",
        },
        {},
        "0.00055",
    ),
    "OpenAI by Vercel's name of it": (
        {**_CHAT, "gen_ai.system": "openai.responses", "gen_ai.request.model": "gpt-4o"},
        {},
        "0.0035",
    ),
    "Azure by Vercel's name of it": (
        {**_CHAT, "gen_ai.system": "azure-openai.chat", "gen_ai.request.model": "gpt-4o"},
        {},
        "0.0035",
    ),
    "Claude Code": (CLAUDE_CODE, {"name": "claude_code.llm_request"}, "0.116641"),
    "LiteLLM's own cost": (LITELLM, BY_LITELLM, "0.0042"),
    "Logfire's own cost": (LOGFIRE, {"scope": "logfire.openai"}, "0.001"),
    "MLflow's own cost": (MLFLOW, {}, "0.75"),
    "a deployment of Azure alone": (
        {**_CHAT, "gen_ai.provider.name": "azure.ai.openai", "gen_ai.request.model": "prod-chat"},
        {},
        None,
    ),
    "a model behind a gateway that is no provider": (
        {**_CHAT, "gen_ai.provider.name": "gateway", "gen_ai.request.model": "openai/gpt-4o"},
        {},
        None,
    ),
}


@pytest.mark.parametrize("case", COSTS)
def test_a_call_costs_what_its_model_costs_where_it_was_served_or_nobody_knows(
    analytics: AnalyticsService, case: str
) -> None:
    attributes, changes, cost = COSTS[case]
    analytics.record_events([event(attributes, **changes)]).unwrap()
    analytics.catch_up()
    answer = analytics.get_cost_breakdown(TimePeriod(start=NOON - DAY, end=NOON + DAY)).unwrap()
    assert [row.cost for row in answer.rows] == [None if cost is None else Decimal(cost)]


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        ({"gen_ai.cost.total_tokens": 0.75, "gen_ai.cost.input_tokens": 0.25}, "0.75"),
        ({"gen_ai.cost.input_tokens": 0.25, "gen_ai.cost.output_tokens": 0.5}, "0.75"),
        ({"gen_ai.usage.total_cost": 0.75}, "0.75"),
        ({"gen_ai.usage.input_cost": 0.25, "gen_ai.usage.output_cost": 0.5}, "0.75"),
        ({"gen_ai.usage.cost": 0.75}, "0.75"),
        ({"llm.cost.total": 0.75}, "0.75"),
        ({"litellm.cost.total": 0.75}, "0.75"),
        ({"operation.cost": 0.75}, "0.75"),
        ({"ai.response.providerMetadata": '{"openrouter": {"provider": "p", "usage": {"cost": 0.75}}}'}, "0.75"),
    ],
)
def test_a_cost_is_read_under_the_name_that_its_emitter_has(told: Attributes, cost: str) -> None:
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 9}
    read = data({**call, **told})
    assert (Decimal(str(read["cost"])), read["currency"]) == (Decimal(cost), "USD")


@pytest.mark.parametrize(("other", "said"), [(0.5, "cost"), (0.7500004, None), (0, None), ("0.75", None)])
def test_costs_that_contradict_one_another_are_said(other: Any, said: str | None) -> None:
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 9}
    told = data({**call, "llm.cost.total": 0.75, "gen_ai.usage.cost": other})
    assert (told["cost"], told["attributes"].get(CONTRADICTION)) == (0.75, said)
    of_our_own = data({**call, "analytics_es.cost": 0.75, "gen_ai.usage.cost": other})
    assert (of_our_own["cost"], CONTRADICTION in of_our_own["attributes"]) == (0.75, False)


def test_the_guide_has_the_table_of_emitters_that_the_declarations_make() -> None:
    page = PAGE.read_text()
    assert written(page) == page, "python -m tests.emitters_table"
    assert all(emitter.title in page for emitter in ALL[1:])
