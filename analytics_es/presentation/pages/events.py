"""The events behind a number: which it is, what it comes to, and what each event brings to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from analytics_es.audit.rows import COST, REPORTED
from analytics_es.errors import AnalyticsError, SealedPeriod, SeveralCurrencies
from analytics_es.presentation import Behind, Column, Columns, Line, words
from analytics_es.presentation.blocks import Link
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.parts import Choice, Choices, Page, Part, Section, Tile, Tiles, Ways
from analytics_es.presentation.question import PERIOD
from analytics_es.presentation.tables import explanation as tables
from analytics_es.presentation.tables.metrics import beside, by_projection
from analytics_es.presentation.tables.parts import ALARM, filtered, footer, nothing
from analytics_es.presentation.tables.summary import in_unit
from analytics_es.types import (
    Completeness,
    CostBreakdown,
    CostExplanation,
    Explanation,
    Listing,
    MetricInfo,
    MetricSummary,
    TimePeriod,
)

Summed = MetricSummary | CostBreakdown
LIMIT, LISTED = 20, (20, 100, 1_000, 10_000)  # events
ORDERS = {"largest": "largest first", "latest": "latest first"}  # by the word that asks for it
IN_LOG = "as in the log"
_FIGURES = {
    "total": "sum",
    "mean": "mean",
    "minimum": "smallest",
    "p50": "half at most",
    "p90": "90 % at most",
    "p95": "95 % at most",
    "p99": "99 % at most",
    "maximum": "largest",
}
_METRICS: Columns[MetricInfo] = [
    Column("metric", lambda info: info.name, link=lambda info: Link(words={"metric": info.name, "where": None})),
    Column("kind", lambda info: info.kind),
    Column("unit", lambda info: "" if info.unit == "1" else info.unit),
]


def made(asking: Asking) -> Page:
    """Return the page."""
    metrics = asking.answers.list_metrics().unwrap()
    metric = asking.question.text("metric")
    if metric is None:
        return _to_choose(metrics)
    options: dict[str, Any] = {"limit": asking.question.number("limit", LIMIT, most=LISTED[-1])}
    options |= {order: asking.question.flag(order) for order in ORDERS}
    ask = asking.answers.explain_cost if metric == COST else _explaining(asking, metric)
    where = asking.question.pairs("where")
    try:
        answer = ask(asking.period, where=where, **options).unwrap()
    except SeveralCurrencies as error:
        return _several(asking, metric, where, error)
    except SealedPeriod as error:
        return _sealed(asking, metric, where, error)
    return _explained(asking, metric, where, answer, metrics)


def _explaining(asking: Asking, metric: str) -> Any:
    return lambda *period, **options: asking.answers.explain(metric, *period, **options)


# ── what it is made of ──────────────────────────────────────────────────────────────────────────────────────────


def _explained(
    asking: Asking, metric: str, where: Mapping[str, str], answer: Explanation | CostExplanation, metrics: Any
) -> Page:
    if isinstance(answer, CostExplanation):
        tiles, table, what = _of_cost(answer), tables.calls(answer), "calls"
        amounts = [words.money(cost, name, words.places([cost])) for name, cost in answer.totals.items()]
        figure = " and ".join(amounts)
    else:
        tiles, table, what = _of_metric(answer), tables.events(answer), "events"
        figure = tiles[0].figure
    listed: list[Part] = [*_orders(asking, answer), table] if answer.count else [*nothing(where, what)]
    order = _order(asking)
    title = f"{what.capitalize()}, {ORDERS[order]}" if order and answer.count > 1 else what.capitalize()
    events = Section(title=title, parts=listed, answer="events", more=_more(answer))
    return Page(
        name="events",
        title=_title(figure, metric, where),
        sub=_period(answer.period),
        parts=[Tiles(tiles), *_lagging(answer.completeness), _choices(asking, metric, metrics), events],
        answers={"events": answer},
        foot=[footer([answer.completeness], answer.period).text],
    )


def _order(asking: Asking) -> str:
    """Return in which order events are listed; "" for that of the log. Of two the latest goes before."""
    return next((order for order in reversed(ORDERS) if asking.question.flag(order)), "")


def _orders(asking: Asking, answer: Explanation | CostExplanation) -> Iterator[Ways]:
    """Return the ways to the other orders, where there are several events."""
    if answer.count > 1:
        orders = {"": IN_LOG, **ORDERS}
        if _counts(answer):
            del orders["largest"]  # all are alike
        asked = {order: {**dict.fromkeys(ORDERS), **({order: "1"} if order else {})} for order in orders}
        chosen = _order(asking)
        yield Ways([Link(text=text, words=asked[order]) for order, text in orders.items() if order != chosen])


def _counts(answer: Explanation | CostExplanation) -> bool:
    """Say whether each event brings 1 to a number."""
    figures = None if isinstance(answer, CostExplanation) else answer.figures
    return figures is not None and figures.count is not None and figures.minimum is None


def _lagging(completeness: Completeness) -> Iterator[Line]:
    """Say that a figure may be of more events than these: one that no read model holds is of all that the log does."""
    if completeness.lag_events:
        waiting = words.plural(completeness.lag_events, "event")
        these = f"These are the events up to position {completeness.position:,}, which read models hold."
        others = "A figure of another zone, of nobody, or of several together is derived from the log"
        yield Line(f"{these} {others}: it counts the {waiting} after it, too.", ALARM)


def _title(figure: str, metric: str, where: Mapping[str, str]) -> str:
    """Return which number it is, what it comes to first."""
    return f"{figure or words.UNKNOWN} · {metric}{filtered(where)}"


def _of_cost(answer: CostExplanation) -> list[Tile]:
    several = len(answer.totals) > 1
    tiles = [
        Tile(
            label=f"Cost, {words.safe(currency)}",
            figure=words.money(cost, "", words.places([cost])),
            note=f"in full {words.exact(cost)} {words.safe(currency)}",
            behind=Behind(metric=COST, where={"currency": currency}) if several else None,
            exact=cost,
        )
        for currency, cost in answer.totals.items()
    ]
    tiles.append(Tile(label="Calls", figure=words.count(answer.calls), note=words.plural(answer.count, "event")))
    if answer.unknown_calls:
        behind = Behind(metric=COST, where={"currency": ""})
        note = "in no sum: each says why"
        figure = words.count(answer.unknown_calls)
        tiles.append(Tile(label="Cost unknown", figure=figure, note=note, alarm=True, behind=behind))
    return tiles


def _of_metric(answer: Explanation) -> list[Tile]:
    counted = _counts(answer)
    tiles = [] if counted else [_tile(answer, name) for name in _FIGURES if _is_told(answer, name)]
    how_many = Tile(
        label="Counted" if counted else "Events",
        figure=words.count(answer.count),
        exact=answer.count if counted or not tiles else None,
    )
    return [*tiles[:1], how_many, *tiles[1:]]


def _is_told(answer: Explanation, name: str) -> bool:
    return getattr(answer.figures, name) is not None


def _tile(answer: Explanation, name: str) -> Tile:
    figure = getattr(answer.figures, name)
    first = next(other for other in _FIGURES if _is_told(answer, other))
    unit = "" if answer.unit in ("1", "us") else f" {answer.currency or answer.unit}"
    return Tile(
        label=_FIGURES[name].capitalize(),
        figure=in_unit(answer, figure),
        note=f"in full {tables.in_full(answer, figure)}{words.safe(unit)}",
        exact=figure if name == first else None,
    )


def _more(answer: Explanation | CostExplanation) -> Link | None:
    listed = len(answer.events)
    if not answer.omitted or listed >= LISTED[-1]:
        return None
    more = next(number for number in LISTED if number > listed)
    text = f"list all {answer.count:,}" if more >= answer.count else f"list {more:,} of {answer.count:,}"
    return Link(text=text, words={"limit": str(more)})


def _period(period: TimePeriod) -> str:
    return f"{period.start:%Y-%m-%d %H:%M} – {period.end:%Y-%m-%d %H:%M}, {period.start.tzinfo}"


# ── which number ────────────────────────────────────────────────────────────────────────────────────────────────


def _choices(asking: Asking, metric: str, metrics: Listing[MetricInfo]) -> Choices:
    question = asking.question
    names = dict.fromkeys([COST, *(info.name for info in metrics)])
    return Choices(
        [
            Choice(name="metric", label="Number", options={name: name for name in names}, chosen=[metric]),
            Choice(
                name="limit",
                label="List",
                options={str(number): f"{number:,}" for number in LISTED},
                chosen=[str(question.number("limit", LIMIT))],
            ),
        ]
    )


def _to_choose(metrics: Listing[MetricInfo]) -> Page:
    """Return which numbers there are: what it costs first, then those of each projection."""
    reported = [evolve(info, name=COST) for info in metrics if info.name == REPORTED]
    grids = by_projection([*reported, *metrics], _METRICS)
    choose = Section(title="Choose a number", parts=[*beside(grids)], answer="metrics")
    sub = "Each leads to the events that it is made of; cost.cost to the calls, and how the cost of each comes about."
    return Page(name="events", title="Events behind a number", sub=sub, parts=[choose], answers={"metrics": metrics})


# ── what cannot be explained at once ────────────────────────────────────────────────────────────────────────────


def _several(asking: Asking, metric: str, where: Mapping[str, str], error: AnalyticsError) -> Page:
    """Return a page of money in several currencies: each leads to its own events."""
    whole = _summed_up(asking, metric, asking.period, where)
    parts: list[Part] = [Tiles(_values(whole)), Line("Money of several currencies is never added: each has its own.")]
    return _not_explained(asking, metric, where, error, whole, parts)


def _sealed(asking: Asking, metric: str, where: Mapping[str, str], error: AnalyticsError) -> Page:
    """Return a page of a period of which events are gone: what they add is in the figure, and told apart."""
    period, horizon = asking.period, error.details["horizon"].astimezone(asking.period.start.tzinfo)
    gone = TimePeriod(period.start, min(horizon, period.end), period.granularity)
    whole, sealed = (_summed_up(asking, metric, when, where) for when in (period, gone))
    tiles = [*_values(whole, "All of it"), *_values(sealed, "Of it sealed")]
    text = f"Events of before {horizon:%Y-%m-%d %H:%M} are sealed: they are gone, and what they add is kept."
    parts: list[Part] = [Tiles(tiles), Line(text, ALARM)]
    if horizon < period.end:
        rest = {**dict.fromkeys(PERIOD), "from": horizon.isoformat(), "to": period.end.isoformat()}
        parts.append(Ways([Link(text=f"The events from {horizon:%Y-%m-%d %H:%M} on", words=rest)]))
    return _not_explained(asking, metric, where, error, whole, parts)


def _not_explained(
    asking: Asking, metric: str, where: Mapping[str, str], error: AnalyticsError, whole: Summed, parts: Sequence[Part]
) -> Page:
    return Page(
        name="events",
        title=_title(" and ".join(tile.figure for tile in _values(whole)), metric, where),
        sub=_period(asking.period),
        parts=[*parts, *_lagging(whole.completeness)],
        answers={},
        foot=[footer([whole.completeness], whole.period).text],
        failure=error,
    )


def _summed_up(asking: Asking, metric: str, period: TimePeriod, where: Mapping[str, str]) -> Summed:
    """Return what a number comes to, by currency, from the read models."""
    if metric == COST:
        return asking.answers.get_cost_breakdown(period, by=("currency",), where=where).unwrap()
    return asking.answers.get_summary(metric, period, where=where).unwrap()


def _values(summed: Summed, label: str = "") -> list[Tile]:
    """Return the number in each currency; one that has no label of its own leads to its events."""
    if isinstance(summed, CostBreakdown):
        return _costs(summed, label)
    parts: Sequence[MetricSummary] = summed.by_currency or [summed]
    return [_value(part, label) for part in parts]


def _costs(breakdown: CostBreakdown, label: str) -> list[Tile]:
    return [
        Tile(
            label=label or words.safe(total.currency),
            figure=words.money(total.cost, total.currency, words.places([total.cost])),
            note=words.plural(total.calls, "call"),
            behind=Behind(metric=COST, where={"currency": total.currency}) if not label else None,
            exact=total.cost,
        )
        for total in breakdown.totals
    ]


def _value(summary: MetricSummary, label: str) -> Tile:
    figures = (getattr(summary.figures, name) for name in ("total", "maximum", "minimum", "count"))
    figure = next((figure for figure in figures if figure is not None), None)
    behind = Behind(metric=summary.metric, where={"currency": summary.currency}) if summary.currency else None
    return Tile(
        label=label or words.safe(summary.currency or summary.metric),
        figure=in_unit(summary, figure),
        behind=None if label else behind,
        exact=figure,
    )


KIND = Kind(name="events", title="Events", words=("metric", "where", "limit", *ORDERS), made=made)
