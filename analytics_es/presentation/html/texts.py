"""Texts as HTML: escaped, on one line, with nothing that steers what shows them; commands of sentences told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import htpy as h
from markupsafe import Markup

from analytics_es.presentation.html.links import Links
from analytics_es.presentation.parts import Link
from analytics_es.presentation.question import PERIOD
from analytics_es.presentation.words import safe
from analytics_es.types.sentences import CODE, Sentence

# An option among the own words of a sentence, and what is said with it: `--last 4w`, `--top {0}`, `--from`.
_WORD = re.compile(r"--(?:(top|last|granularity) )?([a-z0-9]+(?:-[a-z]+)*|\{\d+\})")


def as_it_is(html: str) -> Markup:
    """Say of a text that it is HTML, made here of what is escaped: the one place where that is said."""
    return Markup(html)  # noqa: S704  # tests put hostile texts into every field


def written(element: h.Element) -> str:
    """Return an element as a text like any other: what comes to stand in it later is no longer escaped."""
    return str.__str__(str(element))


def plain(text: str) -> str:
    """Return a text that cannot turn the direction of what stands around it, nor hide."""
    return text if text.isprintable() else safe(text)


def lines(text: str) -> str:
    """Return a text of several lines; each is safe, and stays a line."""
    return "\n".join(plain(line.expandtabs(4)) for line in text.replace("\r\n", "\n").split("\n"))


def told(text: str, links: Links | None) -> h.Node:
    """Return a text; of a sentence, a command as code, and a word of the question as a way to the page asked so."""
    if not isinstance(text, Sentence):
        return plain(text.strip())
    nodes: list[h.Node] = []
    for number, own in enumerate(CODE.split(text.own)):
        nodes.append(h.code[_filled(own, text.put)] if number % 2 else [*_worded(own, text.put, links)])
    return nodes


def _filled(own: str, put: Sequence[str]) -> str:
    return plain(own.format(*put))


def _worded(own: str, put: Sequence[str], links: Links | None) -> Iterator[h.Node]:
    """Yield a sentence of the command line as one of a page: its words have no hyphens there."""
    end = 0
    for match in _WORD.finditer(own) if links else ():
        yield _filled(own[end : match.start()], put)
        yield _word(match[1], _filled(match[2], put), links)
        end = match.end()
    yield _filled(own[end:], put)


def _word(name: str | None, text: str, links: Links | None) -> h.Node:
    if name is None or links is None:
        return text
    if not links.takes(name):
        return f"{name}={text}"
    others = dict.fromkeys(PERIOD) if name == "last" else {}
    return h.a(href=links.to(Link(text=text, words={**others, name: text})))[f"{name}={text}"]
