"""Differences: what changed in the answers about a period between two positions of the log."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import click

from analytics_es.cli.display import Bar, Block, Cell, Column, Grid, Line, words
from analytics_es.cli.options import Asked, about_period, place, top_option
from analytics_es.cli.tables import parts
from analytics_es.types import AnswerDiff, ChangeOfKind, ChangingEvent, Distribution, MetricChange

Place = int | datetime


@click.command()
@click.option("--before", type=place, required=True, metavar="POSITION|TIME", help="What is compared: as of then.")
@click.option("--after", type=place, metavar="POSITION|TIME", help="What it is compared to.  [default: now]")
@click.option("--metric", metavar="NAME", help="Only this metric.")
@top_option
@about_period
def diff(asked: Asked, before: Place, after: Place | None, metric: str | None, top: int) -> None:
    """Say what changed in the answers about a period.

    Events that were recorded after --before and happened in the period, late ones, corrections and erasures apart,
    and what they did to every metric.

    \b
    Examples:
      analytics-es diff --before 1200 --last 7d
      analytics-es diff --before 2026-12-01 --after 2026-12-05 --from 2026-11-01 --to 2026-12-01
      analytics-es diff --before 1200 --metric cost.reported_cost --json
    """
    with asked.store() as store, Bar("replaying"):
        period = asked.period(store)
        then, later = store.place(before), None if after is None else store.place(after)
        found = store.service.diff(period, then, later, metric=metric).unwrap()
    asked.tell(found, lambda: _told(found, top))


def _told(found: AnswerDiff, top: int) -> list[Block]:
    heading = parts.heading("Changes", found.period, series=False)
    footer = Line(f"from position {found.before:,} to {found.after:,} · {found.period.start.tzinfo}", "dim")
    if not found.kinds:
        return [*heading, Line("Nothing changed: no event of this period was recorded in between."), footer]
    return [*heading, _kinds(found.kinds), _metrics(found.metrics, top), _events(found, top), footer]


def _kinds(kinds: list[ChangeOfKind]) -> Grid:
    columns = [Column("kind"), *(Column(title, right=True) for title in ("events", "first position", "last position"))]
    rows: list[list[Cell]] = [
        [each.kind, words.count(each.events), words.count(each.first_position), words.count(each.last_position)]
        for each in kinds
    ]
    return Grid("What came in", columns, rows)


def _metrics(metrics: list[MetricChange], top: int) -> Grid:
    columns = [Column("metric"), Column("of"), *(Column(title, right=True) for title in ("was", "now", "difference"))]
    rows, remark = parts.cut([_metric(each) for each in metrics], top)
    return Grid("What it did", columns, rows, remark)


def _metric(change: MetricChange) -> list[Cell]:
    of, name = change.currency or change.unit, _shown(change.now)
    figures = (change.was, change.now, change.difference)
    return [change.metric, f"{name} {words.safe(of)}".strip(), *(words.decimal(_at(each, name)) for each in figures)]


def _shown(figures: Distribution) -> str:
    return next((name for name in ("total", "maximum", "minimum") if _at(figures, name) is not None), "count")


def _at(figures: Distribution, name: str) -> Decimal | None:
    value = getattr(figures, name)
    return None if value is None else Decimal(value)


def _events(found: AnswerDiff, top: int) -> Grid:
    titles = ("kind", "type", "occurred", "recorded", "id")
    columns = [Column("position", right=True), *(Column(title) for title in titles)]
    rows, _ = parts.cut([_event(each) for each in found.events], top)
    beyond = sum(each.events for each in found.kinds) - len(rows)
    return Grid("Which they are", columns, rows, f"… and {beyond:,} more" if beyond > 0 else "")


def _event(event: ChangingEvent) -> list[Cell]:
    times = (words.moment(event.occurred_at), words.moment(event.recorded_at))
    return [words.count(event.position), event.kind, event.type, *times, words.safe(event.id)]
