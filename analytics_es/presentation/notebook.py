"""Answers in a notebook: what a page shows of them, as HTML with its own style, and as figures of Plotly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from attrs import evolve

from analytics_es.errors import NothingToDraw
from analytics_es.presentation import Block, Column, Grid, Line, Number, words
from analytics_es.presentation.charts import budgets as spent
from analytics_es.presentation.charts import figure, of_answers
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.html.document import fragment
from analytics_es.presentation.parts import Section
from analytics_es.presentation.rewriting import rewritten
from analytics_es.presentation.tables import (
    budgets,
    cost,
    explanation,
    performance,
    price_diff,
    summary,
    unit_costs,
    usage,
)
from analytics_es.types import (
    BudgetReport,
    CostBreakdown,
    CostExplanation,
    Explanation,
    MetricSummary,
    PerformanceMetrics,
    PriceDiff,
    Tabular,
    UnitCosts,
    UsageStats,
)
from analytics_es.types.sentences import Sentence, joined, sentence
from analytics_es.types.tables import brief

SHOWN, LONGEST = 20, 40  # rows of a table: of those that are the most of something, and of any
ALL = sentence("`to_dicts()` has all")

_TABLES: Mapping[type[Any], Callable[[Any], Iterable[Block]]] = {
    BudgetReport: partial(budgets.budget_report, top=SHOWN),
    CostBreakdown: partial(cost.cost, top=SHOWN, where={}),
    CostExplanation: explanation.bill,
    Explanation: explanation.explanation,
    MetricSummary: partial(summary.summary, top=SHOWN, where={}),
    PerformanceMetrics: partial(performance.performance, top=SHOWN),
    PriceDiff: partial(price_diff.price_diff, top=SHOWN),
    UnitCosts: partial(unit_costs.unit_costs, where={}),
    UsageStats: partial(usage.usage, top=SHOWN),
}
# What the own words of sentences say of options of the command line, as it is said in a notebook.
_REWORDED = (
    (r"(… and \{\d+\} more): .*?(?= · |$)", r"\1: " + ALL.own),
    (r"--granularity (\w+)", r'granularity="\1"'),
    (r", such as --last 4w(, or --from)?", ""),
    (r"--limit (\{\d+\})", r"limit=\1"),
    (r"--(where|at)\b", r"\1"),
)


def shown(answer: Tabular) -> str:
    """Return an answer as HTML: what it is about, its charts as pictures, its tables."""
    tables = _TABLES.get(type(answer))
    if tables is None:
        return fragment([Section(title=_title(answer), parts=[*of_answers.charts(answer), _main_table(answer)])])
    heading, *blocks = (rewritten(block, _in_a_notebook) for block in tables(answer))
    title = heading.text if isinstance(heading, Line) else _title(answer)
    return fragment([Section(title=title, parts=[*of_answers.charts(answer), *map(_cut, blocks)])])


def drawn(answer: Tabular, currency: str | None) -> Any:
    """Return the charts of an answer as one figure of Plotly; raises NothingToDraw, MissingExtra."""
    if isinstance(answer, BudgetReport):
        return _used(answer, currency)
    charts = of_answers.charts(answer)
    chosen = [chart for chart in charts if currency in (None, chart.unit)]
    if not chosen:
        raise NothingToDraw(kind=type(answer).__name__, reason=_reason(answer, charts, currency))
    return figure.figure(chosen)


def _used(answer: BudgetReport, currency: str | None) -> Any:
    """Return how much of each budget is spent; how it was over time only events say, which a page asks for."""
    shown = spent.used(answer, currency)
    if not shown:
        others = dict.fromkeys(budget.currency for budget in spent.used(answer, None))
        reason = "of no budget is it known how much was allocated and how much is spent"
        raise NothingToDraw(kind="BudgetReport", reason=_elsewhere(currency, others) if others else reason)
    return figure.made(spent.bars(shown))


def _elsewhere(currency: str | None, units: Iterable[str]) -> str:
    return f"it has nothing in {str(currency)[:20]!r}, but in {', '.join(map(words.safe, units))}"


def _reason(answer: Any, charts: Iterable[Chart], currency: str | None) -> str:
    if units := [chart.unit for chart in charts]:
        return _elsewhere(currency, units)
    if type(answer) not in of_answers.DRAWN:
        names = sorted(["BudgetReport", *(kind.__name__ for kind in of_answers.DRAWN)])
        return f"of the answers, {', '.join(names)} draw themselves"
    if answer.period.granularity == "total":
        return 'its period is one bucket of time: ask by the day, with granularity="day"'
    return "there are no figures over time in its period"


def _title(answer: Tabular) -> str:
    return repr(answer).strip("<>")


def _cut(block: Block) -> Block:
    if not isinstance(block, Grid) or len(block.rows) <= LONGEST:
        return block
    more = sentence("… and {beyond:,} more: {all}", beyond=len(block.rows) - LONGEST, all=ALL)
    return evolve(block, rows=block.rows[:LONGEST], remark=joined(" · ", filter(None, [block.remark, more])))


def _main_table(answer: Tabular) -> Grid[Any]:
    """Return the main table of an answer as it is, with all digits."""
    table = answer.table()

    def column(place: int, name: str) -> Column[Any]:
        kind = Number if table.columns[place].holds in (int, float, Decimal) else Column
        return kind(name, lambda row: brief.text(row[place]))

    beyond = len(table.rows) - SHOWN
    remark = sentence("… {beyond:,} more: {all}", beyond=beyond, all=ALL) if beyond > 0 else ""
    return Grid("", [column(place, name) for place, name in enumerate(table.names)], table.rows[:SHOWN], remark)


def _in_a_notebook(text: str) -> str:
    return text.reworded(_without_options) if isinstance(text, Sentence) else text


def _without_options(own: str) -> str:
    for of_a_command, instead in _REWORDED:
        own = re.sub(of_a_command, instead, own)
    return own
