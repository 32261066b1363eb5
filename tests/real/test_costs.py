"""Real usages recorded as events and asked back, to the last digit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.types import CostBreakdown
from tests.real.test_prices import OURS, REPRICED, UNPRICED, calls
from tests.real.test_real_data import Importer

BILLIONTH = Decimal("1e-9")


def recorded(analytics: AnalyticsService, events: Iterable[Mapping[str, Any]]) -> None:
    """Record calls, each for a job of its own."""
    analytics.record_events(
        {
            "event_type": "provider.call.completed",
            "data": {**event["data"], "job_id": f"call-{number}"},
            "occurred_at": event["at"],
        }
        for number, event in enumerate(events)
    ).unwrap()
    analytics.catch_up()


def by_job(answer: CostBreakdown) -> dict[str, Decimal | None]:
    return {row.keys["job"]: row.cost for row in answer.rows}


def years(first: int, last: int) -> TimePeriod:
    return TimePeriod(datetime(first, 1, 1, tzinfo=UTC), datetime(last, 1, 1, tzinfo=UTC), "total")


def test_every_row_costs_what_it_must_to_the_last_digit(data: Path, analytics: AnalyticsService) -> None:
    rows = [json.loads(line) for line in (data / "prices" / "conformance.jsonl").read_text().splitlines()]
    recorded(
        analytics,
        (
            {
                "at": datetime.fromisoformat(row["at"]),
                "data": {"provider": row["provider"], "model": row["model_ref"]}
                | {OURS.get(name, name): count for name, count in row["usage"].items()},
            }
            for row in rows
        ),
    )

    found = by_job(analytics.get_cost_breakdown(years(2020, 2030), by=("job",)).unwrap())

    differing = {
        row["model_ref"]
        for number, row in enumerate(rows)
        if row["usage"] and found[f"call-{number}"] != Decimal(row["expected_total_usd"])
    }
    not_known = {row["model_ref"] for number, row in enumerate(rows) if found[f"call-{number}"] is None}
    assert (len(found), differing) == (len(rows), UNPRICED | REPRICED)
    assert not_known == UNPRICED | {row["model_ref"] for row in rows if not row["usage"]}  # these rows expect 0


def test_a_coding_agents_calls_priced_by_the_book_cost_what_they_reported(
    data: Path, analytics: AnalyticsService
) -> None:
    recorded(
        analytics,
        (
            {
                "at": datetime.fromisoformat(call["ts"]),
                "data": {
                    "provider": call["provider"],
                    "model": call["model"],
                    "input_tokens": call["input"] + call["cache_read"] + call["cache_write"],
                    "cache_read_tokens": call["cache_read"],
                    "cache_creation_tokens": call["cache_write"],
                    "output_tokens": call["output"],
                    "cost": call["cost"],
                    "currency": "USD",
                },
            }
            for call in calls(data, "pi_session")
        ),
    )
    book = analytics.price_book().unwrap()

    reported = by_job(analytics.get_cost_breakdown(years(2025, 2026), by=("job",)).unwrap())
    computed = by_job(analytics.get_cost_breakdown(years(2025, 2026), by=("job",), prices=book).unwrap())

    known = {job: cost for job, cost in reported.items() if cost is not None}  # the rest was aborted: it reports 0
    assert len(known) > 300
    assert [job for job, cost in known.items() if abs(cost - (computed[job] or 0)) > BILLIONTH] == []


def test_a_fine_tuned_model_is_not_known_and_not_free(data: Path, imported: Importer) -> None:
    """Its calls report 0, and no list knows a price of it; nor is there one to suppose."""
    told = [call for call in calls(data, "tau2_tasks") if call["model"].startswith("ft:")]
    with AnalyticsService.open(imported("tau2_tasks", "events.jsonl"), follow=False) as analytics:
        analytics.catch_up()
        book = analytics.price_book().unwrap()
        asked, supposed = (
            analytics.get_cost_breakdown(years(2025, 2026), prices=prices).unwrap() for prices in (None, book)
        )

    def of(answer: CostBreakdown) -> list[tuple[str, int]]:
        return [(each.reason, each.calls) for each in answer.unknown if each.model.startswith("ft:")]

    assert (of(asked), of(supposed)) == ([("reported_as_zero", len(told))], [("no_price", len(told))])
    assert {row.cost for row in asked.rows if row.keys["model"].startswith("ft:")} == {None}
