"""Pages and parts without a server, from which no links lead: as a file that is complete, as a piece of a notebook."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

import htpy as h

from analytics_es.presentation.html import static
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.page import heading
from analytics_es.presentation.html.parts import drawn
from analytics_es.presentation.html.style import stylesheet
from analytics_es.presentation.html.texts import as_it_is, plain, told, written
from analytics_es.presentation.parts import Page, Part

CARRIED = "analytics-es-report"  # the name of what is carried
CHECKSUM = "analytics-es-sha256"  # of the place of the checksum
_DATA = re.compile(r'<script type="application/json"[^<>]*>[^<]*</script>')  # of charts, for a script


def document(
    pages: Sequence[Page],
    *,
    title: str,
    carried: str,
    facts: Sequence[tuple[str, str]],
    checksum: str,
    scripts: Sequence[str] = (),
) -> str:
    """Return a report as one file: pages below one another, with all that they need, and what it carries.

    carried: what it takes to derive it again.
    facts: what it says of itself at its foot, by name.
    checksum: what stands in the place of the checksum, once in the file.
    scripts: that make charts of pictures; without any, there is none.
    """
    style = stylesheet()
    whole = h.html(lang="en")[
        h.head[
            h.meta(charset="utf-8"),
            h.meta(name="viewport", content="width=device-width, initial-scale=1"),
            h.meta(http_equiv="Content-Security-Policy", content=_policy(style, scripts)),
            h.meta(name="referrer", content="no-referrer"),
            h.meta(name="color-scheme", content="light dark"),
            h.meta(name=CARRIED, content=carried),
            h.title[f"{plain(title)} · analytics"],
            h.style[as_it_is(style)],
        ],
        h.body(".aes.file")[
            h.main[[_page(page, pages) for page in pages]],
            _facts(facts, checksum),
            [h.script[as_it_is(script)] for script in scripts],
        ],
    ]
    text = written(whole)
    return text if scripts else _DATA.sub("", text)


def scripts(pages: Sequence[Page]) -> list[str]:
    """Return what makes charts of the pictures on pages; nothing where there is none. Raises MissingExtra."""
    if not any(static.has_chart(page.parts) for page in pages):
        return []
    return [static.content(name).decode() for name in static.names() if name.endswith(".js")]


def _page(page: Page, pages: Sequence[Page]) -> h.Node:
    """Return a page; above the first one stand the ways to the others."""
    if page is pages[0]:
        ways = [h.a(href=f"#{other.name}")[plain(other.title)] for other in pages[1:]]
        title: h.Node = [heading(page), ways and h.nav(aria_label="In this report")[ways]]
    else:
        title = h.div(".title", id=page.name)[h.h2[plain(page.title)], page.sub and h.p(".sub")[plain(page.sub)]]
    stands_on = h.div(".stands")[[h.p[told(line, None)] for line in page.foot]]
    return [title, [drawn(part, None) for part in page.parts], stands_on]


def _facts(facts: Sequence[tuple[str, str]], checksum: str) -> h.Node:
    return h.footer[
        h.dl(".facts")[
            [[h.dt[name], h.dd[plain(text)]] for name, text in facts],
            h.dt["File"],
            h.dd["SHA-256 ", h.code(id=CHECKSUM)[checksum], " of all else in it"],
        ],
        h.p["Does it still hold? ", h.code["analytics-es check"], " derives it again from the log."],
    ]


def _policy(style: str, scripts: Sequence[str]) -> str:
    """Return what a browser may use: what stands in the file, and no other host."""
    allowed = [f"style-src {' '.join(map(_hash, [style, ''] if scripts else [style]))}"]  # Plotly makes an empty one
    if scripts:
        allowed.append(f"script-src {' '.join(map(_hash, scripts))}")
    return "; ".join(["default-src 'none'", *allowed, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def fragment(parts: Sequence[Part], links: Links | None = None) -> str:
    """Return parts as a piece of a page of others, with a style that touches nothing but them."""
    style = h.style[as_it_is(stylesheet(shell=False))]
    return _DATA.sub("", written(h.div(".aes")[style, [drawn(part, links) for part in parts]]))  # no script runs there
