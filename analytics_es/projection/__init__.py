"""How a projection is declared, and how events are folded by that: declare, compile, fold."""

from analytics_es.projection.declaration import Histogram
from analytics_es.projection.declare import (
    count,
    declaration_of,
    declarations_of,
    histogram,
    key,
    largest,
    projection,
    smallest,
    total,
)

__all__ = [
    "Histogram",
    "count",
    "declaration_of",
    "declarations_of",
    "histogram",
    "key",
    "largest",
    "projection",
    "smallest",
    "total",
]
