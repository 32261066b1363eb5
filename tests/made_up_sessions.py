"""Two made-up weeks of somebody with three coding agents, as the agents write them into a home; the same each time."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FIRST, DAYS = datetime(2026, 11, 2, 8, tzinfo=UTC), 13
PROJECTS = ("shop-api", "shop-web", "infra")
Json = dict[str, Any]


def write_sessions(home: Path) -> None:
    """Write the sessions of Claude Code, Codex and Gemini CLI, which have rested since."""
    draw = random.Random(11)
    for day in range(DAYS):
        begin = FIRST + timedelta(days=day)
        if begin.weekday() == 6:
            continue
        for number, project in enumerate(PROJECTS[: 1 + draw.randrange(3)]):
            session, at = f"{begin:%m%d}-{number}", begin + timedelta(hours=2 * number, minutes=draw.randrange(50))
            _lines(home / f".claude/projects/{project}/{session}.jsonl", _claude(draw, session, project, at))
            if number == 1:
                _lines(home / f".codex/sessions/{begin:%Y/%m/%d}/rollout-{session}.jsonl", _codex(draw, project, at))
        if draw.random() < 0.5:
            path = home / f".gemini/tmp/infra/chats/session-{begin:%m%d}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(_gemini(draw, f"g{begin:%m%d}", begin + timedelta(hours=7))))
    rested = (FIRST + timedelta(days=DAYS)).timestamp()
    for path in home.rglob("*.json*"):
        os.utime(path, (rested, rested))


def _lines(path: Path, lines: Iterator[Json]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def _claude(draw: random.Random, session: str, project: str, at: datetime) -> Iterator[Json]:
    """Yield lines of a session; each answer is written twice, as the first of its pieces and as the last."""
    model = draw.choice(("claude-opus-4-6", "claude-sonnet-4-5", "claude-sonnet-4-5"))
    cached = 18_000
    for number in range(20 + draw.randrange(60)):
        at += timedelta(seconds=20 + draw.randrange(160))
        written, output = draw.randrange(400, 5_000), draw.randrange(60, 2_500)
        for tokens, reason in ((8, None), (output, "end_turn")):
            usage = {
                "input_tokens": 4,
                "output_tokens": tokens,
                "cache_read_input_tokens": cached,
                "cache_creation_input_tokens": written,
            }
            message = {"id": f"msg_{session}_{number}", "model": model, "stop_reason": reason, "usage": usage}
            yield {
                "type": "assistant",
                "timestamp": _time(at),
                "sessionId": session,
                "requestId": f"req_{session}_{number}",
                "version": "2.1.332",
                "cwd": f"/home/ada/code/{project}",
                "message": message,
            }
        cached += written


def _codex(draw: random.Random, project: str, at: datetime) -> Iterator[Json]:
    """Yield lines of a rollout, whose counter grows; each is told again when the limits are refreshed."""
    thread = f"0199{at:%m%d}-0000-7000-8000-000000000001"
    meta = {"id": thread, "cwd": f"/home/ada/code/{project}", "cli_version": "0.150.0"}
    yield {"timestamp": _time(at), "type": "session_meta", "payload": meta}
    yield {"timestamp": _time(at), "type": "turn_context", "payload": {"model": "gpt-5.4"}}
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens")
    total = dict.fromkeys(names, 0)
    for _ in range(10 + draw.randrange(25)):
        at += timedelta(seconds=30 + draw.randrange(200))
        cached, output = draw.randrange(5_000, 60_000), draw.randrange(100, 2_000)
        given = cached + draw.randrange(500, 6_000)
        last = dict(zip(names, (given, cached, output, output // 3, given + output), strict=True))
        total = {name: total[name] + last[name] for name in names}
        info = {"last_token_usage": last, "total_token_usage": total}
        for _ in range(2):
            payload = {"type": "token_count", "info": info}
            yield {"timestamp": _time(at), "type": "event_msg", "payload": payload}


def _gemini(draw: random.Random, session: str, at: datetime) -> Json:
    messages = []
    for number in range(5 + draw.randrange(15)):
        at += timedelta(seconds=30 + draw.randrange(90))
        given, output, thoughts = draw.randrange(9_000, 40_000), draw.randrange(100, 900), draw.randrange(50, 700)
        tokens = {"input": given, "output": output, "cached": given // 2, "thoughts": thoughts, "tool": 0}
        tokens["total"] = given + output + thoughts
        message = {"id": f"{session}-{number}", "timestamp": _time(at), "type": "gemini", "model": "gemini-2.5-pro"}
        messages.append({**message, "tokens": tokens})
    return {"sessionId": session, "messages": messages}


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
