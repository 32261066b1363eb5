"""The three answers of the house: usage, performance and cost, from the projections of these names."""

from analytics_es.answers.budgets import budgets
from analytics_es.answers.cost import cost
from analytics_es.answers.performance import performance
from analytics_es.answers.usage import usage

__all__ = ["budgets", "cost", "performance", "usage"]
