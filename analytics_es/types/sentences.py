"""Sentences: texts that tell their own words from what is put into them, so that no name is taken for a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from string import Formatter
from typing import Any, LiteralString

from analytics_es.errors import AnalyticsError, OwnWords

CODE = re.compile(r"`([^`]+)`")  # of own words: a command, or a name of Python
_FORMAT = Formatter()


class Sentence(str):
    """A text of own words, in which a command stands between backticks, and of what is put into their places.

    To whom it is only a text it is one. Who looks for commands and options looks among its own words, so whatever is
    put into it, such as a name that an event brought, is shown as it is. A text that is no sentence has no own words.

    own: the words, with a number in each place, as `str.format` has them.
    put: what stands in the places.
    """

    own: str
    put: tuple[str, ...]

    def __new__(cls, own: str, put: Sequence[str]) -> Sentence:
        """Put texts into their places."""
        made = super().__new__(cls, own.format(*put))
        made.own, made.put = own, tuple(put)
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.own, self.put

    def reworded(self, reword: Callable[[str], str]) -> Sentence:
        """Return it with other own words, which are told as `own` has them."""
        return Sentence(reword(self.own), self.put)

    def renamed(self, rename: Callable[[str], str]) -> Sentence:
        """Return it with other texts put into it; what is part of a command stays, as that is typed as it is."""
        places = (place for command in CODE.findall(self.own) for _, place, *_ in _FORMAT.parse(command))
        typed = {int(place) for place in places if place}
        put = [text if place in typed else rename(text) for place, text in enumerate(self.put)]
        return Sentence(self.own, put)


def sentence(own: LiteralString, /, *texts: object, **named: object) -> Sentence:
    """Return a sentence of own words, which are written where it is made: what else it says has a place in them.

    Places are as `str.format` has them. A sentence that is put into another keeps its own words.
    """
    return _filled(own, texts, named)


def joined(between: LiteralString, texts: Iterable[str]) -> Sentence:
    """Return texts with something between them, as one sentence."""
    texts = list(texts)
    return _filled(between.join(f"{{{place}}}" for place in range(len(texts))), texts, {})


def of_error(error: AnalyticsError) -> Sentence:
    """Return the message of an error."""
    own = {name: Sentence(as_own_words(text), ()) for name, text in error.parts.items() if isinstance(text, OwnWords)}
    return _filled(error.own_words, (), {**error.parts, **own})


def as_own_words(text: str) -> str:
    """Return a text of ours as own words: it has no places."""
    return text.replace("{", "{{").replace("}", "}}")


def _filled(own: str, texts: Sequence[object], named: Mapping[str, object]) -> Sentence:
    put: list[str] = []
    return Sentence(_numbered(own, texts, named, put), put)


def _numbered(own: str, texts: Sequence[object], named: Mapping[str, object], put: list[str]) -> str:
    """Return own words with their places numbered on from what is `put` so far, and put the texts there."""
    words = ""
    for said, name, form, conversion in _FORMAT.parse(own):
        words += as_own_words(said)
        if name is None:
            continue
        text = _FORMAT.get_field(name, texts, named)[0]
        if isinstance(text, Sentence) and not form and not conversion:
            words += _numbered(text.own, text.put, {}, put)
        else:
            put.append(_FORMAT.format_field(_FORMAT.convert_field(text, conversion), form or ""))
            words += f"{{{len(put) - 1}}}"
    return words
