"""The group of all commands, `analytics-es`."""

from __future__ import annotations

import logging

import click

from analytics_es import __version__
from analytics_es.cli.commands import LazyGroup

# To add a command: a module of its name in this folder, and its line here, which is the first sentence of its help.
COMMANDS = {
    "agents": "Keep a ledger of every call of your coding agents.",
    "aggregate": "Derive the read models of a period again from the log.",
    "backup": "Copy the log to a file while everybody goes on.",
    "budgets": "Say what is spent of budgets, and what remains.",
    "check": "Say whether a store is ready, or whether the report in FILE holds.",
    "checksums": "Give checksums to events that have none, or to a mended one.",
    "correct": "Correct what a call reported to have cost.",
    "cost": "Say what was charged for what, and what is not known.",
    "dead-letters": "What projections could not use: which event, and why.",
    "demo": "Record a made-up week of an agent platform, and report.",
    "diff": "Say what changed in the answers about a period.",
    "explain": "List the events behind one number of a METRIC.",
    "export": "Write events, or the series of metrics, to a file.",
    "forget": "Forget SUBJECT for good, named as it was recorded.",
    "import": "Import files of events; a file again changes nothing.",
    "metrics": "List every metric that summary and export know.",
    "migrate": "Prepare a store for this version, or create it.",
    "performance": "Say how fast and how reliable every operation was.",
    "prices": "Publish prices, and look at those that are known.",
    "projections": "Look at the projections and their read models.",
    "record": "Record one event, durably, and print its position.",
    "rejected": "Messages that could not be recorded: which, why, and what is kept.",
    "report": "Show usage, performance and cost on one screen, or write them to a file.",
    "retain": "Seal and delete events that are to be kept no longer.",
    "run": "Keep the read models up to date until stopped.",
    "serve": "Record what is sent over HTTP, and show pages, until stopped.",
    "summary": "Sum up one METRIC: figures, groups, series, and before.",
    "unit-costs": "Say what a job, a successful task or a conversation costs.",
    "usage": "Say who used how much: everyone, all of a kind, or one.",
    "views": "List the SQL views of a store for Grafana, Metabase, Datasette.",
}


@click.group(
    cls=LazyGroup,
    purposes=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="analytics-es")
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
