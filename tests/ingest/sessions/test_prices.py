"""From a line of a session to money: which price a call of an agent has, and which have none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.prices import genai
from analytics_es.cost.prices.book import PriceBook
from analytics_es.ingest.models import served
from analytics_es.types import CostBreakdown
from tests.ingest.sessions.ledger import Json, Ledger, write

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

DAY = TimePeriod.day("2026-05-01")
SONNET, FAST = "claude-sonnet-4-5-20250929", {"speed": "fast"}
MILLION = 1_000_000

Priced = Callable[..., Decimal | None]


def cost_of(answer: CostBreakdown) -> Decimal | None:
    """Return what the one call of a day costs; None where that is unknown."""
    (row,) = answer.rows
    assert row.calls == 1
    return row.cost


# ── Claude Code ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def claude(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Priced:
    """Return what prices a call of Claude Code, whose usage is as it is told there."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    ledger = Ledger(analytics, tmp_path, ("claude-code",))

    def priced(model: str = SONNET, **usage: Any) -> Decimal | None:
        message = {"id": "msg_1", "model": model, "stop_reason": "end_turn", "usage": {"input_tokens": 0, **usage}}
        line = {"type": "assistant", "timestamp": "2026-05-01T10:00:00Z", "requestId": "req_1", "message": message}
        write(tmp_path / "claude/projects/p/s.jsonl", [{"sessionId": "s", **line}])
        ledger.read()
        analytics.catch_up()
        return cost_of(analytics.get_cost_breakdown(DAY).unwrap())

    return priced


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"input_tokens": 100_000}, "0.3"),
        ({"output_tokens": 100_000}, "1.5"),
        ({"cache_read_input_tokens": 100_000}, "0.03"),
        ({"cache_creation_input_tokens": 100_000}, "0.375"),
        ({"input_tokens": 200_000, "output_tokens": 1000}, "0.615"),
        ({"input_tokens": 200_001, "output_tokens": 1000}, "1.222506"),
        ({"input_tokens": 300_000, "output_tokens": 1000}, "1.8225"),
        ({"input_tokens": 1, "cache_read_input_tokens": 200_000, "output_tokens": 1000}, "0.142506"),
        ({"cache_creation_input_tokens": MILLION}, "7.5"),
    ],
    ids=[
        "input",
        "output",
        "what is read from the cache",
        "what is written to it is 1.25 × the input",
        "at the threshold",
        "one above: all of the call costs the tier's price",
        "not the tier's price for what is above alone, which were 1.215",
        "what is read from the cache is a part of what the threshold is about",
        "what is written to the cache, too",
    ],
)
def test_a_call_of_claude_costs(claude: Priced, usage: Json, cost: str) -> None:
    assert claude(**usage) == Decimal(cost)


@pytest.mark.parametrize(
    ("short", "long", "cost"),
    [(0, 100_000, "0.6"), (100_000, 0, "0.375"), (50_000, 50_000, "0.4875"), (0, MILLION, "12")],
)
def test_what_is_kept_for_an_hour_costs_twice_the_input(claude: Priced, short: int, long: int, cost: str) -> None:
    split = {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}

    assert claude(cache_creation_input_tokens=short + long, cache_creation=split) == Decimal(cost)


def test_searches_cost_what_a_search_does(claude: Priced) -> None:
    used = {"web_search_requests": 3, "web_fetch_requests": 7}

    assert claude(output_tokens=1000, server_tool_use=used) == Decimal("0.015") + 3 * Decimal("0.01")


@pytest.mark.parametrize(
    ("model", "usage", "cost"),
    [
        ("claude-opus-4-8", {}, "3"),
        ("claude-opus-4-8", FAST, "6"),
        ("claude-opus-4-6", FAST, None),
        (SONNET, FAST, None),
        (SONNET, {"service_tier": "standard"}, "1.8"),
        (SONNET, {"service_tier": "standard", "speed": "standard"}, "1.8"),
        (SONNET, {"service_tier": "priority"}, None),
        (SONNET, {"service_tier": None, "speed": None}, "1.8"),
        ("claude-opus-4-8", {"service_tier": "standard", "speed": "fast"}, "6"),
        (SONNET, {"service_tier": "turbo"}, None),
    ],
)
def test_speeds_and_tiers_have_their_prices_or_none_and_never_the_standard_one(
    claude: Priced, model: str, usage: Json, cost: str | None
) -> None:
    told = claude(model, input_tokens=100_000, output_tokens=100_000, **usage)

    assert told == (None if cost is None else Decimal(cost))


def test_who_publishes_a_price_of_a_speed_has_it(analytics: AnalyticsService, claude: Priced) -> None:
    fast = {"per_mtok": {"input_tokens": "30", "output_tokens": "150"}, "currency": "USD", "service_tier": "fast"}
    entry = {"provider": "anthropic", "model": "claude-opus-4-6", "effective_from": "2026-02-01T00:00:00Z", **fast}
    analytics.publish_prices([entry]).unwrap()

    assert claude("claude-opus-4-6", input_tokens=100_000, output_tokens=100_000, **FAST) == Decimal(18)


def test_a_multiple_of_a_price_that_nobody_lists_is_unknown(analytics: AnalyticsService, claude: Priced) -> None:
    entry = {"provider": "anthropic", "model": "claude-opus-4-6*", "effective_from": "2026-02-01T00:00:00Z"}
    analytics.publish_prices([{**entry, "service_tier": "fast", "multiplier": "6"}]).unwrap()

    assert claude("claude-opus-4-6", input_tokens=100_000, output_tokens=100_000, **FAST) is None


@pytest.mark.parametrize("model", ["claude-next-9", "my-own-model", "sonnet", "codex-auto-review", "coder-model"])
def test_a_model_that_nobody_knows_costs_nobody_knows_what_and_not_nothing(
    analytics: AnalyticsService, claude: Priced, model: str
) -> None:
    assert claude(model, input_tokens=100_000) is None
    (unknown,) = analytics.get_cost_breakdown(DAY).unwrap().unknown
    assert (unknown.model, unknown.reason, unknown.calls) == (model, "no_price", 1)


@pytest.mark.parametrize(
    ("model", "provider", "cost"),
    [
        (f"{SONNET}[1m]", "anthropic", "1.8225"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws.bedrock", "1.0065"),
        ("claude-sonnet-4-5@20250929", "gcp.vertex_ai", "1.8225"),
    ],
)
def test_whoever_serves_it_is_whose_price_holds(
    analytics: AnalyticsService, claude: Priced, model: str, provider: str, cost: str
) -> None:
    assert claude(model, input_tokens=300_000, output_tokens=1000) == Decimal(cost)

    (row,) = analytics.get_cost_breakdown(DAY, by=["provider"]).unwrap().rows
    assert row.keys["provider"] == provider


# ── Codex ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def codex(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Priced:
    """Return what prices a call of Codex, with these counts."""
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    ledger = Ledger(analytics, tmp_path, ("codex",))

    def priced(model: str, *, cached: int = 0, reasoning: int = 0, sent: int = 0, answered: int = 0) -> Decimal | None:
        counts = {"input_tokens": sent, "cached_input_tokens": cached, "output_tokens": answered}
        usage = {**counts, "reasoning_output_tokens": reasoning, "total_tokens": sent + answered}
        info = {"last_token_usage": usage, "total_token_usage": usage}
        meta = {"id": "0199e6ae-0000-7000-8000-000000000001", "model_provider": "openai", "cli_version": "0.60.0"}
        payloads = [
            ("session_meta", {**meta, "timestamp": "2026-05-01T10:00:00Z"}),
            ("turn_context", {"model": model, "turn_id": "0199e6ae-0000-7000-8000-000000000002"}),
            ("event_msg", {"type": "token_count", "info": info}),
        ]
        lines = [{"timestamp": "2026-05-01T10:00:00Z", "type": kind, "payload": told} for kind, told in payloads]
        write(tmp_path / "codex/sessions/2026/05/01/rollout-2026-05-01T10-00-00-0199e6ae.jsonl", lines)
        ledger.read()
        analytics.catch_up()
        return cost_of(analytics.get_cost_breakdown(DAY).unwrap())

    return priced


@pytest.mark.parametrize(
    ("model", "sent", "cached", "answered", "cost"),
    [
        ("gpt-5-codex", 100_000, 40_000, 1000, "0.09"),
        ("gpt-5.4", 272_000, 0, 1000, "0.695"),
        ("gpt-5.4", 272_001, 0, 1000, "1.382505"),
        ("gpt-5.4", 272_001, 272_000, 0, "0.136005"),
    ],
)
def test_a_call_of_codex_costs(codex: Priced, model: str, sent: int, cached: int, answered: int, cost: str) -> None:
    assert codex(model, sent=sent, cached=cached, answered=answered) == Decimal(cost)


def test_reasoning_costs_what_output_does_and_is_a_part_of_it(codex: Priced) -> None:
    assert codex("gpt-5-codex", answered=1000, reasoning=900) == Decimal("0.01")


@pytest.mark.parametrize("model", ["codex-auto-review", "gpt-5.3-codex-spark"])
def test_what_openai_lists_no_price_for_has_none(codex: Priced, model: str) -> None:
    assert codex(model, sent=1000, answered=10) is None


# ── Gemini CLI ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def gemini(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Priced:
    """Return what prices a call of Gemini CLI, with these tokens."""
    monkeypatch.setenv("GEMINI_DATA_DIR", str(tmp_path / "gemini"))
    ledger = Ledger(analytics, tmp_path, ("gemini-cli",))

    def priced(model: str, **tokens: int) -> Decimal | None:
        counts = {"input": 0, "output": 0, "cached": 0, "thoughts": 0, "tool": 0, **tokens}
        counts["total"] = sum(counts.values()) - counts["cached"]
        at = {"timestamp": "2026-05-01T10:00:00.000Z"}
        messages = [{"id": "m1", "type": "gemini", "model": model, "content": "", "tokens": counts, **at}]
        document = {"sessionId": "s1", "projectHash": "p", "startTime": at["timestamp"], "messages": messages}
        write(tmp_path / "gemini/chats/session-1.json", [document])
        ledger.read()
        analytics.catch_up()
        return cost_of(analytics.get_cost_breakdown(DAY).unwrap())

    return priced


@pytest.mark.parametrize(
    ("tokens", "cost"),
    [
        ({"input": 200_000, "output": 1000}, "0.26"),
        ({"input": 200_001, "output": 1000}, "0.5150025"),
        ({"input": 100_000, "cached": 40_000}, "0.08"),
        ({"output": 100, "thoughts": 900}, "0.01"),
        ({"input": 100_000, "tool": 1000}, "0.12625"),
    ],
    ids=["at the threshold", "one above", "cached tokens are a part", "thoughts cost what output does", "tool results"],
)
def test_a_call_of_gemini_costs(gemini: Priced, tokens: dict[str, int], cost: str) -> None:
    assert gemini("gemini-2.5-pro", **tokens) == Decimal(cost)


# ── OpenCode, Qwen Code ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def opencode(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Priced:
    """Return what prices a call of OpenCode, with these fields of its message."""
    monkeypatch.setenv("OPENCODE_DATA_DIR", str(tmp_path / "opencode"))
    ledger = Ledger(analytics, tmp_path, ("opencode",))

    def priced(provider: str, model: str, *, cost: float, **tokens: int) -> Decimal | None:
        counts = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}, **tokens}
        whose = {"role": "assistant", "providerID": provider, "modelID": model}
        at = {"created": 1_777_629_600_000, "completed": 1_777_629_604_000}  # 2026-05-01 10:00 UTC
        message = {"id": "msg_1", "sessionID": "ses_1", **whose, "cost": cost, "tokens": counts, "time": at}
        write(tmp_path / "opencode/storage/message/ses_1/msg_1.json", [message])
        ledger.read()
        analytics.catch_up()
        return cost_of(analytics.get_cost_breakdown(DAY).unwrap())

    return priced


@pytest.mark.parametrize(
    ("provider", "model", "told", "cost"),
    [
        ("anthropic", "claude-sonnet-4-5", 0.2, "0.2"),
        ("anthropic", "claude-sonnet-4-5", 0, "0.45"),
        ("opencode", "claude-sonnet-4-5", 0.4, "0.4"),
        ("opencode", "big-pickle", 0, None),
        ("github-copilot", "claude-opus-4.7", 0, "0.75"),
        ("github-copilot", "gpt-4.1", 0, None),
        ("zai-coding-plan", "glm-4.6", 0, None),
    ],
    ids=[
        "what it tells goes first",
        "0 is that it knows no price, as of a subscription: what a call is listed at",
        "what a gateway takes",
        "a model that nobody lists",
        "what GitHub lists",
        "what GitHub lists without a price",
        "a plan, which has no price of a call",
    ],
)
def test_a_call_of_opencode_costs(opencode: Priced, provider: str, model: str, told: float, cost: str | None) -> None:
    priced = opencode(provider, model, cost=told, input=100_000, output=5_000, reasoning=5_000)

    assert priced == (None if cost is None else Decimal(cost))


@pytest.mark.parametrize("model", ["qwen3-coder-plus", "coder-model", "qwen3-max"])
def test_what_nobody_lists_of_qwen_is_unknown(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("QWEN_DATA_DIR", str(tmp_path / "qwen"))
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100}
    line = {"uuid": "u1", "sessionId": "s1", "timestamp": "2026-05-01T10:00:00Z", "type": "assistant", "model": model}
    write(tmp_path / "qwen/projects/p/chats/s1.jsonl", [{**line, "usageMetadata": usage}])

    Ledger(analytics, tmp_path, ("qwen-code",)).read()
    analytics.catch_up()

    assert cost_of(analytics.get_cost_breakdown(DAY).unwrap()) is None


# ── who serves it, as agents name them ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "model", "listed"),
    [
        ("anthropic", "claude-sonnet-4-5", "anthropic"),
        ("openai", "gpt-5.1-codex", "openai"),
        ("google", "gemini-2.5-pro", "google"),
        ("google-vertex", "gemini-2.5-pro", "google"),
        ("google-vertex-anthropic", "claude-sonnet-4-5@20250929", "google"),
        ("gcp_vertex_ai", "claude-sonnet-4-5@20250929", "google"),
        ("amazon-bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("aws_bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("azure", "gpt-5", "azure"),
        ("azure_openai", "gpt-5", "azure"),
        ("xai", "grok-code-fast-1", "x-ai"),
        ("moonshotai", "kimi-k2-thinking", "moonshotai"),
        ("zai", "glm-4.6", "zai"),
        ("openrouter", "anthropic/claude-sonnet-4.5", "openrouter"),
        ("openrouter", "qwen/qwen3-coder", "openrouter"),
        ("vercel-ai-gateway", "anthropic/claude-sonnet-4.5", "anthropic"),
        ("fireworks-ai", "accounts/fireworks/models/deepseek-v3p2", "fireworks"),
        ("togetherai", "MiniMaxAI/MiniMax-M3", "together"),
        ("github-copilot", "claude-opus-4.7", "github-copilot"),
        ("github_copilot", "claude-opus-4.7", "github-copilot"),
        ("github-copilot", "claude-sonnet-4.5", None),
        ("github-copilot", "gpt-4.1", None),
        ("github", "claude-opus-4.7", None),
        ("opencode", "claude-sonnet-4-5", None),
        ("opencode", "big-pickle", None),
        ("opencode-go", "kimi-k2", None),
        ("zai-coding-plan", "glm-4.6", None),
        ("kimi-for-coding", "kimi-k2-thinking", None),
        ("alibaba", "qwen3-coder-plus", None),
        ("qwen", "qwen3-coder-plus", None),
        ("lmstudio", "gpt-oss-120b", None),
        ("ollama", "llama3:8b", None),
        (None, "qwen3-coder-plus", None),
        (None, "coder-model", None),
    ],
)
def test_a_provider_has_its_own_price_and_no_one_elses(told: str | None, model: str, listed: str | None) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    provider, called = served(told, model)
    assert called is not None

    prices = PriceBook(default=genai.find).prices_at(provider, called, at)
    owner = genai.find(provider, called)

    assert (owner.provider if owner and prices and prices.prices else None) == listed
