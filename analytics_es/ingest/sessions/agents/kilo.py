"""Kilo: made of OpenCode, whose files it writes under another name."""

from __future__ import annotations

from analytics_es.ingest.sessions.declaration import Agent, Home
from analytics_es.ingest.sessions.formats.opencode import BESIDE, files, remember

AGENT = Agent(
    name="kilo",
    title="Kilo",
    source="Kilo-Org/kilocode: packages/opencode; ccusage's adapter of it (November 2026)",
    homes=(Home(variable="KILO_DATA_DIR", folders=("$XDG_DATA_HOME/kilo", "~/.local/share/kilo")),),
    files=files("kilo"),
    beside=BESIDE,
    remember=remember,
    tells_not="tools; what its older extension for VS Code keeps in `tasks/`; what subscriptions cost",
)
