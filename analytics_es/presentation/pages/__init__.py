"""The pages, in the order in which they stand at the top of each."""

from analytics_es.presentation.pages import budgets, cost, overview, performance, summary, usage
from analytics_es.presentation.pages.asking import Asking, Kind

KINDS: tuple[Kind, ...] = (overview.KIND, cost.KIND, usage.KIND, performance.KIND, budgets.KIND, summary.KIND)

__all__ = ["KINDS", "Asking", "Kind"]
