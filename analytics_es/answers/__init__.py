"""The answers of the house: usage, performance and cost, from the projections of these names."""

from analytics_es.answers.budgets import budgets
from analytics_es.answers.cost import cost
from analytics_es.answers.performance import performance
from analytics_es.answers.pricediff import price_diff
from analytics_es.answers.supposing import assumption
from analytics_es.answers.unitcosts import unit_costs
from analytics_es.answers.usage import usage

__all__ = ["assumption", "budgets", "cost", "performance", "price_diff", "unit_costs", "usage"]
