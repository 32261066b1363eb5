"""Models: who served a call and by which model, of what emitters, gateways and clouds write; and nothing by guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.cost.prices import genai
from analytics_es.ingest.models import LONGEST, canonical, same_model, same_provider, served
from analytics_es.ingest.providers import FRAMEWORKS, renamed

SONNET = "us.anthropic.claude-sonnet-4-20250514-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012"


# ── Bedrock ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("provider", ["aws.bedrock", "bedrock", "amazon-bedrock", "strands-agents", "litellm", None])
@pytest.mark.parametrize(
    "model",
    [
        SONNET,
        f"bedrock/{SONNET}",
        f"bedrock/converse/{SONNET}",
        f"bedrock/invoke/{SONNET}",
        f"bedrock/us-west-2/{SONNET}",
        f"bedrock:{SONNET}",
        f"{ARN}:inference-profile/{SONNET}",
        f"bedrock/{ARN}:inference-profile/{SONNET}",
        f"bedrock/converse/{ARN}:inference-profile/{SONNET}",
    ],
)
def test_a_model_of_bedrock_is_its_id_whoever_calls_it(provider: str | None, model: str) -> None:
    assert served(provider, model) == ("aws.bedrock", SONNET)


@pytest.mark.parametrize(
    ("model", "id"),
    [
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0",) * 2,
        ("anthropic.claude-sonnet-4-5-20250929-v1:0",) * 2,
        ("eu.amazon.nova-lite-v1:0",) * 2,
        ("us-gov.anthropic.claude-3-haiku-20240307-v1:0",) * 2,
        ("openai.gpt-oss-120b-1:0",) * 2,
        ("meta.llama3-1-70b-instruct-v1:0",) * 2,
        ("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-v2:1", "anthropic.claude-v2:1"),
    ],
)
def test_where_it_runs_stays_a_part_of_the_name_as_it_has_a_price_of_its_own(model: str, id: str) -> None:
    assert served(None, model) == ("aws.bedrock", id)


def test_the_client_of_a_maker_may_ask_bedrock_and_its_id_tells() -> None:
    assert served("anthropic", SONNET) == ("aws.bedrock", SONNET)
    assert served("openai", SONNET) == ("openai", SONNET)  # a gateway of whatever prices


@pytest.mark.parametrize(
    "model",
    [
        f"{ARN}:application-inference-profile/abc123",
        f"{ARN}:provisioned-model/abc123",
        "bedrock/us-east-1/1-month-commitment/anthropic.claude-v2:1",
    ],
)
def test_what_bedrock_bills_otherwise_stays_as_it_is(model: str) -> None:
    assert served("aws.bedrock", model) == ("aws.bedrock", model)


def test_bedrock_answers_by_a_bare_name_and_where_it_ran_is_in_what_was_asked_for() -> None:
    asked_for = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert served("aws.bedrock", asked_for, "claude-sonnet-4-5-20250929") == ("aws.bedrock", asked_for)
    assert served("aws.bedrock", asked_for, "anthropic.claude-3-haiku-20240307-v1:0").model == (
        "anthropic.claude-3-haiku-20240307-v1:0"
    )


# ── prefixes ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("provider", "model", "server", "name"),
    [
        ("azure", "azure/gpt-4o", "azure", "gpt-4o"),
        ("azure.ai.openai", "azure/gpt-4o", "azure.ai.openai", "gpt-4o"),
        ("azure.ai.inference", "azure_ai/mistral-large", "azure.ai.inference", "mistral-large"),
        ("litellm", "azure/gpt-4o", "azure", "gpt-4o"),
        (None, "azure/gpt-4o", "azure", "gpt-4o"),
        ("openai", "openai/gpt-4o", "openai", "gpt-4o"),
        ("litellm", "openai/gpt-4o", "openai", "gpt-4o"),
        (None, "openai/gpt-4o", "openai", "gpt-4o"),
        (None, "openai:gpt-4o", "openai", "gpt-4o"),
        ("langchain", "anthropic/claude-opus-4-5", "anthropic", "claude-opus-4-5"),
        ("litellm", "deepseek/deepseek-chat", "deepseek", "deepseek-chat"),
        ("gcp.gemini", "models/gemini-2.5-flash", "gcp.gemini", "gemini-2.5-flash"),
        ("google", "models/text-embedding-004", "google", "text-embedding-004"),
        (None, "models/gemini-2.5-flash", "gcp.gemini", "gemini-2.5-flash"),
        (None, "gemini/gemini-2.5-flash", "gcp.gemini", "gemini-2.5-flash"),
        (None, "google-gla:gemini-2.5-flash", "gcp.gemini", "gemini-2.5-flash"),
        ("vertexai", "publishers/google/models/gemini-2.5-pro", "gcp.vertex_ai", "gemini-2.5-pro"),
        (None, "projects/p/locations/l/publishers/google/models/gemini-2.5-pro", "gcp.vertex_ai", "gemini-2.5-pro"),
        ("anthropic", "publishers/anthropic/models/claude-opus-4-5", "gcp.vertex_ai", "claude-opus-4-5"),
        ("anthropic", "claude-sonnet-4-5@20250929", "gcp.vertex_ai", "claude-sonnet-4-5@20250929"),
        ("vertex_ai", "vertex_ai/claude-sonnet-4-5@20250929", "gcp.vertex_ai", "claude-sonnet-4-5@20250929"),
        ("gcp.vertex_ai", "google/gemini-2.5-flash", "gcp.vertex_ai", "gemini-2.5-flash"),
        ("groq", "groq/llama-3.3-70b-versatile", "groq", "llama-3.3-70b-versatile"),
        ("xai", "xai/grok-4", "x_ai", "grok-4"),
        ("mistralai", "mistral/mistral-large-latest", "mistral_ai", "mistral-large-latest"),
        ("litellm", "openrouter/anthropic/claude-sonnet-4.5", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("openrouter", "openrouter/anthropic/claude-sonnet-4.5", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("litellm", "together_ai/meta-llama/Llama-3.3-70B", "together_ai", "meta-llama/Llama-3.3-70B"),
        ("anthropic", "claude-sonnet-4-5[1m]", "anthropic", "claude-sonnet-4-5"),
        ("azure.ai.openai", "gpt-35-turbo-0125", "azure.ai.openai", "gpt-3.5-turbo-0125"),
        ("azure", "azure/gpt-35-turbo", "azure", "gpt-3.5-turbo"),
    ],
)
def test_a_prefix_that_says_who_serves_a_model_is_no_part_of_its_name(
    provider: str | None, model: str, server: str, name: str
) -> None:
    assert served(provider, model) == (server, name)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openrouter", "anthropic/claude-sonnet-4.5"),
        ("openrouter", "openrouter/auto"),
        ("groq", "openai/gpt-oss-120b"),
        ("together_ai", "deepseek-ai/DeepSeek-V3"),
        ("gateway", "openai/gpt-4o"),
        ("openai", "azure/gpt-4o"),
        ("openai", "anthropic/claude-sonnet-4.5"),
        ("fireworks", "accounts/fireworks/models/deepseek-v3"),
        ("azure.ai.openai", "prod-chat"),
        ("ollama", "mistral:7b"),
        ("oci", "cohere.command-r-plus"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::abc"),
        (None, "openai/gpt-oss-120b"),
        (None, "deepseek/deepseek-chat"),
        (None, "google/gemini-2.5-flash"),
        (None, "meta-llama/llama-3.3-70b"),
        (None, "cohere.command-r-plus"),
        (None, "azure/"),
        (None, "/gpt-4o"),
        (None, "gpt-4o"),
    ],
)
def test_what_is_not_certain_stays_as_it_is_told(provider: str | None, model: str) -> None:
    assert served(provider, model) == (provider, model)


# ── who is told ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
def test_a_framework_is_no_provider(framework: str) -> None:
    assert served(framework.title(), "gpt-4o") == (None, "gpt-4o")


def test_a_framework_of_google_asks_google_for_a_model_of_its_own() -> None:
    assert served("gcp.vertex.agent", "gemini-2.5-flash") == ("gcp.gen_ai", "gemini-2.5-flash")
    assert served("gcp.vertex.agent", "openai/gpt-4o") == ("openai", "gpt-4o")


@pytest.mark.parametrize(
    ("told", "provider"),
    [
        ("OpenAI", "openai"),
        ("openai.responses", "openai"),
        ("azure-openai.chat", "azure.ai.openai"),
        ("az.ai.inference", "azure.ai.inference"),
        ("azure_openai", "azure.ai.openai"),
        ("anthropic.messages", "anthropic"),
        ("google.generative-ai", "gcp.gemini"),
        ("google.vertex.chat", "gcp.vertex_ai"),
        ("google_genai", "gcp.gemini"),
        ("google_vertexai", "gcp.vertex_ai"),
        ("amazon_bedrock", "aws.bedrock"),
        ("mistral.chat", "mistral_ai"),
        ("xai.chat", "x_ai"),
        ("google", "google"),
        ("azure", "azure"),
        ("one.of.tomorrow", "one.of.tomorrow"),
        ("tomorrow.chat", "tomorrow.chat"),
    ],
)
def test_a_provider_is_called_what_opentelemetry_calls_it(told: str, provider: str) -> None:
    assert renamed(told) == provider


def test_agents_of_azure_are_served_by_it() -> None:
    for name in ("az.ai.agents", "azure.ai.agents", "microsoft.foundry"):
        assert genai.find(served(name, "gpt-4o").provider, "gpt-4o") == genai.find("azure", "gpt-4o")


def test_names_of_one_provider_do_not_contradict_each_other() -> None:
    assert same_provider("gcp.gemini", "vertex_ai")
    assert same_provider("azure", "azure.ai.openai")
    assert same_provider("anthropic", None)
    assert same_provider("anthropic", "strands-agents")
    assert not same_provider("anthropic", "openai")


# ── the model that answered ─────────────────────────────────────────────────────────────────────────────────────


def test_the_model_that_answered_goes_before_the_one_that_was_asked_for() -> None:
    assert served("azure.ai.openai", "prod-chat", "gpt-4o-2024-08-06") == ("azure.ai.openai", "gpt-4o-2024-08-06")
    assert served("openrouter", "openrouter/auto", "openai/gpt-4o") == ("openrouter", "openai/gpt-4o")
    assert served("openai", "gpt-4o", "") == ("openai", "gpt-4o")


def test_who_was_asked_may_be_told_by_the_name_that_was_asked_for_alone() -> None:
    assert served("litellm", "azure/prod-chat", "gpt-4o-2024-08-06") == ("azure", "gpt-4o-2024-08-06")


def test_every_resolved_name_finds_its_price() -> None:
    calls = [
        (("strands-agents", SONNET), "aws", "regional.anthropic.claude-sonnet-4-20250514-v1:0"),
        (("aws.bedrock", f"bedrock/{ARN}:inference-profile/{SONNET}"), "aws", f"regional.{SONNET[3:]}"),
        (("azure.ai.openai", "prod-chat", "gpt-4o-2024-08-06"), "azure", "gpt-4o"),
        (("azure-openai.chat", "gpt-4o"), "azure", "gpt-4o"),
        (("litellm", "azure/gpt-4.1-mini"), "azure", "gpt-4.1-mini"),
        (("openai.responses", "openai/gpt-5"), "openai", "gpt-5"),
        (("gcp.vertex.agent", "gemini-2.5-flash"), "google", "gemini-2.5-flash"),
        (("vertexai", "publishers/google/models/gemini-2.5-pro"), "google", "gemini-2.5-pro"),
        (("anthropic", "claude-sonnet-4-5@20250929"), "google", "claude-sonnet-4-5"),
        (("litellm", "openrouter/anthropic/claude-sonnet-4.5"), "openrouter", "anthropic/claude-sonnet-4.5"),
        (("groq", "openai/gpt-oss-120b"), "groq", "openai/gpt-oss-120b"),
        (("claude_code", "claude-opus-4-5[1m]"), "anthropic", "claude-opus-4-5"),
        (("xai", "xai/grok-4"), "x-ai", "grok-4-0709"),
    ]
    for told, provider, model in calls:
        name = served(*told)
        prices = genai.find(name.provider, str(name.model))
        assert prices is not None, told
        assert (prices.provider, prices.model) == (provider, model)


def test_a_custom_model_of_bedrock_has_not_the_price_of_what_it_was_made_of() -> None:
    name = served("aws.bedrock", f"{ARN}:custom-model/anthropic.claude-3-haiku-20240307-v1:0/abcdef123456")
    assert genai.find(name.provider, str(name.model)) is None


def test_a_model_with_a_size_of_ollamas_has_nobody_elses_price() -> None:
    for model in (
        "mistral:7b",
        "deepseek-r1:8b",
        "deepseek-r1:latest",
        "deepseek-r1:7b-qwen-distill-q4_K_M",
        "gpt-oss:20b",
    ):
        assert served(None, model) == served("langchain", model) == ("ollama", model)
        assert genai.find("ollama", model) is None
    for model in ("ft:gpt-4o-mini:a:b:8b", "deepseek/deepseek-r1:free", "gpt-4o"):
        assert served(None, model).provider != "ollama"


# ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "names",
    [
        (
            SONNET,
            "claude-sonnet-4-20250514",
            "anthropic/claude-sonnet-4",
            "claude-sonnet-4@20250514",
            "claude-4-sonnet",
        ),
        ("claude-sonnet-4-5", "anthropic/claude-4.5-sonnet-20250929", "claude-sonnet-4.5", "claude-sonnet-4-5[1m]"),
        ("claude-3-5-sonnet-latest", "anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3.5-sonnet"),
        ("gpt-4o", "gpt-4o-2024-08-06", "azure/gpt-4o", "openai/gpt-4o", "openai:GPT-4o"[7:]),
        ("gpt-3.5-turbo", "gpt-35-turbo", "gpt-3.5-turbo-0125"),
        ("gemini-2.0-flash", "models/gemini-2.0-flash-001", "publishers/google/models/gemini-2.0-flash"),
        ("gpt-oss-120b", "openai.gpt-oss-120b-1:0", "openai/gpt-oss-120b:free"),
        ("nova-pro", "us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0:300k"),
        ("deepseek-r1", "us.deepseek.r1-v1:0", "deepseek/deepseek-r1:free"),
    ],
)
def test_names_of_one_model_are_the_same(names: tuple[str, ...]) -> None:
    assert len({canonical(name) for name in names}) == 1
    assert all(same_model(names[0], name) for name in names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4", "gpt-4.1"),
        ("gpt-4", "gpt-4-1106-preview"),
        ("claude-sonnet-4", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5", "claude-haiku-4-5"),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
        ("llama3:8b", "llama3:70b"),
        ("text-embedding-004", "text-embedding-005"),
        ("amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"),
        ("anthropic.claude-v2", "anthropic.claude-v2:1"),
        ("o1", "o1-mini"),
        (None, "gpt-4o"),
        ("", ""),
        (None, None),
    ],
)
def test_other_models_are_not(one: str | None, other: str | None) -> None:
    assert not same_model(one, other)


names = st.text("abc-./:@0124v[]m", max_size=40) | st.sampled_from(
    [SONNET, f"bedrock/{ARN}:inference-profile/{SONNET}"]
)


@given(st.none() | names, st.none() | names, st.none() | names)
def test_what_was_resolved_stays_as_it_is(provider: str | None, asked_for: str | None, answered: str | None) -> None:
    resolved = served(provider, asked_for, answered)
    assert served(*resolved) == resolved
    assert resolved.model is None or canonical(canonical(resolved.model)) == canonical(resolved.model)


@pytest.mark.parametrize("odd", ["2:0v1:]0@v.m", "-].m[:-0", "b1ca:0[@0vm1"])
def test_what_names_have_in_common_is_that_of_itself(odd: str) -> None:
    assert canonical(canonical(odd)) == canonical(odd)


def test_a_name_of_any_length_is_read_at_once() -> None:
    name = "azure/" * LONGEST
    assert served(None, name) == (None, name)
    assert same_model(name, name)
