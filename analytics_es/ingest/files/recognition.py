"""What a file is, by the names of its columns: one of the formats that come with the package, or none for certain."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from analytics_es.errors import GUIDE, CannotRead
from analytics_es.events.walking import Malformed
from analytics_es.ingest.files.catalogue import Shape, shapes
from analytics_es.ingest.files.columns import unique
from analytics_es.ingest.files.documents import is_of_lines, json_rows, opened, pass_over
from analytics_es.ingest.files.notes import Notes
from analytics_es.ingest.files.paths import Steps, read_steps
from analytics_es.ingest.files.problems import reading
from analytics_es.ingest.files.records import csv_records, loaded
from analytics_es.process import Later

pq: Any = Later("pyarrow.parquet")

ROWS, DEEP, MOST = 200, 4, 5000  # rows that are looked into, levels of each, names and texts of all
TRACES = frozenset({"resourcespans", "resource_spans", "resourcelogs", "resource_logs"})
_EVENT = frozenset({"id", "source", "type", "time"})
_LIKELY = 0.6


@define
class Sample:
    """What the first rows of a file have: the names of columns, in small letters, and the texts of short values."""

    columns: set[str] = field(factory=set)
    texts: dict[str, set[str]] = field(factory=dict)

    def add(self, part: Any, above: str = "", depth: int = 0) -> None:
        """Take what is in a row, or in a part of one."""
        if isinstance(part, list):
            for element in part[:ROWS]:
                self.add(element, above, depth)
        elif isinstance(part, Mapping) and depth < DEEP:
            for name, inner in part.items():
                path = f"{above}.{name.strip().lower()}" if above else name.strip().lower()
                if len(self.columns) < MOST:
                    self.columns.add(path)
                self.add(inner, path, depth + 1)
        elif isinstance(part, str) and len(part) <= 64 and above:
            seen = self.texts.setdefault(above, set())
            if len(seen) < ROWS:
                seen.add(part)

    def lacks(self, shape: Shape) -> list[str]:
        """Return what files of a shape have and this has not."""
        absent = {column for column in shape.columns - self.columns if not self._is_empty(column)}
        groups = (" or ".join(sorted(group)) for group in shape.one_of if not group & self.columns)
        return [*sorted(absent), *groups]

    def _is_empty(self, column: str) -> bool:
        """Say whether a column is of a list that no row has an element of."""
        above, dot, _ = column.rpartition(".")
        return bool(dot) and above in self.columns and not any(name.startswith(f"{above}.") for name in self.columns)

    def fits(self, shape: Shape) -> bool:
        """Say whether this is of a shape, as far as can be seen: nothing tells against it."""
        if self.lacks(shape) or shape.without & self.columns:
            return False
        return not any(self._others(shape))

    def _others(self, shape: Shape) -> Iterator[str]:
        """Yield the columns whose texts are not all as files of a shape have them."""
        for column, patterns in shape.values.items():
            for text in self.texts.get(column, ()):
                if not any(fnmatchcase(text, pattern) for pattern in patterns.split("|")):
                    yield column

    def differs(self, shape: Shape) -> str:
        """Say what files of a shape have and this has not, columns or texts of them."""
        others = dict.fromkeys(self._others(shape))
        return ", ".join(self.lacks(shape) or [f"{column} of {shape.values[column]} alone" for column in others])

    def is_certain(self, shape: Shape) -> bool:
        """Say whether it is of a shape for certain: all that its texts have to say is there."""
        told = all(self.texts.get(column) for column in shape.values)
        return told and shape.columns <= self.columns and self.fits(shape)


@frozen
class Recognised:
    """A shape that a file has, where its rows are, and which columns, that figures come from, it lacks."""

    shape: Shape
    steps: Steps
    missing: tuple[str, ...] = ()


@frozen(kw_only=True)
class Look:
    """What a file may be: the shapes it has for certain, those nothing tells against, those it is much like.

    likely: what is missing, by the name of the format. empty: where there may be rows and are none.
    """

    certain: tuple[Recognised, ...] = ()
    possible: tuple[Recognised, ...] = ()
    likely: Mapping[str, str] = field(factory=dict)
    empty: Steps | None = None
    is_traces: bool = False
    is_events: bool = False


def look(path: Path, kind: str, *, name: str | None = None, rows_path: Steps | None = None) -> Look:
    """Look at the first rows of a file; `name` is the format that it is said to be. Raises CannotRead."""
    samples = _samples(path, kind, rows_path)
    certain, possible, likely = list[Recognised](), list[Recognised](), dict[str, str]()
    for shape in shapes():
        if name not in (None, shape.name):
            continue
        places = [rows_path] if rows_path is not None else [_steps(rows) for rows in shape.rows]
        for steps in places:
            sample = samples.get(steps)
            if sample is None:
                continue
            if sample.fits(shape):
                missing = tuple(" or ".join(sorted(group)) for group in shape.tells if not group & sample.columns)
                possible.append(Recognised(shape, steps, missing))
                certain += [possible[-1]] if sample.is_certain(shape) else []
                break
            lacking = sample.lacks(shape)
            if len(shape.columns) - len(lacking) >= _LIKELY * len(shape.columns):
                likely.setdefault(shape.name, sample.differs(shape))
    first = samples.get((), Sample()).columns
    return Look(
        certain=tuple(certain),
        possible=tuple(possible),
        likely=likely,
        empty=next((steps for steps, sample in samples.items() if not sample.columns), None),
        is_traces=bool(first & TRACES),
        is_events=first >= _EVENT or "specversion" in first,
    )


def check_events(path: Path, steps: Steps) -> None:
    """Raise CannotRead for a JSON file of which no row at its beginning has a type, as every CloudEvent has."""
    first = _sampled(_good(path, steps)).columns
    if first and "type" not in first:
        problem = "its rows are no CloudEvents, which have a type, and of no format that is known: say what they are"
        raise CannotRead(path=path, problem=f"{problem} in a mapping ({GUIDE}/mapping.md)")


def _steps(rows: str) -> Steps:
    return read_steps(rows) if rows else ()


def _samples(path: Path, kind: str, rows_path: Steps | None) -> dict[Steps, Sample]:
    if kind == ".parquet":
        with reading(path):
            schema = pq.read_schema(path)
        sample = Sample()
        sample.columns.update(name.lower() for name in unique(schema.names))
        told = {column for shape in shapes() for column in shape.values}
        with reading(path), pq.ParquetFile(path) as file:
            columns = [
                field.name for field in schema if field.name.lower() in told and str(field.type).endswith("string")
            ]
            for batch in itertools.islice(file.iter_batches(ROWS, columns=columns) if columns else (), 1):
                for fields in batch.to_pylist():
                    sample.add(fields)
        return {(): sample}
    if kind == ".csv":
        return {(): _sampled(record.fields for record in itertools.islice(csv_records(path), ROWS))}
    if rows_path is not None:
        return {rows_path: _sampled(_good(path, rows_path))}
    if is_of_lines(path):
        return {steps: _sampled(_good(path, steps)) for steps in {_steps(rows) for s in shapes() for rows in s.rows}}
    return _of_document(path)


def _sampled(rows: Iterable[Mapping[str, Any]]) -> Sample:
    sample = Sample()
    for fields in rows:
        sample.add(fields)
    return sample


def _good(path: Path, steps: Steps) -> Iterator[Mapping[str, Any]]:
    records = itertools.islice(json_rows(path, steps, Notes()), ROWS)
    return (record.fields for record in records if not record.problem)


def _of_document(path: Path) -> dict[Steps, Sample]:
    """Look into the beginning of a document: it may be of any length."""
    samples: dict[Steps, Sample] = {(): Sample()}
    places = {rows for shape in shapes() for rows in shape.rows if rows}
    try:
        with opened(path) as walk:
            if walk.kind() == b"[":
                for _ in itertools.islice(walk.elements(), ROWS):
                    samples[()].add(_value(walk))
                return samples
            for name in walk.members():
                samples[()].columns.add(name.lower())
                if name.lower() in TRACES:
                    break
                if name in places and walk.kind() == b"[":
                    sample = samples.setdefault(read_steps(name), Sample())
                    for _ in itertools.islice(walk.elements(), ROWS):
                        sample.add(_value(walk))
                    break
                pass_over(walk)
    except Malformed:
        pass  # it is told as a row, by who reads it
    return samples


def _value(walk: Any) -> Any:
    text = walk.text()
    return loaded(text) if text else None
