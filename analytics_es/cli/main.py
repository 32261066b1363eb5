"""The group of all commands, `analytics-es`."""

from __future__ import annotations

import logging
from importlib import metadata

import click

from analytics_es.cli.aggregate import aggregate
from analytics_es.cli.backup import backup
from analytics_es.cli.budgets import budgets
from analytics_es.cli.correct import correct
from analytics_es.cli.cost import cost
from analytics_es.cli.dead_letters import dead_letters
from analytics_es.cli.demo import demo
from analytics_es.cli.diff import diff
from analytics_es.cli.explain import explain
from analytics_es.cli.export import export
from analytics_es.cli.failures import Group
from analytics_es.cli.forget import forget
from analytics_es.cli.import_ import import_
from analytics_es.cli.metrics import metrics
from analytics_es.cli.migrate import migrate
from analytics_es.cli.performance import performance
from analytics_es.cli.prices import prices
from analytics_es.cli.projections import projections
from analytics_es.cli.rebuild import rebuild
from analytics_es.cli.record import record
from analytics_es.cli.report import report
from analytics_es.cli.retain import retain
from analytics_es.cli.run import run
from analytics_es.cli.summary import summary
from analytics_es.cli.unit_costs import unit_costs
from analytics_es.cli.usage import usage
from analytics_es.cli.verify import verify


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


for _command in (import_, record, demo, report, usage, performance, cost, unit_costs, budgets, summary, metrics):
    main.add_command(_command)
for _command in (explain, diff, correct, export, backup, retain, forget, aggregate, migrate, prices, projections):
    main.add_command(_command)
for _command in (dead_letters, run):
    main.add_command(_command)
for _command in (rebuild, verify):
    projections.add_command(_command)
