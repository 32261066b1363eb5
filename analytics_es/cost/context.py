"""What questions about cost are answered from: read models, as every question, and prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from attrs import evolve, frozen

from analytics_es.cost.prices.book import PriceBook
from analytics_es.errors import MissingProjection
from analytics_es.queries import Question, QuestionContext
from analytics_es.types import PricesUsed, PriceUsed, TimePeriod

COST = "cost"


class Prices(Protocol):
    """Knows prices, and is told which of them an answer was computed with."""

    def book(self) -> PriceBook:
        """Return the price book."""

    def used(self, prices: Sequence[PriceUsed], *, announce: bool = True) -> PricesUsed:
        """Say what an answer was computed with, and, unless it is only supposed, record that."""


@frozen
class _BookRead:
    """Prices whose book was read before."""

    _book: PriceBook
    _prices: Prices

    def book(self) -> PriceBook:
        """Return the price book."""
        return self._book

    def used(self, prices: Sequence[PriceUsed], *, announce: bool = True) -> PricesUsed:
        """Say what an answer was computed with."""
        return self._prices.used(prices, announce=announce)


@frozen(kw_only=True)
class CostContext(QuestionContext):
    """What answers about cost are made from."""

    prices: Prices

    @contextmanager
    def question(
        self, names: Sequence[str], period: TimePeriod, *, kept: bool = True, compared: bool = False
    ) -> Iterator[Question]:
        """Open one snapshot for one answer about a period; the price book is read before, as the log has it."""
        priced = COST in names and COST in self.read_models.declarations
        context = evolve(self, prices=_BookRead(self.prices.book(), self.prices)) if priced else self
        with QuestionContext.question(context, names, period, kept=kept, compared=compared) as question:
            yield question


def with_prices(context: QuestionContext) -> CostContext:
    """Return a context that has prices; raises MissingProjection for one that is not to be asked for costs."""
    if not isinstance(context, CostContext):
        raise MissingProjection(projection="cost")
    return context
