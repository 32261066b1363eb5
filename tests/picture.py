"""The pictures in README and docs, as a terminal and a browser show made-up weeks. Draw them anew: make picture."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from analytics_es.cli.demo_week import platform_events
from tests.browser.conftest import executable, site
from tests.made_up_sessions import DAYS, FIRST, write_sessions
from tests.stores import opened, record

DOCS = Path(__file__).parent.parent / "docs"
PICTURE, AGENTS_PICTURE = DOCS / "report.svg", DOCS / "agents.svg"
PAGES = {scheme: DOCS / f"page-{scheme}.png" for scheme in ("light", "dark")}
SEEN = {"width": 1240, "height": 1000}  # pixels of a page: what one sees of it without scrolling
WIDTH = 104  # characters: all columns of every table fit
WEEK = ("2026-11-16", "2026-11-23")
FONTS = re.compile(r"\s*@font-face {.*?}\n", re.DOTALL)  # from another host: a picture on a page loads nothing


def draw() -> str:
    """Record the demo's week in an empty folder, and return what the report says of it, as SVG."""
    with tempfile.TemporaryDirectory() as folder:
        run(folder, "demo", "--start", WEEK[0])
        return drawn(
            "analytics-es report", run(folder, "report", "--db", "demo.db", "--from", WEEK[0], "--to", WEEK[1])
        )


def draw_agents() -> str:
    """Write made-up sessions into an empty home, and return what `agents` says of them, as SVG."""
    period = ("--since", f"{FIRST:%F}", "--until", f"{FIRST + timedelta(days=DAYS):%F}", "--tz", "UTC")
    with tempfile.TemporaryDirectory() as folder:
        write_sessions(Path(folder))
        return drawn("analytics-es agents", run(folder, "agents", "--db", "agents.db", *period, home=folder))


def draw_page(scheme: Literal["light", "dark"]) -> bytes:
    """Serve the demo's week, and return its overview as a browser shows it, as PNG; needs Chromium."""
    first, after = (datetime.fromisoformat(f"{day}T00:00Z") for day in WEEK)
    service = opened(":memory:", privacy="full", clock=lambda: after)
    record(service, *platform_events(seed=1, start=first, days=7, jobs=600))
    with site(service, f"from={WEEK[0]}&to={WEEK[1]}") as pages, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable())
        page = browser.new_page(viewport=SEEN, color_scheme=scheme, java_script_enabled=False)  # type: ignore[arg-type]
        page.goto(pages.address("overview"))
        picture = page.screenshot()
        browser.close()
    return picture


def drawn(title: str, shown: str) -> str:
    """Return what a command printed as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown))
    return console.export_svg(title=title, theme=DIMMED_MONOKAI, code_format=FONTS.sub("", CONSOLE_SVG_FORMAT))


def run(folder: str, *words: str, home: str = "") -> str:
    """Run a command as on a terminal of that width, with a home of its own where one is named."""
    terminal = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    if home:
        terminal = {name: text for name, text in terminal.items() if not name.endswith(("_HOME", "_DIR"))}
        terminal |= {"HOME": home, "ANALYTICS_ES_MACHINE": "laptop"}
    command = [sys.executable, "-m", "analytics_es", *words]
    return subprocess.run(command, cwd=folder, env=terminal, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    for picture, draws in ((PICTURE, draw), (AGENTS_PICTURE, draw_agents)):
        picture.write_text(draws())
        print(f"drawn: {picture}")
    for scheme, picture in PAGES.items():
        picture.write_bytes(draw_page(scheme))  # type: ignore[arg-type]
        print(f"drawn: {picture}")
