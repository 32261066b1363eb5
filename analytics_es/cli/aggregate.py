"""aggregate: the read models of a period, derived again from the log."""

from __future__ import annotations

import click

from analytics_es.cli.display import Bar
from analytics_es.cli.options import Question, period_options
from analytics_es.presentation import Line, words


@click.command()
@period_options
def aggregate(question: Question) -> None:
    """Derive the read models of a period again from the log.

    They are swapped in at once; who asks meanwhile sees the old ones.

    \b
    Examples:
      analytics-es aggregate --last 24h
      analytics-es aggregate --from 2026-11-01 --to 2026-11-08 --json
    """
    with question.caught_up() as (store, period), Bar("aggregating"):
        result = store.service.run_aggregation(period).unwrap()
    text = (
        f"derived {words.plural(result.rows, 'row')} of {', '.join(result.projections)} again from "
        f"{words.plural(result.events, 'event')}, up to position {result.position:,}, in {result.seconds:.1f} s"
    )
    question.show(result, [Line(text)])
