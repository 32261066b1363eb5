"""What `agents` prints: what was read, and what the ledger says of a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from attrs import fields_dict

from analytics_es.cli.agents.reading import ledger, read, title_of
from analytics_es.cli.agents.zone import machine_zone
from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.ledger.answer import Ledger, ledger_of
from analytics_es.cli.store import Place
from analytics_es.cli.tables import agents as tables
from analytics_es.cli.tables import agents_read
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.sessions.files import finding
from analytics_es.ingest.sessions.report import AgentReport
from analytics_es.presentation.asked import Asked
from analytics_es.store import exists


def show_ledger(
    db: Place,
    names: Sequence[str],
    *,
    asked: Asked,
    project: str,
    top: int,
    all_blocks: bool,
    reads: bool,
    final: bool,
    as_json: bool,
    now: datetime,
) -> None:
    """Read what is new, and print it; on a machine without agents, where was looked."""
    if not exists(db.address, schema=db.schema) and not _there(names):
        period = asked.period(ZoneInfo(db.tz or machine_zone()), "day", now)
        looked = {agent.name: [str(path) for path in finding.places(agent)] for agent in every(names)}
        nothing = {**_plain([], Ledger.empty(period), db), "ledger": None, "looked_in": looked}
        print_answer(nothing, agents_read.nowhere(looked, title_of), as_json)
        return
    with ledger(db) as store:
        period = asked.period(store.reads, "day", now)  # what is wrong with it is said before anything is read
        reports = read(store, names, final=final) if reads else []
        store.catch_up()
        with Bar("reading the ledger") as bar:
            answer = ledger_of(store.service, period, now, agents=names, project=project, progress=bar.report)
    blocks = tables.ledger(
        answer,
        top,
        all_blocks=all_blocks,
        title_of=title_of,
        still_open=sum(report.open for report in reports),
        project=project,
    )
    print_answer(_plain(reports, answer, db), chain(agents_read.reading(reports, title_of), blocks), as_json)


def _there(names: Sequence[str]) -> bool:
    return any(finding.homes(agent) for agent in every(names))


def _plain(reports: Sequence[AgentReport], answer: Ledger, db: Place) -> Mapping[str, Any]:
    return {"ledger": str(db), "read": reports, **{name: getattr(answer, name) for name in fields_dict(Ledger)}}
