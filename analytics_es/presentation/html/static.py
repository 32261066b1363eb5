"""Static files of pages, their style and scripts: each is served under a name that holds a hash of what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.charts.figure import plotly_script
from analytics_es.presentation.parts import Page, Pair, Part, Section

FOLDER = files("analytics_es.presentation").joinpath("static")
PLOTLY = "plotly.js"  # of its package; all others are files of ours
DIGITS = 12  # of a hash in a name: two files of a name never meet in a cache


@cache
def names() -> Sequence[str]:
    """Return the names of all files, such as page.css."""
    ours = sorted(file.name for file in FOLDER.iterdir() if file.name.endswith((".css", ".js")))
    return [PLOTLY, *ours]


def content(name: str) -> bytes:
    """Return what is in a file; raises MissingExtra where it is one of a package that is not there."""
    return plotly_script() if name == PLOTLY else FOLDER.joinpath(name).read_bytes()


@cache
def address(name: str) -> str:
    """Return where a file is served: page.css at /static/page-0123456789ab.css, and elsewhere as soon as it changes."""
    stem, dot, suffix = name.rpartition(".")
    return f"/static/{stem}-{sha256(content(name)).hexdigest()[:DIGITS]}{dot}{suffix}"


def scripts(page: Page) -> list[str]:
    """Return where the scripts of a page are, in the order in which they run; none where it has no chart."""
    return [address(name) for name in names() if name.endswith(".js")] if has_chart(page.parts) else []


def has_chart(parts: Sequence[Part]) -> bool:
    """Say whether there is a chart among parts, or within them."""
    for part in parts:
        inner = part.parts if isinstance(part, Section) else [part.left, part.right] if isinstance(part, Pair) else ()
        if isinstance(part, Chart) or has_chart(inner):
            return True
    return False
