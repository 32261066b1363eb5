"""Answers → tables, one module an answer."""

from analytics_es.cli.tables.bill import bill
from analytics_es.cli.tables.budgets import budget_report
from analytics_es.cli.tables.cost import cost
from analytics_es.cli.tables.explanation import explanation
from analytics_es.cli.tables.performance import performance
from analytics_es.cli.tables.report import Report, report, reported
from analytics_es.cli.tables.summary import summary
from analytics_es.cli.tables.supposed import supposed
from analytics_es.cli.tables.unit_costs import unit_costs
from analytics_es.cli.tables.usage import usage

__all__ = [
    "Report",
    "bill",
    "budget_report",
    "cost",
    "explanation",
    "performance",
    "report",
    "reported",
    "summary",
    "supposed",
    "unit_costs",
    "usage",
]
