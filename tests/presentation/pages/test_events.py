"""The page of the events behind a number: which it is, what it comes to first, and what cannot be told of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import AnalyticsError, BadWord, UnknownKey, UnknownMetric
from analytics_es.presentation.blocks import Line
from analytics_es.presentation.html import Links, rendered
from analytics_es.presentation.parts import Page, Tile, Tiles
from analytics_es.presentation.question import Question
from tests import day
from tests.hostile_store import NAMES, PERIOD, hostile
from tests.presentation.pages.asking import page, parts_of, plain
from tests.stores import opened, record

MONDAY = "from=2026-03-02&to=2026-03-03"
NUMBERS = {
    "nothing": "events",
    "computed and reported": f"events?metric=cost.cost&where=user=bob&{MONDAY}",
    "largest first": f"events?metric=cost.cost&where=currency=USD&largest&limit=2&{MONDAY}",
    "latest first": f"events?metric=usage.events&latest=1&limit=2&{MONDAY}",
    "unknown": f"events?metric=cost.cost&where=currency=&{MONDAY}",
    "several currencies": f"events?metric=cost.reported_cost&{MONDAY}",
    "one currency": f"events?metric=cost.reported_cost&where=currency=EUR&{MONDAY}",
    "a count": f"events?metric=usage.failures&{MONDAY}",
    "a distribution": f"events?metric=performance.duration&where=operation=tool.call&limit=1&{MONDAY}&tz=Asia/Tokyo",
    "times": f"events?metric=usage.first_seen&where=user=ada&limit=1&{MONDAY}",
    "nobody": f"events?metric=usage.events&where=user=&{MONDAY}",
    "none": f"events?metric=usage.events&where=user=nobody-of-this-name&{MONDAY}",
    "as of": f"events?metric=usage.events&as_of=3&{MONDAY}",
}


@pytest.mark.parametrize("address", NUMBERS.values(), ids=list(NUMBERS))
def test_a_page_is_as_it_was(monday: AnalyticsService, address: str, snapshot: SnapshotAssertion) -> None:
    shown = plain(page(monday, address))
    for part in shown["parts"]:
        if "choices" in part:
            part["choices"]["metric"] = part["choices"]["metric"][-2:]  # all there are, and the chosen one

    assert shown == snapshot


def tiles(shown: Page) -> list[Tile]:
    return [tile for part in parts_of(shown) if isinstance(part, Tiles) for tile in part.tiles]


def test_the_number_comes_first_and_is_that_of_the_breakdown(monday: AnalyticsService) -> None:
    shown = page(monday, f"events?metric=cost.cost&{MONDAY}")

    costs = {total.currency: total.cost for total in monday.get_cost_breakdown(day.DAY).unwrap().totals}
    assert {tile.label.removeprefix("Cost, "): tile.exact for tile in tiles(shown)[:2]} == costs
    assert shown.title == "0.001200 EUR and 0.526375 USD · cost.cost"


def test_what_is_listed_adds_up_to_it(monday: AnalyticsService) -> None:
    answer = page(monday, f"events?metric=cost.cost&limit=100&{MONDAY}").answers["events"]

    sums: dict[str, Decimal] = {}
    for call in answer.events:
        charged = sum((own.cost for own in call.charged), Decimal())
        assert call.state != "computed" or charged == call.cost
        if call.cost is not None:
            sums[call.currency] = sums.get(call.currency, Decimal()) + call.cost
    assert sums == answer.totals


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("metric=usage.nothing", UnknownMetric),
        ("metric=usage.events&where=nothing=1", UnknownKey),
        ("metric=usage.events&where=user", BadWord),
        ("metric=usage.events&limit=0", BadWord),
        ("metric=usage.events&limit=10001", BadWord),
    ],
)
def test_what_is_no_number_is_said(monday: AnalyticsService, words: str, error: type[AnalyticsError]) -> None:
    with pytest.raises(error):
        page(monday, f"events?{words}&{MONDAY}")


# ── sealed events, and names that attack ────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnalyticsService]:
    """Return a store of two days, of which the first is sealed."""
    now = datetime(2026, 3, 8, 12, tzinfo=UTC)
    with opened(tmp_path_factory.mktemp("sealed") / "analytics.db", clock=lambda: now, privacy="full") as store:
        record(store, *day.events())
        store.retain({"events": "6d"}).unwrap()
        store.get_cost_breakdown("2026-03").unwrap()  # the first one tells the log of the default prices
        store.catch_up()
        yield store


@pytest.mark.parametrize("metric", ["cost.cost", "performance.duration", "usage.events", "cost.reported_cost"])
def test_of_sealed_events_it_says_what_they_add(
    sealed: AnalyticsService, metric: str, snapshot: SnapshotAssertion
) -> None:
    shown = page(sealed, f"events?metric={metric}&from=2026-03-01&to=2026-03-03")

    assert plain(shown) == snapshot
    assert shown.failure is not None
    assert shown.failure.code == "sealed_period"


def test_the_rest_of_the_period_is_explained(sealed: AnalyticsService) -> None:
    rest = page(sealed, "events?metric=usage.events&from=2026-03-02T00:00:00%2B00:00&to=2026-03-03")

    assert rest.failure is None
    assert rest.answers["events"].count == 26


def test_whatever_names_hold_they_are_text(hard: AnalyticsService) -> None:
    for metric in ("cost.cost", "usage.events", "performance.duration"):
        shown = page(hard, f"events?metric={metric}&limit=1000&{PERIOD}")
        html = rendered(shown, Links(page="events", question=Question(words={"metric": [metric]})))

        assert not any(name in html for name in NAMES if "<" in name)
        assert "\u202e" not in html


def test_while_read_models_lag_it_says_that_other_figures_may_count_more(tmp_path: Path) -> None:
    with hostile(tmp_path / "analytics.db") as service:
        figure = page(service, f"usage?{PERIOD}&tz=Asia/Kathmandu").answers["usage"].totals.events
        shown = page(service, f"events?metric=usage.events&{PERIOD}&tz=Asia/Kathmandu")
        service.catch_up()
        caught_up = page(service, f"events?metric=usage.events&{PERIOD}&tz=Asia/Kathmandu")

    lag = shown.answers["events"].completeness.lag_events
    said = [line.text for line in shown.parts if isinstance(line, Line)]
    assert (lag, figure) == (3, shown.answers["events"].count + 3)
    assert [text for text in said if "it counts the 3 events after it, too" in text] == said[:1]
    assert [line.text for line in caught_up.parts if isinstance(line, Line)] == []
    assert caught_up.answers["events"].count == figure
