"""report: usage, performance and cost on one screen, or in a file."""

from __future__ import annotations

from pathlib import Path

import click

from analytics_es.cli.options import PATH, Question, question_options
from analytics_es.cli.report_file import OUTPUT, replaceable, write_html, write_svg
from analytics_es.lifecycle.files import free
from analytics_es.presentation.tables import report as tables


@click.command()
@click.option("--html", type=PATH, metavar="FILE", help="Write a page that needs nothing else; - is standard output.")
@click.option("--no-script", is_flag=True, help="Without what lets charts be zoomed: for a mail, with pictures.")
@click.option("--svg", type=PATH, metavar="FILE", help="Write what a terminal shows as a picture.")
@click.option("--replace", is_flag=True, help="Replace a file of that name.")
@question_options
def report(question: Question, html: Path | None, no_script: bool, svg: Path | None, replace: bool) -> None:
    """Show usage, performance and cost on one screen, or write them to a file.

    A page that is written says what it stands on, and `analytics-es check FILE` derives it again from the log.

    \b
    Examples:
      analytics-es report
      analytics-es report --last-month
      analytics-es report --last 24h --db demo.db
      analytics-es report --as-of 12
      analytics-es report --last-week --html week.html --no-script
    """
    if replace and not (html or svg):
        raise click.UsageError("--replace goes with --html or --svg.")
    if no_script and not html:
        raise click.UsageError("--no-script goes with --html.")
    if html and svg and (html == svg or html.absolute() == svg.absolute()):
        raise click.UsageError("--html and --svg name the same file: they are two.")
    if svg and not replace and svg != OUTPUT:
        with replaceable():
            free(svg)  # said before the other file is written
    if html:
        write_html(question, html, script=not no_script, replace=replace)
    if html and not svg:
        return
    with question.answering() as (service, period):
        answers = tables.reported(service, period)
    if svg:
        write_svg(question, svg, answers, tables.report(answers), replace=replace)
    else:
        question.show(answers, tables.report(answers))
