"""The guide's table of emitters, as their declarations say it.

`python -m tests.emitters_table` writes it into docs/opentelemetry.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from analytics_es.ingest.otel.conventions import COMMON, EMITTERS
from analytics_es.ingest.otel.conventions.declaration import Emitter

PAGE = Path(__file__).parent.parent / "docs" / "opentelemetry.md"
HEAD = "| emitter | versions | known by | what it tells under names of its own | totals | does not tell |"
END = "<!-- end of the emitters -->"
# Fields in the words of a reader; what all emitters tell by OpenTelemetry's names is not said again.
_WORDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache read",
    "cache_creation_tokens": "cache written",
    "cache_creation_1h_tokens": "written for 1 h",
    "reasoning_tokens": "thoughts",
    "input_audio_tokens": "audio",
    "output_audio_tokens": "audio",
    "input_image_tokens": "images",
    "output_image_tokens": "images",
    "searches": "searches",
    "cost": "cost",
    "service_tier": "tier",
    "time_to_first_chunk": "first chunk",
    "request_model": "model asked for",
    "response_model": "model that answered",
    "provider": "provider",
    "operation": "operation",
    "kind": "operation",
    "user_id": "user",
    "tenant_id": "tenant",
    "conversation_id": "session",
    "agent_id": "agent",
    "tool": "tool",
    "attempt": "attempt",
}


def table() -> str:
    """Return the table, as Markdown."""
    emitters = sorted((*EMITTERS, *COMMON), key=lambda emitter: (emitter.title.lower(), not emitter.until))
    lines = [HEAD, "|---" * HEAD.count(" | ") + "|---|", *map(_row, emitters)]
    return "\n".join(lines)


def _row(emitter: Emitter) -> str:
    told = (emitter.title, _versions(emitter), _known_by(emitter), _told(emitter), _totals(emitter), emitter.tells_not)
    return f"| {' | '.join(cell.replace('|', ', ') or '–' for cell in told)} |"


def _versions(emitter: Emitter) -> str:
    """Return the versions that the declaration is right of."""
    if emitter.until:
        return f"before {emitter.until}" if not emitter.since else f"{emitter.since} to before {emitter.until}"
    return f"{emitter.since} and later" if emitter.since else "all"


def _known_by(emitter: Emitter) -> str:
    if emitter.scopes:
        return _codes(emitter.scopes[:3])
    return _codes((*emitter.spans, *emitter.telltales)[:2]) or "nobody else is known"


def _told(emitter: Emitter) -> str:
    return ", ".join(dict.fromkeys(_WORDS[name.field] for name in emitter.names if name.field in _WORDS))


def _totals(emitter: Emitter) -> str:
    """Return which parts its totals leave out."""
    apart = [f"without {_parts(emitter.beside)}"] if emitter.beside else []
    apart += [
        f"of {_codes([provider])} without {_parts(parts)}" for provider, parts in emitter.beside_of.items() if parts
    ]
    said = "; ".join(apart) or "hold their parts"
    return said if emitter.certain else f"{said}; a grand total decides"


def _parts(fields: Iterable[str]) -> str:
    return ", ".join(sorted(_WORDS[field] for field in fields))


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def written(page: str) -> str:
    """Return the page with the table of today in it."""
    start, end = page.index(HEAD), page.index(END)
    return f"{page[:start]}{table()}\n\n{page[end:]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
