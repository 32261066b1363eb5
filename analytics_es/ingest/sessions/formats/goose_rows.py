"""Goose's database, by the columns that its version has → the statements that ask for calls, and for totals."""

from __future__ import annotations

from collections.abc import Mapping

_LEDGER = {"id", "session_id", "created_timestamp", "model", "input_tokens", "output_tokens", "total_tokens"}
_COUNTS = ("input", "output", "total", "cache_read", "cache_write")
_CARRIED = "coalesce(cost_source, '') = 'carried_forward'"  # what a session had used before there were rows of calls
_OF_SESSION = ("working_dir", "provider_name", "model_config_json", "parent_session_id", "created_at", "updated_at")


def _has_ledger(schema: Mapping[str, frozenset[str]]) -> bool:
    return {*_LEDGER, "cost_source"} <= schema.get("usage_ledger", frozenset())


def calls(schema: Mapping[str, frozenset[str]]) -> str:
    """Return the statement that asks for the rows of calls; "" where there are none."""
    if not _has_ledger(schema):
        return ""
    columns = "".join(f", s.{name}" for name in _OF_SESSION if name in schema.get("sessions", ()))
    return (
        f"SELECT l.*, l.id AS row{columns} FROM usage_ledger l LEFT JOIN sessions s ON s.id = l.session_id"
        f" WHERE l.id > :row AND NOT {_CARRIED.replace('cost_source', 'l.cost_source')}"
    )


def totals(schema: Mapping[str, frozenset[str]]) -> str:
    """Return the statement that asks for the totals of sessions, less what rows of calls tell of them."""
    have = schema.get("sessions", frozenset())
    if not {"id", "accumulated_input_tokens", "accumulated_output_tokens"} <= have:
        return ""
    counts = [name for name in _COUNTS if f"accumulated_{name}_tokens" in have]
    columns = "".join(f", s.{name}" for name in _OF_SESSION if name in have)
    if not _has_ledger(schema):
        told = "".join(f", s.accumulated_{name}_tokens AS {name}_tokens" for name in counts)
        return f"SELECT s.id{columns}{told} FROM sessions s"
    counts = [name for name in counts if f"{name}_tokens" in schema["usage_ledger"]]
    told = "".join(f", s.accumulated_{name}_tokens - coalesce(l.{name}, 0) AS {name}_tokens" for name in counts)
    sums = "".join(f", sum(CASE WHEN NOT {_CARRIED} THEN {name}_tokens END) AS {name}" for name in counts)
    return (
        f"SELECT s.id{columns}{told}, l.begun FROM sessions s LEFT JOIN (SELECT session_id,"
        f" min(created_timestamp) AS begun{sums} FROM usage_ledger GROUP BY session_id) l ON l.session_id = s.id"
    )
