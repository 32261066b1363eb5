"""The command line, `analytics-es`: one module a group of commands."""

from __future__ import annotations

import logging
from importlib import metadata

import click

from analytics_es.cli.budgets import budgets
from analytics_es.cli.correcting import correct
from analytics_es.cli.dead_letters import dead_letters
from analytics_es.cli.demo import demo
from analytics_es.cli.diffing import diff
from analytics_es.cli.explaining import explain
from analytics_es.cli.failures import Group
from analytics_es.cli.following import run
from analytics_es.cli.forgetting import forget
from analytics_es.cli.keeping import aggregate, backup, export, migrate
from analytics_es.cli.prices import prices
from analytics_es.cli.projections import projections
from analytics_es.cli.questions import cost, metrics, performance, report, summary, unit_costs, usage
from analytics_es.cli.rebuilding import rebuild  # noqa: F401  # a command of projections
from analytics_es.cli.recording import import_, record
from analytics_es.cli.retaining import retain
from analytics_es.cli.verifying import verify

__all__ = ["main"]


def _version() -> str:
    try:
        return metadata.version("analytics-es")
    except metadata.PackageNotFoundError:
        return "(not installed)"


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="analytics-es")
def main() -> None:
    """Event-sourced analytics for AI-agent platforms: usage, performance and cost you can prove.

    Record or import events into a store, two SQLite files or a PostgreSQL schema, and ask. A question catches up
    first, and says what its answer stands on.

    \b
    Examples:
      analytics-es demo
      analytics-es import events.jsonl
      analytics-es report --last 24h
    """
    # What the package logs is told by the commands themselves.
    logging.getLogger("analytics_es").addHandler(logging.NullHandler())


for _command in (import_, record, demo, report, usage, performance, cost, unit_costs, budgets, summary):
    main.add_command(_command)
for _command in (explain, diff, metrics):
    main.add_command(_command)
for _command in (correct, export, backup, retain, forget, aggregate, migrate, prices, projections, dead_letters, run):
    main.add_command(_command)
projections.add_command(verify)
