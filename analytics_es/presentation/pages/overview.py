"""The overview: what it costs, how fast it is, who uses it, and what is not known."""

from __future__ import annotations

from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.parts import Page, Section
from analytics_es.presentation.tables import report as tables


def made(asking: Asking) -> Page:
    """Return the page."""
    answers = tables.reported(asking.answers, asking.period)
    section = Section(title="Report", parts=[*tables.report(answers)], answer="report")
    return Page(name="overview", title="Overview", parts=[section], answers={"report": answers})


KIND = Kind(name="overview", title="Overview", words=("where", "top"), made=made)
