"""The group `agents`, which by itself reads and shows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
from attrs import evolve
from click.core import ParameterSource

from analytics_es.cli.agents.reading import (
    agent_option,
    final_option,
    ledger_option,
    ledger_zone_option,
    machine_option,
)
from analytics_es.cli.commands import LazyGroup
from analytics_es.cli.options import json_option
from analytics_es.cli.periods import since, until
from analytics_es.cli.store import Place
from analytics_es.ingest.sessions.places import default_store
from analytics_es.presentation.asked import Asked

# To add a command: a module of its name in this folder, and its line here, which is the first sentence of its help.
COMMANDS = {
    "check": "Compare sessions as files and as telemetry tell them.",
    "export": "Write the ledger's calls to a file, for another one.",
    "import": "Merge the calls of another ledger; again changes nothing.",
    "setup": "Print, or write, an agent's settings of telemetry.",
    "status": "Say what is read of each agent, and what is safe.",
}
WITH_WATCH = {"--watch", "--agent", "--machine", "--db", "--schema", "--config", "--tz", "--json"}


def now() -> datetime:
    """Return what time it is."""
    return datetime.now(UTC)


class LedgerGroup(LazyGroup):
    """The group of the ledger, which is a store: what asks any store for a period is named to who looks for it here."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command that is named; of one that is elsewhere, say where, and of an agent, how it is named."""
        from analytics_es.ingest.strictness import agents as names

        if args[0] in names():
            ctx.fail(f"{args[0]} is an agent: write `--agent {args[0]}`.")
        root = ctx.find_root().command
        if args[0] not in self.commands and isinstance(root, click.Group):
            elsewhere = root.get_command(ctx, args[0])
            if elsewhere and {"db", "length"} <= {parameter.name for parameter in elsewhere.params}:
                place = shlex.quote(str(default_store()))
                ctx.fail(f"{args[0]} is no command of agents: write `analytics-es {args[0]} --db {place}`.")
        return super().resolve_command(ctx, args)


@click.group(cls=LedgerGroup, purposes=COMMANDS, package="analytics_es.cli.agents", invoke_without_command=True)
@click.option(
    "--since",
    "begin",
    type=since,
    metavar="LENGTH|TIME",
    default="30d",
    show_default=True,
    help="Begin here: so long ago in whole days, of which today is the last (7d, 2w, 1m, 1y), or a date.",
)
@click.option("--until", "end", type=until, metavar="TIME", help="End with this day; before it, if it is a time.")
@agent_option
@click.option("--project", default="", metavar="NAME", help="Only this project: the last part of its folder's path.")
@click.option("--blocks", "all_blocks", is_flag=True, help="All blocks of hours, and not the current one alone.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Rows of a table, of days the last; --json has all.",
)
@click.option("--watch", is_flag=True, help="Follow, and show today: look every two seconds until Ctrl-C.")
@click.option("--no-read", is_flag=True, help="Show what is in the ledger without looking for more.")
@final_option
@machine_option
@ledger_option
@ledger_zone_option
@json_option
@click.pass_context
def agents(
    context: click.Context,
    begin: Asked,
    end: datetime | None,
    names: Sequence[str],
    project: str,
    all_blocks: bool,
    top: int,
    watch: bool,
    no_read: bool,
    final: bool,
    db: Place,
    as_json: bool,
) -> None:
    """Keep a ledger of every call of your coding agents.

    Their sessions are read into it, each call once, and what they cost is shown. What was read before is not read
    again, and stays when an agent deletes its files. Calls of which more may come are taken by a later look. Nothing
    that was said or written is stored, and no path but its last part, the project.

    --json has the keys ledger, read, period, total, days, agents, models, projects, machines, blocks, unknown,
    unpriced, before and completeness; where there is nothing to read and no ledger, which is null then, also looked_in.

    \b
    A line for cron, each night at three:
      0 3 * * *  analytics-es agents > /dev/null

    \b
    Examples:
      analytics-es agents
      analytics-es agents --since 7d --project shop-api
      analytics-es agents --agent claude-code --blocks --tz Europe/Berlin
      analytics-es agents --watch
      analytics-es agents --json | jq .total.costs.USD
    """
    if context.invoked_subcommand:
        _refuse_before(context, context.invoked_subcommand)
        return
    if watch:
        _refuse_beside_watch(context)
        from analytics_es.cli.agents.watching import follow

        follow(db, names, as_json=as_json)
        return
    from analytics_es.cli.agents.showing import show_ledger

    show_ledger(
        db,
        names,
        asked=evolve(begin, until=end),
        project=project,
        top=top,
        all_blocks=all_blocks,
        reads=not no_read,
        final=final,
        as_json=as_json,
        now=now(),
    )


def _refuse_before(context: click.Context, command: str) -> None:
    """Refuse options before the name of a command, which would not heed them."""
    if typed := _typed(context):
        raise click.UsageError(f"{', '.join(typed)}: write options of {command} after its name.")


def _refuse_beside_watch(context: click.Context) -> None:
    """Refuse options that what follows would not heed."""
    if unheeded := [option for option in _typed(context) if option not in WITH_WATCH]:
        raise click.UsageError(f"--watch looks again and again, and shows today: leave out {', '.join(unheeded)}.")


def _typed(context: click.Context) -> list[str]:
    return [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
