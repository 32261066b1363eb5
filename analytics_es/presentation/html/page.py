"""A whole page: what stands around its parts."""

from __future__ import annotations

from collections.abc import Sequence

import htpy as h

from analytics_es import __version__
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.parts import FORMS, drawn, forms
from analytics_es.presentation.html.periods import as_of, picker
from analytics_es.presentation.html.texts import plain, told, written
from analytics_es.presentation.pages import KINDS
from analytics_es.presentation.parts import Link, Page
from analytics_es.types import Tabular

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='%233b6fd4'%3E"
    "%3Cpath d='M1 9h4v6H1zM6 5h4v10H6zM11 1h4v14h-4z'/%3E%3C/svg%3E"
)


def rendered(page: Page, links: Links) -> str:
    """Return a page as HTML."""
    inside = [as_of(links), heading(page), [drawn(part, links) for part in page.parts]]
    return _whole(page.title, [_header(page.name, links), _main(inside), _foot(page, links)], links)


def rendered_failure(title: str, problem: str, links: Links) -> str:
    """Return a page that says what cannot be answered and why, with ways back; `links` of a question that can be."""
    titles = {kind.name: kind.title for kind in KINDS if kind.title}
    ways = {links.page: f"{titles[links.page]}, with nothing asked"} if links.page in titles else {}
    ways.setdefault(KINDS[0].name, KINDS[0].title)
    inside = h.div(".failure")[
        h.h1[plain(title)],
        h.p(role="alert")[told(problem, None)],
        h.ul[[h.li[h.a(href=f"{links.root}/{name}")[text]] for name, text in ways.items()]],
    ]
    return _whole(title, [_header("", links), _main([inside]), h.footer[_version()]], links)


def heading(page: Page) -> h.Node:
    """Return the title of a page, and what it is about."""
    return h.div(".title")[h.h1[plain(page.title)], page.sub and h.p(".sub")[plain(page.sub)]]


def _foot(page: Page, links: Links) -> h.Node:
    """Return what a page stands on, and the ways to its main answer for programs."""
    main = next(iter(page.answers.values()), None)
    names = FORMS if isinstance(main, Tabular) else ("json",) if page.answers else ()  # several answers: no main table
    ways = [[" · ", way] for way in forms(links, of="this page", names=names)]
    return h.footer[[h.p[told(line, links)] for line in page.foot], h.p[_version(), h.span(".ways")[ways]]]


def _version() -> str:
    return f"analytics_es {__version__}"


def _main(inside: Sequence[h.Node]) -> h.Node:
    return h.main("#main", tabindex="-1")[inside]


def _header(name: str, links: Links) -> h.Node:
    bar = [
        h.a(href=links.to(Link(text=kind.title, page=kind.name)), aria_current="page" if kind.name == name else None)[
            kind.title
        ]
        for kind in KINDS
        if kind.title
    ]
    return h.header[
        h.a(".skip", href="#main")["Skip to the figures"],
        h.a(".brand", href=f"{links.root}/{KINDS[0].name}")["analytics"],
        h.nav(aria_label="Pages")[bar],
        picker(links) if name else None,
    ]


def _whole(title: str, body: Sequence[h.Node], links: Links) -> str:
    return written(
        h.html(lang="en")[
            h.head[
                h.meta(charset="utf-8"),
                h.meta(name="viewport", content="width=device-width, initial-scale=1"),
                h.meta(name="color-scheme", content="light dark"),
                h.title[f"{plain(title)} · analytics"],
                h.link(rel="icon", href=_ICON),
                h.link(rel="stylesheet", href=f"{links.root}{links.style}"),
                [h.script(src=f"{links.root}{script}", defer=True) for script in links.scripts],
            ],
            h.body(".aes")[body],
        ]
    )
