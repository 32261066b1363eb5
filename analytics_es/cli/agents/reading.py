"""Reading agents' session logs for a command: which store, which agents, how far it is, what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from analytics_es.cli.display import Bar
from analytics_es.cli.options import store_option
from analytics_es.cli.store import OpenStore, Place, opened
from analytics_es.ingest.sessions.agents import declared, every
from analytics_es.ingest.sessions.places import default_store

if TYPE_CHECKING:
    from analytics_es.ingest.sessions.declaration import Agent
    from analytics_es.ingest.sessions.reader import AgentReport

TAGS = ["machine", "project"]  # by which a new ledger tells cost apart

ledger_option = store_option(
    str(default_store()),
    envvar="ANALYTICS_ES_AGENTS_DB",
    show_envvar=True,
    help="The ledger: a file, or postgresql://user@host/database, which may be a team's.",
)
agent_option = click.option(
    "--agent",
    "names",
    multiple=True,
    metavar="NAME",
    callback=lambda context, option, names: [declared(name).name for name in names],
    help="Only this agent, such as codex; may be repeated.",
)
final_option = click.option(
    "--final", is_flag=True, help="Take calls for certain of which more may come, as of a file that still grows."
)


@contextmanager
def ledger(db: Place, **options: Any) -> Iterator[OpenStore]:
    """Open the ledger, or create it; the folder of the one that nobody named, too. Options are those of a store."""
    if db.address == str(default_store()):
        default_store().parent.mkdir(parents=True, exist_ok=True)
    with opened(db, tags=TAGS, **options) as store:
        yield store


def chosen(names: Sequence[str]) -> list[Agent]:
    """Return the agents that are named, or all."""
    return every(names)


def read(store: OpenStore, names: Sequence[str], *, final: bool) -> list[AgentReport]:
    """Read what is new, with a bar where that takes long."""
    reader = store.service.reading_sessions()
    with Bar("reading sessions") as bar:
        try:
            return reader.read(
                chosen(names), final=final, progress=lambda agent, done, total: bar.at(done, total, counted=done)
            )
        finally:
            reader.state.close()
