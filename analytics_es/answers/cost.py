"""What was charged for what, and what is not known: get_cost_breakdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from analytics_es.algebra import Declaration
from analytics_es.answers.rows import Values, columns_of, measures_of, named, together
from analytics_es.figures import change, number
from analytics_es.queries import Question, Source, grouping
from analytics_es.types import (
    CostBreakdown,
    CostPoint,
    CostRow,
    CurrencyCost,
    TimePeriod,
    Tokens,
    UnknownCost,
)

TOKENS = ("input", "output", "cache_read", "cache_creation", "reasoning")
NEEDED = (
    *("entity_type", "entity_id", "provider", "model", "currency", "pricing"),
    *("calls", "calls_without_cost", "calls_at_zero_cost", "reported_cost"),
    *(f"{kind}_tokens" for kind in TOKENS),
)


def cost(source: Source, period: TimePeriod, by: Sequence[str]) -> CostBreakdown:
    """Answer get_cost_breakdown."""
    once = {"entity_type": ""}
    with source.question(["cost"], period) as question:
        declaration = question.declaration("cost", NEEDED)
        asked = grouping(declaration, by, {})
        measures = measures_of(declaration)
        spans = question.tiling.spans()
        columns = columns_of(measures)

        def sums(where: Mapping[str, str], by: Sequence[str]) -> list[tuple[tuple[str, ...], Values]]:
            rows = question.snapshot.sums(declaration, columns, spans, where=where, by=by)
            return [(row[: len(by)], named(measures, row[len(by) :])) for row in rows]

        by_currency = sums(once, ["currency"])
        whole = together(measures, [values for _, values in by_currency])
        totals = _totals(question, declaration, by_currency, once)
        keys = [key for key in asked.by if key != "currency"]
        words = [word for word in by if word != "currency"]
        return CostBreakdown(
            period=question.period,
            by=list(by),
            calls=whole["calls"] or 0,
            totals=totals,
            tokens=_tokens(whole, "{}_tokens"),
            calls_without_cost=whole["calls_without_cost"] or 0,
            unknown=_unknown(sums(once, ["provider", "model", "pricing"])),
            rows=_rows(sums(asked.where, [*keys, "currency"]), words, totals),
            series=_cost_series(question, declaration, once),
            completeness=question.completeness(),
        )


def _totals(
    question: Question, declaration: Declaration, rows: list[Any], where: Mapping[str, str]
) -> list[CurrencyCost]:
    reported = measures_of(declaration, ["reported_cost"])
    period = question.before()
    spans = period.spans() if period else []
    before = question.snapshot.sums(declaration, columns_of(reported), spans, where=where, by=["currency"])
    previous = {currency: number(value, 9) for currency, value in before}
    totals = []
    for (currency,), values in rows:
        money = number(values["reported_cost"], 9)
        if money is not None:
            totals.append(
                CurrencyCost(
                    currency=currency,
                    reported_cost=money,
                    calls=values["calls"],
                    previous_reported_cost=previous.get(currency),
                    change=change(money, previous.get(currency)),
                )
            )
    return sorted(totals, key=lambda total: (-total.calls, total.currency))


def _tokens(values: Values, name: str) -> Tokens:
    known = {kind: values.get(name.format(kind)) for kind in TOKENS}
    return _disjoint(known)


def _disjoint(known: Mapping[str, int | None]) -> Tokens:
    """Add the disjoint kinds: what is left of a total without its parts."""

    def rest(total: int | None, *parts: int | None) -> int | None:
        return None if total is None else total - sum(part or 0 for part in parts)

    return Tokens(
        **known,
        uncached_input=rest(known["input"], known["cache_read"], known["cache_creation"]),
        text_output=rest(known["output"], known["reasoning"]),
    )


def _unknown(rows: list[Any]) -> list[UnknownCost]:
    """List per model what has no usable cost; `rows` are by provider, model and pricing."""
    models: dict[tuple[str, str], list[Values]] = {}
    for (provider, model, pricing), values in rows:
        if pricing.startswith("unknown") or values["calls_at_zero_cost"]:
            models.setdefault((provider, model), []).append({**values, "unknown": pricing.startswith("unknown")})
    found = [_unknown_model(*name, parts) for name, parts in models.items()]
    found = [each for each in found if each.calls or each.at_zero_cost]
    return sorted(found, key=lambda each: (-each.calls - each.at_zero_cost, each.provider, each.model))


def _unknown_model(provider: str, model: str, parts: Sequence[Values]) -> UnknownCost:
    unknown = [part for part in parts if part["unknown"]]

    def both_bands(kind: str) -> int | None:
        known = [part[f"{kind}_tokens"] for part in unknown if part[f"{kind}_tokens"] is not None]
        return sum(known) if known else None

    return UnknownCost(
        provider=provider,
        model=model,
        calls=sum(part["calls_without_cost"] for part in parts),
        at_zero_cost=sum(part["calls_at_zero_cost"] for part in parts),
        tokens=_disjoint({kind: both_bands(kind) for kind in TOKENS}),
    )


def _rows(rows: list[Any], words: Sequence[str], totals: Sequence[CurrencyCost]) -> list[CostRow]:
    whole = {total.currency: total.reported_cost for total in totals}
    found = []
    for keys, values in rows:
        money, currency = number(values["reported_cost"], 9), keys[-1]
        used = (values["input_tokens"], values["output_tokens"], money)
        if not values["calls"] and all(each is None for each in used):
            continue
        all_of_it = whole.get(currency)
        found.append(
            CostRow(
                keys=dict(zip(words, keys[:-1], strict=True)),
                currency=currency if money is not None else "",
                calls=values["calls"],
                reported_cost=money,
                share=float(money / all_of_it) if money is not None and all_of_it else None,
                tokens=_tokens(values, "{}_tokens"),
                calls_without_cost=values["calls_without_cost"],
                calls_at_zero_cost=values["calls_at_zero_cost"],
            )
        )
    return sorted(found, key=lambda row: (-(row.reported_cost or Decimal(-1)), -row.calls, *row.keys.values()))


def _cost_series(question: Question, declaration: Declaration, where: Mapping[str, str]) -> list[CostPoint]:
    """Return a point for every bucket and every currency of the period."""
    measures = measures_of(declaration, ["calls", "reported_cost", "calls_without_cost"])
    points = {
        start: {row[0]: named(measures, row[1:]) for row in rows}
        for (start,), rows in question.points(declaration, measures, where, ["currency"]).items()
    }
    currencies = {
        currency
        for rows in points.values()
        for currency, values in rows.items()
        if values["calls"] or values["reported_cost"] is not None
    }
    nothing = together(measures, [])
    return [
        CostPoint(
            start=question.tiling.local(start),
            currency=currency,
            reported_cost=number(values["reported_cost"], 9),
            calls=values["calls"] or 0,
            calls_without_cost=values["calls_without_cost"] or 0,
        )
        for start, rows in points.items()
        for currency in sorted(currencies)
        for values in [rows.get(currency, nothing)]
    ]
