"""A snapshot that remembers what it was asked for, so that an answer can be made again when it is closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import define, evolve, field

from analytics_es.read_models.snapshot import Fetch, Rows, Snapshot
from analytics_es.read_models.store import ReadModels


class NotRemembered(Exception):
    """A closed snapshot was asked for what it was not asked for while it was open: that must not depend on the log."""


@define
class Remembered:
    """What was fetched of a snapshot, by statement, while it was open."""

    _fetch: Fetch
    is_open: bool = True
    _outcomes: dict[tuple[str, tuple[Any, ...]], Rows | Exception] = field(factory=dict)

    def __call__(self, statement: str, parameters: Sequence[Any]) -> Rows:
        """Return rows as they were fetched first."""
        key = (statement, tuple(parameters))
        if list in map(type, parameters):
            key = (statement, tuple(tuple(each) if type(each) is list else each for each in parameters))
        if key not in self._outcomes:
            if not self.is_open:
                raise NotRemembered
            self._outcomes[key] = self._outcome(statement, parameters)
        outcome = self._outcomes[key]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _outcome(self, statement: str, parameters: Sequence[Any]) -> Rows | Exception:
        try:
            return self._fetch(statement, parameters)
        except Exception as error:  # such as a sum that overflows, which is then taken otherwise
            return error


@contextmanager
def remembering(read_models: ReadModels) -> Iterator[tuple[Snapshot, Remembered]]:
    """Open a snapshot that answers again, when it is closed, what it was asked for until then."""
    with read_models.read() as snapshot:
        remembered = Remembered(snapshot._fetch)
        try:
            yield evolve(snapshot, fetch=remembered), remembered
        finally:
            remembered.is_open = False
