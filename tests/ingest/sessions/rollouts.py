"""Lines as Codex writes them: a counter of tokens, records of calls, forks, tools."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.ingest.sessions.ledger import Json

BEGIN = datetime(2026, 5, 1, 10, tzinfo=UTC)
COUNTS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")

Usage = tuple[int, int, int, int]  # what went in, of it from the cache, what came out, of it thoughts


def usage(counts: Usage, **changes: Any) -> Json:
    """Return a usage as Codex writes it."""
    return {**dict(zip(COUNTS, counts, strict=True)), "total_tokens": counts[0] + counts[2], **changes}


def added(*usages: Usage) -> Usage:
    """Return where a counter is after these calls."""
    first, second, third, fourth = (sum(counts) for counts in zip(*usages, strict=True))
    return first, second, third, fourth


def uuid7(at: float, number: int = 0) -> str:
    """Return an id of the seventh kind; `at`: made so many seconds after ten o'clock."""
    milliseconds = int((BEGIN.timestamp() + at) * 1000)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | number))


def line(kind: str, payload: Json, at: float = 0, **changes: Any) -> Json:
    """Return a line; `at`: seconds after ten o'clock."""
    time = (BEGIN + timedelta(seconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"timestamp": time, "type": kind, "payload": payload, **changes}


def meta(thread: str, at: float = 0, **changes: Any) -> Json:
    """Return the first line of a conversation."""
    payload = {"id": thread, "cwd": "/srv/secret-customer/shop", "cli_version": "0.131.0", "model_provider": "openai"}
    return line("session_meta", {**payload, "git": {"branch": "main"}, **changes}, at)


def spawned(thread: str, parent: str, at: float = 0, **changes: Any) -> Json:
    """Return the first line of a subagent's."""
    source = {"subagent": {"thread_spawn": {"parent_thread_id": parent, "depth": 1}}}
    return meta(thread, at, source=source, **changes)


def turn(at: float = 0, **changes: Any) -> Json:
    """Return the begin of a turn."""
    return line("turn_context", {"cwd": "/srv/secret-customer/shop", "model": "gpt-5", **changes}, at)


def count(total: Usage | Json | None, last: Usage | Json | None, at: float = 0, **info: Any) -> Json:
    """Return what the counter tells."""
    told = {
        "total_token_usage": usage(total) if isinstance(total, tuple) else total,
        "last_token_usage": usage(last) if isinstance(last, tuple) else last,
        "model_context_window": 272_000,
        **info,
    }
    return line("event_msg", {"type": "token_count", "info": told, "rate_limits": None}, at)


def record(id: str | None, thread: str, counts: Usage, at: float = 0, **changes: Any) -> Json:
    """Return the record of one call."""
    payload = {"thread_id": thread, "session_id": thread, "turn_id": "t1", "root_turn_id": "t1", "response_id": id}
    return line("token_usage_record", {**payload, "usage": usage(counts, cache_write_input_tokens=0), **changes}, at)


def item(kind: str, at: float = 0, **payload: Any) -> Json:
    """Return a part of the conversation, such as the use of a tool."""
    return line("response_item", {"type": kind, **payload}, at)
