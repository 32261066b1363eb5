"""Cost → tables. What is not known has a line of its own, and is in no sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from analytics_es.cost import PriceEntry
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, Share, Styled, words
from analytics_es.presentation.tables.parts import (
    ALARM,
    MORE,
    compared,
    cut,
    filtered,
    footer,
    heading,
    model_name,
    nothing,
)
from analytics_es.presentation.tables.series import series
from analytics_es.types import CostBreakdown, CostRow, CurrencyCost, UnknownCost, UnpricedUsage

_LISTED = 3  # models in one line
REASONS = {
    "no_price": "no price is known",
    "no_tier_price": "no price of their tier of service is known",
    "no_usage": "the calls told no usage",
    "reported_as_zero": "reported as 0, although tokens were used: free, or not priced by who charged",
    "parts_not_told": "not told how many tokens are of two kinds with prices of their own",
    "not_kept": "the price changed within a stretch of which only sums are kept",
}


def cost(answer: CostBreakdown, top: int, where: Mapping[str, str], supposed: Iterable[Block] = ()) -> Iterator[Block]:
    """Return the tables of get_cost_breakdown; of a what-if with what is `supposed` in it."""
    yield from heading(("What if: cost" if answer.supposed else "Cost") + filtered(where), answer.period)
    yield from supposed
    if not answer.calls and not answer.totals:
        yield from nothing(where, "provider calls")
        yield footer([answer.completeness], answer.period)
        return
    yield from (totals(answer), rows(answer, top), *_efforts(answer), *unknown(answer))
    if answer.period.granularity != "total" and answer.series:
        yield _series(answer)
    yield from (Line(text, "yellow") for text in _warnings(answer))
    yield footer([answer.completeness], answer.period, *_prices(answer))


def totals(answer: CostBreakdown) -> Block:
    """Return the cost in each currency, what it was before, and what it will be."""

    def money(amount: Decimal | None, total: CurrencyCost) -> str:
        return words.money(amount, total.currency, words.places([total.cost]))

    columns: list[Column[CurrencyCost]] = [
        Number("this period", lambda total: money(total.cost, total)),
        Number("reported", lambda total: money(total.reported_cost, total), drop=3),
        Number("computed", lambda total: money(total.computed_cost, total), drop=3),
        Number("calls", lambda total: words.count(total.calls)),
        Number("period before", lambda total: money(total.previous_cost, total), drop=2),
        Number("change", lambda total: words.change(total.change), drop=1),
    ]
    if any(total.forecast is not None for total in answer.totals):
        columns.append(Number("forecast (linear)", lambda total: money(total.forecast, total), drop=1))
    tokens = answer.tokens
    kinds = {
        "tokens in": tokens.input,
        "of them read from a cache": tokens.cache_read,
        "tokens out": tokens.output,
        "of them reasoning": tokens.reasoning,
    }
    counts = [f"{number:,} {kind}" for kind, number in kinds.items() if number is not None]
    title = "All calls" if answer.totals else "All calls: no cost is known"
    remarks = [words.plural(answer.calls, "call"), *counts, *filter(None, [compared(answer)])]
    return Grid(title, columns, answer.totals, " · ".join(remarks))


def in_short(answer: CostBreakdown) -> str:
    """Return the cost in each currency in one line."""
    return " · ".join(
        f"{words.money(total.cost, total.currency, words.places([total.cost]))} "
        f"({words.plural(total.calls, 'call')}{f', {words.change(total.change)}' if total.change is not None else ''})"
        for total in answer.totals
    )


def rows(answer: CostBreakdown, top: int, more: str = MORE, *, title: str = "") -> Block:
    """Return what what cost, by currency, most first, with its share of all in the same currency."""
    keys = [key for key in answer.by if key != "currency"]
    decimals = words.places_by_currency((row.currency, row.cost) for row in answer.rows)

    def money(amount: Decimal | None, row: CostRow) -> str:
        return words.money(amount, row.currency, decimals[row.currency])

    computed: Column[CostRow] = Number("of it computed", lambda row: money(row.computed_cost, row), drop=2)
    mixed = any(row.computed_cost is not None for row in answer.rows) and answer.reported_calls > 0
    columns: Columns[CostRow] = [
        *map(_key, keys),
        Number("cost", lambda row: Styled("unknown", ALARM) if row.cost is None else money(row.cost, row)),
        Number("share", lambda row: words.percent(row.share)),
        Column("", lambda row: Share(row.share), drop=3, bar=True),
        *([computed] if mixed else []),
        Number("calls", lambda row: words.count(row.calls)),
        Number("tokens in", lambda row: words.count(row.tokens.input), drop=4),
        Number("tokens out", lambda row: words.count(row.tokens.output), drop=5),
    ]
    order = {total.currency: place for place, total in enumerate(answer.totals)}
    ordered = sorted(answer.rows, key=lambda row: order.get(row.currency, len(order)))
    return Grid(title or f"By {' and '.join(keys) or 'currency'}", columns, *cut(ordered, top, more))


def _key(key: str) -> Column[CostRow]:
    return Column(key, lambda row: row.keys[key] or "(none)")


def _efforts(answer: CostBreakdown) -> Iterator[Block]:
    """Return a line about the calls that failed, and one about those that were tried again."""
    for effort, title in (("failed", "Failed calls"), ("retried", "Retries that did not fail")):
        efforts = [cost for cost in answer.efforts if cost.effort == effort]
        if not efforts:
            continue
        costs = [
            words.money(cost.cost, cost.currency, words.places([cost.cost]))
            for cost in efforts
            if cost.cost is not None
        ]
        unknown = sum(cost.calls for cost in efforts if cost.cost is None)
        charged = f" cost {', '.join(costs)}, in the sums above" if costs else ""
        rest = f"; {words.count(unknown)} of unknown cost" if unknown else ""
        yield Line(f"{title}: {words.plural(sum(cost.calls for cost in efforts), 'call')}{charged}{rest}")


def unknown(answer: CostBreakdown) -> Iterator[Block]:
    """Return a line for each reason why the cost of calls is not known, and one for what has no price."""
    yield from not_known(answer.unknown, answer.unpriced)


def not_known(unknown: Sequence[UnknownCost], unpriced: Sequence[UnpricedUsage]) -> Iterator[Block]:
    """Return a line for each reason why the cost of these calls is not known, and one for what has no price."""
    lines = []
    for reason, meaning in REASONS.items():
        models = [model for model in unknown if model.reason == reason and model.calls]
        if models:
            calls = words.plural(sum(model.calls for model in models), "call")
            lines.append(f"Unknown cost: {calls}, in no sum above ({meaning}): {_first([*map(_used, models)])}")
            hints = {model.hint for model in models if model.hint}
            lines.extend(f"The default prices are not installed: {hint}" for hint in hints)
    if unpriced:
        kinds = [f"{words.count(usage.units)} {usage.kind} of {model_name(usage)}" for usage in unpriced]
        lines.append(f"Without a price, in no sum above: {_first(kinds)}")
    if lines:
        yield from (*(Line(line, ALARM) for line in lines), Line())


def _used(model: UnknownCost) -> str:
    tokens = f"{words.count(model.tokens.input)} tokens in, {words.count(model.tokens.output)} out"
    tier = f" in the tier {words.safe(model.service_tier)}" if model.service_tier else ""
    return f"{model_name(model)}{tier} ({words.plural(model.calls, 'call')}, {tokens})"


def _first(texts: Sequence[str]) -> str:
    beyond = f"; and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return "; ".join(texts[:_LISTED]) + beyond


class _Part(NamedTuple):
    """What calls of one currency cost in a bucket of time; of the currency "" it is not known."""

    calls: int
    cost: Decimal | None


_Bucket = Mapping[str, _Part]  # by currency


def _series(answer: CostBreakdown) -> Block:
    """Return one row a bucket with a column for each currency; the bar is of the one with the most calls."""
    buckets: dict[datetime, dict[str, _Part]] = {}
    for point in answer.series:
        # By the instant: as clocks are set back, two hours have one local time.
        buckets.setdefault(point.start.astimezone(UTC), {})[point.currency] = _Part(point.calls, point.cost)
    decimals = words.places_by_currency((point.currency, point.cost) for point in answer.series)
    currencies = [total.currency for total in answer.totals]

    def money(currency: str) -> Column[_Bucket]:
        places = decimals.get(currency, 2)
        return Number(f"in {currency}", lambda bucket: words.money(bucket[currency].cost, currency, places))

    def calls(bucket: _Bucket, currencies: Iterable[str]) -> int:
        return sum(bucket[currency].calls for currency in currencies if currency in bucket)

    def main_cost(bucket: _Bucket) -> Decimal:
        return (bucket[currencies[0]].cost if currencies else None) or Decimal(0)

    most = max(map(main_cost, buckets.values()), default=Decimal(0))
    unknown: Column[_Bucket] = Number("unknown cost", lambda bucket: words.count(calls(bucket, [""])))
    columns: Columns[_Bucket] = [
        *map(money, currencies),
        Number("calls", lambda bucket: words.count(calls(bucket, bucket))),
        *([unknown] if answer.unknown_calls else []),
        Column("", lambda bucket: Share(float(main_cost(bucket) / most) if most else None), drop=1, bar=True),
    ]
    return series(
        answer.period,
        columns,
        [*buckets.values()],
        [instant.astimezone(answer.period.start.tzinfo) for instant in buckets],
        total={"": _Part(answer.unknown_calls, None)}
        | {total.currency: _Part(total.calls, total.cost) for total in answer.totals},
        is_empty=lambda bucket: not any(part.calls or part.cost for part in bucket.values()),
        of="calls",
        goes_on=answer.completeness.open_buckets,
    )


# ── what if ─────────────────────────────────────────────────────────────────────────────────────────────────────


def supposed(
    was: CostBreakdown, models: Mapping[str, str], prices: Sequence[PriceEntry] | None, file: Path | None
) -> Iterator[Block]:
    """Return lines; `was` is what it cost by model."""
    if prices:
        number = words.plural(len(prices), "price")
        text = f"at the prices there are and {number} of {file}, for all calls: what they reported is set aside"
        yield Line(words.safe(text), "bold")
    for model, other in models.items():
        yield Line(words.safe(f"calls of {model} as if they were of {other}, at its price"), "bold")
    called = {row.keys["model"] for row in was.rows}
    for model in (model for model in models if model not in called):
        yield Line(words.safe(f"{model}: no such calls in this period, nothing is supposed of them"), "yellow")
    unknown = f"; {words.count(was.unknown_calls)} of unknown cost" if was.unknown_calls else ""
    yield from (Line(f"it was: {in_short(was) or 'not known'}{unknown}"), Line())


# ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _prices(answer: CostBreakdown) -> list[str]:
    """Say which prices costs were computed with, and since when the oldest of them is in force."""
    used = answer.prices.used
    sources = [f"genai-prices {version}" for version in sorted({price.version for price in used if price.version})]
    if any(price.position for price in used):
        sources.append(f"published prices up to position {answer.prices.published:,}")
    if any(price.entry for price in used):
        sources.append("supposed prices")
    if since := [price.since for price in used if price.since]:
        age = (answer.period.end - min(since)).days
        sources.append(f"the oldest price is {words.plural(max(age, 0), 'day')} old")
    return [f"prices: {', '.join(sources)}"] if sources else []


def _warnings(answer: CostBreakdown) -> Iterator[str]:
    """Say which prices are not those that were in use, cannot be read, or are not all."""
    prices = answer.prices
    if prices.default_recorded not in (None, prices.default_version) and any(price.version for price in prices.used):
        yield (
            f"Computed with genai-prices {prices.default_version}; in use then was {prices.default_recorded}: install "
            "that to see the figures of then."
        )
    if prices.unread:
        yield f"Published prices that this version cannot read, at positions {', '.join(map(str, prices.unread))}"
    if answer.below_cliff_calls:
        calls = words.plural(answer.below_cliff_calls, "call")
        yield f"Priced below the first threshold, as their events stand for many requests each: {calls}"
    if answer.not_ended:
        events = words.plural(answer.not_ended, "event")
        yield f"In no figure: {events} with usage, but not of a call that ended"
    # One price a spell and a tier is used: each model is named once.
    unmeasured = {
        f"{model_name(price)}: {', '.join(price.unmeasured)}": None for price in prices.used if price.unmeasured
    }
    if unmeasured:
        yield f"Charged for on top, and told by no event: {_first([*unmeasured])}"
