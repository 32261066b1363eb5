"""Every figure of a page is that of the events that its link leads to."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from analytics_es import AnalyticsService
from tests.hostile_store import NAMES, PERIOD
from tests.presentation.pages.asking import RATES, asked, explained, figures, number, said

MARCH = "from=2026-03-02&to=2026-03-06"


def of_events(service: AnalyticsService, address: str) -> tuple[list[Any], list[Any]]:
    """Return each figure of a page with where it leads, and the same as the events give it."""
    page, asking = asked(service, address)
    explanations: dict[Any, Any] = {}
    shown, told = [], []
    for figure in figures(page):
        if figure.name not in RATES:
            key = (figure.behind.metric, *figure.behind.where.items(), figure.behind.start)
            if key not in explanations:
                explanations[key] = explained(asking, figure.behind)
            shown.append((*figure[:2], figure.behind, said(figure)))
            told.append((*figure[:2], figure.behind, number(figure, explanations[key])))
    return shown, told


ADDRESSES = [
    f"usage?{MARCH}",
    f"usage?entity=user&{MARCH}",
    f"usage?entity=user&id=ada&{MARCH}&granularity=hour",
    f"usage?entity=user&nobody=1&{MARCH}",
    f"usage?entity=tool&{MARCH}&tz=Asia/Kathmandu",
    f"performance?{MARCH}",
    f"performance?{MARCH}&granularity=total",
    f"performance?operation=tool.call&{MARCH}",
    f"performance?operation=tool.call&subject=bash&{MARCH}",
    f"performance?operation=tool.call&unnamed=1&{MARCH}",
    "budgets?budget=calls",
    "budgets?budget=told",
    "budgets?budget=all",
    "budgets?budget=calls&at=2026-03-03T10:00",
    f"summary?metric=performance.duration&by=subject&by=operation&{MARCH}",
    f"summary?metric=performance.calls&where=operation=tool.call&where=subject=&{MARCH}",
    f"summary?metric=cost.reported_cost&by=user&by=model&{MARCH}",
    f"summary?metric=cost.input_tokens&where=user=&{MARCH}",
    f"summary?metric=usage.last_seen&by=user&{MARCH}",
    f"summary?metric=budgets.allocated&by=budget_id&{MARCH}",
    "usage?last=4d",
    "summary?metric=usage.events&by=event_type&last=4d",
    f"usage?entity=user&as_of=40&{MARCH}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_figure_is_that_of_the_events_it_leads_to(store: AnalyticsService, address: str) -> None:
    shown, told = of_events(store, address)
    assert shown == told
    assert shown


@pytest.mark.parametrize(
    "address",
    [
        "usage?",
        "usage?entity=agent&",
        f"usage?entity=tenant&id={quote(f't {NAMES[0]}')}&",
        "performance?top=3&",
        f"performance?operation=tool.call&subject={quote(f'tool {NAMES[7]}')}&",
        f"budgets?budget={quote(f'budget {NAMES[1]}')}&",
        f"summary?metric=cost.reported_cost&where={quote(f'tenant=t {NAMES[9]}')}&by=model&",
    ],
)
def test_so_it_is_in_a_store_that_is_hard_to_show(hard: AnalyticsService, address: str) -> None:
    shown, told = of_events(hard, address + PERIOD)
    assert shown == told
    assert shown


def test_rates_lead_to_what_failed(store: AnalyticsService) -> None:
    page, asking = asked(store, f"performance?{MARCH}")
    rates = [figure.behind for figure in figures(page) if figure.name == "error rate"]
    failed = {tuple(behind.where.values()): explained(asking, behind).count for behind in rates if not behind.start}
    assert failed == {(): 6, ("job", ""): 6}
