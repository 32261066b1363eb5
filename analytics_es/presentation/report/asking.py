"""The answers of a report: its pages, asked as of one position, and what they stand on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from attrs import frozen

from analytics_es.cost.prices import genai
from analytics_es.errors import BadWord
from analytics_es.events.codec import to_plain
from analytics_es.presentation.pages import KINDS, Asking
from analytics_es.presentation.parts import Page
from analytics_es.presentation.question import COMMON, PERIOD, Question
from analytics_es.presentation.report.carried import Edition, canonical
from analytics_es.presentation.report.comparison import Fields, with_fields
from analytics_es.types import Progress, TimePeriod

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService, AsOf

BEFORE = timedelta(hours=1)  # a report is asked for that long at most before it is made
PAGES = ("overview", "cost", "usage", "performance", "budgets")  # in this order; those that there are


@frozen(kw_only=True)
class Answered:
    """The pages of a report, and their answers as canonical JSON."""

    pages: Sequence[Page]
    answers: bytes

    def all(self) -> Fields:
        """Return all answers of the pages: another version may carry one of them under another page."""
        return Fields({page.name: Fields({name: _fields(page, name) for name in page.answers}) for page in self.pages})


def _fields(page: Page, name: str) -> Any:
    answer = page.answers[name]
    return with_fields(json.loads(canonical(to_plain(answer))), answer)


def answered(
    service: AnalyticsService,
    then: AsOf,
    period: TimePeriod,
    words: Mapping[str, Sequence[str]],
    pages: Sequence[str],
    progress: Progress | None = None,
) -> Answered:
    """Ask for the pages as the log stood; raises AnalyticsError."""
    kinds = {kind.name: kind for kind in KINDS}
    made: list[Page] = []
    for name in pages:
        if progress:
            progress(f"asking for {name}", len(made), len(pages))
        known = (*COMMON, *kinds[name].words)
        question = Question(words={word: texts for word, texts in words.items() if word in known})
        made.append(kinds[name].made(Asking(question=question, period=period, answers=then, service=service)))
    return Answered(pages=made, answers=canonical(_each_once(made)))


def _each_once(pages: Sequence[Page]) -> dict[str, dict[str, Any]]:
    """Return the answers of pages as plain data: one that several pages show once, and none that is made of others."""
    told_before: set[bytes] = set()
    once: dict[str, dict[str, Any]] = {}
    for page in pages:
        plain = {name: to_plain(answer) for name, answer in page.answers.items()}
        texts = {name: canonical(answer) for name, answer in plain.items()}
        for name in sorted(plain, key=lambda name: len(texts[name])):
            if texts[name] not in told_before and not _is_made_of(plain[name], told_before):
                told_before.add(texts[name])
                once.setdefault(page.name, {})[name] = plain[name]
    return once


def _is_made_of(answer: Any, told_before: set[bytes]) -> bool:
    return isinstance(answer, dict) and bool(answer) and all(canonical(part) in told_before for part in answer.values())


def available(pages: Sequence[str] = PAGES) -> list[str]:
    """Return those of some pages that there are."""
    names = {kind.name for kind in KINDS}
    return [name for name in pages if name in names]


def check_words(words: Mapping[str, Sequence[str]], pages: Sequence[str]) -> None:
    """Raise BadWord for what no page of a report is asked: it would be shown, and answer nothing."""
    known = (*PERIOD, "granularity", "tz", *(word for kind in KINDS if kind.name in pages for word in kind.words))
    for word in words:
        if word not in known:
            raise BadWord(problem=f"{word[:80]!r} is no word of these pages: {', '.join(dict.fromkeys(known))}.")
    Question.read(((word, text) for word, texts in words.items() for text in texts), known)


def is_said(words: Mapping[str, Sequence[str]], period: TimePeriod, now: datetime) -> bool:
    """Say whether a period is what the words of a question say that it is; raises BadWord."""
    question, zone = Question(words=words), period.start.tzinfo
    if not isinstance(zone, ZoneInfo) or question.zone(zone).key != zone.key:
        return False
    if question.text("granularity") not in (None, period.granularity):
        return False
    if not any(word in words for word in PERIOD):
        return True
    early, late = (question.period(zone, instant) for instant in (now - BEFORE, now))
    return early.start <= period.start <= late.start and early.end <= period.end <= late.end


def edition(service: AnalyticsService, position: int) -> Edition:
    """Say which prices answers as of a position are computed with."""
    published = [known.position for known in service.price_book().unwrap().upto(position).published if known.position]
    installed = genai.edition() if genai.installed() else None
    return Edition(
        version=installed.version if installed else None,
        digest=installed.digest if installed else None,
        published=max(published, default=None),
    )


def definitions(service: AnalyticsService) -> dict[str, str]:
    """Return what tells the definition of each projection from others."""
    return {declared.name: declared.fingerprint for declared in service.store.declarations}
