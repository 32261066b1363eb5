"""What is said of costs beside figures → lines: what failed, what is not known and why, at which prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from analytics_es.cost import PriceEntry
from analytics_es.presentation import Block, Line, words
from analytics_es.presentation.tables.parts import ALARM, model_name
from analytics_es.types import CostBreakdown, UnknownCost, UnpricedUsage

_LISTED = 3  # models in one line
REASONS = {
    "no_price": "no price is known",
    "no_tier_price": "no price of their tier of service is known",
    "no_usage": "the calls told no usage",
    "reported_as_zero": "reported as 0, although tokens were used: free, or not priced by who charged",
    "parts_not_told": "not told how many tokens are of two kinds with prices of their own",
    "not_kept": "the price changed within a stretch of which only sums are kept",
}


def in_short(answer: CostBreakdown) -> str:
    """Return the cost in each currency in one line."""
    return " · ".join(
        f"{words.money(total.cost, total.currency, words.places([total.cost]))} "
        f"({words.plural(total.calls, 'call')}{f', {words.change(total.change)}' if total.change is not None else ''})"
        for total in answer.totals
    )


def efforts(answer: CostBreakdown) -> Iterator[Block]:
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


def prices(answer: CostBreakdown) -> list[str]:
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


def warnings(answer: CostBreakdown) -> Iterator[str]:
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
