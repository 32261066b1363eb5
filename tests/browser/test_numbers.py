"""Figures of pages are those of the answers, to the last digit: page, .json and Python say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.request import urlopen

import pytest

from analytics_es.events.codec import to_json
from analytics_es.presentation.pages import KINDS
from analytics_es.types import TimePeriod
from tests.browser.conftest import Shown, Site
from tests.browser.test_pages import pages, site_of, stores

WITH_FIGURES = {kind.name for kind in KINDS} - {"projections"}

PYTHON = {
    "cost": lambda service, period: service.get_cost_breakdown(period),
    "usage": lambda service, period: service.get_usage_stats(None, None, period),
    "performance": lambda service, period: service.get_performance_metrics(period),
    "budgets": lambda service, period: service.get_budgets(),
    "projections": lambda service, period: service.projections(),
}


def figures(document: Any) -> Iterator[Decimal]:
    """Yield every number that a document holds, decimals being texts."""
    if isinstance(document, dict):
        for inner in document.values():
            yield from figures(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from figures(inner)
    elif isinstance(document, int | float | str) and not isinstance(document, bool):
        try:
            yield Decimal(str(document))
        except InvalidOperation:
            return


def of_json(seen: Any) -> set[Decimal]:
    """Return every number of the answers that a page links to as .json."""
    links = seen.page.eval_on_selector_all("a[href*='.json']", "links => links.map(link => link.href)")
    return {figure for link in set(links) for figure in figures(json.loads(urlopen(link).read()))}  # noqa: S310


@pages
@stores
def test_every_figure_of_a_page_is_one_of_its_json(
    name: str, store: str, shown: Shown, request: pytest.FixtureRequest
) -> None:
    seen = shown(site_of(request, store).address(name))

    known = of_json(seen)
    on_page = seen.page.eval_on_selector_all("main data", "all => all.map(one => one.value)")

    assert {text for text in on_page if Decimal(text) not in known} == set()
    assert on_page or name not in WITH_FIGURES


def period_of(site: Site) -> TimePeriod:
    words = dict(word.split("=") for word in site.period.split("&"))
    zone = site.service.store.calendar.zone
    if "last" in words:
        return TimePeriod.parse(words["last"], zone, now=site.service.store.clock())
    return TimePeriod.parse(f"{words['from']}/{words['to']}", zone)


@stores
@pytest.mark.parametrize("name", PYTHON)
def test_json_is_what_python_answers(name: str, store: str, request: pytest.FixtureRequest) -> None:
    site = site_of(request, store)

    answer = PYTHON[name](site.service, period_of(site)).unwrap()

    assert urlopen(site.address(f"{name}.json")).read().decode().strip() == to_json(answer).strip()  # noqa: S310
