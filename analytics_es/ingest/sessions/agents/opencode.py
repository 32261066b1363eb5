"""OpenCode: a message for each answer, rewritten in place until it is finished, and copied when a session is forked."""

from __future__ import annotations

from analytics_es.ingest.sessions.declaration import Agent, Home
from analytics_es.ingest.sessions.formats.opencode import BESIDE, files, remember

AGENT = Agent(
    name="opencode",
    title="OpenCode",
    source="anomalyco/opencode (formerly sst/opencode): packages/opencode/src/session/{session,message-v2}.ts, "
    "packages/core/src/session/{sql,projector}.ts, packages/schema/src/session-message.ts; "
    "its issues #48089, #49641, #50130 (November 2026)",
    homes=(Home(variable="OPENCODE_DATA_DIR", folders=("$XDG_DATA_HOME/opencode", "~/.local/share/opencode")),),
    files=files("opencode"),
    beside=BESIDE,
    remember=remember,
    tells_not="tools of version 1; titles of sessions that a model made; what subscriptions cost",
)
