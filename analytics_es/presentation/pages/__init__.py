"""The pages, in the order in which they stand at the top of each."""

from analytics_es.presentation.pages import (
    budgets,
    cost,
    event,
    events,
    overview,
    performance,
    projections,
    summary,
    usage,
)
from analytics_es.presentation.pages.asking import Asking, Kind

KINDS: tuple[Kind, ...] = (
    overview.KIND,
    cost.KIND,
    usage.KIND,
    performance.KIND,
    budgets.KIND,
    events.KIND,
    event.KIND,
    summary.KIND,
    projections.KIND,
)

__all__ = ["KINDS", "Asking", "Kind"]
