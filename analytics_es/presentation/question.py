"""The question of a page: what its address says, in the words of the command line, and the address of another one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from attrs import Factory, frozen

from analytics_es.errors import BadWord
from analytics_es.presentation import asked
from analytics_es.presentation.asked import Asked
from analytics_es.projection.calendar import Calendar
from analytics_es.types import Granularity, TimePeriod

PERIOD = (*asked.WORDS, "month", "period", "from", "to", "since", "until", "last")
COMMON = (*PERIOD, "granularity", "tz", "as_of", "names")
SEVERAL = ("by", "where", "model")  # which may be said more than once
FORM = ("answer", "table")  # of .json, .csv and .arrow
LONGEST, MOST = 2_000, 100  # characters of a word, and words
_FLAG = ("", "1", "true", "yes", "on")


@frozen(kw_only=True)
class Question:
    """What an address asks: every word of it, as it was said.

    words: by name, what was said, in order; checked where it is read.
    """

    words: Mapping[str, Sequence[str]] = Factory(dict)

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]], known: Sequence[str]) -> Question:
        """Read the words of an address, of which a page knows some; raises BadWord. A hyphen is an underscore."""
        words: dict[str, list[str]] = {}
        for number, (word, text) in enumerate(pairs):
            name = word if word in asked.WORDS else word.replace("-", "_")
            if number >= MOST or len(text) > LONGEST:
                raise BadWord(problem=f"The address says more than is read: {MOST} words of {LONGEST:,} characters.")
            if name not in (*COMMON, *FORM, *known):
                raise BadWord(problem=f"{word[:80]!r} is no word of this page: {', '.join((*COMMON, *known))}.")
            if name in words and name not in SEVERAL:
                raise BadWord(problem=f"{word!r} is said twice: leave out one of them.")
            words.setdefault(name, []).append(text)
        return cls(words={name: texts for name, texts in words.items() if any(texts) or name in asked.WORDS})

    # ── what it says ────────────────────────────────────────────────────────────────────────────────────────────

    def text(self, name: str) -> str | None:
        """Return what was said of a word; None where nothing was."""
        texts = self.words.get(name)
        return texts[0] if texts else None

    def texts(self, name: str, default: Sequence[str] = ()) -> Sequence[str]:
        """Return all that was said of a word."""
        return [text for text in self.words.get(name, default) if text]

    def flag(self, name: str) -> bool:
        """Say whether something is asked for; raises BadWord."""
        text = self.text(name)
        if text is not None and text.lower() not in (*_FLAG, "0", "false", "no", "off"):
            raise BadWord(problem=f"{name}={text!r} is neither yes nor no.")
        return text is not None and text.lower() in _FLAG

    def number(self, name: str, default: int, *, least: int = 1, most: int = 10_000) -> int:
        """Return a whole number; raises BadWord."""
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise BadWord(problem=f"{name}={text[:80]!r} is not a number from {least:,} to {most:,}.")
        return int(text)

    def pairs(self, name: str, form: str = "KEY=VALUE") -> dict[str, str]:
        """Return pairs such as where=user=ada, each key once; raises BadWord."""
        pairs: dict[str, str] = {}
        for text in self.texts(name):
            key, equals, chosen = text.partition("=")
            if not equals or not key or key in pairs:
                raise BadWord(
                    problem=f"{name}={text[:200]!r} {'is given twice' if key in pairs else f'is not {form}'}."
                )
            pairs[key] = chosen
        return pairs

    def zone(self, default: ZoneInfo) -> ZoneInfo:
        """Return the zone of its hours and days; raises BadWord."""
        text = self.text("tz")
        try:
            return default if text is None else Calendar(text).zone
        except ValueError:
            problem = f"{text!r} is not a time zone of the IANA database, such as Europe/Berlin."
            raise BadWord(problem=problem) from None

    def as_of(self) -> int | datetime | None:
        """Return the position, or the time of recording, that is asked for; raises BadWord."""
        text = self.text("as_of")
        if text is None:
            return None
        if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
            return int(text)
        return asked.moment(text, "a position, a date or a time: write 1200, 2026-11-01 or 2026-11-01T12:00")

    def period(self, zone: ZoneInfo, now: datetime | None = None, *, screen: bool = True) -> TimePeriod:
        """Return the period, by default of the last seven days, with a series that suits a screen; raises BadWord."""
        granularity = self._granularity()
        period = self._asked().period(zone, granularity, now)
        period = asked.for_a_screen(period) if screen and granularity is None else period
        asked.check_parts(period, asked.ON_A_PAGE if screen else asked.FOR_PROGRAMS)
        return period

    def _granularity(self) -> Granularity | None:
        text: Any = self.text("granularity")
        if text is not None and text not in get_args(Granularity):
            raise BadWord(problem=f"{text[:80]!r} is none of hour, day, week, month and total.")
        return text  # type: ignore[no-any-return]

    def _asked(self) -> Asked:
        named = {word: word for word in asked.WORDS if word in self.words and self._said(word)}
        named |= {name: text for name in ("month", "period") if (text := self.text(name)) is not None}
        times: dict[str, Any] = {
            name: read(text)
            for name, word, read in (
                ("start", "from", asked.moment),
                ("end", "to", asked.moment),
                ("since", "since", asked.moment),
                ("until", "until", asked.until),
                ("length", "last", asked.length),
            )
            if (text := self.text(word)) is not None
        }
        return Asked(named=named, **times)

    def _said(self, word: str) -> bool:
        return self.words[word][0] == "" or self.flag(word)

    # ── the address of another one ──────────────────────────────────────────────────────────────────────────────

    def query(self, changes: Mapping[str, str | Sequence[str] | None] | None = None, only: Sequence[str] = ()) -> str:
        """Return the question as an address has it, with some words as they are to be; None takes one out.

        With `only`, all other words are left out, but for changes.
        """
        words: dict[str, Sequence[str]] = {
            name: texts for name, texts in self.words.items() if not only or name in only
        }
        for name, text in (changes or {}).items():
            words.pop(name, None)
            if text is not None:
                words[name] = [text] if isinstance(text, str) else text
        return urlencode([(name, text) for name, texts in words.items() for text in texts])
