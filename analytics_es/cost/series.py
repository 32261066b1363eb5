"""What calls cost over time, by what they are told apart by: get_cost_series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from analytics_es.cost.breakdown import Groups, money, of_nobody
from analytics_es.cost.cells import NEEDED
from analytics_es.cost.pricing import Assumption, Costing
from analytics_es.cost.what_if import check_models
from analytics_es.projection.declaration import MONEY
from analytics_es.queries import Question, QuestionContext
from analytics_es.queries.grouping import Grouping, asked_by, grouping
from analytics_es.types import CostSeries, CostSeriesPoint, TimePeriod

START = "start"  # of a bucket, which stands before the keys of a group


def cost_series(
    context: QuestionContext,
    period: TimePeriod,
    by: Sequence[str],
    *,
    where: Mapping[str, str] | None = None,
    assumption: Assumption | None = None,
) -> CostSeries:
    """Answer get_cost_series."""
    filters = context.as_logged(where or {})
    return context.answer(["cost"], period, lambda question: _cost_series(question, by, filters, assumption))


def _cost_series(
    question: Question, by: Sequence[str], filters: Mapping[str, str], assumption: Assumption | None
) -> CostSeries:
    declaration, currency = question.declaration("cost", NEEDED), filters.get(MONEY)
    filters = {word: text for word, text in filters.items() if word != MONEY}
    if assumption:
        check_models(question, declaration, assumption)
    with Costing(question, declaration, assumption, currency=currency) as costing:
        groups = _groups(question, costing, grouping(declaration, by, filters), grouping(declaration, [], filters))
    _, starts = question.tiling.series(question.requested.granularity)
    locally = {start: question.tiling.local(start) for start in starts}
    points = _points(groups, [word for word in by if word != MONEY], locally)
    return CostSeries(
        period=question.period,
        by=list(by),
        starts=[*locally.values()],
        points=points,
        calls=sum(point.calls for point in points),
        unknown_calls=sum(point.calls for point in points if point.cost is None),
        supposed=assumption is not None,
        completeness=question.completeness(asked_by(filters, by)),
    )


def _groups(question: Question, costing: Costing, groups: Grouping, once: Grouping) -> Groups:
    """Return costs by the start of a bucket and the keys that are asked for."""
    keys = [key for key in groups.by if key != MONEY]
    of_entity = [key.name for key in costing.declaration.keys if key.of_entity and groups.where != once.where]
    others = [key for key in keys if key not in of_entity]
    costs = partial(costing.unsettled, question.tiling, granularity=question.requested.granularity, detail="usage")
    everyone = costs(where=once.where, by=others)
    if others == keys:
        return costing.settled(everyone)
    of_somebody = costs(where=groups.where, by=keys)
    nobody = of_nobody(of_somebody, [START, *keys], [START, *others], everyone)
    return costing.settled({**of_somebody, **nobody})


def _points(groups: Groups, words: Sequence[str], locally: Mapping[int, datetime]) -> list[CostSeriesPoint]:
    points = [
        (
            start,
            CostSeriesPoint(
                start=locally[start],
                keys=dict(zip(words, keys, strict=True)),
                currency=currency,
                calls=charge.calls,
                **money(charge),
            ),
        )
        for (start, *keys), costs in groups.items()
        for currency, charge in costs.by_currency()
        if charge.calls or charge.used or charge.cost is not None
    ]
    return [point for _, point in sorted(points, key=_in_order)]


def _in_order(placed: tuple[int, CostSeriesPoint]) -> tuple[Any, ...]:
    """Order by time, and within a bucket as the rows of a breakdown."""
    start, point = placed
    return (start, point.cost is None, -(point.cost or 0), -point.calls, *point.keys.values(), point.currency)
