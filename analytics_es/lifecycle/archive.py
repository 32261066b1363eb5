"""A directory of Parquet files that `export_data` wrote, read back as the log's own events.

Every file has a manifest beside it. The files tile a stretch of time, whatever their names; what is read of them are
the events up to the lowest head that a file was exported at, so that an archive is the log as it was at one position.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Any, Self

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from attrs import asdict, evolve, fields, frozen

from analytics_es.errors import ArchiveGap, ArchiveOverlap, BadManifest, DamagedArchive, NoArchive, OtherLog
from analytics_es.events.event import microseconds
from analytics_es.lifecycle.archive_reader import STORED, Reader, RowGroups, is_typed
from analytics_es.lifecycle.files import appearing
from analytics_es.log import EventLog
from analytics_es.types import Progress

VERSION = 1
SUFFIX = ".manifest.json"
BLOCK = 2**20


@frozen(kw_only=True)
class Manifest:
    """What a file of an archive must be."""

    version: int = VERSION
    log: str
    start: str
    end: str
    rows: int
    first_position: int | None
    last_position: int | None
    upto: int
    bytes: int
    sha256: str
    sealed: bool = False  # no more events of its period will ever come

    def write(self, file: Path, log: EventLog) -> Path:
        """Write the manifest beside its file, which is complete; raises FileExists, CannotWrite."""
        target = manifest_of(file)
        with appearing(target, log) as unfinished:
            unfinished.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return target


def manifest_of(file: Path) -> Path:
    """Return where the manifest of a file is."""
    return file.with_name(file.name + SUFFIX)


@frozen(kw_only=True)
class ArchiveFile:
    """A file of an archive, and what its manifest says."""

    path: Path
    manifest: Manifest
    start_us: int
    end_us: int
    ours: bool = False  # the log tells of it: the file is what an export has written, columns and all


@frozen(kw_only=True)
class Archive:
    """An archive whose manifests are in order; `check` says whether its files are."""

    files: tuple[ArchiveFile, ...]  # in order of time

    @classmethod
    def open(cls, directory: Path, *, log: str | None = None) -> Self:
        """Read the manifests of a directory, which must be of one log: of `log`, if given.

        Raises NoArchive, BadManifest, DamagedArchive, OtherLog, ArchiveGap, ArchiveOverlap.
        """
        files = sorted(_listed(directory), key=lambda file: (file.start_us, file.end_us))
        for file in files:
            if file.manifest.log != (log or files[0].manifest.log):
                raise OtherLog(file=file.path)
        for earlier, later in pairwise(files):
            _refuse_untiled(earlier, later)
        return cls(files=tuple(files))

    @property
    def log(self) -> str:
        """The identity of the log."""
        return self.files[0].manifest.log

    @property
    def period_us(self) -> tuple[int, int]:
        """The start and the end, in Unix microseconds."""
        return self.files[0].start_us, self.files[-1].end_us

    @property
    def upto(self) -> int:
        """The position up to which every file has its period's events; what came later is read of sealed ones alone."""
        return min(file.manifest.upto for file in self.files)

    def check(self, progress: Progress | None = None) -> None:
        """Verify every file against its manifest; raises DamagedArchive. `progress` is told bytes."""
        total = sum(file.manifest.bytes for file in self.files)
        done = 0
        for file in self.files:
            for size in _checked(file):
                done += size
                if progress:
                    progress("checking", done, total)

    def told_of(self, digests: Collection[str]) -> Archive:
        """Return the archive with its files of these checksums known to be ours; `check` says that they are theirs."""
        return evolve(self, files=tuple(evolve(file, ours=file.manifest.sha256 in digests) for file in self.files))

    def parts(self, limit: int) -> list[RowGroups]:
        """Divide the archive into parts of at most `limit` events, or of one row group where that holds more."""
        return [part for file in self.files for part in _parts(file, limit, self._upto(file))]

    def _upto(self, file: ArchiveFile) -> int:
        return file.manifest.upto if file.manifest.sealed else self.upto

    def batches(self, limit: int) -> Iterator[pa.Table]:
        """Yield the events as the log gives them, at most `limit` at once: in order of position within each file."""
        with closing(Reader()) as reader:
            for part in self.parts(limit):
                table = reader.read(part)
                yield from (table.slice(start, limit) for start in range(0, table.num_rows, limit))


# ── manifests ───────────────────────────────────────────────────────────────────────────────────────────────────


def _listed(directory: Path) -> list[ArchiveFile]:
    try:
        names = {path.name for path in directory.iterdir() if not path.name.startswith(".")}
    except OSError as error:
        raise NoArchive(path=directory, problem=error.strerror) from error
    files = {name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)}
    for name in sorted(files - names):
        raise DamagedArchive(file=directory / name, what="it is missing, though its manifest is there")
    for name in sorted({name for name in names if name.endswith(".parquet")} - files):
        raise DamagedArchive(file=directory / name, what="it has no manifest")
    if not files:
        raise NoArchive(path=directory, problem="it holds no manifest")
    return [_described(directory / name) for name in files]


def _described(path: Path) -> ArchiveFile:
    try:
        manifest = _manifest(orjson.loads(manifest_of(path).read_bytes()))
        start, end = (microseconds(datetime.fromisoformat(time)) for time in (manifest.start, manifest.end))
        if start >= end:
            raise ValueError("its end is not after its start")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadManifest(path=manifest_of(path), problem=error) from error
    return ArchiveFile(path=path, manifest=manifest, start_us=start, end_us=end)


def _manifest(content: Any) -> Manifest:
    kinds: dict[str, type | UnionType] = {"int": int, "str": str, "int | None": int | None, "bool": bool}
    if not isinstance(content, dict):
        raise TypeError("it is no JSON object")
    for field in fields(Manifest):
        value = content.get(field.name, False if field.name == "sealed" else None)
        if isinstance(value, bool) != (field.name == "sealed") or not isinstance(value, kinds[str(field.type)]):
            raise TypeError(f"{field.name} is missing or not of its type")
    manifest = Manifest(**content)
    if manifest.version != VERSION:
        raise ValueError(f"version {manifest.version} is not known")
    return manifest


def _refuse_untiled(earlier: ArchiveFile, later: ArchiveFile) -> None:
    if earlier.end_us < later.start_us:
        raise ArchiveGap(start=earlier.manifest.end, end=later.manifest.start)
    if earlier.end_us > later.start_us:
        raise ArchiveOverlap(file=earlier.path, other=later.path, start=later.manifest.start, end=earlier.manifest.end)


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _checked(file: ArchiveFile) -> Iterator[int]:
    """Verify a file, and yield the sizes of what was read of it."""
    manifest = file.manifest
    digest, size = hashlib.sha256(), 0
    try:
        with file.path.open("rb") as content:
            while block := content.read(BLOCK):
                digest.update(block)
                size += len(block)
                yield len(block)
        _refuse_changed(file.path, bytes=(manifest.bytes, size), sha256=(manifest.sha256, digest.hexdigest()))
        with pq.ParquetFile(file.path) as parquet:
            _refuse_changed(file.path, rows=(manifest.rows, parquet.metadata.num_rows))
            columns = set(STORED) - set(parquet.schema_arrow.names)
    except (OSError, pa.ArrowException) as error:
        raise DamagedArchive(file=file.path, what=f"it cannot be read ({error})") from error
    if columns:
        raise DamagedArchive(file=file.path, what=f"it lacks columns of events: {', '.join(sorted(columns))}")


def _refuse_changed(path: Path, **values: tuple[Any, Any]) -> None:
    for name, (expected, actual) in values.items():
        if actual != expected:
            raise DamagedArchive(file=path, what=f"its {name} should be {expected}, not {actual}")


def _parts(file: ArchiveFile, limit: int, upto: int) -> Iterator[RowGroups]:
    path = file.path
    try:
        with pq.ParquetFile(path) as parquet:
            sizes = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
            typed = file.ours and is_typed(parquet)
    except (OSError, pa.ArrowException) as error:
        raise DamagedArchive(file=path, what=f"it cannot be read ({error})") from error
    first = rows = 0
    for group, size in enumerate(sizes):
        if group > first and rows + size > limit:
            yield RowGroups(path=path, first=first, end=group, upto=upto, typed=typed)
            first, rows = group, 0
        rows += size
    if sizes:
        yield RowGroups(path=path, first=first, end=len(sizes), upto=upto, typed=typed)
