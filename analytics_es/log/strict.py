"""Strict ids: for which sources a source and an id are one event, whatever its time. An index of the log says so."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import orjson
from attrs import frozen

from analytics_es.errors import HERE, BadStrictIds, StoreDamaged
from analytics_es.events.event import MAX_SOURCE
from analytics_es.types.values import plain

STRICT = "strict ids"  # noted in the log: the patterns that it is strict about
EVERY = "*"
INDEX = "stored_events_by_identity"

StrictIds = bool | str | Sequence[str]


@frozen
class Strict:
    """Sources whose ids are strict: names, or how names begin, with a `*` after it."""

    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, strict_ids: StrictIds) -> Strict:
        """Read what was chosen: True is every source; raises BadStrictIds."""
        if isinstance(strict_ids, bool):
            return cls((EVERY,) if strict_ids else ())
        if not isinstance(strict_ids, Iterable):
            raise BadStrictIds(value=repr(strict_ids)[:60])
        names = [plain(name) for name in ([strict_ids] if isinstance(strict_ids, str) else strict_ids)]
        for name in names:
            if not isinstance(name, str) or not 0 < len(name) <= MAX_SOURCE or "*" in name[:-1] or not _is_utf8(name):
                raise BadStrictIds(value=repr(name)[:60])
        return cls(tuple(sorted(set(names))))

    @classmethod
    def read(cls, note: str | None) -> Strict:
        """Read what `write` has written; raises StoreDamaged."""
        try:
            return cls(tuple(orjson.loads(note))) if note else cls()
        except (ValueError, TypeError):
            raise StoreDamaged(path=HERE, problem=f"what the log notes of {STRICT!r} cannot be read") from None

    def write(self) -> str:
        """Return it as text."""
        return orjson.dumps(self.patterns).decode()

    @property
    def every(self) -> bool:
        """Whether it is every source."""
        return EVERY in self.patterns

    def more(self, others: Strict) -> list[str]:
        """Return which patterns of others are not held yet."""
        return [] if self.every else [pattern for pattern in others.patterns if pattern not in self.patterns]

    def plus(self, patterns: Iterable[str]) -> Strict:
        """Return it with more patterns."""
        return Strict(tuple(sorted({*self.patterns, *patterns})))

    @property
    def beginnings(self) -> tuple[bytes, ...]:
        """How the stored bytes of their events begin."""
        return _beginnings(self.patterns)


@functools.lru_cache(maxsize=16)
def _beginnings(patterns: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(map(beginning, patterns))


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def beginning(pattern: str) -> bytes:
    """Return how the stored bytes of the events of a pattern begin: their source comes first."""
    name = orjson.dumps({"source": pattern.removesuffix("*")})[:-1]  # without the closing brace
    return name[:-1] if pattern.endswith("*") else name  # and, of a beginning, without the closing quote


def condition(pattern: str, literal: str) -> str:
    """Return the SQL of "its event is of this pattern", with bytes as this database writes them: such as X'{}'."""
    start = beginning(pattern)
    return f"substr(state, 1, {len(start)}) = {literal.format(start.hex())}"


def index_of(pattern: str) -> str:
    """Return the name of the index that holds it."""
    name = blake2b(pattern.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return INDEX if pattern == EVERY else f"{INDEX}_{name}"


def create_index(pattern: str, literal: str) -> str:
    """Return the statement that makes the index, which holds from its making on."""
    where = "" if pattern == EVERY else f" WHERE {condition(pattern, literal)}"
    return f"CREATE UNIQUE INDEX IF NOT EXISTS {index_of(pattern)} ON stored_events (substr(originator_id, 13)){where}"


def shared(pattern: str, literal: str, position: str) -> str:
    """Return the statement that finds what speaks against it: how many ids, and two events of the first of them."""
    where = "" if pattern == EVERY else f"WHERE {condition(pattern, literal)} "
    return (
        f"SELECT count(*) OVER (), first, last FROM (SELECT min({position}) AS first, max({position}) AS last "
        f"FROM stored_events {where}GROUP BY substr(originator_id, 13) HAVING count(*) > 1) AS shared "
        "ORDER BY first LIMIT 1"
    )
