"""Where links lead: to other pages of the same server, with the question that is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from urllib.parse import quote_plus

from attrs import frozen

from analytics_es.presentation.blocks import Behind
from analytics_es.presentation.pages import KINDS
from analytics_es.presentation.parts import Link
from analytics_es.presentation.question import COMMON, FORM, PERIOD, Question

_WORDS = {kind.name: kind.words for kind in KINDS}


@frozen(kw_only=True)
class Links:
    """The links of one page.

    page: its name.
    question: what it was asked.
    root: what stands before all addresses, where the app is mounted: "" or "/analytics".
    style: the address of the style of pages.
    scripts: the addresses of scripts, which add to what is there.
    """

    page: str
    question: Question
    root: str = ""
    style: str = "/static/page.css"
    scripts: Sequence[str] = ()

    def to(self, link: Link) -> str:
        """Return the address of a link: of this page with other words, or of another page about the same period."""
        page = link.page or self.page
        narrowed = ("where",) if "where" in _WORDS.get(page, ()) else ()
        return self._address(page, self.question.query(link.words, only=self._own(page, (*COMMON, *narrowed))))

    def takes(self, word: str) -> bool:
        """Say whether this page knows a word."""
        return word in COMMON or word in _WORDS.get(self.page, ())

    def asked(self, words: Mapping[str, str | None]) -> str:
        """Return the address of this page, asked about another period, zone, or as of another time."""
        return self._address(self.page, self.question.query({**dict.fromkeys(FORM), **words}))

    def behind(self, behind: Behind) -> str:
        """Return the address of the events behind a figure."""
        part = bool(behind.start and behind.end)
        words = {"metric": behind.metric}
        if behind.start and behind.end:
            words |= {"from": behind.start.isoformat(), "to": behind.end.isoformat()}
        where = {**self._where, **behind.where}
        pairs = [*words.items(), *(("where", f"{key}={text}") for key, text in where.items())]
        query = "&".join(f"{name}={quote_plus(text)}" for name, text in pairs)
        about = self._zone if part else self._period
        return f"{self.root}/events?{about}{'&' if about else ''}{query}"

    def form(self, form: str, answer: str = "", table: str = "") -> str:
        """Return the address of the same answer as json, csv or arrow; all tables are in its JSON."""
        words = {"answer": answer or None, "table": None if form == "json" else table or None}
        return self._address(f"{self.page}.{form}", self.question.query(words))

    def kept(self, *without: str) -> Iterator[tuple[str, str]]:
        """Yield the words that a form does not ask for, and that stay as they are; a flag says something."""
        for name, texts in self.question.words.items():
            if name not in (*without, *FORM):
                yield from ((name, text or "1") for text in texts)

    @cached_property
    def _where(self) -> Mapping[str, str]:
        return self.question.pairs("where")

    @cached_property
    def _period(self) -> str:
        return self.question.query(only=COMMON)

    @cached_property
    def _zone(self) -> str:
        return self.question.query(only=[word for word in COMMON if word not in PERIOD])

    def _own(self, page: str, words: Sequence[str]) -> Sequence[str]:
        return () if page == self.page else words

    def _address(self, page: str, query: str) -> str:
        return f"{self.root}/{page}{f'?{query}' if query else ''}"
