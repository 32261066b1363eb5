"""Claude Code: a line for each piece of an answer, copied into the files of forked, resumed and side conversations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import CACHED, Agent, Home, Kept, Lines, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Skipped
from analytics_es.ingest.sessions.formats.anthropic import calls_of, tokens_of
from analytics_es.ingest.sessions.formats.failures import limit_ends, type_of_error
from analytics_es.ingest.sessions.formats.records import kept_id, part, parts
from analytics_es.ingest.sessions.formats.tools import COMPLETED, FAILED, REJECTED, result, used
from analytics_es.ingest.sessions.session import Session

_MARKS = (b'"usage"', b'"tool_result"', b'"isApiErrorMessage"')
_CLOUDS = {"msg_bdrk_": "aws.bedrock", "msg_vrtx_": "gcp.vertex_ai"}  # how ids of answers begin there
_NOT_ALLOWED = "The user doesn't want to"  # how the result of a tool begins that was rejected


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells: an answer or a piece of one, results of tools, or a failure."""
    if "data" in record:  # maybe what a running agent reports to the one who started it
        told = part(record, "data", "message")
        record = {**record, **told} if "message" in told else record
    message = part(record, "message")
    contents = parts(message, "content")
    if record.get("isApiErrorMessage"):
        yield _failure(record, message, " ".join(str(content.get("text")) for content in contents))
    elif message.get("model") == "<synthetic>":
        yield Skipped("no call: what Claude Code itself says")
    elif usage := message.get("usage"):
        yield from calls_of(_call(record, message, usage), usage)
    for content in contents:
        if content.get("type") == "tool_use":
            used(session, content.get("id"), content.get("name"))
        elif content.get("type") == "tool_result" and content.get("tool_use_id"):
            yield _result(record, content, str(content["tool_use_id"]), session)


def _call(record: Record, message: Mapping[str, Any], usage: Mapping[str, Any]) -> Call:
    request, answer, at = record.get("requestId"), str(message.get("id") or ""), record.get("timestamp") or ""
    side, agent, cost = bool(record.get("isSidechain")), str(record.get("agentId") or ""), record.get("costUSD")
    tokens, known_by = tokens_of(usage), kept_id(answer)
    fields = {
        "conversation_id": record.get("sessionId"),
        "provider": _CLOUDS.get(answer[:9]),
        "service_tier": "fast" if usage.get("speed") == "fast" else usage.get("service_tier"),
        "searches": part(usage, "server_tool_use").get("web_search_requests") or None,
    }
    if isinstance(cost, (int, float)) and cost > 0:
        fields |= {"cost": cost, "currency": "USD"}
    return Call(
        id=str(request or answer or ":".join(map(str, (at, message.get("model"), *tokens.values())))),
        at=at,
        model=message.get("model"),
        tokens=tokens,
        fields=fields,
        attributes={
            "cwd": record.get("cwd"),
            "git_branch": record.get("gitBranch"),
            "agent_version": record.get("version"),
            "sidechain": side or None,
            "response_id": known_by,
        },
        alias=known_by,
        replay=side or not request,  # what is told without its request may be told with it, too
        rank=0 if side else 1,
        # Old versions write what several agents do at the same time to one file, and do not say which did what.
        lane=agent if agent or not side else None,
        final=message["stop_reason"] is not None if "stop_reason" in message else None,
    )


def _result(record: Record, content: Mapping[str, Any], use: str, session: Session) -> Happened:
    said, of = content.get("content"), record.get("sessionId")
    began = said if isinstance(said, str) else "".join(str(text.get("text")) for text in parts(content, "content")[:1])
    failed = REJECTED if began.startswith(_NOT_ALLOWED) else FAILED
    became, at = failed if content.get("is_error") else COMPLETED, record.get("timestamp") or ""
    # What Anthropic's API calls a use of a tool, nobody else does; other models number them anew in each session.
    id = use if use.startswith("toolu_") else f"{of}:{use}"
    attributes = {"cwd": record.get("cwd")}
    return result(session, use, became, at, id=id, fields={"conversation_id": of}, attributes=attributes)


def _failure(record: Record, message: Mapping[str, Any], shown: str) -> Happened:
    session, at, error = record.get("sessionId"), record.get("timestamp") or "", record.get("error")
    told = error if isinstance(error, str) and error else record.get("apiErrorStatus")
    return Happened(
        event_type="provider.call.failed",
        id=str(record.get("requestId") or message.get("id") or record.get("uuid") or f"{session}:{at}"),
        at=at,
        fields={"conversation_id": session, "operation": "chat", "error_type": str(told or type_of_error(shown))},
        attributes={"cwd": record.get("cwd"), "resets_at": limit_ends(shown)},
    )


def _remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    attributes, id = event["data"].get("attributes", {}), str(event["id"])
    if answer := attributes.get("response_id"):
        yield f"{answer}:{id.rpartition(':')[2]}" if attributes.get("step") else str(answer), id


AGENT = Agent(
    name="claude-code",
    title="Claude Code",
    source="ccusage and its issues #901 #938 #1115 #1552; anthropics/claude-code #22671 #22686 (November 2026)",
    homes=(Home(variable="CLAUDE_CONFIG_DIR", folders=("$XDG_CONFIG_HOME/claude", "~/.config/claude", "~/.claude")),),
    files=(
        Lines(pattern="projects/**/*.jsonl", read=_read, marks=_MARKS),
        Lines(pattern="projects/**/subagents/**/*.jsonl", read=_read, marks=_MARKS, last=True),
    ),
    beside=CACHED,
    providers={"claude-*": "anthropic"},
    remember=_remember,
    kept=Kept(days=30, settings="settings.json", key="cleanupPeriodDays"),
    block=5,
    tells_not="how long answers and tools took; attempts before the last; in some versions thoughts, or the last usage",
)
