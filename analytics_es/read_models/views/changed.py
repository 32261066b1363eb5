"""Whose rows have changed in a bucket, as far as this process knows: their names are not written for it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable

from attrs import define, field

Whose = tuple[str, str]  # the type and id of an entity; empty ones of everyone

WIDTH, LONGEST = 16, 512  # of one token, and of what notes of one bucket are together
ENTITIES = 32  # of a bucket of which all is looked at else
REMEMBERED = 512  # tokens


@define
class Changed:
    """Remembers what each note of changed rows is about; notes of one bucket are written one behind the other."""

    _about: dict[str, frozenset[Whose]] = field(factory=dict)

    def note(self, entities: Collection[Whose] | None = None) -> str:
        """Return a new note, of these entities or, for good, of all."""
        token = secrets.token_hex(WIDTH // 2)
        if entities and len(entities) <= ENTITIES:
            remembered = list(self._about)  # at once: other threads may note something, too
            for oldest in remembered[: max(0, len(remembered) - REMEMBERED + 1)]:
                self._about.pop(oldest, None)
            self._about[token] = frozenset(entities)
        return token

    def whose(self, notes: Iterable[str]) -> list[Whose] | None:
        """Return whose rows have changed by these notes; None where that is not known, or of very many."""
        entities = set[Whose]()
        for note in notes:
            for first in range(0, len(note), WIDTH):
                about = self._about.get(note[first : first + WIDTH])
                if about is None:
                    return None
                entities |= about
        return sorted(entities) if len(entities) <= ENTITIES else None
