"""What Copilot CLI writes at the end of a session: the sum of its calls to each model, which may be all there is."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.ingest.sessions.declaration import Record
from analytics_es.ingest.sessions.events import project_of
from analytics_es.ingest.sessions.facts import Call, Fact, Known
from analytics_es.ingest.sessions.formats.records import part
from analytics_es.ingest.sessions.formats.sums import since
from analytics_es.ingest.sessions.session import Session

SHUTDOWN = "shutdown"  # the first word of ids of sums
_METRICS = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_tokens": "cacheReadTokens",
    "cache_creation_tokens": "cacheWriteTokens",
    "reasoning_tokens": "reasoningTokens",
}


def model_of(told: Record) -> str | None:
    """Return the model that attributes tell, without what Copilot adds to its name."""
    model = told.get("gen_ai.response.model") or told.get("gen_ai.request.model")
    return model.strip().removesuffix("-internal").removesuffix("-1m") if isinstance(model, str) else None


def session_sums(record: Record, session: Session) -> Iterator[Fact]:
    """Say what the end of a session tells where nothing else does: the sum of its calls to each model."""
    conversation, data = session.folders[-1] if session.folders else session.path.stem, part(record, "data")
    if record.get("type") == "session.start" and (folder := part(data, "context").get("cwd")):
        session.notes["project"] = project_of(str(folder))
        yield Known(f"project:{conversation}", session.notes["project"])
    if record.get("type") != "session.shutdown":
        return
    for model, metrics in part(data, "modelMetrics").items():
        used = part(metrics, "usage")
        counts = since(session, model, {ours: used.get(theirs) or 0 for ours, theirs in _METRICS.items()})
        if any(counts.values()):
            own = f"{SHUTDOWN}:{conversation}:{record.get('id') or record.get('timestamp')}:{model}"
            yield Call(
                id=own,
                at=record.get("timestamp") or session.modified,
                model=model_of({"gen_ai.response.model": model}),
                tokens=counts,
                fields={"conversation_id": conversation},
                attributes={
                    "project": session.notes.get("project"),
                    "requests": part(metrics, "requests").get("count"),
                },
                unless=[f"session:{conversation}"],
                lane=own,
            )
