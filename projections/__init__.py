"""The projections that come with analytics_es: usage, performance and cost. One file each."""

from projections.cost import Cost
from projections.performance import Performance
from projections.usage import Usage

__all__ = ["Cost", "Performance", "Usage"]
