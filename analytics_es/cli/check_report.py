"""check FILE: whether a report in a file holds."""

from __future__ import annotations

from pathlib import Path

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.failures import Failed
from analytics_es.cli.hints import complete
from analytics_es.cli.report_file import OUTPUT, written_as
from analytics_es.cli.store import Place, existing
from analytics_es.errors import CannotRead, CannotWrite, FileExists, MissingExtra, NotAReport
from analytics_es.presentation.tables.report_check import report_check as tables
from analytics_es.types.sentences import of_error


class NotChecked(Failed):
    """The file is no report: nothing was found out."""

    exit_code = 2


def check_report(file: Path, db: Place, redraw: Path | None, as_json: bool) -> None:
    """Say whether a report holds: 0 if so, 1 if not, 2 where the file is none, or what is drawn anew has no place."""
    from analytics_es.presentation.report import check_report as checked

    if redraw == OUTPUT:
        raise click.UsageError("--redraw needs the name of a file: standard output says whether FILE holds.")
    try:
        with existing(db) as store, Bar("deriving again", unit="pages") as bar:
            answer = checked(store.service, file, redraw=redraw, progress=bar.report).unwrap()
            if answer.redrawn:
                store.catch_up()  # with what the log was told of it
    except (CannotRead, CannotWrite, FileExists, MissingExtra, NotAReport) as error:
        raise NotChecked(f"error: {complete(of_error(error))}") from error
    print_answer(answer, tables(answer), as_json)
    if redraw:
        drawn = "nothing was drawn anew" if answer.redrawn is None else written_as(answer.redrawn)
        click.echo(drawn, err=True)
    if not answer.holds:
        click.get_current_context().exit(1)
