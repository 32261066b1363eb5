"""What a cost stands on → tables: what of it is not known, what failed, what has no price, at which prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analytics_es.presentation import Block, Cell, Column, Columns, Grid, Link, Number, Styled, words
from analytics_es.presentation.tables.cost import events_behind
from analytics_es.presentation.tables.cost_notes import REASONS
from analytics_es.presentation.tables.parts import ALARM, cut, model_name
from analytics_es.types import CostBreakdown, EffortCost, PriceUsed, UnknownCost, UnpricedUsage
from analytics_es.types.sentences import joined

_EFFORTS = {"failed": "failed", "retried": "tried again, and did not fail"}


def unknown(answer: CostBreakdown, top: int) -> Iterator[Block]:
    """Return of which calls the cost is not known, and why; nothing where all is known.

    Events are told apart by their model, not by the reason: what a model has of each alone leads nowhere.
    """
    if not answer.unknown:
        return
    often = Counter((row.provider, row.model) for row in answer.unknown)
    of_model = events_behind(answer, lambda row: {"provider": row.provider, "model": row.model, "currency": ""})
    columns: Columns[UnknownCost] = [
        Column("model", model_name),
        Column("why", lambda row: _reason(row)),
        Number(
            "calls",
            lambda row: Styled(words.count(row.calls), ALARM),
            behind=of_model and (lambda row: of_model(row) if often[row.provider, row.model] == 1 else None),
        ),
        Number("tokens in", lambda row: words.count(row.tokens.input)),
        Number("tokens out", lambda row: words.count(row.tokens.output)),
    ]
    rows, remark = cut(answer.unknown, top, "")
    hints = dict.fromkeys(row.hint for row in answer.unknown if row.hint)
    yield Grid("Cost unknown, in no sum", columns, rows, joined(" · ", filter(None, [remark, *hints])))


def _reason(row: UnknownCost) -> str:
    meaning = REASONS.get(row.reason, row.reason)
    return f"{meaning}: {row.service_tier}" if row.service_tier else meaning


def unpriced(answer: CostBreakdown, top: int) -> Iterator[Block]:
    """Return what calls used that has no price, while the rest of what they used has; nothing where all has one."""
    columns: Columns[UnpricedUsage] = [
        Column("model", model_name),
        Column("used", lambda row: row.kind.replace("_", " ")),
        Number("how many", lambda row: words.count(row.units)),
    ]
    if answer.unpriced:
        yield Grid("Without a price, in no sum", columns, *cut(answer.unpriced, top, ""))


def efforts(answer: CostBreakdown) -> Iterator[Block]:
    """Return what calls cost that failed, and those that were tried again; nothing where there are none."""
    behind = events_behind(answer, lambda row: {"effort": row.effort, "currency": row.currency})

    def cost(row: EffortCost) -> Cell:
        if row.cost is None:
            return Styled("unknown", ALARM)
        return words.money(row.cost, row.currency, words.places([row.cost]))

    columns: Columns[EffortCost] = [
        Column("calls that", lambda row: _EFFORTS[row.effort]),
        Number("cost", cost, behind=behind, exact=lambda row: row.cost),
        Number("calls", lambda row: words.count(row.calls), behind=behind),
    ]
    if answer.efforts:
        yield Grid("Failed and tried again, in the sums above", columns, answer.efforts)


def prices(answer: CostBreakdown, top: int) -> Iterator[Block]:
    """Return which prices costs were computed with, and for how many calls each; nothing where none was."""
    used = sorted(answer.prices.used, key=lambda price: -price.calls)
    columns: Columns[PriceUsed] = [
        Column("model", model_name),
        Column("tier", lambda price: price.service_tier),
        Column("currency", lambda price: words.safe(price.currency)),
        Column("from", _origin, link=_published),
        Column("in force since", lambda price: f"{price.since:%Y-%m-%d}" if price.since else words.UNKNOWN),
        Number("calls", lambda price: words.count(price.calls)),
    ]
    if used:
        yield Grid("Prices of computed costs", columns, *cut(used, top, ""))


def _origin(price: PriceUsed) -> str:
    package = f"genai-prices {price.version}" if price.version else ""
    published = "" if price.position is None else f"published at position {price.position:,}"
    supposed = "" if price.entry is None else f"supposed, number {price.entry}"
    return ", a multiple of ".join(filter(None, [published or supposed, package])) or words.UNKNOWN


def _published(price: PriceUsed) -> Link | None:
    return None if price.position is None else Link(page="event", words={"position": str(price.position)})


def compared(answer: CostBreakdown, was: CostBreakdown) -> Block:
    """Return what is supposed beside what was, in each currency."""
    supposed = {total.currency: total for total in answer.totals}
    costs = {total.currency: total.cost for total in was.totals}
    rows = [*dict.fromkeys((*supposed, *costs))]
    events = events_behind(was, lambda currency: {"currency": currency}, costs.__contains__)

    def money(amount: object, currency: str) -> str:
        return words.money(amount, currency, words.places([costs.get(currency)]))  # type: ignore[arg-type]

    def difference(currency: str) -> object:
        if currency not in supposed or currency not in costs:
            return None
        return supposed[currency].cost - costs[currency]

    columns: Columns[str] = [
        Column("in", words.safe),
        Number("was", lambda currency: money(costs.get(currency), currency), behind=events, exact=costs.get),
        Number(
            "supposed",
            lambda currency: money(supposed[currency].cost if currency in supposed else None, currency),
            exact=lambda currency: supposed[currency].cost if currency in supposed else None,
        ),
        Number("difference", lambda currency: money(difference(currency), currency), exact=difference),
    ]
    return Grid("What was, and what is supposed", columns, rows)
