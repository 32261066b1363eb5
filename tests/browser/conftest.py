"""A browser without a head, and servers of pages over stores; where there is no browser, who runs the tests is told."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import Factory, define, frozen
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from analytics_es import AnalyticsService
from analytics_es.cli.demo_week import platform_events
from analytics_es.web import analytics_app
from analytics_es.web.server import listening, serving, url_of
from tests.hostile_store import PERIOD, hostile
from tests.stores import opened, record

PICTURES = Path(__file__).parent.parent.parent / "build" / "screenshots"  # kept, for who looks
# What a page has to be asked, to say anything.
ASKED = {"events": "metric=cost.cost&limit=20", "event": "position=40", "summary": "metric=performance.duration"}
WITHOUT_PERIOD = ("event", "projections")
MONDAY, SUNDAY = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 29, 18, 30, tzinfo=UTC)
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def executable() -> str | None:
    """Return the browser to start: what CHROMIUM names, else one that is on the path."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return one browser for a module: while it is there, no other test of the worker can run a loop of asyncio."""
    path = executable()
    if path is None:
        if os.environ.get("NEEDS_BROWSER"):
            pytest.fail("There is no Chromium here, and it was said that there must be one.")
        pytest.skip("There is no Chromium here: apt-get install chromium-headless-shell, or name one in CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@frozen(kw_only=True)
class Site:
    """Pages over a store.

    service: what they are asked of.
    url: where they are.
    period: the words of a period that its events lie in.
    """

    service: AnalyticsService
    url: str
    period: str

    def address(self, page: str, words: str = "") -> str:
        """Return the address of a page about the period, asked what it has to be asked."""
        period = "" if page in WITHOUT_PERIOD else self.period
        return f"{self.url}/{page}?{'&'.join(filter(None, [period, words or ASKED.get(page.partition('.')[0])]))}"


@contextmanager
def site(service: AnalyticsService, period: str, **options: Any) -> Iterator[Site]:
    """Serve the pages of a service."""
    server = listening("127.0.0.1", 0)
    with service, serving(analytics_app(service, **options), server, threading.Event().set):
        yield Site(service=service, url=url_of(server), period=period)


@pytest.fixture(scope="session")
def demo() -> Iterator[Site]:
    """Return the pages of the made-up week, on its last day."""
    with site(made_up_week(), "last=7d") as pages:
        yield pages


def made_up_week() -> AnalyticsService:
    service = opened(":memory:", privacy="full", clock=lambda: SUNDAY)
    record(service, *platform_events(seed=1, start=MONDAY, days=7, jobs=300))
    return service


@pytest.fixture(scope="session")
def attacked() -> Iterator[Site]:
    """Return the pages of a store with everything that makes a page hard."""
    with site(hostile(":memory:"), PERIOD) as pages:
        yield pages


@define
class Seen:
    """A page in a browser, and what became of it: what it complained of, and what it asked for elsewhere."""

    page: Page
    complaints: list[str] = Factory(list)
    elsewhere: list[str] = Factory(list)

    def listen(self, url: str) -> None:
        """Note what a browser says while it shows pages of one server."""
        home = urlsplit(url).netloc

        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(message.text)

        def requested(request: Request) -> None:
            if urlsplit(request.url).netloc not in ("", home):
                self.elsewhere.append(request.url)

        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", requested)

    def assert_calm(self) -> None:
        """Fail if the page complained, asked for something elsewhere, or ran what a name holds."""
        assert (self.complaints, self.elsewhere) == ([], [])
        assert self.page.evaluate("window.hacked") is None


Shown = Callable[..., Seen]


@pytest.fixture
def shown(browser: Browser) -> Iterator[Shown]:
    """Return what opens an address in a window of its own: of a width, in a scheme, with or without scripts."""
    contexts: list[BrowserContext] = []

    def show(url: str, *, width: int = 1280, scheme: Any = "light", scripts: bool = True, **options: Any) -> Seen:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.listen(url)
        seen.page.goto(url, wait_until="networkidle")
        return seen

    yield show
    for context in contexts:
        context.close()


def keep(page: Page, name: str) -> None:
    """Keep a picture of a whole page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
