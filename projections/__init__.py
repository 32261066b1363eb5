"""The projections that come with analytics_es: usage, performance, cost and budgets. One file each."""

from analytics_es.projections.budgets import Budgets
from analytics_es.projections.cost import Cost
from analytics_es.projections.performance import Performance
from analytics_es.projections.usage import Usage

__all__ = ["Budgets", "Cost", "Performance", "Usage"]
