"""Where a replay reads events: an archive, and around it the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
from attrs import frozen

from analytics_es.errors import BadManifest, OtherLog
from analytics_es.events.event import MICRO
from analytics_es.lifecycle.archive import Archive
from analytics_es.lifecycle.archive_reader import Reader, RowGroups
from analytics_es.lifecycle.copies import exported
from analytics_es.lifecycle.erasure import refuse_forgotten
from analytics_es.log import EventLog
from analytics_es.log.scanned import event_columns
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.typed import TypedDecoding, TypedEvents
from analytics_es.read_models import Seeds
from analytics_es.read_models.sources import LogSource, Opening, Positions, ReplaySource
from analytics_es.store import Store
from analytics_es.types import Progress, RebuildResult

LAST_US = (2**48 - 1) * 1000  # that a key can name


@frozen
class Around:
    """A stretch of positions, of which only what occurred before or after a stretch of time (microseconds) is meant."""

    after: int
    upto: int
    start_us: int
    end_us: int


@frozen
class ArchivePart:
    """A part of an archive; what it holds is not a stretch of positions, so nothing is reached until all is read."""

    part: RowGroups
    upto: int = 0


class ArchiveSource(ReplaySource):
    """A stretch of time out of an archive, everything else out of the log; raises BadManifest, OtherLog."""

    def __init__(self, log: EventLog, archive: Archive, opening: Opening | None = None) -> None:
        # The log's keys tell milliseconds: around a bound within one, events would be counted twice.
        if any(bound % 1000 for bound in archive.period_us):
            raise BadManifest(
                path=archive.files[0].path, problem="its period does not begin and end at whole milliseconds"
            )
        if archive.upto > log.head():  # the log was restored from an older copy, and has gone on in another way
            raise OtherLog(file=archive.files[0].path)
        self._log, self.archive, self._opening = log, archive, opening
        self._reader = Reader()

    def parts(self, after: int, upto: int, size: int) -> Iterator[Any]:
        """Divide the archive, what the log holds around it, and what the log holds beyond it."""
        if not after:
            yield from map(ArchivePart, self.archive.parts(size))
            step = size if self._is_more_around() else max(self.archive.upto, 1)
            for start in range(0, self.archive.upto, step):
                yield Around(start, min(start + step, self.archive.upto), *self.archive.period_us)
        yield from LogSource(self._log).parts(max(after, self.archive.upto), upto, size)

    def _is_more_around(self) -> bool:
        (start, end), upto = self.archive.period_us, self.archive.upto
        return any(keys for period in ((0, start), (end, LAST_US)) for keys in self._log.keys(*period, upto=upto))

    def read(self, part: Any) -> pa.Table:
        """Return the events of a part."""
        if isinstance(part, ArchivePart):
            return self._reader.read(part.part)
        if isinstance(part, Positions):
            return LogSource(self._log).read(part)
        size = part.upto - part.after
        periods = ((0, part.start_us), (part.end_us, LAST_US))
        bounds = {"after": part.after, "upto": part.upto, "limit": size}
        tables = (self._log.scan_period(*period, **bounds, checked=True) for period in periods)
        return pa.concat_tables([event_columns().empty_table(), *chain.from_iterable(tables)])

    def columns(self, part: Any, typed: TypedDecoding) -> TypedEvents | None:
        """Return the events of a part of the archive as columns."""
        return self._reader.columns(part.part, typed.columns) if isinstance(part, ArchivePart) else None

    def remote(self) -> tuple[Callable[..., ReplaySource], tuple[Any, ...]] | None:
        """Return how another process opens it."""
        return self._opening and (_opened_archive, (self.archive, *self._opening))

    def close(self) -> None:
        """Close the log and the archive."""
        self._reader.close()
        self._log.close()


def archived_days(log: EventLog, source: ArchiveSource, calendar: Calendar) -> tuple[int, int]:
    """Return the days (seconds) that an archive holds in the place of sealed rows.

    Raises BadManifest where it holds only a part of a sealed day, or was written before the last events were sealed.
    """
    archive = source.archive
    start, end = (bound // MICRO for bound in archive.period_us)
    for day, *_ in log.seals.days():
        following = calendar.next_day(day)
        if start < following and day < end:
            if not (start <= day and following <= end):
                raise BadManifest(path=archive.files[0].path, problem="it holds only a part of a day that is sealed")
            old = [file for file in archive.files if not file.manifest.sealed]
            if any(file.manifest.upto < log.seals.horizon().position for file in old):
                raise BadManifest(path=old[0].path, problem="it was written before the last events were sealed")
    return start, end


def _opened_archive(archive: Archive, opening: Callable[..., EventLog], arguments: tuple[Any, ...]) -> ReplaySource:
    return ArchiveSource(opening(*arguments), archive)


def rebuild_from(
    store: Store, directory: Path | None, names: Sequence[str], progress: Progress | None, **how: Any
) -> RebuildResult:
    """Rebuild read models from the log or, for the stretch of time that an archive holds, from that, once checked.

    Raises what `Archive.open` and `Archive.check` raise, HoldsForgotten, BadManifest, and what a rebuild raises.
    """
    if directory is None:
        return store.rebuild(names, progress, **how)
    archive = Archive.open(directory, log=store.log.identity)
    archive.check()
    refuse_forgotten(store.log, archive)
    archive = archive.told_of(exported(store.log).values())
    source = ArchiveSource(store.log, archive, store.replay_source.opening)
    seeds = Seeds(store.log, without=archived_days(store.log, source, store.calendar))
    return store.rebuild(names, progress, source=source, seeds=seeds, **how)
