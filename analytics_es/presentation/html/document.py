"""Pages and parts without a server: a file that holds all it needs, and a piece for a notebook. No links lead out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import htpy as h

from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.page import foot, heading
from analytics_es.presentation.html.parts import drawn
from analytics_es.presentation.html.style import stylesheet
from analytics_es.presentation.html.texts import as_it_is, plain
from analytics_es.presentation.parts import Page, Part


def document(page: Page, *, scripts: Sequence[str] = (), data: Mapping[str, str] | None = None) -> str:
    """Return a page as one file with its style, `scripts` as they are, and `data`: JSON by the id of its element."""
    blocks = [h.script(type="application/json", id=name)[_inside(text)] for name, text in (data or {}).items()]
    return str(
        h.html(lang="en")[
            h.head[
                h.meta(charset="utf-8"),
                h.meta(name="viewport", content="width=device-width, initial-scale=1"),
                h.meta(name="color-scheme", content="light dark"),
                h.title[f"{plain(page.title)} · analytics"],
                h.style[as_it_is(stylesheet())],
            ],
            h.body(".aes.file")[
                h.main[heading(page), [drawn(part, None) for part in page.parts]],
                foot(page, None),
                blocks,
                [h.script[as_it_is(script)] for script in scripts],
            ],
        ]
    )


def fragment(parts: Sequence[Part], links: Links | None = None) -> str:
    """Return parts as a piece of a page of others, with a style that touches nothing but them."""
    return str(h.div(".aes")[h.style[as_it_is(stylesheet(shell=False))], [drawn(part, links) for part in parts]])


def _inside(text: str) -> h.Node:
    """Return JSON that cannot end the element it stands in; whoever reads it reads the same."""
    return as_it_is(text.replace("<", "\\u003c"))
