"""Droid, of Factory: the totals of each session, without its calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import CACHED, THOUGHTS, Agent, Document, Home, Lines, Record
from analytics_es.ingest.sessions.events import project_of
from analytics_es.ingest.sessions.facts import Fact, Known
from analytics_es.ingest.sessions.formats.totals import grown, remember
from analytics_es.ingest.sessions.session import Session

_COUNTS = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_tokens": "cacheReadTokens",
    "cache_creation_tokens": "cacheCreationTokens",
    "reasoning_tokens": "thinkingTokens",
}
_SETTINGS = ".settings.json"
# How a session tells itself which model it is of; others write such words, too, of something else.
_MODEL = re.compile(r"Model: ((?:Claude|GPT|Gemini|GLM|Grok|Kimi|Qwen|DeepSeek|MiniMax)[ -][A-Za-z0-9. -]{1,40})")
_PLACE = re.compile(r"\s*\[[^\]]*\](-\d+)?|-\[[^\]]*\](-\d+)?")  # where a model of the user's own is served


def _beside(record: Record, session: Session) -> Iterator[Fact]:
    """Note what only the conversation tells, not its settings: in which folder it is, and of which model."""
    own = session.path.stem
    if record.get("type") == "session_start" and isinstance(cwd := record.get("cwd"), str):
        yield Known(f"project:{own}", project_of(cwd))
    if session.known(f"model:{own}") is None and (model := _MODEL.search(str(record.get("message")))):
        name = model[1].strip().lower().replace(" ", "-")
        yield Known(f"model:{own}", name.replace(".", "-") if name.startswith("claude") else name)


def _read(record: Record, session: Session) -> Iterator[Fact]:
    usage = record.get("tokenUsage")
    if not isinstance(usage, Mapping):
        return
    own = session.path.name.removesuffix(_SETTINGS)
    told = record.get("model")
    fields: dict[str, Any] = {"conversation_id": own}
    if isinstance(provider := record.get("providerLock"), str) and provider:
        fields["provider"] = provider
    yield from grown(
        own,
        {name: usage[key] for name, key in _COUNTS.items() if type(usage.get(key)) is int},
        session,
        at=session.modified,
        model=_named(told) if isinstance(told, str) and told else session.known(f"model:{own}"),
        fields=fields,
        attributes={"project": session.known(f"project:{own}"), "mode": record.get("autonomyMode")},
    )


def _named(model: str) -> str:
    """Return a model's name without what Droid adds for models of the user's own."""
    own = model.removeprefix("custom:")
    return _PLACE.sub("", own).strip("- ").lower() if own != model else model


AGENT = Agent(
    name="droid",
    title="Droid",
    source="ccusage's adapter of Droid, and what others saw in ~/.factory/sessions (November 2026)",
    homes=(Home(variable="DROID_SESSIONS_DIR", folders=("~/.factory/sessions",)),),
    files=(
        Lines(pattern="**/*.jsonl", read=_beside, marks=(b'"session_start"', b"Model: ")),
        Document(pattern=f"**/*{_SETTINGS}", read=_read, last=True),
    ),
    beside=CACHED | THOUGHTS,
    providers={"claude-*": "anthropic", "gpt-*": "openai", "gemini-*": "gcp.gemini"},
    remember=remember,
    tells_not="single calls and their times: what came between two looks is one, of the day when the session changed "
    "last, and of the model that it had then",
)
