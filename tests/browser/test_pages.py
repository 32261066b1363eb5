"""Every page in a real browser: calm, readable by all, of any width, and harmless whatever names hold."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from analytics_es.presentation.pages import KINDS
from tests.browser.conftest import Shown, Site, keep

NAMES = [kind.name for kind in KINDS]
WIDTHS = (360, 768, 1280, 1920)
SERIOUS = ("serious", "critical")

pages = pytest.mark.parametrize("name", NAMES)
stores = pytest.mark.parametrize("store", ["demo", "attacked"])
schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


def site_of(request: pytest.FixtureRequest, store: str) -> Site:
    site: Site = request.getfixturevalue(store)
    return site


@pages
@stores
@schemes
def test_a_page_is_calm_and_serious_faults_are_none(
    name: str, store: str, scheme: str, shown: Shown, request: pytest.FixtureRequest
) -> None:
    site = site_of(request, store)

    seen = shown(site.address(name), scheme=scheme)
    keep(seen.page, f"{name}-{store}-{scheme}")
    faults = Axe().run(seen.page).response["violations"]

    seen.assert_calm()
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults if fault["impact"] in SERIOUS] == []


@pages
@stores
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_as_wide_as_the_window(
    name: str, store: str, width: int, shown: Shown, request: pytest.FixtureRequest
) -> None:
    seen = shown(site_of(request, store).address(name), width=width)
    if width != 1280:
        keep(seen.page, f"{name}-{store}-{width}")

    assert seen.page.evaluate("document.documentElement.scrollWidth") == width


@pages
@stores
def test_without_a_script_a_page_says_the_same(
    name: str, store: str, shown: Shown, request: pytest.FixtureRequest
) -> None:
    """Charts are pictures then, and all tables are there."""
    address = site_of(request, store).address(name)

    with_script, without = shown(address), shown(address, scripts=False)

    assert (
        without.page.locator("main table").all_inner_texts() == with_script.page.locator("main table").all_inner_texts()
    )
