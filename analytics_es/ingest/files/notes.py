"""What is found out about a file while its rows are read, beside the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Self

from attrs import define, field

from analytics_es.ingest.files.catalogue import Shape
from analytics_es.ingest.files.events import ImportedRow


@define
class Notes:
    """What there is to say of a file.

    rows: how many there are, as far as it was read: of these, some may give nothing.
    missing: the keys that its mapping reads and that no row of it has, with a name that is near; from the beginning.
    broken: where it breaks off, so that rows may be lost; "" where it does not.
    read_as: the format that was said or recognised; "" for CloudEvents and by a mapping of one's own.
    shape: which of its shapes, where the format is one that comes with the package.
    no_object: what is NULL in events as something else stands where its object should be: how many events, by path.
    ignored: what gives no event and is no fault, such as spans that are no calls: how many, by what they are.
    """

    rows: int = 0
    missing: dict[str, str] = field(factory=dict)
    broken: str = ""
    no_object: Counter[str] = field(factory=Counter)
    ignored: Counter[str] = field(factory=Counter)
    read_as: str = ""
    shape: Shape | None = None


class Rows(Iterator[ImportedRow]):
    """The rows of a file, one after another, and `notes` of them all, which are whole when these are through."""

    def __init__(self, rows: Iterator[ImportedRow], notes: Notes) -> None:
        self._rows, self.notes = rows, notes

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ImportedRow:
        row = next(self._rows)
        if row.ignored:
            self.notes.ignored[row.ignored] += 1
        return row
