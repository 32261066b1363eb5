"""The pages, in the order in which they stand at the top of each."""

from analytics_es.presentation.pages import cost, event, events, overview, projections
from analytics_es.presentation.pages.asking import Asking, Kind

KINDS: tuple[Kind, ...] = (overview.KIND, cost.KIND, events.KIND, event.KIND, projections.KIND)

__all__ = ["KINDS", "Asking", "Kind"]
