"""What OpenAI's API counts of an answer, as its agent writes it, and what its agent says of a tool that ran."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from analytics_es.ingest.sessions.formats.counter import Numbers
from analytics_es.ingest.sessions.formats.records import part

COUNTS = {
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
    "cache_write_input_tokens": "cache_creation_tokens",
}
PARTS = 4  # so many of them are in the logs of all versions: by these one state of a counter is known from another
MODELS = {
    "gpt-oss*": "",  # anybody's
    **dict.fromkeys(("gpt-*", "codex-*", "o1*", "o3*", "o4*", "chatgpt-*", "computer-use-*"), "openai"),
}
_EXIT = re.compile(r"(?:Chunk ID: .*\n)?(?:Wall time: .*\n)?(?:Exit code: |Process exited with code )(-?\d+)\b")


def numbers(usage: Any) -> Numbers | None:
    """Return the counts of a usage, in the order of COUNTS; None where it tells none, as an empty one."""
    told = [usage.get(name) for name in COUNTS] if isinstance(usage, dict) else []
    if told.count(None) == len(told):
        return None
    counts = [count or 0 for count in told]
    if set(map(type, counts)) != {int}:
        raise TypeError("a count that is no whole number")
    return counts


def tokens(counts: Numbers, usage: Any = None) -> dict[str, int]:
    """Return counts by our names; with the total that the usage tells, which they are checked by."""
    total = part(usage).get("total_tokens")
    return {**dict(zip(COUNTS.values(), counts, strict=True)), **({"total_tokens": total} if total else {})}


def state(counts: Numbers) -> str:
    """Return counts as the ids of calls have them."""
    return ":".join(str(count) for count in counts[:PARTS])


def failed(output: Any) -> bool:
    """Say whether an output tells that its tool failed: by an exit code, or in so many words; nothing else is read."""
    if isinstance(output, str) and output.startswith("{"):
        try:
            output = orjson.loads(output)
        except ValueError:
            return False
    if isinstance(output, Mapping):
        return output.get("success") is False or part(output, "metadata").get("exit_code") not in (None, 0)
    code = _EXIT.match(output[:500]) if isinstance(output, str) else None
    return bool(code and int(code[1]))
