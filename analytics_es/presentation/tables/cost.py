"""Cost → tables, where what is not known has a line of its own, and is in no sum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, NamedTuple

from analytics_es.presentation import Behind, Block, Column, Columns, Grid, Line, Link, Number, Share, Styled, words
from analytics_es.presentation.tables import cost_notes as notes
from analytics_es.presentation.tables.parts import (
    ALARM,
    compared,
    cut,
    filtered,
    footer,
    heading,
    nothing,
)
from analytics_es.presentation.tables.series import series
from analytics_es.types import CostBreakdown, CostRow, CurrencyCost

COST = "cost.cost"  # the metric under which the calls behind a cost are listed, with the arithmetic of each

EventsBehind = Callable[[Any], Behind | None]
Narrowed = Callable[[str, str], Link]  # the way to what is asked about one value of a key


def cost(answer: CostBreakdown, top: int, where: Mapping[str, str], supposed: Iterable[Block] = ()) -> Iterator[Block]:
    """Return the tables of get_cost_breakdown; of a what-if with what is `supposed` in it."""
    yield from heading(("What if: cost" if answer.supposed else "Cost") + filtered(where), answer.period)
    yield from supposed
    if not answer.calls and not answer.totals:
        yield from nothing(where, "provider calls")
        yield footer([answer.completeness], answer.period)
        return
    yield from (totals(answer), rows(answer, top), *notes.efforts(answer), *notes.unknown(answer))
    if answer.period.granularity != "total" and answer.series:
        yield by_time(answer)
    yield from (Line(text, "yellow") for text in notes.warnings(answer))
    yield footer([answer.completeness], answer.period, *notes.prices(answer))


def totals(answer: CostBreakdown) -> Block:
    """Return the cost in each currency, what it was before, and what it will be."""

    def money(amount: Decimal | None, total: CurrencyCost) -> str:
        return words.money(amount, total.currency, words.places([total.cost]))

    behind = events_behind(answer, lambda total: {"currency": total.currency})
    columns: list[Column[CurrencyCost]] = [
        _of_total("this period", "cost", money, behind=behind),
        _of_total("reported", "reported_cost", money, drop=3),
        _of_total("computed", "computed_cost", money, drop=3),
        Number("calls", lambda total: words.count(total.calls), behind=behind),
        _of_total("period before", "previous_cost", money, drop=2, behind=_before(answer)),
        Number("change", lambda total: words.change(total.change), drop=1, exact=lambda total: total.change),
    ]
    if any(total.forecast is not None for total in answer.totals):
        columns.append(_of_total("forecast (linear)", "forecast", money, drop=1))
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


def _of_total(title: str, name: str, money: Callable[[Any, CurrencyCost], str], **how: Any) -> Column[CurrencyCost]:
    """Return a column of money of a total."""
    amount: Callable[[CurrencyCost], Any] = attrgetter(name)
    return Number(title, lambda total: money(amount(total), total), exact=amount, **how)


def events_behind(
    answer: CostBreakdown, keys: Callable[[Any], Mapping[str, str]], told: Callable[[Any], Any] = lambda _: True
) -> EventsBehind | None:
    """Return what tells of a row, which is about these keys, its calls, where it is `told` that there are any.

    What is only supposed has none.
    """
    if answer.supposed:
        return None
    return lambda row: Behind(metric=COST, where=keys(row)) if told(row) else None


def _before(answer: CostBreakdown) -> EventsBehind | None:
    before = answer.compared_with
    if before is None or answer.supposed:
        return None

    def behind(total: CurrencyCost) -> Behind | None:
        if total.previous_cost is None:
            return None
        return Behind(metric=COST, where={"currency": total.currency}, start=before.start, end=before.end)

    return behind


def rows(
    answer: CostBreakdown,
    top: int,
    more: str | None = None,
    *,
    title: str = "",
    each_currency: bool = False,
    narrowed: Narrowed | None = None,
) -> Block:
    """Return what what cost, by currency, most first, with its share of all in the same currency.

    The first rows of all, or with `each_currency` those of each. With `narrowed`, the value of a key leads to what is
    asked about it alone.
    """
    keys = [key for key in answer.by if key != "currency"]
    shown, remark = _first_of_each(answer, top) if each_currency else cut(_by_currency(answer), top, more)
    columns = [*(_key(key, narrowed) for key in keys), *_of_row(answer)]
    return Grid(title or f"By {' and '.join(keys) or 'currency'}", columns, shown, remark)


def _of_row(answer: CostBreakdown) -> Columns[CostRow]:
    """Return the columns of what a row of a breakdown cost, beside those of its keys."""
    decimals = words.places_by_currency((row.currency, row.cost) for row in answer.rows)

    def money(amount: Decimal | None, row: CostRow) -> str:
        return words.money(amount, row.currency, decimals[row.currency])

    behind = events_behind(answer, lambda row: {**row.keys, "currency": row.currency})
    computed: Column[CostRow] = Number(
        "of it computed",
        lambda row: money(row.computed_cost, row),
        drop=2,
        exact=lambda row: row.computed_cost,
    )
    mixed = any(row.computed_cost is not None for row in answer.rows) and answer.reported_calls > 0
    return [
        Number(
            "cost",
            lambda row: Styled("unknown", ALARM) if row.cost is None else money(row.cost, row),
            behind=behind,
            exact=lambda row: row.cost,
        ),
        Number("share", lambda row: words.percent(row.share), exact=lambda row: row.share),
        Column("", lambda row: Share(row.share), drop=3, bar=True),
        *([computed] if mixed else []),
        Number("calls", lambda row: words.count(row.calls), behind=behind),
        Number("tokens in", lambda row: words.count(row.tokens.input), drop=4),
        Number("tokens out", lambda row: words.count(row.tokens.output), drop=5),
    ]


def _by_currency(answer: CostBreakdown) -> list[CostRow]:
    order = {total.currency: place for place, total in enumerate(answer.totals)}
    return sorted(answer.rows, key=lambda row: order.get(row.currency, len(order)))


def _first_of_each(answer: CostBreakdown, top: int) -> tuple[list[CostRow], str]:
    """Return the first rows of each currency and of what is not known, and the remark of how many are beyond."""
    of_each = groupby(_by_currency(answer), lambda row: row.currency)
    shown = [row for _, rows in of_each for row in islice(rows, top)]
    beyond = len(answer.rows) - len(shown)
    return shown, f"… and {beyond:,} more" if beyond else ""


def _key(key: str, narrowed: Narrowed | None) -> Column[CostRow]:
    def link(row: CostRow) -> Link | None:
        return narrowed(key, row.keys[key]) if narrowed else None

    return Column(key, lambda row: row.keys[key] or "(none)", link=narrowed and link)


class _Part(NamedTuple):
    """What calls of one currency cost in a bucket of time; of the currency "" it is not known."""

    calls: int
    cost: Decimal | None


_Bucket = Mapping[str, _Part]  # by currency


def _in_currency(answer: CostBreakdown, currency: str, places: int) -> Column[_Bucket]:
    """Return the column of what calls cost in a currency."""

    def cost(bucket: _Bucket) -> Decimal | None:
        return bucket[currency].cost

    behind = events_behind(answer, lambda _: {"currency": currency}, lambda bucket: cost(bucket) is not None)
    return Number(
        f"in {currency}", lambda bucket: words.money(cost(bucket), currency, places), behind=behind, exact=cost
    )


def _calls(answer: CostBreakdown) -> Iterator[Column[_Bucket]]:
    """Yield the columns of how many calls there were, and of how many the cost is not known."""

    def all_calls(bucket: _Bucket) -> int:
        return sum(part.calls for part in bucket.values())

    def unknown(bucket: _Bucket) -> int:
        return bucket[""].calls if "" in bucket else 0

    behind = events_behind(answer, lambda _: {}, all_calls)
    yield Number("calls", lambda bucket: words.count(all_calls(bucket)), behind=behind)
    if answer.unknown_calls:
        behind = events_behind(answer, lambda _: {"currency": ""}, unknown)
        yield Number("unknown cost", lambda bucket: words.count(unknown(bucket)), behind=behind)


def by_time(answer: CostBreakdown) -> Block:
    """Return one row a bucket with a column for each currency; the bar is of the one with the most calls."""
    buckets: dict[datetime, dict[str, _Part]] = {}
    for point in answer.series:
        # By the instant: as clocks are set back, two hours have one local time.
        buckets.setdefault(point.start.astimezone(UTC), {})[point.currency] = _Part(point.calls, point.cost)
    decimals = words.places_by_currency((point.currency, point.cost) for point in answer.series)
    currencies = [total.currency for total in answer.totals]

    def main_cost(bucket: _Bucket) -> Decimal:
        return (bucket[currencies[0]].cost if currencies else None) or Decimal(0)

    most = max(map(main_cost, buckets.values()), default=Decimal(0))
    columns: Columns[_Bucket] = [
        *(_in_currency(answer, currency, decimals.get(currency, 2)) for currency in currencies),
        *_calls(answer),
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
