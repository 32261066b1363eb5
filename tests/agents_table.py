"""The guide's tables of coding agents, as their declarations say it, and of what differs, as its tests have it.

`python -m tests.agents_table` writes them into docs/agents.md.
"""

from __future__ import annotations

from itertools import starmap
from pathlib import Path

from analytics_es.ingest.sessions.agents import declared, every
from analytics_es.ingest.sessions.declaration import Agent, Document, Home, Kept, Lines
from tests.ingest.sessions.test_differences import DIFFERENCES, Difference

PAGE = Path(__file__).parent.parent / "docs" / "agents.md"
HEAD = "| agent | `--agent` | where it is looked | files | deleted by itself | does not tell |"
END = "<!-- end of the agents -->"
DIFFERS = "| what | ccusage 20, tokens | here | why |"
END_OF_DIFFERENCES = "<!-- end of the differences -->"


def table() -> str:
    """Return the table, as Markdown."""
    agents = sorted(every(), key=lambda agent: agent.title.lower())
    return "\n".join([HEAD, "|---" * HEAD.count(" | ") + "|---|", *map(_row, agents)])


def _row(agent: Agent) -> str:
    where = "; ".join(filter(None, map(_home, agent.homes)))
    files = ", ".join(dict.fromkeys(map(_kind, agent.files)))
    cells = (agent.title, f"`{agent.name}`", where, files, _kept(agent.kept), agent.tells_not)
    return f"| {' | '.join(cell.replace('|', ', ') or '–' for cell in cells)} |"


def _home(home: Home) -> str:
    """Return the folders of a home, the variable that names it first."""
    variable = [f"`${home.variable}`"] if home.variable else []
    return ", else ".join([*variable, *([", ".join(f"`{folder}`" for folder in home.folders)] if home.folders else [])])


def _kind(files: object) -> str:
    return "JSON lines" if isinstance(files, Lines) else "JSON" if isinstance(files, Document) else "SQLite"


def _kept(kept: Kept) -> str:
    if kept.days is None:
        return "no"
    return f"after {kept.days} days" + (f", or `{kept.key}` in its `{kept.settings}`" if kept.key else "")


def differences() -> str:
    """Return the table of figures that are others than ccusage's, as Markdown."""
    rows = sorted(DIFFERENCES.items(), key=lambda row: row[1].agent)
    return "\n".join([DIFFERS, "|---" * DIFFERS.count(" | ") + "|---|", *starmap(_difference, rows)])


def _difference(what: str, difference: Difference) -> str:
    if difference.cost == "":
        theirs, ours = (f"{given:,} + {answered:,}" for given, answered in (difference.theirs, difference.right))
    else:
        theirs, ours = f"{difference.their_cost:g} USD", f"{difference.cost} USD" if difference.cost else "unknown"
    return f"| {declared(difference.agent).title}: {what} | {theirs} | {ours} | {difference.why} |"


def written(page: str) -> str:
    """Return the page with the tables of today in it."""
    for head, end, today in ((HEAD, END, table()), (DIFFERS, END_OF_DIFFERENCES, differences())):
        start, stop = page.index(head), page.index(end)
        page = f"{page[:start]}{today}\n\n{page[stop:]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
