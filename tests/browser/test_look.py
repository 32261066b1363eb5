"""How pages behave in a browser of any kind: without a script, narrow, on paper, by the keyboard, without colours."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from analytics_es import TimePeriod
from tests.browser.conftest import MONDAY, SUNDAY, Shown, Site, keep, site
from tests.stores import opened


def test_without_a_script_a_form_asks_about_another_period_and_keeps_the_rest(shown: Shown, demo: Site) -> None:
    page = shown(f"{demo.url}/cost?last=7d&by=tenant&where=provider%3Danthropic", scripts=False).page

    page.locator("summary").click()
    page.locator(".other [name=last]").fill("3d")
    page.locator(".other [name=tz]").fill("Europe/Berlin")
    page.locator(".other button").click()

    assert page.url == f"{demo.url}/cost?by=tenant&where=provider%3Danthropic&last=3d&tz=Europe%2FBerlin"
    expect(page.locator(".sub")).to_contain_text("Europe/Berlin")


def test_a_picked_period_is_said_to_be_the_one_that_is_shown(shown: Shown, demo: Site) -> None:
    page = shown(demo.address("cost", "by=user")).page

    page.get_by_role("link", name="This month").click()

    assert page.url == f"{demo.url}/cost?by=user&this-month="
    expect(page.get_by_role("link", name="This month")).to_have_attribute("aria-current", "true")


def test_a_page_of_before_leads_back_to_now(shown: Shown, demo: Site) -> None:
    page = shown(demo.address("overview", "as_of=500")).page

    expect(page.locator(".banner")).to_contain_text("position 500")
    page.get_by_role("link", name="Back to now").click()

    assert page.url == demo.address("overview")
    expect(page.locator(".banner")).to_have_count(0)


def test_the_keyboard_goes_past_the_bar_first(shown: Shown, demo: Site) -> None:
    page = shown(demo.address("overview")).page

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the figures")).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("name", ["overview", "performance"])
def test_a_wide_table_scrolls_in_its_own_box(name: str, shown: Shown, demo: Site) -> None:
    page = shown(demo.address(name), width=360).page

    wider = page.locator(".scroll").evaluate_all(
        "boxes => boxes.filter(box => box.scrollWidth > box.clientWidth).length"
    )

    assert wider > 0
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("width", [360, 1280])
def test_steps_of_an_empty_store_stay_in_the_window(width: int, shown: Shown) -> None:
    with site(opened(":memory:"), "last=7d") as empty:
        page = shown(empty.address("overview"), width=width).page
        keep(page, f"overview-empty-{width}")

        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_figures_of_tiles_stand_on_one_line_whatever_their_names_are(shown: Shown, attacked: Site) -> None:
    page = shown(attacked.address("overview"), width=1920).page

    places = page.locator(".tile").evaluate_all(
        "tiles => tiles.map(tile => [tile, tile.querySelector('.figure')].map(one => one.getBoundingClientRect().top))"
    )

    assert len({row for row, _ in places}) == len({(row, figure) for row, figure in places})


DAY = TimePeriod(MONDAY, SUNDAY, "day")
PAPER = 703  # pixels between the margins of A4
UNSEEN = "header, form.choices, .anew, .ways"


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("name", ["overview", "cost", "performance", "budgets"])
def test_on_paper_there_are_figures_and_pictures_that_fit_and_no_controls(
    name: str, scripts: bool, shown: Shown, demo: Site, attacked: Site
) -> None:
    for store, pages in {"demo": demo, "attacked": attacked}.items():
        page = shown(pages.address(name), scheme="dark", scripts=scripts).page
        page.emulate_media(media="print")
        page.set_viewport_size({"width": PAPER, "height": 900})
        keep(page, f"{name}-{store}-print")
        colours = "links => [...new Set(links.map(link => getComputedStyle(link).textDecorationLine))]"

        assert page.locator("main").evaluate("main => document.documentElement.scrollWidth") == PAPER
        assert page.locator(UNSEEN).evaluate_all("all => all.filter(one => one.checkVisibility()).length") == 0
        assert page.locator("main a, footer a").evaluate_all(colours) == ["none"]
        assert page.locator(".picture").evaluate_all(
            "all => all.every(one => getComputedStyle(one).visibility === 'visible' && one.checkVisibility())"
        )
        paper = page.locator("section").first.evaluate("section => getComputedStyle(section).backgroundColor")
        assert paper == "rgb(255, 255, 255)"


def test_a_printed_chart_or_row_is_on_one_page(shown: Shown, demo: Site) -> None:
    page = shown(demo.address("performance")).page
    page.emulate_media(media="print")

    broken = "all => [...new Set(all.map(one => getComputedStyle(one).breakInside))]"
    assert page.locator(".chart, tr, .tile").evaluate_all(broken) == ["avoid"]
    assert page.locator("section").evaluate_all(broken) == ["auto"]


def test_where_colours_are_forced_bars_are_still_there(shown: Shown, demo: Site) -> None:
    page = shown(demo.address("budgets"), forced_colors="active").page
    keep(page, "budgets-demo-forced-colors")

    fill = page.locator(".meters .bar rect").first.evaluate("bar => getComputedStyle(bar).fill")

    assert re.fullmatch(r"rgb\(\d+, \d+, \d+\)", fill)


def test_a_wrong_word_leads_back(shown: Shown, demo: Site) -> None:
    page = shown(f"{demo.url}/cost?last=blue").page

    expect(page.get_by_role("alert")).to_contain_text("'blue' is not a length")
    page.get_by_role("link", name="Cost, with nothing asked").click()

    assert page.url == f"{demo.url}/cost"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("mark", "is_dark"),
    [
        ('data-jp-theme-light="false"', True),
        ('data-jp-theme-light="true"', False),
        ('class="vscode-dark"', True),
        ('class="vscode-light"', False),
        ('class="dark"', True),
        ('class="light"', False),
        ("", None),
    ],
)
def test_an_answer_in_a_notebook_is_as_dark_as_that_is(
    mark: str, is_dark: bool | None, scheme: str, shown: Shown, demo: Site
) -> None:
    """What a notebook says goes before what a system prefers; where it says nothing, the answer has its own ground."""
    page = shown("about:blank", scheme=scheme).page
    page.set_content(f"<body {mark}>{demo.service.get_usage_stats(None, None, DAY).unwrap()._repr_html_()}</body>")

    ground, ink = page.locator("section").evaluate(
        "one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
    )
    dark = is_dark if is_dark is not None else scheme == "dark"
    assert (ground, ink) == (
        ("rgb(30, 32, 36)", "rgb(233, 232, 228)") if dark else ("rgb(255, 255, 255)", "rgb(28, 29, 32)")
    )
