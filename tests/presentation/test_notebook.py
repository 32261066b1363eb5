"""Answers in notebooks: shown as on a page, drawn by Plotly, and said clearly where they cannot be."""

from __future__ import annotations

import builtins
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import MissingExtra, NothingToDraw
from analytics_es.presentation.charts.budgets import MOST
from analytics_es.testing import budget_allocated, provider_call
from tests.stores import opened, record

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = TimePeriod(MONDAY, MONDAY + timedelta(days=7), "day")
DOCS = Path(__file__).parent.parent.parent / "docs"
QUESTIONS = {
    "cost": lambda service, period: service.get_cost_breakdown(period),
    "cost over time": lambda service, period: service.get_cost_series(period),
    "performance": lambda service, period: service.get_performance_metrics(period),
    "usage": lambda service, period: service.get_usage_stats("user", None, period),
    "summary": lambda service, period: service.get_summary("cost.reported_cost", period, group_by=["model"]),
    "budgets": lambda service, period: service.get_budgets(at=MONDAY),
    "unit costs": lambda service, period: service.get_unit_costs(period),
    "explanation": lambda service, period: service.explain("usage.events", period),
    "explained cost": lambda service, period: service.explain_cost(period),
    "metrics": lambda service, period: service.list_metrics(),
    "verification": lambda service, period: service.verify(period=period),
}


@pytest.fixture(scope="module")
def week() -> Iterator[AnalyticsService]:
    with opened(clock=lambda: MONDAY + timedelta(days=30)) as service:
        at = [MONDAY + timedelta(days=day) for day in (0, 1, 3)]
        dollars = [provider_call(occurred_at=time, model="<b>large</b>", cost="1.5") for time in at]
        euros = [provider_call(occurred_at=time, model="small", cost="2", currency="EUR") for time in at[:2]]
        record(service, *dollars, *euros, budget_allocated(occurred_at=MONDAY))
        yield service


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_every_answer_shows_itself_with_its_own_style_and_nothing_from_elsewhere(
    week: AnalyticsService, question: Any
) -> None:
    html = question(week, WEEK).unwrap()._repr_html_()

    assert html.startswith('<div class="aes"><style>')
    assert "<table" in html
    assert "<script" not in html
    assert "<b>large" not in html
    assert re.findall(r"(?:src|href)=|https?:|url\(|--\w+ \w+ shows all", html.partition("</style>")[2]) == []


@pytest.mark.parametrize(
    ("question", "pictures"), [("cost", 2), ("cost over time", 2), ("performance", 1), ("usage", 2), ("budgets", 0)]
)
def test_what_has_a_course_is_shown_as_a_picture(week: AnalyticsService, question: str, pictures: int) -> None:
    html = QUESTIONS[question](week, WEEK).unwrap()._repr_html_()

    assert html.count('<svg class="picture"') == pictures


def test_a_notebook_is_told_what_to_call_and_not_what_to_type(week: AnalyticsService) -> None:
    month = TimePeriod(MONDAY, MONDAY + timedelta(days=28), "week")
    metrics = week.list_metrics().unwrap()._repr_html_()

    assert f"… {len(week.list_metrics().unwrap()) - 20} more: <code>to_dicts()</code> has all" in metrics
    assert (
        "by the week: granularity=&#34;day&#34; for each day" in week.get_cost_breakdown(month).unwrap()._repr_html_()
    )


def test_a_long_table_is_cut_and_says_so() -> None:
    with opened(clock=lambda: MONDAY + timedelta(days=3)) as service:
        calls = (provider_call(occurred_at=MONDAY + timedelta(minutes=minute)) for minute in range(60))
        record(service, *calls)
        html = service.explain("usage.events", WEEK).unwrap()._repr_html_()

    assert html.count("<tr>") <= 2 * 41 + 10
    assert "… and 20 more: <code>to_dicts()</code> has all" in html


# ── plots ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_currencies_are_drawn_apart_or_one_is_chosen(week: AnalyticsService) -> None:
    answer = week.get_cost_series(WEEK).unwrap()
    both, euros = answer.plot(), answer.plot(currency="EUR")

    assert {trace.yaxis for trace in both.data} == {"y", "y2"}
    assert {trace.yaxis for trace in euros.data} == {"y"}
    assert sum(figure for trace in euros.data for figure in trace.y if figure) == 4


@pytest.mark.parametrize(
    ("question", "period", "currency", "reason"),
    [
        ("budgets", WEEK, "GBP", "in this BudgetReport: it has nothing in 'GBP', but in USD"),
        ("metrics", WEEK, None, "in this Listing: of the answers, BudgetReport, CostBreakdown"),
        ("cost", TimePeriod(WEEK.start, WEEK.end, "total"), None, "is one bucket of time: ask by the day"),
        ("cost", TimePeriod(MONDAY - timedelta(days=7), MONDAY, "day"), None, "there are no figures over time"),
        ("cost", WEEK, "GBP", "it has nothing in 'GBP', but in USD, EUR"),
    ],
)
def test_what_cannot_be_drawn_says_why(
    week: AnalyticsService, question: str, period: TimePeriod, currency: str | None, reason: str
) -> None:
    answer = QUESTIONS[question](week, period).unwrap()

    with pytest.raises(NothingToDraw, match=re.escape(reason)):
        answer.plot(currency=currency)


def test_budgets_are_drawn_as_what_is_spent_of_each(week: AnalyticsService) -> None:
    answer = week.get_budgets(at=MONDAY + timedelta(days=5)).unwrap()
    [budget], [bars] = answer.budgets, answer.plot(currency="USD").data

    assert (bars.y, bars.x) == ((budget.budget_id,), (budget.used,))
    assert bars.text == ("0.00 of 100.00 USD",)


def test_of_many_budgets_the_fullest_are_drawn_and_one_that_is_overspent_stands_out() -> None:
    with opened(clock=lambda: MONDAY + timedelta(days=1)) as service:
        names = [f"budget-{number}" for number in range(MOST + 2)]
        record(service, *(budget_allocated(occurred_at=MONDAY, budget_id=name, amount="10") for name in names))
        spent = {"budget_id": names[-1], "amount": "12", "currency": "USD"}
        record(service, {"event_type": "budget.spent", "data": spent, "occurred_at": MONDAY})
        figure = service.get_budgets().unwrap().plot()

    [bars] = figure.data
    assert (len(bars.y), bars.y[0], bars.text[0]) == (MOST, names[-1], "12.00 of 10.00 USD")
    assert len(set(bars.marker.color)) == 2
    assert "var(" not in str(figure.to_dict())
    assert figure.layout.title.text == f"Spent of what was allocated, the fullest {MOST} of {MOST + 2}"


def test_of_budgets_without_an_allocation_nothing_is_drawn() -> None:
    with opened(clock=lambda: MONDAY + timedelta(days=1)) as service:
        spent = {"budget_id": "free", "amount": "12", "currency": "USD"}
        record(service, {"event_type": "budget.spent", "data": spent, "occurred_at": MONDAY})
        answer = service.get_budgets().unwrap()

    with pytest.raises(NothingToDraw, match="of no budget is it known how much was allocated"):
        answer.plot()


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no extra `page`."""
    imported = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] in ("htpy", "markupsafe", "plotly"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *rest, **more)

    for name in [name for name in sys.modules if name.startswith("analytics_es.presentation")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)


@pytest.mark.usefixtures("plain")
def test_without_the_extra_an_answer_is_a_plain_table_and_draws_nothing(week: AnalyticsService) -> None:
    answer = week.get_cost_breakdown(WEEK).unwrap()

    assert answer._repr_html_().startswith('<div><div style="opacity:0.7">&lt;CostBreakdown')
    with pytest.raises(MissingExtra, match=r"pip install 'analytics-es\[page\]'"):
        answer.plot()


# ── the notebook of the docs ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_notebook_of_the_docs_runs_and_shows_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    notebook = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    kept = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]

    NotebookClient(
        notebook, timeout=None, startup_timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    html = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    plots = [output.data["application/vnd.plotly.v1+json"] for output in outputs if _is_plot(output)]
    assert kept == [[]] * len(kept)  # it is kept without what it shows
    assert [output for output in outputs if output.output_type == "error"] == []
    assert ['class="aes"' in shown for shown in html if "plotly" not in shown] == [True] * 3
    assert [len(plot["data"]) > 1 for plot in plots] == [True] * 2
    assert all(any(figure for figure in trace["y"]) for plot in plots for trace in plot["data"][:1])


def _is_plot(output: Any) -> bool:
    return "application/vnd.plotly.v1+json" in output.get("data", {})
