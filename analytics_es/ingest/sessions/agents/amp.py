"""Amp: threads as files, until March 2026, and as `amp threads export` writes them since they are on the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from analytics_es.ingest.sessions.declaration import CACHED, Agent, Document, Home, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Skipped
from analytics_es.ingest.sessions.formats.records import part
from analytics_es.ingest.sessions.session import Session

NO_USAGE = "answer without usage"


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a thread tells: its ledger, and of messages after it, or without one, their own usage."""
    listed = record.get("messages")
    if not isinstance(thread := record.get("id"), str) or not isinstance(listed, list):
        return
    answers = [
        (_named(message, place), message)
        for place, message in enumerate(listed)
        if isinstance(message, Mapping) and message.get("role") == "assistant"
    ]
    common = {"thread": thread, "attributes": {"cwd": _folder(record)}}
    events = [event for event in (record.get("usageLedger") or {}).get("events") or () if isinstance(event, Mapping)]
    of_message = {name: part(message, "usage") for name, message in answers}
    told = Counter(str(event.get("toMessageId")) for event in events)
    for event in events:
        yield _of_event(event, of_message.get(str(event.get("toMessageId")), {}), told, common)
    last = max((str(event.get("timestamp") or "") for event in events), default="")
    for name, message in answers:
        usage = message.get("usage")
        at = isinstance(usage, Mapping) and (
            usage.get("timestamp") or message.get("timestamp") or record.get("created")
        )
        is_later = "messageId" in message and name not in told and str(at) > last
        if isinstance(usage, Mapping) and (not events or is_later):
            yield _of_usage(name, usage, at, usage.get("model") or message.get("model"), common)


def _of_event(event: Record, usage: Record, told: Mapping[str, int], common: Mapping[str, Any]) -> Fact:
    name, counts = str(event.get("toMessageId")), part(event, "tokens")
    asked = (counts.get("input"), counts.get("output"))
    # Of several events of one message, the one whose counts it has is its answer.
    is_answer = event.get("toMessageId") is not None and (
        told[name] == 1 or asked == (usage.get("inputTokens"), usage.get("outputTokens"))
    )
    own = (
        name
        if is_answer
        else str(event.get("id") or ":".join(map(str, (event.get("timestamp"), event.get("model"), *asked))))
    )
    tokens = {
        "input_tokens": counts.get("input"),
        "output_tokens": counts.get("output"),
        "cache_read_tokens": usage.get("cacheReadInputTokens") if is_answer else None,
        "cache_creation_tokens": usage.get("cacheCreationInputTokens") if is_answer else None,
    }
    return _fact(own, tokens, event.get("timestamp"), event.get("model"), event.get("credits"), common)


def _of_usage(name: str, usage: Record, at: Any, model: Any, common: Mapping[str, Any]) -> Fact:
    tokens = {
        "input_tokens": usage.get("inputTokens"),
        "output_tokens": usage.get("outputTokens"),
        "cache_read_tokens": usage.get("cacheReadInputTokens"),
        "cache_creation_tokens": usage.get("cacheCreationInputTokens"),
    }
    return _fact(name, tokens, at, model, usage.get("credits"), common)


def _fact(
    own: str, tokens: Mapping[str, Any], at: Any, model: Any, paid: Any, common: Mapping[str, Any]
) -> Call | Skipped:
    if not any(tokens.values()):
        return Skipped(NO_USAGE)
    return Call(
        id=f"{common['thread']}:{own}",
        at=at or "",
        model=model,
        tokens={name: count for name, count in tokens.items() if count is not None},
        fields={"conversation_id": common["thread"]},
        attributes={**common["attributes"], "credits": paid},
        final=True,
    )


def _named(message: Record, place: int) -> str:
    """Return what tells a message from the others of its thread; where nothing does, which one it is."""
    told = message.get("messageId", message.get("id"))
    return str(place if told is None else told)


def _folder(record: Record) -> str | None:
    """Return in which folder a thread was begun."""
    environment = ((record.get("env") or {}).get("initial") or {}) if isinstance(record.get("env"), Mapping) else {}
    for tree in environment.get("trees") or ():
        if isinstance(tree, Mapping) and isinstance(uri := tree.get("uri"), str):
            return unquote(uri)
    return None


AGENT = Agent(
    name="amp",
    title="Amp",
    source="ccusage's adapter of Amp and its issue #1474 (November 2026)",
    homes=(Home(variable="AMP_DATA_DIR", folders=("$XDG_DATA_HOME/amp", "~/.local/share/amp")),),
    files=(Document(pattern="threads/**/*.json", read=_read), Document(pattern="T-*.json", read=_read)),
    beside=CACHED,
    providers={"claude-*": "anthropic", "gpt-*": "openai", "gemini-*": "gcp.gemini"},
    tells_not="threads that are on the server only: export them into `threads/` of its folder, "
    "`amp threads export T-… > ~/.local/share/amp/threads/T-….json`; what credits cost; thoughts",
)
