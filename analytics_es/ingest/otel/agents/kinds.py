"""The agents whose logs are read, and what each kind of their records gives, found by the record's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from analytics_es.events.checks import MAX_TEXT
from analytics_es.ingest.otel.agents.claude_code import CLAUDE_CODE
from analytics_es.ingest.otel.agents.codex import CODEX
from analytics_es.ingest.otel.agents.declaration import Agent, Id, Says, Told
from analytics_es.ingest.otel.agents.gemini_cli import GEMINI_CLI
from analytics_es.ingest.otel.conventions.declaration import Name

AGENTS = (CLAUDE_CODE, CODEX, GEMINI_CLI)


@frozen(eq=False)
class Kind:
    """One kind of record of an agent, with what is looked up of it: the attributes of each field, in their order."""

    agent: Agent
    told: Told
    names: Mapping[str, tuple[Name, ...]] = field(init=False)
    taken: frozenset[str] = field(init=False)  # attributes that become fields, or nothing

    @names.default
    def _by_field(self) -> Mapping[str, tuple[Name, ...]]:
        rows = (*self.told.names, *self.agent.names)
        return {row.field: tuple(other for other in rows if other.field == row.field) for row in rows}

    @taken.default
    def _all_taken(self) -> frozenset[str]:
        rows = (*self.told.names, *self.agent.names)
        own = {
            "event.name",
            "event.timestamp",
            "event.sequence",
            *self.agent.more_input,
            *self.agent.costs,
            *self.agent.persons,
        }
        return frozenset({row.attribute for row in rows} | own | self.agent.free_text)

    def fits(self, attributes: Mapping[str, Any]) -> bool:
        """Say whether a record with these attributes gives this."""
        if not _says_all(attributes, self.told.where):
            return False
        return not any(_says(attributes.get(name), wanted) for name, wanted in self.told.unless.items())

    def id_of(self, attributes: Mapping[str, Any]) -> str | None:
        """Return what tells its event from all others of the agent, None where nothing does."""
        return next(filter(None, (_id(attributes, rule) for rule in self.told.ids)), None)


def kinds_of(name: str) -> Iterable[Kind]:
    """Return what records of a name may give; of several the first that fits counts."""
    return _BY_NAME.get(name, ())


def says(text: str, patterns: Iterable[str]) -> bool:
    """Say whether a text is one of these; `*` at the end, or at the beginning, stands for anything."""
    return any(_matches(text, pattern) for pattern in patterns)


def _matches(text: str, pattern: str) -> bool:
    start, star, end = pattern.partition("*")
    if not star:
        return text == pattern
    if end.endswith("*"):
        return text.startswith(start) and end[:-1] in text[len(start) :]
    return len(text) > len(start) + len(end) - 1 and text.startswith(start) and text.endswith(end)


def _says_all(attributes: Mapping[str, Any], where: Says) -> bool:
    return all(_says(attributes.get(name), patterns) for name, patterns in where.items())


def _says(value: Any, patterns: tuple[str, ...]) -> bool:
    """Say whether a value is one of these; one that is not there is an empty text, of which `*` is no ending."""
    text = "" if value is None else str(value)[:MAX_TEXT].lower()
    return text in patterns if not text else says(text, patterns)


def _id(attributes: Mapping[str, Any], rule: Id) -> str | None:
    if not _says_all(attributes, rule.where):
        return None
    words = []
    for part in rule.parts:
        value = part[1:] if part.startswith("=") else attributes.get(part)
        if value is None or isinstance(value, list | Mapping) or not (text := str(value)):
            return None
        words.append(text)
    written = ":".join(words)
    return written if len(written) <= MAX_TEXT else None


_BY_NAME = {
    agent.prefix + name: tuple(Kind(agent, told) for told in several)
    for agent in AGENTS
    for name, several in agent.told.items()
}
