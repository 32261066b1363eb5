"""The group `agents`, which by itself reads and shows."""

from __future__ import annotations

from collections.abc import Sequence

import click

from analytics_es.cli.agents.reading import agent_option, final_option, ledger, ledger_option, read
from analytics_es.cli.commands import LazyGroup
from analytics_es.cli.options import json_option, zone_option
from analytics_es.cli.store import Place

# To add a command: a module of its name in this folder, and its line here, which is the first sentence of its help.
COMMANDS = {
    "check": "Compare sessions as files and as telemetry tell them.",
    "export": "Write the ledger's calls to a file, for another one.",
    "import": "Merge the calls of another ledger; again changes nothing.",
    "setup": "Print, or write, an agent's settings of telemetry.",
    "status": "Say what is read of each agent, and what is safe.",
}


@click.group(cls=LazyGroup, purposes=COMMANDS, package="analytics_es.cli.agents", invoke_without_command=True)
@agent_option
@final_option
@ledger_option
@zone_option
@json_option
@click.pass_context
def agents(context: click.Context, names: Sequence[str], final: bool, db: Place, as_json: bool) -> None:
    """Read the sessions of coding agents into a ledger, each call once, and show what they cost."""
    if context.invoked_subcommand:
        return
    with ledger(db) as store:
        reports = read(store, names, final=final)
        store.catch_up()
        click.echo(str(reports))
