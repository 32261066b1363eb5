"""Formats that come with the package: what files of each give, to the token and the cent, and what is not stored."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.events.event import RecordedEvent
from analytics_es.ingest.files import rows
from analytics_es.ingest.files.catalogue import FOLDER, names, shapes
from analytics_es.types import BatchReceipt, Refusal
from tests.byte_search import holders
from tests.stores import opened, recorded

FORMATS = Path(__file__).parents[2] / "data" / "formats"
FILES = sorted(path.relative_to(FORMATS).as_posix() for path in FORMATS.glob("*/*"))

# What is somebody's in the files: names, mail, keys, addresses, what was asked and answered.
SOMEBODYS = (
    *("Grace", "Hopper", "grace.hopper@navy.example", "grace-hopper", "user-grace-hopper", "grace-laptop-key"),
    *("tumour", "Dear Grace", "203.0.113.77", "sk-secret-1", "Navy Desk"),
    *("88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b", "key_OYRZfEkH5R9CNgtY"),
    "apikey_01Rj2N8SVvo6BePZj99NhmiT",
)


def load(analytics: AnalyticsService, file: str | Path, **options: Any) -> tuple[BatchReceipt, list[Refusal]]:
    refused = list[Refusal]()
    given = rows(FORMATS / file, **options)
    good = [row for row in given if not row.error]
    assert [str(row.error) for row in given if row.error] == []
    return analytics.importing().record(good, on_refused=refused.append), refused


def told(event: RecordedEvent) -> dict[str, Any]:
    """Return an event without the id, which is made with the key of a store where it is of what a row is about."""
    return {"type": event.type, "at": event.occurred_at.isoformat(), "source": event.source, **event.data}


@pytest.mark.store(privacy="full")
@pytest.mark.parametrize("file", FILES)
def test_a_file_gives_these_events(analytics: AnalyticsService, snapshot: SnapshotAssertion, file: str) -> None:
    _, refused = load(analytics, file)

    events = [told(event) for event in recorded(analytics)]
    assert [*events, *({"refused": refusal.message} for refusal in refused)] == snapshot


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("focus/focus-1.0.csv", {"service_type": "ai_and_machine_learning", "charge_type": "usage"}),
        ("anthropic-usage/console.csv", {"context_window": "0-200k"}),
        ("openai-costs/costs.json", {"line_item_type": "cached_input"}),
    ],
)
def test_what_a_format_is_cut_by_is_stored_under_the_policy_as_shipped(
    analytics: AnalyticsService, file: str, names: dict[str, str]
) -> None:
    load(analytics, file)

    assert any(names.items() <= event.data.get("attributes", {}).items() for event in recorded(analytics))


# What was used and what it has cost, worked out by hand from the files: input, output, read from a cache, written to
# it, thoughts, searches, and dollars that are told.
BY_HAND = {
    "litellm/spend.json": (5010, 355, 2800, 300, 50, 2, "0.02802"),
    "openrouter/generations.csv": (40000, 1520, 8000, 0, 100, 0, "0.0238"),
    "openrouter/activity.json": (405000, 21250, 0, 0, 250, 0, "1.527"),
    "openrouter/activity.csv": (70965665, 3009973, 0, 0, 0, 0, "431"),
    "langfuse/observations.json": (6070, 730, 2300, 300, 50, 0, "0.02382"),
    "helicone/export.jsonl": (3000, 300, 1900, 300, 0, 0, "0.0163"),
    "helicone/export.csv": (800, 300, 0, 0, 0, 0, "0.0163"),
    "focus/focus-1.0.csv": (0, 0, 0, 0, 0, 0, "52.0000000001"),  # and a tax of 2 euros
    "focus/focus-1.2.csv": (0, 0, 0, 0, 0, 0, "12.5"),
    "openai-usage/usage.json": (368700, 30726, 105960, 20000, 0, 7, "0"),
    "openai-usage/completions_usage.csv": (111247, 86646, 13952, 0, 0, 0, "0"),
    "openai-costs/costs.json": (0, 0, 0, 0, 0, 0, "0.28714"),
    "openai-costs/cost.csv": (0, 0, 0, 0, 0, 0, "0.895874"),
    "anthropic-usage/usage_report.json": (5003200, 1000, 200, 1500, 0, 10, "0"),
    "anthropic-usage/console.csv": (191943, 50796, 3000, 48000, 0, 9, "0"),
    "anthropic-cost/cost_report.json": (0, 0, 0, 0, 0, 0, "2.6878912"),
    "anthropic-cost/console.csv": (0, 0, 0, 0, 0, 0, "1.85"),
}
USED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens", "searches")


@pytest.mark.parametrize("file", BY_HAND)
def test_the_figures_are_those_that_were_worked_out_by_hand(analytics: AnalyticsService, file: str) -> None:
    load(analytics, file)

    sums, cost = Counter[str](), Decimal(0)
    for event in recorded(analytics):
        if event.type.startswith("provider."):
            sums.update({name: event.data.get(name, 0) for name in USED})
            cost += Decimal(event.data["cost"]) if event.data.get("currency") == "USD" else 0
    assert ([sums[name] for name in USED], cost) == ([*BY_HAND[file][:6]], Decimal(BY_HAND[file][6]))


@pytest.mark.parametrize("file", FILES)
def test_a_file_again_adds_nothing(analytics: AnalyticsService, file: str) -> None:
    first, _ = load(analytics, file)
    again, _ = load(analytics, file)

    assert (again.recorded, again.duplicates, again.differing) == (0, first.recorded, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("litellm/spend.json", "litellm/LiteLLM_SpendLogs.csv"),
        ("litellm/spend.json", "litellm/page.json"),
        ("openrouter/activity.json", "openrouter/activity-sdk.json"),
        ("helicone/export.jsonl", "helicone/export.json"),
        ("langfuse/observations.json", "langfuse/export.csv"),
    ],
)
def test_what_two_shapes_of_a_format_tell_counts_once(analytics: AnalyticsService, one: str, other: str) -> None:
    load(analytics, one)
    again, _ = load(analytics, other)

    assert (again.recorded, again.differing) == (0, 0)


@pytest.mark.parametrize("file", FILES)
def test_nothing_of_anybody_is_stored_by_default(tmp_path: Path, file: str) -> None:
    with opened(tmp_path / "analytics.db", strict=None) as analytics:
        load(analytics, file)
        analytics.catch_up()

    assert holders(tmp_path, SOMEBODYS) == {}


def test_each_format_has_a_file_of_each_of_its_shapes() -> None:
    read = Counter(str(notes.shape and notes.shape.file) for file in FILES if (notes := rows(FORMATS / file).notes))

    assert {*read} == {shape.file for shape in shapes()}
    assert {file.partition("/")[0] for file in FILES} == {*names()}


def test_each_mapping_says_where_its_format_is_described() -> None:
    for path in FOLDER.glob("*.toml"):
        head = path.read_text().split("\n\n")[0]
        assert head.startswith("# ") and ("# From: " in head or path.stem == "common"), path
