"""Rows that have something else where a mapping goes through an object: a few do not stop the others of a file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from attrs import define, field

from analytics_es.ingest.files.lists import kind_of
from analytics_es.ingest.files.mapping import Mapping
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
        named = (tuple(itertools.takewhile(lambda step: step is not ITEMS, steps)) for steps in mapping.of_rows())
        return cls(records, frozenset(steps for steps in named if len(steps) > 1))

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
