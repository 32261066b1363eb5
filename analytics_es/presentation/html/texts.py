"""Texts as HTML: escaped, on one line, with nothing that steers what shows them, and commands told apart."""

from __future__ import annotations

import re

import htpy as h
from markupsafe import Markup, escape

from analytics_es.presentation.html.links import Links
from analytics_es.presentation.parts import Link
from analytics_es.presentation.question import PERIOD
from analytics_es.presentation.words import safe

_CODE = re.compile(r"`([^`]+)`")
# What is a word by itself: a model may well be called org--model.
_WORD = re.compile(r"(?<!\S)(\(?)--(?:(top|last|granularity) )?([a-z0-9]+(?:-[a-z]+)*)(?![\w-])")


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
    """Return a sentence: a command in it as code, a word of the question as a way to the page asked so."""
    if "`" not in text and "--" not in text:
        return plain(text.strip())
    nodes: list[h.Node] = []
    for number, part in enumerate(_CODE.split(text.strip())):
        nodes.append(h.code[plain(part)] if number % 2 else _worded(plain(part), links))
    return nodes


def _worded(text: str, links: Links | None) -> h.Node:
    """Return a sentence of the command line as one of a page: its words have no hyphens there."""
    return as_it_is(_WORD.sub(lambda match: _word(match, links), str(escape(text)))) if links else text


def _word(match: re.Match[str], links: Links | None) -> str:
    before, name, text = match.groups()
    if name is None or links is None:
        return f"{before}{text}"
    if not links.takes(name):
        return f"{before}{name}={text}"
    others = dict.fromkeys(PERIOD) if name == "last" else {}
    address = links.to(Link(text=text, words={**others, name: text}))
    return f'{before}<a href="{escape(address)}">{name}={text}</a>'
