"""check: whether a store is ready, for cron and containers; with a file, whether the report in it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.core import ParameterSource

from analytics_es.cli.display import print_answer
from analytics_es.cli.lag import LagLimit, max_lag_option
from analytics_es.cli.options import PATH, db_option, json_option
from analytics_es.cli.store import Place, existing
from analytics_es.errors import AnalyticsError, BadSettings, BadWord
from analytics_es.presentation import Block, Line
from analytics_es.service.health import unopened
from analytics_es.types import Health, HealthCheck
from analytics_es.types.sentences import joined, sentence

_STYLES = {"ok": "", "warning": "yellow", "failed": "red"}


@click.command()
@click.argument("file", type=PATH, required=False)
@max_lag_option("How far the read models may be behind", default="60s", show_default=True)
@click.option("--redraw", type=PATH, metavar="NEW", help="Write the report of FILE anew, from the log.")
@click.option("--quiet", is_flag=True, help="Print only what is not well; nothing where all is.")
@db_option
@json_option
def check(db: Place, file: Path | None, max_lag: LagLimit, redraw: Path | None, quiet: bool, as_json: bool) -> None:
    """Say whether a store is ready, or whether the report in FILE holds.

    A line for each check: the store can be read, an event could be recorded now (which is tried, and records nothing),
    the read models are no further behind than they may be, events that are to be kept no longer are gone; and, for
    information, what could not be read. Exit code 0 where it is ready, 1 where it is not. Nothing is caught up before:
    who keeps the store up to date is what is checked, such as `run`, `serve` or your application.

    With FILE, a report that `report --html` wrote: its figures are derived again from the log. Exit code 0 where it
    holds, 1 where it does not, 2 where the file is none, the store cannot be read, or NEW cannot be written.

    \b
    Examples:
      analytics-es check
      analytics-es check --max-lag 5m --quiet
      analytics-es check --db analytics.db --max-lag 1000 --json
      analytics-es check week.html
      analytics-es check week.html --redraw anew.html
    """
    if file is not None:
        _refuse_with_file()
        from analytics_es.cli.check_report import check_report

        check_report(file, db, redraw, as_json)
        return
    if redraw:
        raise click.UsageError("--redraw goes with FILE.")
    health = _health(db, max_lag)
    if as_json:
        print_answer(health, [], as_json)
    elif lines := list(_lines(health, quiet)):
        print_answer(health, lines, as_json)
    if not health.ready:
        click.get_current_context().exit(1)


def _refuse_with_file() -> None:
    """Refuse options that say nothing of a report."""
    context = click.get_current_context()
    for name in ("max_lag", "quiet"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} is about a store: leave it or FILE out.")


def _health(db: Place, limit: LagLimit) -> Health:
    """Return what the store says; one that cannot be opened is not ready, and what is typed wrong is no answer."""
    bounds = {"max_lag": limit.seconds, "max_lag_events": limit.events}
    try:
        with existing(db) as store:
            return store.service.check_health(**bounds).unwrap()
    except (BadSettings, BadWord):
        raise
    except AnalyticsError as error:
        return unopened(error, **bounds)


def _lines(health: Health, quiet: bool) -> Iterator[Block]:
    for looked in health.checks:
        if not quiet or looked.state != "ok":
            yield Line(_line(looked), _STYLES[looked.state])


def _line(looked: HealthCheck) -> str:
    said = joined(" ", filter(None, [looked.finding, looked.advice]))
    return sentence("{state:<7}  {name:<12}  {said}", state=looked.state, name=looked.name, said=said)
