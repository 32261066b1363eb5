"""Every page in a real browser: calm, readable by all, of any width, and harmless whatever names hold."""

from __future__ import annotations

from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe

from analytics_es.presentation.pages import KINDS
from tests.browser.conftest import Shown, Site, keep

NAMES = [kind.name for kind in KINDS]
WIDTHS = (360, 768, 1280, 1920)
SERIOUS = ("serious", "critical")
HEAVIEST = 80_000  # bytes of a page and its style, without the library of charts

pages = pytest.mark.parametrize("name", NAMES)
stores = pytest.mark.parametrize("store", ["demo", "attacked"])


def site_of(request: pytest.FixtureRequest, store: str) -> Site:
    site: Site = request.getfixturevalue(store)
    return site


@pages
@stores
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_calm_whole_at_any_width_and_without_a_serious_fault(
    name: str, store: str, scheme: str, shown: Shown, request: pytest.FixtureRequest
) -> None:
    seen = shown(site_of(request, store).address(name), scheme=scheme)

    faults = Axe().run(seen.page).response["violations"]
    wide = {}
    for width in WIDTHS:
        seen.page.set_viewport_size({"width": width, "height": 900})
        keep(seen.page, f"{name}-{store}-{scheme}-{width}")
        wide[width] = seen.page.evaluate("document.documentElement.scrollWidth")

    seen.assert_calm()
    assert wide == {width: width for width in WIDTHS}
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults if fault["impact"] in SERIOUS] == []


@pages
@stores
def test_without_a_script_a_page_says_the_same(
    name: str, store: str, shown: Shown, request: pytest.FixtureRequest
) -> None:
    """Charts are pictures then, and all tables are there."""
    address = site_of(request, store).address(name)

    with_script, without = (
        shown(address, scripts=scripts).page.locator("main table").all_inner_texts() for scripts in (True, False)
    )

    assert without == with_script


@pages
def test_a_page_is_light(name: str, demo: Site, shown: Shown) -> None:
    page = urlopen(demo.address(name)).read()  # noqa: S310
    styles = shown(demo.address(name)).page.eval_on_selector_all("link[rel=stylesheet]", "all => all.map(a => a.href)")

    assert len(page) + sum(len(urlopen(style).read()) for style in styles) < HEAVIEST  # noqa: S310
