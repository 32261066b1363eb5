"""Claude Code's histories: streamed, forked, resumed, told again by side conversations and by running agents."""

from __future__ import annotations

import json
from datetime import datetime
from random import Random
from typing import Any

from attrs import define, evolve, field

from tests.ingest.sessions.histories import History, Json, TrueCall, compact, stamp

MODELS = ("claude-sonnet-4-5-20250929", "claude-opus-4-6", "claude-haiku-4-5-20251001", "llama-99")
ADVISOR = "claude-opus-4-7"


@define
class Session:
    """A file, and how its version writes: `final`, `streamed`, or `null` where the last usage is never written."""

    path: str
    id: str
    writes: str
    with_request: bool = True
    spaced: bool = False
    agent: str = ""
    answers: list[tuple[Json, TrueCall]] = field(factory=list)  # last lines of calls, which may be told again
    told_again: bool = False


def history(random: Random, calls: int, *, named: bool = True) -> History:
    """Return a history of so many calls; with `named`, also with the traps in which another reader is known to err."""
    made = History(random)
    sessions = [_session(made, named)]
    while len(made.calls) < calls:
        session = random.choice(sessions[-4:])
        _happens(made, sessions, session, named)
    _say_what_differs(made)
    return made


def _session(made: History, named: bool) -> Session:
    number = made.number("session")
    return Session(
        path=f"projects/-srv-p{made.random.randrange(3)}/s{number}.jsonl",
        id=f"s{number}",
        writes=made.random.choice(["final", "final", "streamed", "null"]),
        with_request=not (named and made.chance(10)),
        spaced=named and made.chance(5),
    )


def _happens(made: History, sessions: list[Session], session: Session, named: bool) -> None:
    chance = made.random.randrange(100)
    if chance < 4:
        sessions.append(_session(made, named))
    elif chance < 8:
        sessions.append(_forked(made, session, named))
    elif chance < 12 and session.answers and session.with_request and not session.agent:
        _told_again_aside(made, session)
    elif chance < 16 and not session.agent and session.with_request:
        sessions.append(_subagent(made, session))
    elif chance < 18 and made.texts.get(session.path) and not session.told_again:
        made.cut_and_written_again(session.path)
    elif chance < 24:
        _noise(made, session)
    else:
        _call(made, session, nameless=named and made.chance(2))


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _usage(made: History) -> Json:
    random = made.random
    hour, minutes = random.choice([(0, 0), (0, 900), (random.randrange(9000), random.randrange(900))])
    usage: Json = {
        "input_tokens": random.randrange(1, 3000),
        "cache_creation_input_tokens": hour + minutes,
        "cache_read_input_tokens": random.choice([0, random.randrange(90_000)]),
        "output_tokens": random.randrange(1, 2000),
        "service_tier": random.choice(["standard", "standard", "priority", "batch", None]),
    }
    if made.chance(80):
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour}
    if made.chance(5):
        usage["speed"] = "fast"
    if made.chance(3):
        own = {name: usage[name] for name in usage if name.endswith("_tokens")}
        advice = {**dict.fromkeys(own, 0), "input_tokens": 700, "output_tokens": random.randrange(1, 900)}
        usage["iterations"] = [{"type": "message", **own}, {"type": "advisor_message", "model": ADVISOR, **advice}]
    if made.chance(5):
        usage["server_tool_use"] = {"web_search_requests": 2}
    return usage


def _tokens(usage: Json) -> dict[str, int]:
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    return {
        "input": usage["input_tokens"] + read + written,
        "output": usage["output_tokens"],
        "cache_read": read,
        "cache_creation": written,
        "cache_creation_1h": usage.get("cache_creation", {}).get("ephemeral_1h_input_tokens", 0),
    }


def _advice(usage: Json) -> list[tuple[int, dict[str, int]]]:
    """Return the calls inside of one, by the numbers of their steps."""
    steps = enumerate(usage.get("iterations", ()))
    return [(number, _tokens(step)) for number, step in steps if "model" in step]


def _call(made: History, session: Session, *, nameless: bool = False) -> None:
    """Make a call, and write its lines; a `nameless` answer has no id."""
    number, usage, model = made.number("call"), _usage(made), made.random.choice(MODELS)
    request, answer = f"req_{number}", None if nameless and session.with_request else f"msg_{number}"
    pieces = made.random.choice([1, 1, 2, 3])
    outputs = [usage["output_tokens"]] * pieces
    if session.writes != "final":
        outputs = sorted(made.random.sample(range(1, 2000), pieces))
        usage["output_tokens"] = outputs[-1]
    began = taken = made.later()
    line: Json = {}
    for piece, output in enumerate(outputs, 1):
        at = began if piece == 1 else made.later(3)
        if piece > 1 and output > outputs[piece - 2]:
            taken = at
        stop = None if session.writes == "null" or (session.writes == "streamed" and piece < pieces) else "end_turn"
        line = _line(session, request, answer, model, {**usage, "output_tokens": output}, at, stop)
        _write(made, session, line)
    call = TrueCall(
        id=(request if session.with_request else answer) or "",
        at=taken,
        model=model,
        tokens=_tokens(usage),
        partial=session.writes == "null",
    )
    made.made(call)
    for step, tokens in _advice(usage):
        made.made(evolve(call, id=f"{call.id}:{step}", at=began, model=ADVISOR, tokens=tokens))
    if answer and not session.spaced:
        session.answers.append((line, call))
    made.later()


def _line(
    session: Session, request: str, answer: str | None, model: str, usage: Json, at: datetime, stop: str | None
) -> Json:
    message = {
        "model": model,
        "id": answer,
        "type": "message",
        "role": "assistant",
        "content": [{"type": "tool_use", "id": f"toolu_{request}", "name": "Bash", "input": {}}],
        "stop_reason": stop,
        "usage": usage,
    }
    line = {
        "isSidechain": bool(session.agent),
        "cwd": "/srv/p",
        "sessionId": session.id,
        "version": "2.1.300",
        "type": "assistant",
        "message": {name: told for name, told in message.items() if name != "id" or told},
        "requestId": request,
        "timestamp": stamp(at),
    }
    if session.agent:
        line["agentId"] = session.agent
    if not session.with_request:
        del line["requestId"]
    return line


def _write(made: History, session: Session, line: Json) -> None:
    made.append(session.path, json.dumps(line) if session.spaced else compact(line))


# ── told again, and what is no call ─────────────────────────────────────────────────────────────────────────────


def _forked(made: History, session: Session, named: bool) -> Session:
    """Copy lines of a session into the file of a new one, which goes on by itself."""
    fork = evolve(_session(made, named), spaced=False, answers=[])
    lines = made.texts.get(session.path, [])
    copied = lines[: made.random.randrange(len(lines) + 1)]
    if copied:
        made.append(
            fork.path, *(line.replace(f'"sessionId":"{session.id}"', f'"sessionId":"{fork.id}"') for line in copied)
        )
    return fork


def _told_again_aside(made: History, session: Session) -> None:
    """Tell answers again under new requests, with more before them, as a side conversation does."""
    session.told_again = True  # whoever sees this without what it repeats takes it for what was said first
    path = made.random.choice([session.path, f"{session.path.removesuffix('.jsonl')}/subagents/agent-btw.jsonl"])
    for line, _ in made.random.sample(session.answers, min(2, len(session.answers))):
        message = line["message"]
        usage = {**message["usage"], "cache_read_input_tokens": 95_000}
        made.append(
            path,
            {
                **line,
                "isSidechain": True,
                "requestId": f"req_btw_{made.number('btw')}",
                "timestamp": stamp(made.later()),
                "message": {**message, "usage": usage},
            },
        )


def _subagent(made: History, session: Session) -> Session:
    number = made.number("agent")
    folder = session.path.removesuffix(".jsonl")
    agent = Session(f"{folder}/subagents/agent-a{number}.jsonl", session.id, session.writes, agent=f"a{number}")
    _call(made, agent)
    if agent.answers:
        line, _ = agent.answers[-1]
        inner: Any = {name: line[name] for name in ("timestamp", "requestId", "isSidechain", "message")}
        made.append(session.path, {"type": "progress", "sessionId": session.id, "data": {"message": inner}})
    return agent


def _noise(made: History, session: Session) -> None:
    """Write what is no call."""
    at = stamp(made.later())
    synthetic = {"model": "<synthetic>", "id": f"u{made.number('u')}", "content": [], "usage": {"output_tokens": 0}}
    made.append(
        session.path,
        made.random.choice(
            [
                {"type": "user", "timestamp": at, "sessionId": session.id, "message": {"role": "user", "content": "?"}},
                {"type": "summary", "summary": "usage", "leafUuid": "u"},
                {"type": "assistant", "timestamp": at, "sessionId": session.id, "message": synthetic},
                {"type": "assistant", "timestamp": at, "isApiErrorMessage": True, "message": synthetic},
                '{"type":"assistant","message":{"usage":{"input_tok',
                "",
            ]
        ),
    )


# ── what another reader makes of it ─────────────────────────────────────────────────────────────────────────────


def _say_what_differs(made: History) -> None:
    """Say what is counted again without a request's or an answer's id, and what is not seen for its spaces."""
    counted: dict[tuple[str, ...], Json] = {}
    concerned: set[str] = set()
    for path, texts in made.texts.items():
        for number, text in enumerate(texts):
            line = json.loads(text) if '"output_tokens"' in text and text.endswith("}") else {}
            message = line.get("message", {})
            request, answer = line.get("requestId"), message.get("id")
            if message.get("model") not in MODELS or (request and answer and ": " not in text):
                continue
            concerned.add(request or answer)
            if ": " not in text:
                key = (answer, line["sessionId"], line["timestamp"]) if answer else (path, str(number))
                counted[key] = line
    for line in counted.values():
        at, usage = datetime.fromisoformat(line["timestamp"]), line["message"]["usage"]
        made.count_beyond(at, line["message"]["model"], _tokens(usage), 1)
        for _, tokens in _advice(usage):
            made.count_beyond(at, ADVISOR, tokens, 1)
    for call in made.calls.values():
        if call.id.partition(":")[0] in concerned:
            made.count_beyond(call.at, call.model, call.tokens, -1)
