"""A report in a file, opened from the disk as who gets it by mail opens it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.presentation.report import check_report, write_report
from tests.browser.conftest import PICTURES, Shown, made_up_week
from tests.hostile_store import ZONE, hostile
from tests.presentation.report.forging import as_an_older_version

DAYS = TimePeriod.parse("2026-10-24/2026-10-28", ZONE)
WEEK = TimePeriod.parse("2026-11-23/2026-11-30", "UTC")


@pytest.fixture(scope="module")
def demo() -> Iterator[AnalyticsService]:
    """Return the store of the made-up week, for reports alone: its log is told of each."""
    with made_up_week() as service:
        yield service


@pytest.fixture(scope="module")
def attacked() -> Iterator[AnalyticsService]:
    """Return the store with everything that makes a page hard, for reports alone."""
    with hostile(":memory:") as service:
        yield service


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_file_asks_for_nothing_and_draws_its_charts(
    demo: AnalyticsService, shown: Shown, tmp_path: Path, script: bool
) -> None:
    path = tmp_path / "week.html"
    write_report(demo, path, WEEK, script=script).unwrap()
    for scheme in ("light", "dark"):
        seen = shown(path.as_uri(), scheme=scheme)
        if script:
            seen.page.locator(".js-plotly-plot").first.wait_for()
        name = f"report-{'script' if script else 'pictures'}-{scheme}.png"
        seen.page.screenshot(path=PICTURES / name, full_page=True)

        assert (seen.page.locator(".js-plotly-plot").count() > 0, seen.page.locator("figure svg").count() > 0) == (
            script,
            True,
        )
        seen.assert_calm()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("width", [360, 1280])
def test_what_events_are_called_runs_nothing_in_it(
    attacked: AnalyticsService, shown: Shown, tmp_path: Path, script: bool, width: int
) -> None:
    path = tmp_path / "week.html"
    write_report(attacked, path, DAYS, script=script).unwrap()
    seen = shown(path.as_uri(), width=width)
    seen.page.screenshot(path=PICTURES / f"report-attacked-{width}.png", full_page=True)

    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    seen.assert_calm()


def test_the_ways_at_its_top_lead_to_its_pages(demo: AnalyticsService, shown: Shown, tmp_path: Path) -> None:
    path = tmp_path / "week.html"
    write_report(demo, path, WEEK).unwrap()
    seen = shown(path.as_uri(), scripts=False)
    seen.page.get_by_role("navigation").get_by_role("link", name="Budgets").click()

    assert seen.page.url.endswith("#budgets")


def test_what_an_older_version_drew_says_what_is_drawn_anew(
    demo: AnalyticsService, shown: Shown, tmp_path: Path
) -> None:
    path, anew = tmp_path / "week.html", tmp_path / "anew.html"
    with pytest.MonkeyPatch.context() as patch:
        as_an_older_version(patch)
        write_report(demo, path, WEEK).unwrap()
    answer = check_report(demo, path, redraw=anew).unwrap()
    texts = [shown(file.as_uri(), scripts=False).page.inner_text("main") for file in (path, anew)]

    assert (answer.verdict, answer.drawn, texts[0] == texts[1], len(texts[0]) > 1_000) == ("holds", False, True, True)
