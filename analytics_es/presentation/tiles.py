"""What it costs, how fast it is and what is not known, at a glance: answers → tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analytics_es.presentation import Behind, Link, words
from analytics_es.presentation.parts import Tile, Tiles
from analytics_es.presentation.tables.cost import COST
from analytics_es.types import Completeness, CostBreakdown, CurrencyCost, PerformanceMetrics, Tokens

CURRENCIES, MODELS = 3, 2  # that have a tile of their own; that are named in one


def tiles(cost: CostBreakdown, performance: PerformanceMetrics) -> Tiles:
    """Return the tiles of a period: money first, and what of it is not known beside it."""
    answers = (cost.completeness, performance.completeness)
    tokens = [*_tokens(cost.tokens)] if cost.calls else []
    return Tiles([*money(cost), *calls(cost), *_speed(performance), *tokens, *unknown(cost), *_lag(answers)])


def money(cost: CostBreakdown) -> Iterator[Tile]:
    """Yield what was spent in each currency: they are never added."""
    for total in cost.totals[:CURRENCIES]:
        yield _spent(cost, total)
    if beyond := cost.totals[CURRENCIES:]:
        names = ", ".join(words.safe(total.currency) for total in beyond)
        yield Tile(label="Cost, too", figure=words.plural(len(beyond), "currency"), note=names, link=Link(page="cost"))
    if cost.calls and not cost.totals:
        yield Tile(label="Cost", figure=words.UNKNOWN, note="of no call is it known", link=Link(page="cost"))


def _spent(cost: CostBreakdown, total: CurrencyCost) -> Tile:
    charged = [point.cost for point in cost.series if point.currency == total.currency]
    return Tile(
        label=f"Cost in {words.safe(total.currency)}",
        figure=words.amount(total.cost),
        note=" · ".join(filter(None, [_compared(cost, total), _forecast(total)])),
        spark=[float(money or 0) for money in charged] if len(charged) > 1 else (),
        behind=None if cost.supposed else Behind(metric=COST, where={"currency": total.currency}),
        exact=total.cost,
    )


def _compared(cost: CostBreakdown, total: CurrencyCost) -> str:
    if cost.compared_with is None:
        return ""
    if total.previous_cost is None:
        return "nothing before"
    previous = words.amount(total.previous_cost)
    if total.change is None or total.change >= words.MANIFOLD:
        return f"{previous} before"
    return f"{words.change(total.change)} on {previous} before"


def _forecast(total: CurrencyCost) -> str:
    return "" if total.forecast is None else f"on course for {words.amount(total.forecast)}"


def unknown(cost: CostBreakdown) -> Iterator[Tile]:
    """Yield of how many calls the cost is not known, and whose they are; none where there are no calls."""
    if not cost.calls:
        return
    if not cost.unknown_calls:
        yield Tile(label="Cost unknown", figure="0", note="of every call it is known", link=Link(page="cost"), exact=0)
        return
    models = dict.fromkeys(row.model or "(no model)" for row in cost.unknown if row.calls)
    yield Tile(
        label="Cost unknown",
        figure=words.count(cost.unknown_calls),
        note=f"{'call' if cost.unknown_calls == 1 else 'calls'}, in no sum: {_named([*models])}",
        alarm=True,
        behind=None if cost.supposed else Behind(metric=COST, where={"currency": ""}),
        exact=cost.unknown_calls,
    )


def _named(names: Sequence[str]) -> str:
    beyond = f" and {len(names) - MODELS} more" if len(names) > MODELS else ""
    return f"{', '.join(map(words.safe, names[:MODELS]))}{beyond}"


def calls(cost: CostBreakdown) -> Iterator[Tile]:
    """Yield how many calls there are, and the share of them that failed; none where there are no calls."""
    if not cost.calls:
        return
    failed = sum(effort.calls for effort in cost.efforts if effort.effort == "failed")
    yield Tile(
        label="Model calls",
        figure=words.count(cost.calls),
        note=f"{words.percent(failed / cost.calls)} failed" if failed else "none failed",
        behind=None if cost.supposed else Behind(metric=COST),
        exact=cost.calls,
    )


def _speed(performance: PerformanceMetrics) -> Iterator[Tile]:
    """Yield how long calls of the busiest model take; of what has no duration, nothing is said."""
    operations = (speed for speed in performance.operations if speed.operation.startswith("provider."))
    busiest = next(operations, None)  # they are listed busiest first
    if busiest is None or busiest.duration_ms.p95 is None:
        return
    yield Tile(
        label=f"p95 of {words.safe(busiest.subject or '(no model)')}",
        figure=words.duration(busiest.duration_ms.p95),
        note=f"p50 {words.duration(busiest.duration_ms.p50)}, the busiest model",
        behind=Behind(
            metric="performance.duration", where={"operation": busiest.operation, "subject": busiest.subject}
        ),
        exact=busiest.duration_ms.p95,
    )


def _tokens(tokens: Tokens) -> Iterator[Tile]:
    cached = f"{_share(tokens.cache_read, tokens.input)} from the cache" if tokens.cache_read else ""
    thought = f"{words.short(tokens.reasoning)} of them reasoning" if tokens.reasoning else ""
    for label, name, number, note in (
        ("Tokens in", "input_tokens", tokens.input, cached),
        ("Tokens out", "output_tokens", tokens.output, thought),
    ):
        behind = None if number is None else Behind(metric=f"cost.{name}")
        note = "no call told" if number is None else note
        yield Tile(label=label, figure=words.short(number), note=note, behind=behind, exact=number)


def _share(part: int, whole: int | None) -> str:
    return words.percent(part / whole) if whole else words.UNKNOWN


def _lag(answers: Sequence[Completeness]) -> Iterator[Tile]:
    """Yield how far the answers are behind the log, where they are."""
    behind = max(answers, key=lambda answer: answer.lag_events)
    if behind.lag_events:
        waiting = words.duration(1_000 * behind.lag_seconds)
        yield Tile(
            label="Not yet in any figure",
            figure=words.plural(behind.lag_events, "event"),
            note=f"the first has waited {waiting}",
            alarm=True,
            link=Link(page="projections"),
            exact=behind.lag_events,
        )
