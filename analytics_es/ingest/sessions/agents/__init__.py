"""The coding agents whose session logs are read: one file each, found by its name. To add one, add a file."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from functools import cache

from analytics_es.errors import UnknownAgent
from analytics_es.ingest.sessions.declaration import Agent
from analytics_es.ingest.strictness import agents as names


@cache
def declared(name: str) -> Agent:
    """Return the declaration of an agent, such as `claude-code`; raises UnknownAgent."""
    if name not in names():
        raise UnknownAgent(name=name, known=", ".join(names()), hint=_meant(name))
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    agent: Agent = module.AGENT
    return agent


def _meant(name: str) -> str:
    """Return which agents are meant by a part of their name, or by one that is misspelled."""
    words = name.lower()
    parts = [known for known in names() if words in known] if len(words) > 1 else []
    close = parts or difflib.get_close_matches(words, names(), n=1)
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def every(chosen: Sequence[str] = ()) -> list[Agent]:
    """Return the declarations of these agents, or of all, by name."""
    return [declared(name) for name in (chosen or names())]
