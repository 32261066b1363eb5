"""agents status: what is there of each agent, what of it is safe in the ledger, and what is deleted when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from attrs import asdict

from analytics_es.cli.agents import group
from analytics_es.cli.agents.reading import agent_option, ledger_option, reader_of, title_of
from analytics_es.cli.agents.zone import machine_zone
from analytics_es.cli.display import print_answer
from analytics_es.cli.options import json_option
from analytics_es.cli.store import OpenStore, Place, existing
from analytics_es.cli.tables import agents_status as tables
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.sessions.counts import CallCounts, calls_in
from analytics_es.ingest.sessions.status import AgentStatus
from analytics_es.ingest.sessions.status import status as status_of
from analytics_es.store import exists


@click.command()
@agent_option
@ledger_option
@json_option
def status(names: Sequence[str], db: Place, as_json: bool) -> None:
    """Say what is read of each agent, and what is safe.

    Of each agent that is there: its files, how many of them are in the ledger with all that they tell, and which one
    the agent deletes next, and when; its calls in the ledger, whichever machine read them, how many of them are partial
    and how many are still open; what was passed over, and why; what cannot be read. Nothing is read or changed.

    \b
    Examples:
      analytics-es agents status
      analytics-es agents status --agent claude-code --json
    """
    if exists(db.address, schema=db.schema):
        with existing(db) as store:
            zone, (found, counts) = store.reads, _asked(store, names)
    else:
        zone, found, counts = ZoneInfo(machine_zone()), status_of(every(names), None), {}
    now = group.now().astimezone(zone)
    blocks = tables.status(found, counts, now, ledger=str(db), title_of=title_of)
    print_answer(_plain(found, counts, now, db), blocks, as_json)


def _asked(store: OpenStore, names: Sequence[str]) -> tuple[list[AgentStatus], dict[str, CallCounts]]:
    with closing(reader_of(store).state) as state:
        found = status_of(every(names), state)
    return found, calls_in(store.service._parts.store.log, [entry.agent for entry in found])


def _plain(
    found: Sequence[AgentStatus], counts: Mapping[str, CallCounts], now: datetime, db: Place
) -> Mapping[str, Any]:
    agents = [{**asdict(entry, recurse=False), **asdict(counts.get(entry.agent, CallCounts()))} for entry in found]
    return {"ledger": str(db), "at": now, "agents": agents}
