"""Real usages of real models, with the prices in force and the cost that each must have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics_es.cost.prices import genai
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.genai import _KINDS
from analytics_es.cost.prices.prices import Cost, Dated, Origin, PriceList, Tier, UnitPrice, UnitPrices
from analytics_es.cost.prices.quantities import EXACT

# What the rows call what we have a name for; text, video and tool tokens have no price of their own in them.
OURS = {
    "cache_write_tokens": "cache_creation_tokens",
    "cache_write_1h_tokens": "cache_creation_1h_tokens",
    "cache_audio_read_tokens": "cache_read_audio_tokens",
    "cache_image_read_tokens": "cache_read_image_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
    "web_searches": "searches",
}
UNPRICED = {
    "qwen-3-coder-480b",
    "google/gemini-2.0-flash-exp:free",
}  # the rows have no price of theirs, and a cost of 0
REPRICED = {"ministral-8b-latest"}  # another price in the edition that is installed


@pytest.fixture(scope="module")
def rows(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "prices" / "conformance.jsonl").read_text().splitlines()]


def usage(row: Mapping[str, Any]) -> dict[str, int]:
    return {OURS.get(name, name): count for name, count in row["usage"].items()}


def unit_price(name: str, told: Any) -> UnitPrice:
    def each(text: str) -> Decimal:
        return EXACT.scaleb(Decimal(text), -_KINDS[name][1])

    if isinstance(told, str):
        return UnitPrice(each(told))
    return UnitPrice(each(told["base"]), tuple(Tier(int(tier["start"]), each(tier["price"])) for tier in told["tiers"]))


def in_force(row: Mapping[str, Any]) -> UnitPrices | None:
    """Return the prices of a row through a book that has them."""
    prices = {_KINDS[name][0]: unit_price(name, told) for name, told in row["unit_prices"].items()}
    listed = PriceList(
        provider=row["provider"],
        model=row["price_model_id"],
        currency="USD",
        origin=Origin(version="of the row"),
        standard=(Dated(prices=prices),),
    )
    book = PriceBook(default=lambda provider, model: listed)
    return book.prices_at(row["provider"], row["model_ref"], datetime.fromisoformat(row["at"]))


def sums(cost: Cost | None) -> tuple[Decimal, ...] | None:
    return cost and (cost.input, cost.output, cost.total)


def expected(row: Mapping[str, Any]) -> tuple[Decimal, ...]:
    return tuple(Decimal(row[f"expected_{name}_usd"]) for name in ("input", "output", "total"))


def test_every_row_costs_what_it_must_to_the_last_digit(rows: list[dict[str, Any]]) -> None:
    """Where a row has no price at all, its cost of 0 is what we call unknown."""
    wrong = []
    for row in rows:
        prices = in_force(row)
        found = sums(prices.cost(usage(row))) if prices else None
        if found != (expected(row) if row["unit_prices"] else None):
            wrong.append((row, found))

    assert wrong == []
    assert {row["model_ref"] for row in rows if not row["unit_prices"]} == UNPRICED
    assert {expected(row) for row in rows if not row["unit_prices"]} == {(0, 0, 0)}


def test_the_default_prices_know_every_row_by_provider_model_and_time(rows: list[dict[str, Any]]) -> None:
    """But for what changed since: the rows are of another edition."""
    book = PriceBook(default=genai.find)
    differing = {
        row["model_ref"]
        for row in rows
        if sums(book.cost_of(usage(row), row["provider"], row["model_ref"], datetime.fromisoformat(row["at"])))
        != expected(row)
    }

    assert differing == UNPRICED | REPRICED


def calls(data: Path, name: str) -> list[dict[str, Any]]:
    lines = (data / name / "events.jsonl").read_text().splitlines()
    events = (json.loads(line, parse_float=Decimal) for line in lines)
    return [event for event in events if event["type"] == "provider.call.completed"]


def test_the_calls_of_a_coding_agent_cost_what_was_reported_to_a_billionth(data: Path) -> None:
    book = PriceBook(default=genai.find)
    found = []
    for call in calls(data, "pi_session"):
        used = {
            "input_tokens": call["input"] + call["cache_read"] + call["cache_write"],
            "cache_read_tokens": call["cache_read"],
            "cache_creation_tokens": call["cache_write"],
            "output_tokens": call["output"],
        }
        cost = book.cost_of(used, call["provider"], call["model"], datetime.fromisoformat(call["ts"]))
        found.append((cost and abs(cost.total - call["cost"]) <= Decimal("1e-9"), call))

    assert [call for agrees, call in found if not agrees] == []
    assert len(found) > 300


def test_a_fine_tuned_model_is_unknown_and_not_free(data: Path) -> None:
    book = PriceBook(default=genai.find)
    tuned = [call for call in calls(data, "tau2_tasks") if call["model"].startswith("ft:")]

    found = {
        book.prices_at(provider, call["model"], datetime.fromisoformat(call["ts"]).replace(tzinfo=UTC))
        for call in tuned
        for provider in ("openai", None)
    }

    assert (len(tuned), found) == (779, {None})
