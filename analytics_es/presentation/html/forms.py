"""Forms that ask the same page again, without a script; the rest of its question stays."""

from __future__ import annotations

from collections.abc import Iterable

import htpy as h

from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.texts import plain
from analytics_es.presentation.parts import Choice, Choices


def form(part: Choices, links: Links | None) -> h.Node:
    """Return a form; nothing where there is nobody to ask."""
    if links is None:
        return None
    names = [choice.name for choice in part.choices]
    return asking(".choices", [_choice(choice) for choice in part.choices], links, names)


def asking(kind: str, fields: Iterable[h.Node], links: Links, names: Iterable[str]) -> h.Node:
    """Return a form of fields, of these names; what else is asked goes with it."""
    rest = [h.input(type="hidden", name=name, value=text) for name, text in links.kept(*names)]
    return h.form(kind, method="get", action=f"{links.root}/{links.page}")[
        rest, fields, h.div(".send")[h.button["Show"]]
    ]


def _choice(choice: Choice) -> h.Node:
    if choice.several and choice.options:
        return _boxes(choice)
    return h.label[h.span[plain(choice.label)], _select(choice) if choice.options else _typed(choice)]


def _boxes(choice: Choice) -> h.Node:
    options = {**choice.options, **{text: text for text in choice.chosen if text not in choice.options}}
    return h.fieldset[
        h.legend[plain(choice.label)],
        [
            h.label[h.input(type="checkbox", name=choice.name, value=text, checked=text in choice.chosen), plain(shown)]
            for text, shown in options.items()
        ],
        choice.hint and h.small[plain(choice.hint)],
    ]


def _select(choice: Choice) -> h.Node:
    chosen = choice.chosen[0] if choice.chosen else ""
    options = {**({} if chosen in choice.options or not chosen else {chosen: chosen}), **choice.options}
    return [
        h.select(name=choice.name)[
            [h.option(value=text, selected=text == chosen)[plain(shown)] for text, shown in options.items()]
        ],
        choice.hint and h.small[plain(choice.hint)],
    ]


def _typed(choice: Choice) -> h.Node:
    chosen = [*choice.chosen, *([""] if choice.several or not choice.chosen else [])]
    return [
        h.input(type="text", name=choice.name, value=text, placeholder=choice.hint or None, aria_label=choice.label)
        for text in chosen
    ]
