"""A report as one file: pages below one another, with all that they need in it, and what it carries."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import htpy as h
from markupsafe import Markup

from analytics_es.presentation.html.parts import drawn
from analytics_es.presentation.parts import Choices, Page, Part

STYLE = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}td,th{padding:.25rem .75rem}"
CARRIED = "analytics-es-report"  # the name of what is carried
CHECKSUM = "analytics-es-sha256"  # of the place of the checksum
NOTHING = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"  # an empty style element, which Plotly makes


def document(
    pages: Sequence[Page],
    *,
    title: str,
    carried: str,
    foot: Sequence[tuple[str, str]],
    checksum: str,
    script: bool,
) -> str:
    """Return a file with some pages, which asks nobody for anything."""
    style, scripts = STYLE, _scripts() if script else []
    return str.__str__(  # as text: what is put into it later is no longer escaped
        h.html(lang="en")[
            h.head[
                h.meta(charset="utf-8"),
                h.meta(name="viewport", content="width=device-width"),
                h.meta(http_equiv="Content-Security-Policy", content=_policy(style, scripts)),
                h.meta(name="referrer", content="no-referrer"),
                h.meta(name=CARRIED, content=carried),
                h.title[title],
                h.style[Markup(style)],  # noqa: S704  # our own file
            ],
            h.body[
                h.main[
                    h.h1[title],
                    [_section(page, alone=len(pages) == 1) for page in pages],
                ],
                _foot(foot, checksum),
                [h.script[Markup(code)] for code in scripts],  # noqa: S704  # our own, and Plotly's
            ],
        ]
    )


def _section(page: Page, *, alone: bool) -> h.Node:
    head = None if alone else h.h2(".page")[page.title]
    return [head, page.sub and h.p(".sub")[page.sub], [drawn(part, None) for part in page.parts if _is_shown(part)]]


def _is_shown(part: Part) -> bool:
    """Say whether a part is for a file, in which nothing can be asked."""
    return not isinstance(part, Choices)


def _foot(foot: Sequence[tuple[str, str]], checksum: str) -> h.Node:
    return h.footer[
        h.dl[
            [[h.dt[name], h.dd[text]] for name, text in foot],
            h.dt["File"],
            h.dd["SHA-256 ", h.code(id=CHECKSUM)[checksum], " of all else in it"],
        ],
        h.p["Whether it still holds: ", h.code["analytics-es check FILE"]],
    ]


def _policy(style: str, scripts: Sequence[str]) -> str:
    """Return what a browser may use: what stands in the file, and no other host."""
    allowed = [f"style-src {_hash(style)}{f' {NOTHING}' if scripts else ''}", "img-src data:"]
    if scripts:
        allowed.append(f"script-src {' '.join(map(_hash, scripts))}")
    return "; ".join(["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _scripts() -> list[str]:
    return []
