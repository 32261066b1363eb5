"""Who is behind pseudonyms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from attrs import frozen

from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class SubjectName(ValueObject):
    """Who is behind one pseudonym.

    pseudonym: as answers show it.
    name: as it was recorded; None where it is not known.
    state: named; unnamed, as it was made while names were not kept; or unknown: forgotten, of another vault, or none.
    """

    pseudonym: str
    name: str | None
    state: Literal["named", "unnamed", "unknown"]


@frozen(kw_only=True, eq=False, repr=False)
class Names(Answer):
    """Who is behind pseudonyms, as the vault says: for who has its key, and for nobody's log.

    subjects: what is known of each pseudonym, in the order in which they were asked for.
    kept: whether the vault was told to keep the names of those who come now.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {"subjects": Rows("subjects")}

    subjects: list[SubjectName]
    kept: bool = False

    @property
    def names(self) -> dict[str, str]:
        """The names of those that have one, by their pseudonyms."""
        return {subject.pseudonym: subject.name for subject in self.subjects if subject.name is not None}

    @property
    def unnamed(self) -> list[str]:
        """The pseudonyms that the vault has no name for."""
        return self._of("unnamed")

    @property
    def unknown(self) -> list[str]:
        """The pseudonyms that the vault does not know."""
        return self._of("unknown")

    def _of(self, state: str) -> list[str]:
        return [subject.pseudonym for subject in self.subjects if subject.state == state]
