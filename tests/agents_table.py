"""The guide's table of coding agents, as their declarations say it.

`python -m tests.agents_table` writes it into docs/agents.md.
"""

from __future__ import annotations

from pathlib import Path

from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.sessions.declaration import Agent, Document, Home, Kept, Lines

PAGE = Path(__file__).parent.parent / "docs" / "agents.md"
HEAD = "| agent | `--agent` | where it is looked | files | deleted by itself | does not tell |"
END = "<!-- end of the agents -->"


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


def written(page: str) -> str:
    """Return the page with the table of today in it."""
    start, end = page.index(HEAD), page.index(END)
    return f"{page[:start]}{table()}\n\n{page[end:]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
