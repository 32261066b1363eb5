"""Events that are about to be sealed go to an archive first, which goes on from what it holds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from analytics_es.errors import BadRetention
from analytics_es.events.event import EARLIEST, time_of
from analytics_es.lifecycle.archive import Archive, manifest_of
from analytics_es.lifecycle.export import export_data
from analytics_es.log import EventLog
from analytics_es.log.unfinished import tell, untold
from analytics_es.store import Store
from analytics_es.types import ExportResult, TimePeriod


def archive_period(store: Store, period: TimePeriod, archive: str | None) -> ExportResult | None:
    """Write what a period holds to a directory, from where that ends; None where all of it is there, or without one.

    Raises BadRetention, CannotWrite, and what `Archive.open` raises.
    """
    if archive is None:
        return None
    directory = Path(archive)
    start = max(_archived_until(directory, store.log), period.start)
    if start >= period.end:
        return None
    missing = TimePeriod(start.astimezone(store.calendar.zone), period.end, "day")
    name = f"events_{missing.start:%Y-%m-%d}_{missing.end:%Y-%m-%d}.parquet"
    return export_data(store, "parquet", missing, to=directory / name, sealed=True)


def _archived_until(directory: Path, log: EventLog) -> datetime:
    if not directory.exists():
        directory.mkdir(parents=True)
    _discard_untold(directory, log)
    if not any(directory.iterdir()):
        return EARLIEST
    archive = Archive.open(directory, log=log.identity)
    if not all(file.manifest.sealed for file in archive.files):
        raise BadRetention(name="archive", problem=f"cannot go on in {directory}, which holds other exports too")
    return time_of(archive.period_us[1])


def _discard_untold(directory: Path, log: EventLog) -> None:
    """Remove a file without its manifest that a killed run has left: its events are all in the log still."""
    for file in untold(log, directory.absolute()):
        if file.suffix == ".parquet" and not manifest_of(file).exists():
            file.unlink(missing_ok=True)
            tell(log, file)
