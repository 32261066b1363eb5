"""Goose: a row for each call, since version 15 of its database; before, the totals of each session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import Agent, Home, Query, Record, Tables
from analytics_es.ingest.sessions.events import moment
from analytics_es.ingest.sessions.facts import Call, Fact, Skipped
from analytics_es.ingest.sessions.formats.goose_rows import calls, totals
from analytics_es.ingest.sessions.formats.totals import grown, remember
from analytics_es.ingest.sessions.session import Session


def _keep_model(config: Mapping[str, Any]) -> Any:
    return config["model_name"]


def _call(row: Record, session: Session) -> Iterator[Fact]:
    tokens = _tokens(row)
    if not any(tokens.values()):
        yield Skipped("answer without usage")
        return
    fields = _fields(row, row["session_id"])
    cost: Any = row.get("cost")
    if row["cost_source"] == "provider_reported" and type(cost) in (int, float) and cost > 0:
        fields |= {"cost": cost, "currency": "USD"}
    yield Call(
        id=f"{row['session_id']}:{row['id']}:{row['created_timestamp']}",
        at=row["created_timestamp"],
        model=row["model"],
        tokens=tokens,
        fields=fields,
        attributes={**_attributes(row), "compaction": bool(row.get("is_compaction")) or None},
        final=True,
    )


def _total(row: Record, session: Session) -> Iterator[Fact]:
    tokens = _tokens(row)
    tokens.pop("total_tokens", None)
    created = moment(row.get("created_at") or "")
    yield from grown(
        # The names of sessions are counted up from 1 each day, on each machine.
        f"{row['id']}@{int(created.timestamp()) if created else ''}",
        {name: max(0, count) for name, count in tokens.items()},
        session,
        at=row.get("begun") or row.get("updated_at") or session.modified,
        model=row.get("model_config_json"),
        fields=_fields(row, row["id"]),
        attributes=_attributes(row),
    )


def _tokens(row: Record) -> dict[str, int]:
    """Return counts by our names; what the total has beyond input and output are thoughts."""
    counts = {
        "input_tokens": row.get("input_tokens"),
        "output_tokens": row.get("output_tokens"),
        "cache_read_tokens": row.get("cache_read_tokens"),
        "cache_creation_tokens": row.get("cache_write_tokens"),
        "total_tokens": row.get("total_tokens"),
    }
    tokens = {name: count for name, count in counts.items() if type(count) is int}
    thoughts = tokens.get("total_tokens", 0) - tokens.get("input_tokens", 0) - tokens.get("output_tokens", 0)
    if thoughts > 0 and "output_tokens" in tokens:
        tokens["output_tokens"] += thoughts
        tokens["reasoning_tokens"] = thoughts
    return tokens


def _fields(row: Record, conversation: str) -> dict[str, Any]:
    provider = row.get("provider_name")
    return {"conversation_id": conversation, **({"provider": provider} if provider else {})}


def _attributes(row: Record) -> dict[str, Any]:
    return {"cwd": row.get("working_dir"), "parent_conversation_id": row.get("parent_session_id")}


_MODEL = {"model_config_json": _keep_model}

AGENT = Agent(
    name="goose",
    title="Goose",
    source="aaif-goose/goose (formerly block/goose): crates/goose/src/session/session_manager.rs, its pull requests "
    "#9752, #10172 (November 2026)",
    homes=(
        Home(
            variable="GOOSE_PATH_ROOT",
            folders=(
                "$XDG_DATA_HOME/goose/sessions",
                "~/.local/share/goose/sessions",
                "~/.local/share/Block/goose/sessions",
                "~/Library/Application Support/goose/sessions",
                "~/Library/Application Support/Block/goose/sessions",
                "$APPDATA/Block/goose/data/sessions",
            ),
            below="data/sessions",
        ),
    ),
    files=(
        Tables(
            pattern="sessions.db",
            queries=(
                Query(sql=calls, cursors=("row",), json=_MODEL, read=_call),
                Query(sql=totals, json=_MODEL, read=_total),
            ),
        ),
    ),
    providers={"claude-*": "anthropic", "gpt-*": "openai", "gemini-*": "gcp.gemini"},
    remember=remember,
    tells_not="calls before version 15 of its database: what came between two looks is one; what was cached before "
    "version 14; tools; that a provider such as `claude-code` is an agent, whose own sessions tell of the same calls; "
    "that a session was imported, with its totals",
)
