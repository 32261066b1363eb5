"""The overview: what it costs, how fast it is, who uses it, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.presentation import Beside, Line, Link
from analytics_es.presentation.charts.cost import cost_series
from analytics_es.presentation.pages import first_steps, heads
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.pages.budgets import meter
from analytics_es.presentation.parts import Meters, Page, Pair, Part, Section
from analytics_es.presentation.tables import cost_notes, parts
from analytics_es.presentation.tables import report as tables
from analytics_es.presentation.tables.cost import rows
from analytics_es.presentation.tables.performance import operations
from analytics_es.presentation.tiles import tiles
from analytics_es.types import Completeness

CHARGED, BUDGETS, OPERATIONS = 6, 8, 8  # rows that are shown, those of costs in each currency


def made(asking: Asking) -> Page:
    """Return the page."""
    report = tables.reported(asking.answers, asking.period)
    stands_on = [answer.completeness for answer in (report.usage, report.performance, report.cost)]
    return Page(
        name="overview",
        title="Overview",
        sub=heads.about(report.usage.period, *heads.against(report.cost)),
        parts=[*_parts(report, stands_on)] if report.usage.totals.events else [first_steps.instead(asking)],
        answers={"report": report, **{name: getattr(report, name) for name in tables.ANSWERS}},
        foot=heads.foot(stands_on, report.usage.period, parts.PERCENTILES, *cost_notes.prices(report.cost)),
    )


def _parts(report: tables.Report, stands_on: list[Completeness]) -> Iterator[Part]:
    yield tiles(report.cost, report.performance)
    money = _money(report)
    yield Pair(left=money, right=_budgets(report)) if report.budgets.budgets else money
    if notes := [*_not_known(report, stands_on)]:
        yield Section(title="What is not known", parts=notes, answer="cost", table="unknown")
    if report.performance.operations:
        more = Link(text=f"all {len(report.performance.operations)}", page="performance")
        table = operations(report.performance, OPERATIONS, "")
        yield Section(title="Operations", parts=[table], answer="performance", more=more)
    who = Beside(tables.busiest(report.tenants, ""), tables.busiest(report.users, ""))
    yield Section(title="Who", parts=[who], answer="users", more=Link(text="usage", page="usage"))


def _money(report: tables.Report) -> Section:
    title = "Cost by model"
    table = rows(report.cost, CHARGED, title=title, each_currency=True, narrowed=_of_one)
    more = Link(text="cost", page="cost")
    return Section(title=title, parts=[*cost_series(report.series), table], answer="series", more=more)


def _of_one(key: str, text: str) -> Link:
    return Link(page="cost", words={"where": [f"{key}={text}"], "by": ["user"]})


def _budgets(report: tables.Report) -> Section:
    budgets = report.budgets.budgets
    more = Link(text=f"all {len(budgets)}", page="budgets")
    return Section(title="Budgets", parts=[Meters([*map(meter, budgets[:BUDGETS])])], answer="budgets", more=more)


def _not_known(report: tables.Report, stands_on: list[Completeness]) -> Iterator[Line]:
    """Yield what is in no figure, or stands in one and is doubtful."""
    yield from (block for block in cost_notes.unknown(report.cost) if isinstance(block, Line) and block.text)
    yield from (Line(text, "yellow") for text in cost_notes.warnings(report.cost))
    yield from (Line(text, "yellow") for text in parts.doubts(stands_on))


KIND = Kind(name="overview", title="Overview", words=(), made=heads.unless_missing("overview", "Overview", "", made))
