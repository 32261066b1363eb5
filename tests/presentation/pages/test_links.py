"""Every figure of every page leads to a page that opens, and that says the same number first."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.cli.demo_week import platform_events
from analytics_es.presentation.blocks import Grid
from analytics_es.presentation.html import Links
from analytics_es.presentation.pages import KINDS
from analytics_es.presentation.parts import Section
from tests.presentation.pages.asking import Figure, asked, figures, page
from tests.stores import opened, record

PAGES = {
    "overview": "overview?",
    "cost": "cost?",
    "cost by tenant": "cost?by=tenant&where=provider=anthropic",
    "cost by nobody": "cost?by=model&where=user=",
    "usage": "usage?entity=tenant",
    "performance": "performance?",
    "budgets": "budgets?",
    "summary": "summary?metric=cost.reported_cost&by=model",
    "events": "events?metric=cost.cost",
    "several currencies": "events?metric=cost.reported_cost",
    "projections": "projections?",
}
MONDAY, SUNDAY = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 29, 18, 30, tzinfo=UTC)
MOST = 25  # links of a page that are followed
RATIOS = ("share", "error rate", "tokens/s", "cached", "hit rate")  # of the same events, which say no ratio


@pytest.fixture(scope="module")
def week() -> Iterator[AnalyticsService]:
    """Return a made-up week, on its last day."""
    with opened(":memory:", privacy="full", clock=lambda: SUNDAY) as store:
        record(store, *platform_events(seed=1, start=MONDAY, days=7, jobs=60))
        yield store


def links(service: AnalyticsService, address: str) -> Iterator[tuple[str, Figure]]:
    """Yield where the figures of a page lead, each address once: some of many, always the same."""
    shown, asking = asked(service, address)
    ways = Links(page=shown.name, question=asking.question)
    leading = {ways.behind(figure.behind): figure for figure in figures(shown)}
    chosen = random.Random(1).sample(sorted(leading), min(MOST, len(leading)))  # no secret
    yield from ((chosen_one, leading[chosen_one]) for chosen_one in chosen)


def numbers(answer: Any) -> set[Any]:
    """Return every number that a page of events begins with."""
    totals: Mapping[str, Decimal] = getattr(answer, "totals", {})
    told = getattr(answer, "figures", None)
    names = ("count", "total", "minimum", "maximum", "mean", "p50", "p90", "p95", "p99")
    return {
        *totals.values(),
        *(getattr(told, name) for name in names if told),
        answer.count,
        getattr(answer, "calls", None),
        getattr(answer, "unknown_calls", None),
    }


@pytest.mark.parametrize("address", PAGES.values(), ids=list(PAGES))
def test_each_link_opens_and_says_the_same_number(week: AnalyticsService, address: str) -> None:
    wrong = []
    for link, figure in links(week, address):
        shown = page(week, link.removeprefix("/"))
        if shown.failure:
            wrong.append((figure.name, figure.exact, link, str(shown.failure)))
        elif figure.exact is not None and figure.name not in RATIOS:
            exact = Decimal(str(figure.exact))
            if exact not in numbers(shown.answers["events"]):
                wrong.append((figure.name, exact, link, shown.title))

    assert wrong == []


def test_every_page_is_followed() -> None:
    followed = {address.partition("?")[0] for address in PAGES.values()}
    assert {kind.name for kind in KINDS} - followed == {"event"}  # which has no figure but its own


def test_what_an_event_adds_leads_to_all_that_is_in_the_same_row(week: AnalyticsService) -> None:
    shown, asking = asked(week, "event?position=40&last=7d")
    ways = Links(page="event", question=asking.question)
    rows = next(part for part in shown.parts if isinstance(part, Section) and part.title == "What it adds")

    for grid in (part for part in rows.parts if isinstance(part, Grid)):
        for row in grid.rows:
            answer = page(week, ways.to(grid.columns[0].link(row)).removeprefix("/") + "&limit=1000").answers["events"]
            assert row.value in [event.value for event in answer.events if event.position == 40]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_a_bucket_of_a_series_leads_to_its_own_hours(week: AnalyticsService, zone: str) -> None:
    shown, asking = asked(week, f"cost?granularity=day&tz={zone}")
    ways = Links(page="cost", question=asking.question)
    of_buckets = [figure for figure in figures(shown) if figure.behind.start]
    assert of_buckets

    for figure in of_buckets[:5]:
        behind = figure.behind
        answer = page(week, ways.behind(behind).removeprefix("/")).answers["events"]
        assert (answer.period.start, answer.period.end) == (behind.start, behind.end)
