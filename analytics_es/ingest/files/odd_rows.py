"""Rows that have something else where a mapping goes through an object: a few do not stop the others of a file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Fields
from typing import Any

from attrs import define, field, frozen

from analytics_es.ingest.files.lists import kind_of, list_in
from analytics_es.ingest.files.mapping import EACH, Mapping
from analytics_es.ingest.files.paths import ITEMS, Steps, inside, written
from analytics_es.ingest.files.records import Record


@define
class OddRows:
    """The rows of a file, of which those that a mapping cannot go through are refused; they are counted each time."""

    _records: Callable[[], Iterator[Record]]
    _paths: frozenset[Steps]
    odd: int = field(init=False, default=0)
    _seen: int = field(init=False, default=0)

    @classmethod
    def of(cls, records: Callable[[], Iterator[Record]], mapping: Mapping) -> OddRows:
        """Look at rows along the paths through objects that a mapping reads."""
        return cls(records, _through_objects(mapping.of_rows()))

    @property
    def are_few(self) -> bool:
        """Whether there are some, and of all rows at most a half: else it is the mapping that does not fit."""
        return 0 < self.odd <= self._seen // 2

    def __call__(self) -> Iterator[Record]:
        """Yield the rows, from the first."""
        self.odd = self._seen = 0
        for record in self._records():
            problem = record.problem or self._problem(record)
            self._seen += 1
            self.odd += problem is not record.problem
            yield record if problem is record.problem else record._replace(fields={}, problem=problem)

    def _problem(self, record: Record) -> str:
        for steps in self._paths:
            part, before = inside(record.fields, steps)
            if before:
                return f"{written(before)} is {kind_of(part)}, not an object"
        return record.problem


@frozen
class Ways:
    """The paths through objects that one [[event]] table reads of columns of JSON, where anything may stand in the way.

    The engine reads NULL then, which a mapping may want; so the row is taken, and it is said.
    """

    _each: Steps
    _paths: frozenset[Steps]

    @classmethod
    def of(cls, mapping: Mapping, number: int, kinds: Fields[str, str]) -> Ways:
        """Return those of a table, for columns of these kinds."""
        free = {name.lower() for name, kind in kinds.items() if "JSON" in kind}
        each = mapping.each[number]
        if each and f"__each{number}" in kinds and "JSON" in kinds[f"__each{number}"]:
            free.add(EACH)
        paths = _through_objects(mapping.paths[number])
        return cls(each, frozenset(steps for steps in paths if str(steps[0]).lower() in free))

    def blocked(self, fields: Fields[str, Any], place: int | None) -> Iterator[str]:
        """Yield the paths that something stands in the way of, in a row or in an element of its list."""
        for steps in self._paths:
            of_element = place is not None and str(steps[0]).lower() == EACH
            part, before = inside({str(steps[0]): self._element(fields, place or 1)} if of_element else fields, steps)
            if before:
                yield f"{written(steps)} ({written(before)} is {kind_of(part)})"

    def _element(self, fields: Fields[str, Any], place: int) -> Any:
        found, _ = list_in(fields, self._each)
        return found[place - 1] if found and place <= len(found) else None


def _through_objects(paths: Iterable[Steps]) -> frozenset[Steps]:
    named = (tuple(itertools.takewhile(lambda step: step is not ITEMS, steps)) for steps in paths)
    return frozenset(steps for steps in named if len(steps) > 1)
