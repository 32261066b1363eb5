"""Files as batches of rows: the columns that a mapping uses, for the engine."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from analytics_es.errors import CannotRead
from analytics_es.ingest.chunks import chunks
from analytics_es.ingest.files import contents
from analytics_es.ingest.files.columns import absent, complete, guess, shapes, structure, unique
from analytics_es.ingest.files.contents import Contents, Numbering, Repeats
from analytics_es.ingest.files.lists import Lists
from analytics_es.ingest.files.mapping import FILENAME, Mapping
from analytics_es.ingest.files.paths import written
from analytics_es.ingest.files.problems import reading
from analytics_es.ingest.files.records import Record
from analytics_es.process import Later
from analytics_es.projection import engine

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
else:
    pa, pc, pq = Later("pyarrow"), Later("pyarrow.compute"), Later("pyarrow.parquet")

BATCH_ROWS, BATCH_BYTES = 4096, 16 * 2**20
MOST_ELEMENTS, MOST_PER_BYTE = 8 * 2**20, 50  # of lists in a group of rows of Parquet


class Batch(NamedTuple):
    """Some rows of a file: the names of all its columns, and the columns in use, by `select` from `table`.

    `empty` columns hold no value in the whole file, or are `missing` from it; they stay NULL of any type, as far as may
    be. `records` are the rows of a text file. `contents` tells what each row says as a whole, `numbering` which of the
    file's equal rows is next.
    """

    names: list[str]
    table: pa.Table
    contents: Contents
    numbering: Numbering
    select: str = "SELECT * FROM source"
    empty: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    missing: tuple[str, ...] = ()


def parquet_batches(path: Path, mapping: Mapping, *, whole: bool) -> Iterator[Batch]:
    """Read the columns in use of a Parquet file; all, and twice, where rows are known by the `whole` of them."""
    first = 1
    with reading(path), pq.ParquetFile(path, read_dictionary=_texts(path)) as file:
        _check_lists(path, file.metadata)
        keys = file.schema_arrow.names
        if len(set(keys)) < len(keys):
            raise CannotRead(path=path, problem="two columns have the same name")
        names = unique(keys)
        used = {name: key for name, key in zip(names, keys, strict=True) if name.lower() in mapping.names}
        missing = tuple(missing_columns(mapping, names))
        columns = keys if whole else list(used.values())
        numbering = Numbering(_repeats(_read(file, columns)) if whole else None)
        for batch in _read(file, columns):
            rows = range(first, first + batch.num_rows)
            numbers = pa.array(rows, pa.int64())
            table = pa.table({"__row": numbers, **{name: batch.column(key) for name, key in used.items()}})
            first += batch.num_rows
            digests = partial(zip, rows, contents.of_batch(batch))
            yield Batch(names, table, digests, numbering, empty=missing, missing=missing)


def _read(file: pq.ParquetFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    return itertools.chain.from_iterable(map(_pieces, file.iter_batches(BATCH_ROWS, columns=columns)))


def _repeats(batches: Iterable[pa.RecordBatch]) -> frozenset[int]:
    repeats = Repeats()
    for batch in batches:
        for row in contents.of_batch(batch):
            repeats.add(row)
    return repeats.found()


def _texts(path: Path) -> list[str]:
    """Return the columns of texts and bytes: repeated ones are written once, and unpacked they could be of any size."""
    kinds = (pa.types.is_string, pa.types.is_binary)
    return [field.name for field in pq.read_schema(path) if any(is_kind(field.type) for is_kind in kinds)]


def _check_lists(path: Path, metadata: pq.FileMetaData) -> None:
    """Raise CannotRead for lists of so many elements in so few bytes as a list that was made to fill memory has."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            many = column.num_values > max(MOST_ELEMENTS, group.num_rows)
            if many and column.num_values > MOST_PER_BYTE * column.total_compressed_size:
                problem = f"a list of {column.path_in_schema} has more elements than its bytes can tell apart"
                raise CannotRead(path=path, problem=problem)


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Unpack the texts of a batch, in halves where they are too many bytes for one."""
    packed = [place for place, kind in enumerate(batch.schema.types) if pa.types.is_dictionary(kind)]
    if batch.num_rows > 1 and sum(_unpacked(batch.column(place)) for place in packed) > BATCH_BYTES:
        half = batch.num_rows // 2
        yield from _pieces(batch.slice(0, half))
        yield from _pieces(batch.slice(half))
        return
    columns = [column.dictionary_decode() if place in packed else column for place, column in enumerate(batch.columns)]
    yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _unpacked(column: pa.DictionaryArray) -> int:
    lengths = pc.binary_length(column.dictionary)
    return pc.sum(lengths.cast(pa.int64()).take(column.indices)).as_py() or 0


def text_batches(
    records: Callable[[], Iterator[Record]], mapping: Mapping, *, is_csv: bool, whole: bool
) -> Iterator[Batch]:
    """Read a file twice: for the types of the columns in use, then for its rows, which reach the engine as JSON.

    `whole`: rows are known by the whole of them.
    """
    content = partial(contents.of_record, is_csv=is_csv)
    repeats, lists = Repeats(), Lists(mapping)

    def looked_at() -> Iterator[dict[str, Any]]:
        for record in records():
            if whole and record.row and not record.problem:
                repeats.add(content(record))
            lists.see(record.fields)
            yield record.fields

    shape_of = shapes(looked_at(), mapping.names, guess if is_csv else lambda value: value)
    numbering = Numbering(repeats.found() if whole else None)
    names = unique(shape_of)
    columns, missing = _completed(mapping, dict(zip(names, shape_of.values(), strict=True)), is_json=not is_csv)
    key_of = dict(zip(names, shape_of, strict=True))
    places = {str(place): name for place, name in enumerate(columns) if columns[name] is not None}
    empty = tuple(name for name, shape in columns.items() if shape is None)
    types = {place: structure(columns[name]) for place, name in places.items()} | lists.types()
    selected = {place: engine.quote_name(name) for place, name in places.items()} | lists.columns()
    written = "".join(f', record."{place}" AS {name}' for place, name in selected.items())
    typed = f", json_transform(record, {engine.quote(orjson.dumps(types).decode())}) AS record" if types else ""
    # The columns in use of one batch, typed as all rows of the file allow.
    select = f"SELECT __row{written} FROM (SELECT __row{typed} FROM source)"
    keys = {place: key_of.get(name) for place, name in places.items()}
    for chunk in chunks((record for record in records() if record.row), BATCH_ROWS):
        good = [record for record in chunk if not record.problem]
        numbers = pa.array([record.row for record in good], pa.int64())
        texts = [_text(record.fields, keys, lists) for record in good]
        table = pa.table({"__row": numbers, "record": pa.array(texts, pa.string())})
        digests = partial(_digests, good, content)
        missed = (*missing, *lists.missing())
        yield Batch(names, table, digests, numbering, select, empty, tuple(chunk), missed)


def _completed(mapping: Mapping, shape_of: dict[str, Any], *, is_json: bool) -> tuple[dict[str, Any], list[str]]:
    """Return the columns in use, with a shape of each that has all the mapping reads of it; and what is missing."""
    columns = {name: shape for name, shape in shape_of.items() if name.lower() in mapping.names}
    names = {name.lower(): name for name in shape_of}
    missing = missing_columns(mapping, list(shape_of), is_json=is_json)
    for steps in mapping.of_rows():
        name = names.get(str(steps[0]).lower(), str(steps[0]))
        if name in columns and is_json and mapping.may_lack(name, is_json=True):
            if lacked := absent(columns[name], steps[1:]):
                missing.append(written((name, *lacked)))
            columns[name] = complete(columns[name], steps[1:])
        elif name in missing:
            columns[name] = complete(columns.get(name), steps[1:])
    return columns, list(dict.fromkeys(missing))


def missing_columns(mapping: Mapping, names: Sequence[str], *, is_json: bool = False) -> list[str]:
    """Return the columns that a mapping names and a file lacks, where it may."""
    present = {name.lower() for name in names} | {FILENAME}
    read = {str(steps[0]).lower(): str(steps[0]) for steps in mapping.of_rows()}
    return [name for lower, name in read.items() if lower not in present and mapping.may_lack(name, is_json=is_json)]


def _text(fields: dict[str, Any], keys: dict[str, str | None], lists: Lists) -> str:
    parts = {place: fields.get(key) if key is not None else None for place, key in keys.items()}
    return orjson.dumps(parts | lists.of(fields)).decode()


def _digests(records: Sequence[Record], content: Callable[[Record], bytes]) -> Iterator[tuple[int, bytes]]:
    return ((record.row, content(record)) for record in records)
