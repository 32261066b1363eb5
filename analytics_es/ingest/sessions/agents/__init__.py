"""The coding agents whose session logs are read: one file each, found by its name. To add one, add a file."""

from __future__ import annotations

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
        raise UnknownAgent(name=name, known=", ".join(names()))
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    agent: Agent = module.AGENT
    return agent


def every(chosen: Sequence[str] = ()) -> list[Agent]:
    """Return the declarations of these agents, or of all, by name."""
    return [declared(name) for name in (chosen or names())]
