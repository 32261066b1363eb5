"""What is supposed in a question about cost: read from what a caller passes, and checked to have prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from analytics_es.cost.context import with_prices
from analytics_es.cost.price_log import read_entries, unknown
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.cost.pricing import Assumption
from analytics_es.projection.declaration import Declaration
from analytics_es.queries import Question, QuestionContext
from analytics_es.queries.grouping import grouping
from analytics_es.types.arguments import several


def assumption(
    context: QuestionContext,
    prices: PriceBook | Iterable[PriceEntry | Mapping[str, Any]] | None,
    models: Mapping[str, str] | None,
) -> Assumption | None:
    """Return what is supposed: a book, or entries on top of the book there is, and other models; raises BadPrice."""
    if prices is None and not models:
        return None
    if not (prices is None or isinstance(prices, PriceBook)):
        prices = with_prices(context).prices.book().as_if(read_entries(several("prices", prices)))
    return Assumption(prices=prices, models=dict(models or {}))


def check_models(question: Question, declaration: Declaration, assumption: Assumption) -> None:
    """Raise UnknownModel where a model that is supposed in the place of another has no price at any time asked for."""
    book = assumption.prices or with_prices(question.context).prices.book()
    start, end = question.period.start, question.period.end
    where = grouping(declaration, [], {}).where
    spans = question.tiling.spans()
    called = question.snapshot.sums(declaration, [], spans, where=where, by=["provider", "model"])
    for model, other in assumption.models.items():
        providers = [provider for provider, name, *_ in called if name == model]
        names = [name for provider in providers or [""] for name in assumption.priced_as((provider, model))]
        if not any(spell.prices for name in names for spell in book.spells(*name, start, end)):
            provider, slash, rest = other.partition("/")
            raise unknown(book, provider if slash else None, rest if slash else other)
