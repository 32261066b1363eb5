"""GitHub Copilot CLI: its telemetry, where it goes into a file, tells one call up to four times; one way counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import Agent, Home, Lines, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Known
from analytics_es.ingest.sessions.formats import ways
from analytics_es.ingest.sessions.formats.copilot_sessions import SHUTDOWN, model_of, session_sums
from analytics_es.ingest.sessions.formats.otel_lines import (
    attributes_of,
    happened,
    is_span,
    place,
    records,
    usage_of,
    when,
)
from analytics_es.ingest.sessions.session import Session

# What tells calls, from what tells each to what adds them up: of one trace, or one response, the first that is there.
CHAT, INFERENCE, TURN, AGENT_SPAN = 3, 2, 1, 0
_WAYS = {INFERENCE: "inference", TURN: "turn", AGENT_SPAN: "agent"}  # the first word of ids of calls that are so told
_SPANS = {"chat": CHAT, "invoke_agent": AGENT_SPAN}
_LOGS = {"gen_ai.client.inference.operation.details": INFERENCE, "copilot_chat.agent.turn": TURN}
_BODIES = {"GenAI inference:": INFERENCE, "copilot_chat.agent.turn": TURN}
_CONVERSATION = ("gen_ai.conversation.id", "copilot_chat.session_id", "copilot_chat.chat_session_id", "session.id")


def _telemetry(line: Record, session: Session) -> Iterator[Fact]:
    """Say what a line of telemetry tells: calls, by one way or another, those that failed, and tools."""
    for record in records(line):
        attributes = attributes_of(record)
        rank, tokens = _way(record, attributes), usage_of(attributes)
        if rank is not None and any(tokens.values()):
            yield from _call(record, attributes, tokens, rank, session)
        elif is_span(record):
            fields = {"conversation_id": _conversation(attributes), "model": model_of(attributes)}
            if other := happened(record, attributes, fields):
                yield other


def _way(record: Record, told: Record) -> int | None:
    if is_span(record):
        name = str(told.get("gen_ai.operation.name") or str(record.get("name")).partition(" ")[0])
        return _SPANS.get(name)
    if (rank := _LOGS.get(str(told.get("event.name")))) is not None:
        return rank
    body = str(record.get("body") or record.get("_body") or "")
    return next((rank for begin, rank in _BODIES.items() if body.startswith(begin)), None)


def _call(record: Record, told: Record, tokens: Record, rank: int, session: Session) -> Iterator[Fact]:
    trace, span = place(record)
    conversation, response = _conversation(told), told.get("gen_ai.response.id")
    at = when(record) or session.modified
    turn = told.get("turn.index", told.get("copilot_chat.turn.index")) if rank == TURN else None
    where = [trace, span, *([] if turn is None else [turn])] if trace and span else [response or conversation, at]
    call = Call(
        id=":".join(map(str, [_WAYS[rank], *where] if rank in _WAYS else where)),
        at=at,
        model=model_of(told),
        tokens=tokens,
        fields={"conversation_id": conversation},
        attributes={
            "project": session.known(f"project:{conversation}"),
            "response_id": response,
            "trace_id": trace or None,
        },
        # A response is exported again under other ids; a turn of VS Code has one id for responses of other counts.
        alias=_same(response, tokens),
        rank=rank,
    )
    if conversation:
        yield Known(f"session:{conversation}")
    yield from ways.told(call, _subjects(trace, response), CHAT, session)


def _conversation(told: Record) -> Any:
    return next((told[name] for name in _CONVERSATION if told.get(name)), None)


def _subjects(trace: Any, response: Any) -> list[str]:
    return [f"{kind}:{key}" for kind, key in (("trace", trace), ("response", response)) if key]


def _same(response: Any, counts: Record) -> str:
    return f"{response}:{counts.get('input_tokens') or 0}:{counts.get('output_tokens') or 0}" if response else ""


def _remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    data, way = event["data"], str(event["id"]).partition(":")[0]
    if way == SHUTDOWN or event["event_type"] != "provider.call.completed":
        return
    attributes, rank = data.get("attributes", {}), next((rank for rank, name in _WAYS.items() if name == way), CHAT)
    trace = str(event["id"]).split(":")[0 if rank == CHAT else 1]  # of one without, some word that is no trace's
    yield from ways.certain(rank, _subjects(trace, attributes.get("response_id")), CHAT)
    if same := _same(attributes.get("response_id"), data):
        yield same, str(event["id"])
    if data.get("conversation_id"):
        yield f"session:{data['conversation_id']}", ""


AGENT = Agent(
    name="copilot-cli",
    title="GitHub Copilot CLI",
    source="microsoft/vscode-copilot-chat/docs/monitoring/agent_monitoring.md, "
    "…/src/platform/otel/node/fileExporters.ts; "
    "github/copilot-cli #3994 #4860 (September 2026)",
    homes=(
        Home(folders=("$COPILOT_HOME", "~/.copilot")),
        Home(variable="COPILOT_OTEL_FILE_EXPORTER_PATH", file=True),
    ),
    files=(
        Lines(pattern="otel/**/*.jsonl", read=_telemetry, marks=(b'"attributes"',), last=True),
        Lines(pattern="session-state/*/events.jsonl", read=session_sums, marks=(b'"session.s',)),
    ),
    providers={"claude-*": "anthropic", "gpt-*": "openai", "gemini-*": "gcp.gemini"},
    tells_not="what GitHub takes for a call: its cost is what the maker of the model would take; calls where telemetry "
    "goes into no file, but for sums at the end of a session",
    remember=_remember,
)
