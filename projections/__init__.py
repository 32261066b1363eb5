"""The projections that come with analytics_es: usage, performance, cost and budgets. One file each."""

from projections.budgets import Budgets
from projections.cost import Cost
from projections.performance import Performance
from projections.usage import Usage

__all__ = ["Budgets", "Cost", "Performance", "Usage"]
