"""How everything looks: one file, which a page links to, and a file or a notebook holds."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

SHELL = "/* ── around a page ── */"  # from here on: what a notebook has no use for


@cache
def stylesheet(*, shell: bool = True) -> str:
    """Return the style of pages; without the `shell`, only that of parts."""
    text = files("analytics_es.presentation").joinpath("static/page.css").read_text(encoding="utf-8")
    return text if shell else text.partition(SHELL)[0]
