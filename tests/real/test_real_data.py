"""The answers on real rows, against figures computed from the raw rows by independent code."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection import Histogram, count, histogram, projection
from analytics_es.projections import Cost, Performance, Usage
from tests.real.conftest import ROOT, command

BOUND = 0.0109
Importer = Callable[[str, str], Path]

AZURE = ("--from", "2023-11-16", "--to", "2023-11-17")
PI = ("--from", "2025-11-20", "--to", "2025-11-22")
TAU = ("--from", "2025-08-01", "--to", "2025-08-03")


@projection(version=1, consumes=("provider.>",))
class Tokens:
    """How many tokens calls take and give."""

    calls: int = count()
    input: Histogram = histogram("input_tokens", unit="tokens")
    output: Histogram = histogram("output_tokens", unit="tokens")


def expected(data: Path, path: str) -> Any:
    return json.loads((data / path).read_text())


def agrees(figures: Any, wanted: dict[str, Any]) -> None:
    """Exact where the measure is exact, within the stated bound for percentiles."""
    assert int(figures["count"]) == wanted["n"]
    assert Decimal(figures["total"]) == Decimal(wanted["sum"])
    assert Decimal(figures["minimum"]) == wanted["min"]
    assert Decimal(figures["maximum"]) == wanted["max"]
    for name in ("p50", "p90", "p95", "p99"):
        assert float(figures[name]) == pytest.approx(wanted[name], rel=BOUND), name


def by_type(store: Path, *period: str) -> dict[str, int]:
    usage = command("usage", "--db", store, *period)
    return {each["event_type"]: each["totals"]["events"] for each in usage["by_event_type"]}


def operations(store: Path, operation: str, *period: str) -> dict[str, Any]:
    found = command("performance", "--db", store, *period)["operations"]
    return {each["subject"]: each for each in found if each["operation"] == operation}


def agrees_on_cost(store: Path, wanted: dict[str, Any], *period: str) -> None:
    cost = command("cost", "--db", store, "--by", "model", *period)
    rows = {row["keys"]["model"]: row for row in cost["rows"]}
    without = {each["model"]: each["calls"] for each in cost["unknown"] if each["reason"] != "reported_as_zero"}
    assert cost["calls"] == wanted["calls"]
    assert set(rows) == set(wanted["by_model"])
    for model, figures in wanted["by_model"].items():
        assert rows[model]["calls"] == figures["calls"]
        assert rows[model]["tokens"]["input"] == figures["input_tokens"]
        assert rows[model]["tokens"]["output"] == figures["output_tokens"]
        assert without.get(model, 0) == figures["without_cost"]
        # The raw costs are binary floats with up to 21 decimals; each keeps 18. A sum of zeros is not known.
        rounded = abs(Decimal(rows[model]["reported_cost"] or 0) - Decimal(figures["cost"]))
        assert rounded <= figures["calls"] * Decimal("5e-19")


def test_an_hour_of_azures_code_completion_calls(data: Path, imported: Importer) -> None:
    store = imported("azure_llm_2023", "code.csv")
    wanted = expected(data, "azure_llm_2023/code.expected.json")

    usage = command("usage", "--db", store, *AZURE)
    hours = {point["start"][:13].replace("T", " "): point["totals"]["events"] for point in usage["series"]}

    assert usage["totals"]["events"] == wanted["rows"]
    assert {hour: events for hour, events in hours.items() if events} == wanted["by_hour_utc"]
    with AnalyticsService.open(store, projections=[Cost, Performance, Usage, Tokens], follow=False) as analytics:
        analytics.catch_up()
        for name in ("input", "output"):
            summary = analytics.get_summary(f"tokens.{name}", TimePeriod.parse("2023-11-16")).unwrap()
            figures = {field: getattr(summary.figures, field) for field in summary.figures.__slots__ if field[0] != "_"}
            agrees(figures, wanted[f"{name}_tokens"])


def test_a_coding_agents_session(data: Path, imported: Importer) -> None:
    store = imported("pi_session", "events.jsonl")
    wanted = expected(data, "pi_session/expected.json")

    calls, tools = (operations(store, operation, *PI) for operation in ("provider.call", "tool.call"))

    assert by_type(store, *PI) == wanted["by_type"]
    assert {tool: each["calls"] for tool, each in tools.items()} == wanted["tools"]
    assert sum(each["failures"] for each in tools.values()) == wanted["tool_errors"]
    for model, figures in wanted["by_model"].items():
        agrees(calls[model]["duration_ms"], figures["duration_ms"])
    agrees_on_cost(store, wanted, *PI)


def test_customer_service_agents(data: Path, imported: Importer) -> None:
    store = imported("tau2_tasks", "events.jsonl")
    wanted = expected(data, "tau2_tasks/expected.json")

    tools = operations(store, "tool.call", *TAU)

    assert by_type(store, *TAU) == wanted["by_type"]
    assert {tool: each["calls"] for tool, each in tools.items()} == wanted["tools"]
    assert sum(each["failures"] for each in tools.values()) == wanted["tool_errors"]
    agrees_on_cost(store, wanted, *TAU)


def test_a_reported_cost_of_zero_on_calls_with_tokens_is_listed_and_not_taken_for_free(
    data: Path, imported: Importer
) -> None:
    store = imported("tau2_tasks", "events.jsonl")
    tuned = next(name for name in expected(data, "tau2_tasks/expected.json")["by_model"] if name.startswith("ft:"))

    unknown = command("cost", "--db", store, *TAU)["unknown"]

    assert [(each["model"], each["reason"], each["calls"]) for each in unknown] == [(tuned, "reported_as_zero", 779)]


@pytest.mark.parametrize(
    ("name", "file", "period"),
    [
        ("azure_llm_2023", "code.csv", AZURE),
        ("pi_session", "events.jsonl", PI),
        ("tau2_tasks", "events.jsonl", TAU),
    ],
)
def test_importing_again_changes_nothing(
    data: Path, imported: Importer, name: str, file: str, period: tuple[str, ...]
) -> None:
    store = imported(name, file)
    before = [command(question, "--db", store, *period) for question in ("usage", "performance", "cost")]

    mapping = ROOT / "docs" / "examples" / f"{name}.toml"
    again = command("import", "--db", store, "--mapping", mapping, data / name / file)["total"]
    after = [command(question, "--db", store, *period) for question in ("usage", "performance", "cost")]

    assert (again["recorded"], again["differing"], again["refused"]) == (0, 0, 0)
    assert again["duplicates"] > 0
    assert after == before
