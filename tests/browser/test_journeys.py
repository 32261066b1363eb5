"""What somebody does with the pages: click a figure down to an event and its arithmetic, ask otherwise, come back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from analytics_es.testing.examples import price, provider_call
from tests.browser.conftest import MONDAY, SUNDAY, Shown, Site, site
from tests.stores import eventually, opened, record

TOKEN = "a-token"
CALL = {"provider": "acme", "model": "acme-large", "cost": None, "currency": None, "cache_creation_tokens": None}


@pytest.fixture(scope="module")
def priced() -> Iterator[Site]:
    """Return the pages of a store of two calls, of which the cost is computed from a published price."""
    service = opened(":memory:", privacy="full", clock=lambda: SUNDAY)
    service.publish_prices([price(effective_from=MONDAY.isoformat())]).unwrap()
    record(service, *(provider_call(occurred_at=MONDAY.replace(hour=hour), **CALL) for hour in (9, 10)))
    with site(service, "last=7d") as pages:
        yield pages


def words(page: Page) -> dict[str, list[str]]:
    """Return the question that the address of a page asks."""
    return parse_qs(urlsplit(page.url).query)


def test_a_cost_leads_from_the_overview_to_an_event_and_its_arithmetic(priced: Site, shown: Shown) -> None:
    seen = shown(priced.address("overview"))
    cost = Decimal(seen.page.locator("table data", has_text="EUR").first.get_attribute("value") or "")

    seen.page.locator("table a", has_text="EUR").first.click()
    expect(seen.page.locator("h1")).to_contain_text("EUR")
    calls = seen.page.locator("main table").first
    arithmetic = calls.inner_text()
    calls.locator("tbody tr").first.locator("a").first.click()

    assert cost == 2 * (Decimal(400) * 2 + Decimal(800) * Decimal("0.2") + Decimal(150) * 8) / 1_000_000
    assert "800 cache read × " in arithmetic
    expect(seen.page.locator("main")).to_contain_text("acme-large")
    expect(seen.page.locator("main")).to_contain_text("input_tokens")
    seen.assert_calm()


def test_a_period_is_chosen_by_a_click_and_goes_along_to_other_pages(demo: Site, shown: Shown) -> None:
    page = shown(demo.address("overview")).page

    page.get_by_role("link", name="24 h").click()
    asked = words(page)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Performance").click()

    assert (asked["last"], words(page)["last"], urlsplit(page.url).path) == (["24h"], ["24h"], "/performance")


def test_a_dimension_is_chosen_in_a_form(demo: Site, shown: Shown) -> None:
    page = shown(demo.address("cost")).page

    page.locator("select[name=by]").first.select_option("tenant")
    page.get_by_role("button", name="Show").first.click()

    assert words(page)["by"][0] == "tenant"
    expect(page.locator("main")).to_contain_text("acme")


def test_a_zone_moves_the_days(demo: Site, shown: Shown) -> None:
    of_utc, of_kiritimati = (
        shown(demo.address("cost", words)).page.locator("main").inner_text()
        for words in ("by=model", "by=model&tz=Pacific/Kiritimati")
    )

    assert "Pacific/Kiritimati" in of_kiritimati
    assert of_utc != of_kiritimati


def test_an_answer_of_before_says_so_and_leads_back(demo: Site, shown: Shown) -> None:
    seen = shown(demo.address("cost", "as_of=4000"))

    expect(seen.page.locator("body")).to_contain_text("as of position 4,000")
    seen.page.get_by_role("link", name="now").first.click()

    assert "as_of" not in words(seen.page)
    seen.assert_calm()


def test_a_wrong_word_is_told_and_there_is_a_way_back(demo: Site, shown: Shown) -> None:
    page = shown(f"{demo.url}/cost?last=soon").page

    expect(page.locator("body")).to_contain_text("'soon' is not a length: write 24h, 7d, 2w, 1m or 1y.")
    page.locator("main a").first.click()

    expect(page.locator("h1")).not_to_contain_text("soon")
    assert page.locator("main table").count() > 0


def test_an_empty_store_says_what_to_do_next(shown: Shown) -> None:
    with site(opened(":memory:", clock=lambda: SUNDAY), "last=7d") as pages:
        seen = shown(pages.address("overview"))

        for command in ("analytics-es demo", "analytics-es agents", "record_event", "OTEL_EXPORTER_OTLP_ENDPOINT"):
            expect(seen.page.locator("main")).to_contain_text(command)
        seen.assert_calm()


def test_all_is_reached_with_the_keyboard_and_where_one_is_can_be_seen(demo: Site, shown: Shown) -> None:
    page = shown(demo.address("overview")).page

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").lower().startswith("skip")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_charts_are_drawn_anew_where_a_script_runs_and_follow_the_scheme(demo: Site, shown: Shown) -> None:
    seen = shown(demo.address("cost"))

    seen.page.wait_for_selector(".anew.ready")

    def colour() -> str:
        return str(seen.page.eval_on_selector(".anew.ready .bars path", "bar => getComputedStyle(bar).fill"))

    light = colour()
    seen.page.emulate_media(color_scheme="dark")

    assert eventually(lambda: colour() != light)
    seen.assert_calm()


@pytest.mark.parametrize("page", ["overview", "cost"])
def test_a_token_is_asked_for_as_a_password(page: str, shown: Shown) -> None:
    with site(opened(":memory:", clock=lambda: SUNDAY), "last=7d", token=TOKEN) as pages:
        seen = shown(pages.address(page), http_credentials={"username": "ada", "password": TOKEN})

        assert seen.page.locator("h1").count() == 1
        seen.assert_calm()
