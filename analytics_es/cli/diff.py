"""diff: what changed in the answers about a period between two positions of the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import click

from analytics_es.cli.display import Bar
from analytics_es.cli.options import Question, period_options, place, top_option
from analytics_es.cli.store import existing
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, words
from analytics_es.presentation.tables.parts import cut, heading
from analytics_es.types import AnswerDiff, ChangeOfKind, ChangingEvent, Distribution, MetricChange

At = int | datetime  # a position, or a time of recording


@click.command()
@click.option("--before", type=place, required=True, metavar="POSITION|TIME", help="What is compared: as of then.")
@click.option("--after", type=place, metavar="POSITION|TIME", help="What it is compared to.  [default: now]")
@click.option("--metric", metavar="NAME", help="Only this metric.")
@top_option
@period_options
def diff(question: Question, before: At, after: At | None, metric: str | None, top: int) -> None:
    """Say what changed in the answers about a period.

    Events that were recorded after --before and happened in the period, late ones, corrections and erasures apart,
    and what they did to every metric.

    \b
    Examples:
      analytics-es diff --before 1200 --last 7d
      analytics-es diff --before 2026-12-01 --after 2026-12-05 --from 2026-11-01 --to 2026-12-01
      analytics-es diff --before 1200 --metric cost.reported_cost --json
    """
    with existing(question.db) as store, Bar("replaying"):
        period = question.period(store)
        then, later = store.place(before), None if after is None else store.place(after)
        answer = store.service.diff(period, then, later, metric=metric).unwrap()
    question.show(answer, _changes(answer, top))


_KINDS: Columns[ChangeOfKind] = [
    Column("kind", lambda change: change.kind),
    Number("events", lambda change: words.count(change.events)),
    Number("first position", lambda change: words.count(change.first_position)),
    Number("last position", lambda change: words.count(change.last_position)),
]
_METRICS: Columns[MetricChange] = [
    Column("metric", lambda change: change.metric),
    Column("of", lambda change: f"{_figure(change)} {words.safe(change.currency or change.unit)}".strip()),
    Number("was", lambda change: words.decimal(_at(change.was, _figure(change)))),
    Number("now", lambda change: words.decimal(_at(change.now, _figure(change)))),
    Number("difference", lambda change: words.decimal(_at(change.difference, _figure(change)))),
]
_EVENTS: Columns[ChangingEvent] = [
    Number("position", lambda event: words.count(event.position)),
    Column("kind", lambda event: event.kind),
    Column("type", lambda event: event.type),
    Column("occurred", lambda event: words.moment(event.occurred_at)),
    Column("recorded", lambda event: words.moment(event.recorded_at)),
    Column("id", lambda event: words.safe(event.id)),
]


def _changes(answer: AnswerDiff, top: int) -> Iterator[Block]:
    yield from heading("Changes", answer.period, series=False)
    if answer.kinds:
        events = answer.events[:top]
        beyond = sum(change.events for change in answer.kinds) - len(events)
        yield Grid("What came in", _KINDS, answer.kinds)
        yield Grid("What it did", _METRICS, *cut(answer.metrics, top))
        yield Grid("Which they are", _EVENTS, events, f"… and {beyond:,} more" if beyond > 0 else "")
    else:
        yield Line("Nothing changed: no event of this period was recorded in between.")
    yield Line(f"from position {answer.before:,} to {answer.after:,} · {answer.period.start.tzinfo}", "dim")


def _figure(change: MetricChange) -> str:
    return next((name for name in ("total", "maximum", "minimum") if _at(change.now, name) is not None), "count")


def _at(figures: Distribution, name: str) -> Decimal | None:
    figure = getattr(figures, name)
    return None if figure is None else Decimal(figure)
