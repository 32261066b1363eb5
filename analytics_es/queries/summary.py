"""What one metric comes to: figures, series, groups and the period before; and which metrics there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from analytics_es.errors import UnknownMetric
from analytics_es.projection.declaration import MONEY, Declaration, Measure
from analytics_es.queries.close import hint
from analytics_es.queries.figures import change, distribution, nothing
from analytics_es.queries.grouping import Grouping, asked_by, grouping
from analytics_es.queries.question import Question, QuestionContext
from analytics_es.queries.rows import Values, columns_of, left, named, together
from analytics_es.read_models import Tiling
from analytics_es.types import Distribution, Listing, MetricGroup, MetricInfo, MetricPoint, MetricSummary, TimePeriod
from analytics_es.types.tables import Keyed


def metrics(declarations: Sequence[Declaration]) -> Listing[MetricInfo]:
    """List every metric that can be asked for."""
    infos = (
        MetricInfo(
            name=f"{declaration.name}.{measure.name}",
            kind=measure.kind,
            unit=measure.unit,
            projection=declaration.name,
            keys=[*(key.name for key in declaration.keys if not key.of_entity), *declaration.entities],
        )
        for declaration in declarations
        for measure in declaration.measures
    )
    return Listing(infos, of=MetricInfo)


def find_metric(declarations: Sequence[Declaration], metric: str) -> tuple[Declaration, Measure]:
    """Return where a metric comes from; raises UnknownMetric, naming the close ones."""
    homes = {
        f"{declaration.name}.{measure.name}": (declaration, measure)
        for declaration in declarations
        for measure in declaration.measures
    }
    if metric in homes:
        return homes[metric]
    raise UnknownMetric(metric=metric, hint=hint(declarations, metric))


def summary(
    context: QuestionContext, metric: str, period: TimePeriod, *, group_by: Sequence[str], where: Mapping[str, str]
) -> MetricSummary:
    """Answer get_summary."""
    declared, measure = find_metric(list(context.read_models.declarations.values()), metric)
    where = context.as_logged(where)
    with context.question([declared.name], period, compared=True) as question:
        declaration, measure = question.measure(declared.name, measure.name)
        whole = _summary(question, declaration, measure, group_by, where)
        if measure.unit != MONEY:
            return whole
        spans, once = question.tiling.spans(), grouping(declaration, [], where).where
        rows = question.snapshot.sums(declaration, measure.columns, spans, where=once, by=[MONEY])
        currencies = [row[0] for row in rows if any(value is not None for value in row[1:])]
        summaries = [
            _summary(question, declaration, measure, group_by, {**where, MONEY: currency}, currency)
            for currency in currencies
        ]
        return _by_currency(measure, whole, summaries)


def _by_currency(measure: Measure, whole: MetricSummary, summaries: list[MetricSummary]) -> MetricSummary:
    """Money of different currencies is never added: one summary each, and figures only where there is one currency."""
    if len(summaries) == 1:
        return evolve(summaries[0], by_currency=summaries)
    empty = nothing(measure)
    return evolve(
        whole,
        by_currency=summaries,
        figures=empty,
        previous=empty,
        change=None,
        groups=Keyed(by=getattr(whole.groups, "by", ())),
        series=[evolve(point, figures=empty) for point in whole.series],
    )


def _summary(
    question: Question,
    declaration: Declaration,
    measure: Measure,
    by: Sequence[str],
    where: Mapping[str, str],
    currency: str | None = None,
) -> MetricSummary:
    groups, once = grouping(declaration, by, where), grouping(declaration, [], where).where

    def of(tiling: Tiling | None) -> Distribution:
        if tiling is None:
            return Distribution()
        rows = question.snapshot.sums(declaration, measure.columns, tiling.spans(), where=once)
        return distribution(measure, rows[0]) if rows else nothing(measure)

    before = question.before()
    figures, previous = of(question.tiling), of(before)
    series = question.points(declaration, [measure], once)
    return MetricSummary(
        metric=f"{declaration.name}.{measure.name}",
        unit=measure.unit,
        period=question.period,
        figures=figures,
        series=[
            MetricPoint(
                start=question.tiling.local(start),
                figures=distribution(measure, rows[0]) if rows else nothing(measure),
            )
            for (start,), rows in series.items()
        ],
        groups=_groups(question, declaration, measure, groups, once) if groups.by else [],
        previous=previous,
        change=change(figures.total, previous.total),
        currency=currency,
        by_currency=[],
        completeness=question.completeness(asked_by(where, by)),
        compared_with=before.whole() if before else None,
    )


def _groups(
    question: Question, declaration: Declaration, measure: Measure, keys: Grouping, once: Mapping[str, str]
) -> list[MetricGroup]:
    """Return the groups, the largest first. Of rows of an entity, `once` are all events: what is left is nobody's."""
    width, spans = len(keys.by), question.tiling.spans()
    rows = question.snapshot.sums(declaration, measure.columns, spans, where=keys.where, by=keys.by)
    if keys.where != once:
        rows += _of_nobody(question, declaration, measure, keys, once)
    groups = [
        MetricGroup(
            keys=dict(zip(keys.words, row[:width], strict=True)),
            figures=distribution(measure, row[width:]),
        )
        for row in rows
    ]
    return Keyed(sorted(groups, key=lambda group: -(_size(group.figures) or 0)), by=keys.words)


def _of_nobody(
    question: Question, declaration: Declaration, measure: Measure, keys: Grouping, once: Mapping[str, str]
) -> list[tuple[Any, ...]]:
    """Return the rows of what belongs to no entity, whose id is "": a read model has none of them.

    They are there where anything is left of the measure, or of how many there are.
    """
    place = keys.by.index(declaration.entity_key("id"))
    others, spans = [key for key in keys.by if key != keys.by[place]], question.tiling.spans()
    measures = [measure, *(other for other in declaration.measures if other.kind == "count" and other != measure)]
    columns, width = columns_of(measures), len(others)

    def merged(where: Mapping[str, str]) -> dict[tuple[Any, ...], Values]:
        rows = question.snapshot.sums(declaration, columns, spans, where=where, by=others)
        return {row[:width]: named(measures, row[width:]) for row in rows}

    somebody, nothing_of_it = merged(keys.where), together(measures, [])
    rows = []
    for names, whole in merged(once).items():
        rest = left(measures, whole, somebody.get(names, nothing_of_it))
        if any(rest.values()):
            figures = (rest[column.name] for column in measure.columns)
            rows.append((*names[:place], "", *names[place:], *figures))
    return rows


def _size(figures: Distribution) -> Any:
    """Return what groups are ordered by: the total, else the extreme it keeps."""
    return next((size for size in (figures.total, figures.maximum, figures.minimum) if size is not None), None)
