"""Where links lead: to other pages of the same server, with the question that is asked."""

from __future__ import annotations

from attrs import frozen

from analytics_es.presentation.blocks import Behind
from analytics_es.presentation.parts import Link
from analytics_es.presentation.question import COMMON, PERIOD, Question


@frozen(kw_only=True)
class Links:
    """The links of one page.

    page: its name.
    question: what it was asked.
    root: what stands before all addresses, where the app is mounted: "" or "/analytics".
    """

    page: str
    question: Question
    root: str = ""

    def to(self, link: Link) -> str:
        """Return the address of a link: of this page with other words, or of another page about the same period."""
        same = link.page in ("", self.page)
        query = self.question.query(link.words, only=() if same else (*COMMON, "where"))
        return self._address(link.page or self.page, query)

    def behind(self, behind: Behind) -> str:
        """Return the address of the events behind a figure."""
        words: dict[str, str | list[str] | None] = {"metric": behind.metric}
        if behind.start and behind.end:
            words |= dict.fromkeys(PERIOD)  # none of the words that said the period
            words |= {"from": behind.start.isoformat(), "to": behind.end.isoformat()}
        where = {**self.question.pairs("where"), **behind.where}
        words["where"] = [f"{key}={text}" for key, text in where.items()]
        return self._address("events", self.question.query(words, only=COMMON))

    def form(self, form: str, answer: str = "", table: str = "") -> str:
        """Return the address of the same answer as json, csv or arrow."""
        words = {"answer": answer or None, "table": table or None}
        return self._address(f"{self.page}.{form}", self.question.query(words))

    def _address(self, page: str, query: str) -> str:
        return f"{self.root}/{page}{f'?{query}' if query else ''}"
