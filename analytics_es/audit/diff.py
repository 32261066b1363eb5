"""Diff: what changed in the answers about a period between two positions of the log, and which events did it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from analytics_es.errors import BackwardDiff
from analytics_es.events import codec
from analytics_es.events.event import OWN
from analytics_es.log import LogSlice
from analytics_es.projection.declaration import MONEY, Declaration, Measure
from analytics_es.queries.derived import DerivedReadModels
from analytics_es.queries.figures import DIGITS, distribution, nothing
from analytics_es.queries.grouping import grouping
from analytics_es.queries.summary import find_metric
from analytics_es.read_models import ReadModels, Tiling, check_exact
from analytics_es.store import Store
from analytics_es.types import AnswerDiff, ChangeOfKind, ChangingEvent, Distribution, MetricChange, TimePeriod

LATE = "late"
KINDS = {"corrected": "correction", "erased": "erasure", "forgotten": "erasure"}
_FROM_NOTHING = ("count", "total")

Metric = tuple[str, str | None]  # its name, and the currency of money
Figures = dict[Metric, tuple[Measure, Distribution]]


def kind_of_change(event_type: str) -> str:
    """Say what an event does to answers, by the last part of its type.

    `….corrected` is a correction, `….erased` or `….forgotten` an erasure; every other event is late: it came in after
    the first of the two positions and happened in the period.
    """
    return KINDS.get(event_type.rpartition(".")[2], LATE)


def diff(store: Store, before: int, after: int, period: TimePeriod, *, metric: str | None, limit: int) -> AnswerDiff:
    """Answer `AnalyticsService.diff`; raises BackwardDiff, UnknownMetric, BadPeriod, SealedPeriod."""
    if before > after:
        raise BackwardDiff(before=before, after=after)
    declarations = store.declarations if metric is None else [find_metric(store.declarations, metric)[0]]
    tiling = Tiling.of(store.calendar, period)
    check_exact(store.log, tiling.start, before, "a comparison")
    kinds, events = _by_kind(LogSlice(store.log, after=before, upto=after), tiling, limit)
    metrics = [
        change
        for declaration in (declarations if kinds else ())
        for change in _changes(store, before, after, declaration, tiling, [change.kind for change in kinds])
        if metric in (None, change.metric)
    ]
    return AnswerDiff(
        period=tiling.period(period),
        before=before,
        after=after,
        kinds=kinds,
        metrics=metrics,
        events=events,
    )


# ── the events ──────────────────────────────────────────────────────────────────────────────────────────────────


def _by_kind(arrivals: LogSlice, tiling: Tiling, limit: int) -> tuple[list[ChangeOfKind], list[ChangingEvent]]:
    """Sort the events of whole hours by kind, and read the first of them."""
    changes: dict[str, list[tuple[int, int, int]]] = {}
    events: list[ChangingEvent] = []
    for batch in map(_without_own, arrivals.scan_period(*tiling.within)):
        for event_type, count, first, last in _by_type(batch):
            changes.setdefault(kind_of_change(event_type), []).append((count, first, last))
        events += _read(batch.slice(0, limit - len(events)))
    kinds = [
        ChangeOfKind(
            kind=kind,
            events=sum(count for count, _, _ in parts),
            first_position=min(first for _, first, _ in parts),
            last_position=max(last for _, _, last in parts),
        )
        for kind, parts in changes.items()
    ]
    return sorted(kinds, key=lambda change: change.first_position), events


def _without_own(batch: pa.Table) -> pa.Table:
    """Leave out what the service says of itself, which changes no answer, unless it is an erasure."""
    types = batch.column("type").unique().to_pylist()
    changing = [name for name in types if not name.startswith(OWN) or kind_of_change(name) != LATE]
    if len(changing) == len(types):
        return batch
    return batch.filter(pc.is_in(batch.column("type"), pa.array(changing, pa.string())))


def _by_type(batch: pa.Table) -> Iterator[tuple[str, int, int, int]]:
    """Yield each type with how many events are of it, and the first and the last of their positions."""
    counts = [("position", count) for count in ("count", "min", "max")]
    grouped = batch.group_by("type", use_threads=False).aggregate(counts)
    names = ("type", "position_count", "position_min", "position_max")
    yield from zip(*(grouped[name].to_pylist() for name in names), strict=True)


def _read(batch: pa.Table) -> Iterator[ChangingEvent]:
    for row in batch.to_pylist():
        try:
            event = codec.decode(row["position"], row["type"], row["state"])
        except Exception:  # noqa: S112  # what is stored but is no event is counted, and listed as unreadable
            continue
        yield ChangingEvent(
            position=row["position"],
            kind=kind_of_change(event.type),
            type=event.type,
            source=event.source,
            id=event.id,
            occurred_at=event.occurred_at,
            recorded_at=event.recorded_at,
        )


# ── the figures ─────────────────────────────────────────────────────────────────────────────────────────────────


def _changes(
    store: Store, before: int, after: int, declaration: Declaration, tiling: Tiling, kinds: Sequence[str]
) -> Iterator[MetricChange]:
    was, now = (_as_of(store, position, declaration, tiling) for position in (before, after))
    alone = {kind: _alone(store, before, after, declaration, tiling, kind) for kind in kinds}
    for metric, (measure, figures) in now.items():
        earlier = _of(was, metric, measure)
        by_kind = {kind: _of(figures_of_kind, metric, measure) for kind, figures_of_kind in alone.items()}
        if figures != earlier or any(alone != nothing(measure) for alone in by_kind.values()):
            yield MetricChange(
                metric=metric[0],
                unit=measure.unit,
                currency=metric[1],
                was=earlier,
                now=figures,
                difference=difference(earlier, figures),
                by_kind=by_kind,
            )


def _of(figures: Figures, metric: Metric, measure: Measure) -> Distribution:
    return figures[metric][1] if metric in figures else nothing(measure)


def _as_of(store: Store, position: int, declaration: Declaration, tiling: Tiling) -> Figures:
    """Return the figures as the log stood at a position, of read models of just the period and the one before."""
    part, whole = LogSlice(store.log, upto=position), tiling.with_before()
    with closing(DerivedReadModels.build(part, declaration, whole, store.fold)) as read_models:
        return _figures(read_models, declaration, tiling)


def _alone(store: Store, before: int, after: int, declaration: Declaration, tiling: Tiling, kind: str) -> Figures:
    """Fold the events of one kind alone: read models only ever add, so this is what they gave."""

    def of_kind(event_type: str) -> bool:
        return kind_of_change(event_type) == kind

    part = LogSlice(store.log, after=before, upto=after, of_types=of_kind)
    with closing(DerivedReadModels.build(part, declaration, tiling, store.fold)) as read_models:
        return _figures(read_models, declaration, tiling)


def _figures(read_models: ReadModels, declaration: Declaration, tiling: Tiling) -> Figures:
    """Return the figures of every metric of a projection, of money one for each currency."""
    once = grouping(declaration, [], {}).where
    money = [measure for measure in declaration.measures if measure.unit == MONEY]
    others = [measure for measure in declaration.measures if measure.unit != MONEY]
    figures: Figures = {}
    with read_models.read() as snapshot:
        for measures, by in ((others, []), (money, [MONEY])):
            columns = [column for measure in measures for column in measure.columns]
            rows = snapshot.sums(declaration, columns, tiling.spans(), where=once, by=by) if measures else []
            for row in rows:
                currency = row[0] if by else None
                figures |= _measured(declaration, measures, currency, list(row[len(by) :]))
    return figures


def _measured(
    declaration: Declaration, measures: Sequence[Measure], currency: str | None, values: list[Any]
) -> Figures:
    figures: Figures = {}
    for measure in measures:
        own, values = values[: len(measure.columns)], values[len(measure.columns) :]
        if currency is None or any(value is not None for value in own):
            figures[f"{declaration.name}.{measure.name}", currency] = (measure, distribution(measure, own))
    return figures


def difference(was: Distribution, now: Distribution) -> Distribution:
    """Return what came on top, figure by figure."""
    names = [figure.name for figure in attrs.fields(Distribution)]
    return Distribution(**{name: _less(name, getattr(was, name), getattr(now, name)) for name in names})


def _less(name: str, was: Decimal | int | None, now: Decimal | int | None) -> Any:
    if was is None or now is None:
        return now if was is None and name in _FROM_NOTHING else None
    return now - was if isinstance(now, int) else DIGITS.subtract(now, Decimal(was))
