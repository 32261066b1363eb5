"""What calls cost, and what of it is not known: get_cost_breakdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, localcontext
from functools import partial
from typing import Any, cast

from attrs import frozen

from analytics_es.cost.cells import NEEDED, TOLD_APART
from analytics_es.cost.charges import NO_PRICE, Charge, Costs, regrouped, remaining, together
from analytics_es.cost.context import with_prices
from analytics_es.cost.prices import genai
from analytics_es.cost.prices.quantities import KINDS
from analytics_es.cost.pricing import Assumption, Costing
from analytics_es.cost.what_if import check_models
from analytics_es.errors import UnknownKey
from analytics_es.projection.declaration import MONEY, Declaration
from analytics_es.queries import Question, QuestionContext
from analytics_es.queries.figures import DIGITS, change, trimmed
from analytics_es.queries.grouping import Grouping, Words, asked_by, grouping, read_words
from analytics_es.queries.rows import columns_of, measures_of
from analytics_es.read_models import Tiling
from analytics_es.types import (
    CostBreakdown,
    CostPoint,
    CostRow,
    CurrencyCost,
    EffortCost,
    PriceUsed,
    TimePeriod,
    Tokens,
    UnknownCost,
    UnpricedUsage,
)

Groups = Mapping[tuple[Any, ...], Costs]

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens")
BILLIONTH = Decimal("1e-9")


def read_cost_words(declaration: Declaration, by: Sequence[str], where: Mapping[str, Any] | None) -> Words:
    """Return the words of a question about what calls cost; raises UnknownKey for those that only tell prices apart.

    A correction has none of what its call used: it would be in another row than its call, and settle nothing there.
    """
    words = read_words(declaration, by, where)
    for word in TOLD_APART:
        if word in words.names:
            names = [key.name for key in declaration.keys if not key.of_entity and key.name not in TOLD_APART]
            keys = f"{', '.join((*names, *declaration.entities))} ({word} only tells apart what has a price of its own)"
            raise UnknownKey(key=word, projection="what calls cost", keys=keys)
    return words


def cost(
    context: QuestionContext,
    period: TimePeriod,
    by: Sequence[str],
    *,
    where: Mapping[str, str] | None = None,
    assumption: Assumption | None = None,
) -> CostBreakdown:
    """Answer get_cost_breakdown."""
    filters = context.as_logged(where or {})
    breakdown, prices = context.answer(
        ["cost"], period, lambda question: _breakdown(question, by, filters, assumption), compared=True
    )
    # When the snapshot is closed: prices are announced in the log, which the read model then lags behind.
    return breakdown(prices=with_prices(context).prices.used(prices, announce=assumption is None))


def _breakdown(
    question: Question, by: Sequence[str], filters: Mapping[str, str], assumption: Assumption | None
) -> tuple[Callable[..., CostBreakdown], list[PriceUsed]]:
    """Return the answer, to be given what is known of its prices, and which these are."""
    declaration, currency = question.declaration("cost", NEEDED), filters.get(MONEY)
    filters = {word: value for word, value in filters.items() if word != MONEY}
    if assumption:
        check_models(question, declaration, assumption)
    with Costing(question, declaration, assumption, currency=currency) as costing:
        costs = _costs(question, costing, grouping(declaration, by, filters), grouping(declaration, [], filters))
        ended = bool(currency) or not costing.tells("not_ended")
    whole = together(costs.efforts)
    totals = _totals(question, whole, together(costs.earlier))
    charged, unknown = whole.known(), whole.not_known()
    breakdown = partial(
        CostBreakdown,
        period=question.period,
        by=list(by),
        calls=charged.calls + unknown.calls,
        reported_calls=charged.reported_calls,
        computed_calls=charged.calls - charged.reported_calls,
        unknown_calls=unknown.calls,
        totals=totals,
        tokens=_tokens(charged, unknown),
        unknown=_unknown(whole, installable=assumption is None and not genai.installed()),
        unpriced=_unpriced(whole),
        efforts=_efforts(costs.efforts),
        rows=_rows(costs.rows if costs.keys else {(): whole}, [word for word in by if word != MONEY], totals),
        series=_series(question, costs.series),
        supposed=assumption is not None,
        completeness=question.completeness(asked_by(filters, by)),
        below_cliff_calls=sum(whole.below_cliff.values()),
        not_ended=0 if ended else _not_ended(question, declaration, filters),
        compared_with=costs.before.whole() if costs.before else None,
    )
    return breakdown, whole.prices_used()


@frozen(kw_only=True)
class _Costs:
    """What calls cost by effort, by the keys that are asked for, by time, and in the period before."""

    keys: Sequence[str]
    efforts: Groups
    rows: Groups
    series: Groups
    earlier: Groups
    before: Tiling | None


def _costs(question: Question, costing: Costing, groups: Grouping, once: Grouping) -> _Costs:
    keys = [key for key in groups.by if key != MONEY]
    of_entity = [key.name for key in costing.declaration.keys if key.of_entity and groups.where != once.where]
    others = [key for key in keys if key not in of_entity]
    by_effort = costing.unsettled(question.tiling, where=once.where, by=[*others, "effort"])
    rows = regrouped(by_effort, lambda key: key[:-1])
    if others != keys:  # rows of an entity; what is of nobody is the rest
        of_somebody = costing.unsettled(question.tiling, where=groups.where, by=keys, detail="usage")
        rows = {**of_somebody, **of_nobody(of_somebody, keys, others, rows)}
    granularity, before = question.requested.granularity, question.before()
    return _Costs(
        keys=keys,
        efforts=costing.settled(regrouped(by_effort, lambda key: key[-1:])),
        rows=costing.settled(rows),
        series=costing.by_group(question.tiling, where=once.where, granularity=granularity, detail="money"),
        earlier=costing.by_group(before, where=once.where, detail="money") if before else {},
        before=before,
    )


def _not_ended(question: Question, declaration: Declaration, filters: Mapping[str, str]) -> int:
    """Count the events that tell usage of calls, and are in no figure: of none of them it is told that it ended."""
    columns = columns_of(measures_of(declaration, ["not_ended"]))
    where = grouping(declaration, [], filters).where
    rows = question.snapshot.sums(declaration, columns, question.tiling.spans(), where=where)
    return int(rows[0][0] or 0) if rows else 0


def of_nobody(rows: Groups, keys: Sequence[str], others: Sequence[str], whole: Groups) -> Groups:
    """Return what is left of all calls, by the other keys, without those that belong to an entity; its id is ""."""
    places = [keys.index(key) for key in others]
    nobody = next(place for place, key in enumerate(keys) if key not in others)
    taken = regrouped(rows, lambda key: tuple(key[place] for place in places))
    left = remaining(whole, taken)
    return {(*key[:nobody], "", *key[nobody:]): costs for key, costs in left.items()}


# ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _totals(question: Question, whole: Costs, before: Costs) -> list[CurrencyCost]:
    previous = {currency: charge.cost for currency, charge in before.charges.items()}
    totals = [
        CurrencyCost(
            currency=currency,
            calls=charge.calls,
            reported_calls=charge.reported_calls,
            **money(charge),
            previous_cost=_plain(previous.get(currency)),
            change=change(cost, previous.get(currency)),
            forecast=_forecast(question, cost),
        )
        for currency, charge in whole.charges.items()
        if (cost := charge.cost) is not None
    ]
    return sorted(totals, key=lambda total: (-total.calls, total.currency))


def _forecast(question: Question, cost: Decimal) -> Decimal | None:
    """Return what a period will have cost at its end, if it goes on as it went until now."""
    start, end = question.tiling.start, question.tiling.end
    passed = question.context.clock().timestamp() - start
    if not 0 < passed < end - start:
        return None
    with localcontext(DIGITS):
        return trimmed((cost * (end - start) / Decimal(round(passed))).quantize(BILLIONTH))


def _plain(money: Decimal | None) -> Decimal | None:
    return None if money is None else trimmed(money)


def money(charge: Charge) -> dict[str, Any]:
    """Return the money of a charge, as rows have it; mostly all of it was reported, or all computed."""
    cost, parts = charge.cost, {"reported_cost": charge.reported, "computed_cost": charge.computed}
    plain = _plain(cost)
    return {"cost": plain, **{name: plain if part is cost else _plain(part) for name, part in parts.items()}}


def _efforts(groups: Groups) -> list[EffortCost]:
    efforts = [
        EffortCost(effort=cast(Any, effort), currency=currency, calls=charge.calls, cost=_plain(charge.cost))
        for (effort,), costs in sorted(groups.items())
        for currency, charge in costs.by_currency()
        if effort and charge.calls
    ]
    return sorted(efforts, key=lambda effort: (effort.effort, effort.currency == "", effort.currency))


# ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _tokens(*charges: Charge) -> Tokens:
    used = charges[0].used
    for other in charges[1:]:
        used = {kind: used.get(kind, 0) + other.used.get(kind, 0) for kind in (*used, *other.used)}
    into, out, read, created, reasoning = map(used.get, TOKENS)
    return Tokens(
        input=into,
        output=out,
        cache_read=read,
        cache_creation=created,
        reasoning=reasoning,
        uncached_input=None if into is None else into - (read or 0) - (created or 0),
        text_output=None if out is None else out - (reasoning or 0),
    )


# ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _unknown(whole: Costs, *, installable: bool) -> list[UnknownCost]:
    """Return what is not known; where prices are `installable`, those that may make it known."""
    rows = [
        UnknownCost(
            provider=provider,
            model=model,
            reason=reason,
            calls=charge.calls,
            tokens=_tokens(charge),
            service_tier=tier,
            hint=genai.INSTALL if installable and reason == NO_PRICE and model else "",
        )
        for (provider, model, reason, tier), charge in whole.unknown.items()
        if charge.calls or charge.used
    ]
    return sorted(rows, key=lambda row: (-row.calls, row.provider, row.model, row.reason, row.service_tier))


def _unpriced(whole: Costs) -> list[UnpricedUsage]:
    units: dict[tuple[str, str, str], int] = {}
    for (*named, _), count in whole.unpriced.items():
        provider, model, kind = named
        units[provider, model, kind] = units.get((provider, model, kind), 0) + count
    kinds = {kind: place for place, kind in enumerate(KINDS)}
    rows = [UnpricedUsage(provider=p, model=m, kind=k, units=n) for (p, m, k), n in units.items()]
    return sorted(rows, key=lambda row: (row.provider, row.model, kinds[row.kind]))


def _rows(groups: Groups, words: Sequence[str], totals: Sequence[CurrencyCost]) -> list[CostRow]:
    whole = {total.currency: total.cost for total in totals if total.cost and total.cost > 0}
    rows = [
        CostRow(
            keys=dict(zip(words, keys, strict=True)),
            currency=currency,
            calls=charge.calls,
            **money(charge),
            share=float(charge.cost / whole[currency]) if charge.cost is not None and currency in whole else None,
            tokens=_tokens(charge),
        )
        for keys, costs in groups.items()
        for currency, charge in costs.by_currency()
        if charge.calls or charge.used or charge.cost is not None
    ]
    return sorted(
        rows, key=lambda row: (row.cost is None, -(row.cost or 0), -row.calls, *row.keys.values(), row.currency)
    )


def _series(question: Question, groups: Groups) -> list[CostPoint]:
    """Return a point for every bucket and every currency of the period, "" where anything is not known."""
    _, starts = question.tiling.series(question.requested.granularity)
    points = {start: dict(costs.by_currency()) for (start,), costs in groups.items()}
    currencies = sorted({currency for parts in points.values() for currency in parts})
    nothing = Charge()
    return [
        CostPoint(start=local, currency=currency, calls=charge.calls, **money(charge))
        for start in starts
        for local in [question.tiling.local(start)]
        for currency in currencies
        for charge in [points.get(start, {}).get(currency, nothing)]
    ]
