"""What questions about cost are answered from: read models, as every question, and prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from analytics_es.cost.prices.book import PriceBook
from analytics_es.errors import MissingProjection
from analytics_es.queries import QuestionContext
from analytics_es.types import PricesUsed, PriceUsed


class Prices(Protocol):
    """Knows prices, and is told which of them an answer was computed with."""

    def book(self) -> PriceBook:
        """Return the price book."""

    def used(self, prices: Sequence[PriceUsed], *, announce: bool = True) -> PricesUsed:
        """Say what an answer was computed with, and, unless it is only supposed, record that."""


@frozen(kw_only=True)
class CostContext(QuestionContext):
    """What answers about cost are made from."""

    prices: Prices


def with_prices(context: QuestionContext) -> CostContext:
    """Return a context that has prices; raises MissingProjection for one that is not to be asked for costs."""
    if not isinstance(context, CostContext):
        raise MissingProjection(projection="cost")
    return context
