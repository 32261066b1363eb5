"""A whole page: what stands around its parts."""

from __future__ import annotations

import htpy as h

from analytics_es.presentation.html import static
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.parts import drawn
from analytics_es.presentation.pages import KINDS, Kind
from analytics_es.presentation.parts import Link, Page


def rendered(page: Page, links: Links) -> str:
    """Return a page as HTML."""
    bar = [_way(kind, page, links) for kind in KINDS if kind.title]
    return str(
        h.html(lang="en")[
            h.head[
                h.meta(charset="utf-8"),
                h.meta(name="viewport", content="width=device-width"),
                h.title[f"{page.title} · analytics"],
                h.link(rel="stylesheet", href=static.address("page.css", links.root)),
            ],
            h.body[
                h.header[h.b["analytics"], h.nav(aria_label="Pages")[bar]],
                h.main[h.h1[page.title], h.p(".sub")[page.sub], [drawn(part, links) for part in page.parts]],
            ],
        ]
    )


def _way(kind: Kind, page: Page, links: Links) -> h.Element:
    here = "page" if kind.name == page.name else None
    return h.a(href=links.to(Link(text=kind.title, page=kind.name)), aria_current=here)[kind.title]
