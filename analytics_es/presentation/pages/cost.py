"""The page of costs."""

from __future__ import annotations

from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.parts import Page, Section
from analytics_es.presentation.tables import cost as tables


def made(asking: Asking) -> Page:
    """Return the page."""
    question = asking.question
    by, where, top = question.texts("by", ("model",)), question.pairs("where"), question.number("top", 20)
    answer = asking.answers.get_cost_breakdown(asking.period, by=by, where=where).unwrap()
    section = Section(title="Cost", parts=[*tables.cost(answer, top, where)], answer="cost")
    return Page(name="cost", title="Cost", parts=[section], answers={"cost": answer})


KIND = Kind(name="cost", title="Cost", words=("by", "where", "model", "top"), made=made)
