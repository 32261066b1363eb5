"""Who wrote a span: by its scope and version, else by its name, attributes that only one emitter writes, or values."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from analytics_es.ingest.otel.conventions import COMMON, EMITTERS
from analytics_es.ingest.otel.conventions.declaration import Emitter
from analytics_es.ingest.otel.conventions.opentelemetry import OPENTELEMETRY

REMEMBERED = 1024  # scopes, and names of spans
ALL = (*EMITTERS, *COMMON)
VERSIONS: Mapping[str, tuple[Emitter, ...]] = {
    emitter.name: tuple(other for other in ALL if other.name == emitter.name) for emitter in ALL
}
UNKNOWN = OPENTELEMETRY  # what is read where nobody is recognised
SYSTEMS = {system.lower(): emitter.name for emitter in reversed(ALL) for system in emitter.systems}
AGENTS = {agent: emitter.name for emitter in ALL for agent in emitter.agents}
# Whose values may name an emitter.
NAMING = (("gen_ai.provider.name", SYSTEMS), ("gen_ai.system", SYSTEMS), ("gen_ai.agent.name", AGENTS))


class Patterns:
    """Names, and beginnings of names where they end in `*`: which emitter's a name is."""

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        self._exact, self._prefixes = dict[str, str](), dict[str, str]()
        for pattern, emitter in patterns:
            table = self._prefixes if pattern.endswith("*") else self._exact
            table.setdefault(pattern.removesuffix("*"), emitter)

    def get(self, name: str) -> str | None:
        """Return whose a name is; of several beginnings the longest."""
        if (emitter := self._exact.get(name)) is not None:
            return emitter
        fitting = [prefix for prefix in self._prefixes if name.startswith(prefix)]
        return self._prefixes[max(fitting, key=len)] if fitting else None


_SCOPES = Patterns((scope, emitter.name) for emitter in ALL for scope in emitter.scopes)
_SPANS = Patterns((span, emitter.name) for emitter in ALL for span in emitter.spans)
_TELLTALES = Patterns((name, emitter.name) for emitter in ALL for name in emitter.telltales)
_ORDER = {name: place for place, name in enumerate(VERSIONS)}


@functools.lru_cache(maxsize=REMEMBERED)
def of_scope(scope: str) -> str | None:
    """Return the name of the emitter that writes under a scope."""
    return _SCOPES.get(scope) if scope else None


@functools.lru_cache(maxsize=REMEMBERED)
def of_span(name: str) -> str | None:
    """Return the name of the emitter that only writes spans of a name."""
    return _SPANS.get(name)


def of_attributes(names: Collection[str]) -> str | None:
    """Return the name of the emitter whose telltale attributes there are; of several the first that is declared."""
    emitters = {emitter for name in names if (emitter := _TELLTALES.get(name)) is not None}
    return min(emitters, key=_ORDER.__getitem__, default=None)


def of_values(values: Mapping[str, Any]) -> str | None:
    """Return the name of the emitter that is named where a provider or an agent should be."""
    for attribute, names in NAMING:
        name = values.get(attribute)
        if type(name) is str and (emitter := names.get(name.lower())) is not None:
            return emitter
    return None


def declared(name: str | None, version: str, names: Collection[str]) -> Emitter:
    """Return the declaration of an emitter of this version; the common one where nobody is recognised."""
    if name is None:
        return UNKNOWN
    versions = VERSIONS[name]
    if len(versions) == 1:
        return versions[0]
    fitting = [emitter for emitter in versions if _within(version, emitter)] or versions
    return next(
        (emitter for emitter in fitting if not emitter.marks or any(mark in names for mark in emitter.marks)),
        fitting[-1],
    )


def _within(version: str, emitter: Emitter) -> bool:
    number = _number(version)
    if not number:
        return True
    return _number(emitter.since) <= number and (not emitter.until or number < _number(emitter.until))


@functools.lru_cache(maxsize=REMEMBERED)
def _number(version: str) -> tuple[int, ...]:
    """Return a version's numbers, to compare; none where it begins with none."""
    leading = re.match(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})", version)
    return tuple(int(part) for part in leading[1].split(".")) if leading else ()
