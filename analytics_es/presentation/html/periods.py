"""The picker of a period, in the words of the command line; it keeps the rest of the question."""

from __future__ import annotations

from typing import get_args

import htpy as h

from analytics_es.presentation import asked
from analytics_es.presentation.html.forms import asking
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.texts import plain
from analytics_es.presentation.parts import Link
from analytics_es.presentation.question import PERIOD, Question
from analytics_es.types import Granularity

_OFTEN = {
    "24 h": {"last": "24h"},
    "7 days": {"last": "7d"},
    "This month": {"this-month": ""},
    "Last month": {"last-month": ""},
}
_GRANULARITIES = {"": "as it suits", **{name: f"by the {name}" for name in get_args(Granularity)}, "total": "none"}
_PICKED = (*PERIOD, "granularity", "tz", "as_of")


def picker(links: Links) -> h.Node:
    """Return the periods that are asked for most, and a form for any other."""
    question = links.question
    said = {name: question.text(name) or "" for name in PERIOD if name in question.words} or {"last": "7d"}
    often = [
        h.a(href=links.asked({**dict.fromkeys(PERIOD), **words}), aria_current="true" if words == said else None)[text]
        for text, words in _OFTEN.items()
    ]
    other = said not in _OFTEN.values()
    return h.div(".period")[
        h.div(".often", role="group", aria_label="Period")[often],
        h.details[
            h.summary(class_="now" if other else None)["Other", h.span(".vh")[" period, zone, or as of when"]],
            asking(".other", _fields(question), links, _PICKED),
        ],
    ]


def _fields(question: Question) -> list[h.Node]:
    named = next((word for word in asked.WORDS if word in question.words), question.text("period") or "")
    known = {"": "–", **{word: word.replace("-", " ") for word in asked.WORDS}}
    start = "since" if question.text("since") else "from"
    end = "until" if question.text("until") else "to"
    return [
        _select("period", "period", {**known, **({named: named} if named not in known else {})}, named),
        _typed("last", "last", question, "24h, 7d, 2w, 1m, 1y"),
        _typed(start, start, question, "2026-11-01"),
        _typed(end, end, question, "2026-11-08T12:00"),
        _typed("month", "month", question, "2026-11"),
        _select("granularity", "granularity", _GRANULARITIES, question.text("granularity") or ""),
        _typed("tz", "tz", question, "Europe/Berlin"),
        _typed("as_of", "as of", question, "a position, or a time"),
    ]


def _typed(name: str, label: str, question: Question, hint: str) -> h.Node:
    return h.label[h.span[label], h.input(type="text", name=name, value=question.text(name), placeholder=hint)]


def _select(name: str, label: str, options: dict[str, str], chosen: str) -> h.Node:
    shown = [h.option(value=text, selected=text == chosen)[plain(said)] for text, said in options.items()]
    return h.label[h.span[label], h.select(name=name)[shown]]


def as_of(links: Links) -> h.Node:
    """Return what says that a page is not of now, with a way back; nothing where it is."""
    at = links.question.text("as_of")
    if at is None:
        return None
    when = f"position {int(at):,}" if at.isascii() and at.isdigit() else plain(at)
    now = links.to(Link(text="", words={"as_of": None}))
    return h.p(".banner")[
        h.span["As the log stood at ", h.strong[when], ": what came later is not in it."],
        h.a(href=now)["Back to now"],
    ]
