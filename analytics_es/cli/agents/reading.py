"""Reading agents' session logs for a command: which ledger, which agents, how far it is, what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from analytics_es.cli.agents.zone import machine_zone
from analytics_es.cli.display import Bar
from analytics_es.cli.options import store_option, tz
from analytics_es.cli.store import OpenStore, Place, opened
from analytics_es.ingest.sessions.agents import declared, every
from analytics_es.ingest.sessions.places import MACHINE, default_store
from analytics_es.presentation import words
from analytics_es.store import exists

if TYPE_CHECKING:
    from analytics_es.ingest.sessions.reader import SessionReader
    from analytics_es.ingest.sessions.report import AgentReport

TAGS = ["machine", "project"]  # by which a ledger tells cost apart
# What a new ledger keeps of its own user, beside what any store does: it is for those who work there.
PRIVACY = {"rules": {"attributes.git_branch": "keep"}}

ledger_option = store_option(
    lambda: str(default_store()),
    envvar="ANALYTICS_ES_AGENTS_DB",
    show_envvar=True,
    show_default="agents.db in your data folder",
    help="The ledger: a file, or postgresql://user@host/database, which may be a team's.",
)
ledger_zone_option = tz(
    help="Where days begin, such as Europe/Berlin.  [default: the ledger's; this machine's zone for a new one]"
)
agent_option = click.option(
    "--agent",
    "names",
    multiple=True,
    metavar="NAME",
    callback=lambda context, option, names: list(dict.fromkeys(declared(name).name for name in names)),
    help="Only this agent, such as codex; may be repeated.",
)
machine_option = click.option(
    "--machine",
    metavar="NAME",
    envvar=MACHINE,
    show_envvar=True,
    expose_value=False,
    callback=lambda context, option, name: context.meta.__setitem__(MACHINE, name),
    help="The machine that new calls are told to be of, as the tag `machine`.  [default: this machine's name]",
)
final_option = click.option(
    "--final",
    is_flag=True,
    help="Do not wait: take what is there of calls of which more may come, as in a file that still grows.",
)


@contextmanager
def ledger(db: Place, **options: Any) -> Iterator[OpenStore]:
    """Open the ledger, or create it; the folder of the one that nobody named, too.

    What an own policy of privacy, or the settings, say of one that is there stays as it is.
    """
    if db.address == str(default_store()):
        default_store().parent.mkdir(parents=True, exist_ok=True)
    if not db.config and not exists(db.address, schema=db.schema):
        options["privacy"] = PRIVACY
    with opened(db, tags=TAGS, zone=machine_zone(), **options) as store:
        yield store


def reader_of(store: OpenStore) -> SessionReader:
    """Return what reads sessions into a ledger, by the machine's name that --machine says, where it does."""
    context = click.get_current_context(silent=True)  # none in a thread beside the command
    return store.service.reading_sessions(machine=context.meta.get(MACHINE) if context else None)


def read(store: OpenStore, names: Sequence[str], *, final: bool) -> list[AgentReport]:
    """Read what is new of these agents, or of all, with a bar where that takes long."""
    agents = every(names)
    titles = {agent.name: agent.title for agent in agents}
    reader = reader_of(store)
    with Bar("reading sessions", amount=words.size) as bar:
        try:
            return reader.read(
                agents,
                final=final,
                progress=lambda name, done, total: bar.at(done, total, activity=f"reading {titles[name]}"),
            )
        finally:
            reader.state.close()


def title_of(name: str) -> str:
    """Return what an agent is called; who is none of ours, as it is named."""
    return next((agent.title for agent in every() if agent.name == name), name)
