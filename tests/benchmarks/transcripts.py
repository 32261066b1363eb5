"""Seeded session logs of Claude Code's shape: what somebody says, answers in two or three pieces, what tools give back.

Sizes are those of real sessions, roughly: a prompt of 0.2 to 1.5 KB, a piece of an answer of 0.9 to 3 KB (thoughts
with a signature, text, a tool's input), a tool's result of 1 to 8 KB, which is written twice in its line, as Claude
Code does; 2.9 KB a line on average. Of 100 lines 8 are prompts, 64 pieces of 26 answers, 26 tools' results, 2 others.
A file holds 400 lines on average, a project 12 files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MODELS = ("claude-opus-4-6", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
TOOLS = ("Bash", "Read", "Edit", "Grep", "Write")
LETTERS = "etaoinsrhldcumfpgwybvkxjqz" * 5 + " " * 24 + "\n\n\n\n\n" + '"' * 4 + "\\é" + "/{}()[]:;,._-=0123456789" * 2
FILE_LINES, PROJECT_FILES = (100, 700), 12
ANSWERS_PER_PROMPT = (1, 6)


def write_transcripts(home: Path, lines: int, *, seed: int = 1) -> tuple[int, int]:
    """Write about so many lines below a home of Claude Code; returns how many, and how many calls they tell of."""
    random = Random(seed)
    written = calls = number = 0
    while written < lines:
        session = f"{seed:04x}{number:04x}-0000-4000-8000-{random.getrandbits(48):012x}"
        folder = home / "projects" / f"-home-me-project{number // PROJECT_FILES}"
        folder.mkdir(parents=True, exist_ok=True)
        wanted = min(random.randint(*FILE_LINES), lines - written)
        transcript = _Transcript(random, session, f"/home/me/project{number // PROJECT_FILES}", number)
        texts = list(transcript.lines(wanted))
        (folder / f"{session}.jsonl").write_text("".join(texts), encoding="utf-8")
        written, calls, number = written + len(texts), calls + transcript.calls, number + 1
    return written, calls


class _Transcript:
    """One session."""

    def __init__(self, random: Random, session: str, cwd: str, number: int) -> None:
        self.random, self.session, self.cwd, self.calls = random, session, cwd, 0
        self.at = START + timedelta(minutes=20 * number)
        self.words = "".join(random.choices(LETTERS, k=16_000))

    def lines(self, wanted: int) -> Iterator[str]:
        """Yield at least so many lines, up to the end of an answer."""
        written = 0
        while written < wanted:
            for line in self._turn():
                written += 1
                yield json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"

    def _turn(self) -> Iterator[dict[str, Any]]:
        yield self._line("user", message={"role": "user", "content": self._text(200, 1_500)})
        if self.random.random() < 0.25:
            yield {
                "type": "file-history-snapshot",
                "messageId": self._id("", 16),
                "snapshot": {},
                "isSnapshotUpdate": False,
            }
        for _ in range(self.random.randint(*ANSWERS_PER_PROMPT)):
            tool = self._id("toolu_01", 11)
            yield from self._answer(tool)
            yield self._result(tool)

    def _answer(self, tool: str) -> Iterator[dict[str, Any]]:
        self.calls += 1
        answer, request, model = self._id("msg_01", 11), self._id("req_011C", 10), self.random.choice(MODELS)
        blocks: list[dict[str, Any]] = [
            {"type": "thinking", "thinking": self._text(200, 1_500), "signature": self._id("", 300)},
            {"type": "text", "text": self._text(100, 700)},
            {
                "type": "tool_use",
                "id": tool,
                "name": self.random.choice(TOOLS),
                "input": {"command": self._text(50, 1_500)},
            },
        ]
        usage = {
            "input_tokens": self.random.randint(3, 40),
            "cache_creation_input_tokens": self.random.randint(0, 6_000),
            "cache_read_input_tokens": self.random.randint(8_000, 150_000),
            "output_tokens": 1,
            "service_tier": "standard",
        }
        written = usage["cache_creation_input_tokens"]
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
        taken = blocks if self.random.random() < 0.46 else blocks[1:]
        for number, block in enumerate(taken, 1):
            last = number == len(taken)
            if last:
                usage = {**usage, "output_tokens": self.random.randint(20, 1_500)}
            message = {
                "model": model,
                "id": answer,
                "type": "message",
                "role": "assistant",
                "content": [block],
                "stop_reason": "tool_use" if last else None,
                "stop_sequence": None,
                "usage": usage,
            }
            yield self._line("assistant", message=message, requestId=request)

    def _result(self, tool: str) -> dict[str, Any]:
        text = self._text(500, 4_000)
        content = [{"tool_use_id": tool, "type": "tool_result", "content": text, "is_error": False}]
        return self._line(
            "user",
            message={"role": "user", "content": content},
            toolUseResult={"stdout": text, "stderr": "", "interrupted": False, "isImage": False},
        )

    def _line(self, kind: str, **more: Any) -> dict[str, Any]:
        self.at += timedelta(milliseconds=self.random.randint(200, 9_000))
        return {
            "parentUuid": self._id("", 16),
            "isSidechain": False,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.session,
            "version": "2.1.90",
            "gitBranch": "main",
            "type": kind,
            **more,
            "uuid": self._id("", 16),
            "timestamp": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    def _text(self, least: int, most: int) -> str:
        size = self.random.randint(least, most)
        begin = self.random.randrange(len(self.words) - size)
        return self.words[begin : begin + size]

    def _id(self, beginning: str, size: int) -> str:
        return f"{beginning}{self.random.getrandbits(8 * size):0{2 * size}x}"
