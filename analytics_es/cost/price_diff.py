"""What computed costs would change if prices were published: diff_prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

from attrs import evolve

from analytics_es.cost.cells import NEEDED
from analytics_es.cost.charges import Costs
from analytics_es.cost.context import with_prices
from analytics_es.cost.price_log import PricesThen, read_entries
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.cost.prices.prices import UnitPrices
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.cost.pricing import Costing
from analytics_es.projection.declaration import Declaration
from analytics_es.queries import Question, QuestionContext
from analytics_es.queries.figures import trimmed
from analytics_es.queries.grouping import grouping
from analytics_es.types import PriceChange, PriceChangeTotal, Priced, PriceDiff, PriceUsed, TimePeriod

Group = tuple[int, str, str]  # the start of a day, a provider, a model


def price_diff(
    context: QuestionContext, entries: Iterable[PriceEntry | Mapping[str, Any]], period: TimePeriod
) -> PriceDiff:
    """Answer diff_prices."""
    added = read_entries(entries)
    before = with_prices(context).prices.book()
    after = before.as_if(added)
    with localcontext(EXACT):
        return context.answer(["cost"], period, lambda question: _price_diff(question, before, after, len(added)))


def _price_diff(question: Question, before: PriceBook, after: PriceBook, prices: int) -> PriceDiff:
    declaration = question.declaration("cost", NEEDED)
    was, reported = _by_day(question, declaration, before)
    now, _ = _by_day(question, declaration, after)
    # Until the snapshot is closed, what the log says of an hour is left out of one of them, and the answer made again.
    was = {group: was.get(group, Costs()) for group in now}
    changes = [
        _change(
            question,
            group,
            _priced(question, before, group, was[group]),
            _priced(question, after, group, costs),
            calls=costs.known().calls + costs.not_known().calls,
        )
        for group, costs in sorted(now.items())
        if _figures(was[group]) != _figures(costs)
    ]
    return PriceDiff(
        period=question.period,
        prices=prices,
        changes=changes,
        totals=_totals(changes),
        reported_calls=reported,
        completeness=question.completeness(),
    )


def _by_day(question: Question, declaration: Declaration, book: PriceBook) -> tuple[dict[Group, Costs], int]:
    """Return what is not reported, priced by a book, by day and model; and how many calls reported a cost."""
    priced = evolve(question, context=evolve(with_prices(question.context), prices=PricesThen(book=book)))
    by_day: dict[Group, Costs] = {}
    reported = 0
    with Costing(priced, declaration) as costing:
        where, by = grouping(declaration, [], {}).where, ["provider", "model", "pricing"]
        groups = costing.by_group(question.tiling, where=where, by=by, granularity="day")
    for (day, provider, model, pricing), costs in groups.items():
        if pricing == "reported":
            reported += costs.known().calls
        elif pricing:
            by_day.setdefault((day, provider, model), Costs()).take(costs)
    return by_day, reported


def _figures(costs: Costs) -> tuple[dict[str, Decimal], int]:
    """Return what is known by currency, and how many calls are not."""
    amounts = {currency: charge.cost for currency, charge in sorted(costs.charges.items())}
    return {name: trimmed(cost) for name, cost in amounts.items() if cost is not None}, costs.not_known().calls


def _priced(question: Question, book: PriceBook, group: Group, costs: Costs) -> Priced:
    cost, unknown = _figures(costs)
    return Priced(cost=cost, unknown_calls=unknown, prices=costs.prices_used() or _in_force(question, book, group))


def _in_force(question: Question, book: PriceBook, group: Group) -> list[PriceUsed]:
    """Return the prices of a model on a day, of which no call was priced by any."""
    day, provider, model = group
    calendar, end = question.tiling.calendar, question.tiling.end
    bounds = calendar.local(day), calendar.local(min(calendar.next_day(calendar.day_start(day)), end))
    costs, listed = Costs(), list[UnitPrices]()
    for tier in book.tiers(provider or None, model):
        for spell in book.spells(provider or None, model, *bounds, service_tier=tier):
            if spell.prices and not any(map(spell.prices.charges_as, listed)):
                listed.append(spell.prices)
                costs.price(provider, model, spell.prices, {"calls": 0}, Decimal(0))
    return costs.prices_used()


def _change(question: Question, group: Group, was: Priced, now: Priced, *, calls: int) -> PriceChange:
    day, provider, model = group
    difference = sum(now.cost.values(), Decimal(0)) - sum(was.cost.values(), Decimal(0))
    return PriceChange(
        start=question.tiling.local(day),
        provider=provider,
        model=model,
        calls=calls,
        was=was,
        now=now,
        difference=trimmed(difference) if len(now.cost) == 1 and now.cost.keys() == was.cost.keys() else None,
        entries=sorted({price.entry for price in now.prices if price.entry}),
    )


def _totals(changes: Sequence[PriceChange]) -> list[PriceChangeTotal]:
    currencies = sorted({currency for change in changes for currency in (*change.was.cost, *change.now.cost)})
    return [
        PriceChangeTotal(
            currency=currency,
            was=_sum(change.was.cost.get(currency) for change in changes),
            now=_sum(change.now.cost.get(currency) for change in changes),
            difference=_sum(change.difference for change in changes if currency in change.now.cost),
        )
        for currency in currencies
    ]


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    terms = [amount for amount in amounts if amount is not None]
    return trimmed(sum(terms, Decimal(0))) if terms else None
