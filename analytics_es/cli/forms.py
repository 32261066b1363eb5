"""--format: how an answer is printed, for people or for programs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from analytics_es.cli.display import FORMATS, Form

Command = Callable[..., None]

_format = click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="How to print the answer; json has everything, csv one table, md all of them.  [default: table]",
)
_table = click.option(
    "--table",
    "sheet",
    metavar="NAME",
    help="Which table of the answer, as csv or md: series, totals …  [default: the main one]",
)


def form_options(command: Command) -> Command:
    """Give a command that has --json also --format, of which that is the short form, and --table."""

    @functools.wraps(command)
    def formed(*arguments: Any, as_json: bool, form: str | None, sheet: str | None, **options: Any) -> None:
        if as_json and form not in (None, "json"):
            raise click.UsageError(f"--json is --format json: leave it or --format {form} out.")
        kept = Form("json" if as_json else form or "table", sheet)
        if sheet and not kept.is_sheet:
            raise click.UsageError("--table goes with --format csv or --format md.")
        kept.keep()
        command(*arguments, as_json=kept.name == "json", **options)

    return _format(_table(formed))
