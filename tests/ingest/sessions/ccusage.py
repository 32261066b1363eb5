"""ccusage, a reader of sessions that many people trust: where it is, and what it says of an agent's files.

The environment variable CCUSAGE names the program, or is `install`: then npm installs it once for all tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

VERSION, VARIABLE = "20.0.24", "CCUSAGE"
WHY_NOT = f"ccusage {VERSION} is not here: {VARIABLE} names the program, or is `install` where npm is"
PATIENCE = 120  # seconds
KINDS = {"inputTokens": "input", "outputTokens": "output", "cacheReadTokens": "cache_read"}
WRITTEN = {"cacheCreationTokens": "cache_creation"}


class Reads(NamedTuple):
    """How it reads an agent: its command, the variable that names the agent's home, and options."""

    command: str
    variable: str
    options: tuple[str, ...] = ()


AGENTS = {
    "claude-code": Reads("claude", "CLAUDE_CONFIG_DIR", ("--mode", "calculate")),
    "codex": Reads("codex", "CODEX_HOME"),
    "gemini-cli": Reads("gemini", "GEMINI_DATA_DIR"),
    "qwen-code": Reads("qwen", "QWEN_DATA_DIR"),
    "opencode": Reads("opencode", "OPENCODE_DATA_DIR"),
}


@cache
def program() -> str | None:
    """Return the program, or None where it is not."""
    named = os.environ.get(VARIABLE, "")
    if named != "install":
        return named or None
    npm = shutil.which("npm")
    return install(npm, Path(tempfile.mkdtemp(prefix="analytics-es-ccusage-"))) if npm else None


def install(npm: str, folder: Path) -> str:
    """Install it into a folder, and return where the program is."""
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), f"ccusage@{VERSION}"]
    subprocess.run(command, check=True, timeout=PATIENCE, capture_output=True)
    return str(folder / "node_modules" / ".bin" / "ccusage")


def needed() -> str:
    """Return the program; where it is not, the test is skipped."""
    found = program()
    if found is None:
        pytest.skip(WHY_NOT)
    return found


class Said(NamedTuple):
    """What it says: tokens by day, model and kind, where the output lacks what only the totals have; the cost in USD.

    totals: all tokens, by day.
    """

    tokens: Counter[tuple[str, str, str]]
    totals: Counter[str]
    cost: float


def says(agent: str, home: Path, empty: Path) -> Said:
    """Return what it says of the files in a home of an agent; `empty`: a folder that stands for the user's."""
    reads = AGENTS[agent]
    empty.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(empty), "TZ": "UTC", reads.variable: str(home)}
    command = [needed(), reads.command, "daily", "--json", "--offline", *reads.options]
    done = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=PATIENCE, cwd=empty
    )
    return _said(json.loads(done.stdout))


def _said(report: Any) -> Said:
    tokens, totals = Counter[tuple[str, str, str]](), Counter[str]()
    days = report["daily"] if isinstance(report, dict) else report
    for day in days:
        totals[day["date"]] += day["totalTokens"]
        models = day.get("models") or {told["modelName"]: told for told in day["modelBreakdowns"]}
        for model, told in models.items():
            parts = {kind: told[name] for name, kind in (KINDS | WRITTEN).items()}
            parts["input"] += parts["cache_read"] + parts["cache_creation"]
            for kind, count in parts.items():
                tokens[day["date"], model.removesuffix("-fast"), kind] += count
    cost = sum(day.get("totalCost", day.get("costUSD", 0)) for day in days)
    return Said(+tokens, +totals, cost)
