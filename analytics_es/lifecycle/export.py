"""Log → CSV, JSON Lines, Parquet: the events of a period, or the series of metrics.

Events are those that occurred in the asked period, to the microsecond, in order of position. Metrics are folded from
the log and cover whole hours, as every answer does. Times are UTC. Decimals are exact, and durations are decimals too:
they are kept to the microsecond. A custom event may hold anything in a column: what is not of its type is empty there,
and whole in `data`, which is what was stored, to the letter.

CSV is RFC 4180 in UTF-8 with "\\n" line ends. A text that a spreadsheet would run as a formula (it begins with =, +, -,
@, tab or carriage return) gets a leading apostrophe; for exact texts take JSON or Parquet. JSON of events is one
CloudEvents 1.0 object a line, with the extension attributes `position` and `recordedat`; decimals of metrics are texts.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analytics_es.errors import DamagedEvent, TooManyDigits, UnknownFormat, UnreadableEvent
from analytics_es.events import codec
from analytics_es.events.event import microseconds
from analytics_es.events.fields import FAMILIES
from analytics_es.lifecycle.archive import Manifest, manifest_of
from analytics_es.lifecycle.columns import (
    ARCHIVED,
    EDITION,
    EVENTS,
    MACROS,
    METRICS,
    METRICS_AS_TEXTS,
    OF_EVENTS,
    OF_METRICS,
    UNIQUE,
    schema,
    typed,
)
from analytics_es.lifecycle.copies import announce_export
from analytics_es.lifecycle.files import appearing, free
from analytics_es.log import EventLog, damaged, gathered
from analytics_es.log.strict import Strict
from analytics_es.log.unfinished import tell
from analytics_es.process import ahead
from analytics_es.projection import engine
from analytics_es.projection.declaration import Declaration
from analytics_es.queries import QuestionContext
from analytics_es.queries.figures import DIGITS, written
from analytics_es.queries.summary import find_metric, summary
from analytics_es.read_models import Tiling, check_exact
from analytics_es.read_models.temporary import derive
from analytics_es.store import Store
from analytics_es.types import ExportResult, MetricSummary, Progress, TimePeriod

SUFFIXES = {"csv": ".csv", "json": ".jsonl", "parquet": ".parquet"}
SCAN_ROWS = 10_000  # read at once
_EIGHTEENTH = Decimal("1e-18")

Tables = Generator[pa.Table, None, None]

# ── exporting ───────────────────────────────────────────────────────────────────────────────────────────────────


def export_data(
    store: Store,
    format: str,
    period: TimePeriod,
    metrics: Sequence[str] | None = None,
    *,
    to: Path | None,
    sources: Sequence[str] | None = None,
    sealed: bool = False,
    progress: Progress | None = None,
) -> ExportResult:
    """Write the events of a period, or the series of `metrics`, to a new file; `progress` is told the rows so far.

    A copy of events is told in the log; with `sources` it holds the events of these alone, and is no archive. JSON is
    packed with gzip where the file's name ends with .gz. `sealed`: no more events of the period will ever come, which
    its manifest then says; who seals them tells of the copy.
    Raises UnknownFormat, UnknownMetric, FileExists, CannotWrite, UnreadableEvent; then there is no new file.
    """
    period = period.in_zone(store.calendar.zone)
    form, log, tiling = str(format).lower(), store.log, Tiling.of(store.calendar, period)
    if form not in SUFFIXES:
        raise UnknownFormat(format=format, formats=", ".join(SUFFIXES))
    homes = {name: find_metric(store.declarations, name)[0] for name in metrics or ()}
    target = free(to or Path(_name(tiling, period, metrics=bool(homes)) + SUFFIXES[form]))
    archived = form == "parquet" and not homes and sources is None
    if archived:
        free(manifest_of(target))
    if not homes:
        check_exact(log, int(period.start.timestamp()), 0, "an export")
    packed = form == "json" and target.name.lower().endswith(".gz")
    upto = log.head()
    ends: list[int] = []  # first and last position of every batch
    if homes:
        columns = METRICS if form == "parquet" else METRICS_AS_TEXTS
        answers = _answers(store, homes, tiling, period, ends, columns)
        tables = _formed(answers, lambda _: f"SELECT {OF_METRICS[form]} FROM batch")
    else:
        columns = ARCHIVED if form == "parquet" else EVENTS
        tables = _events(log, period, upto, form, ends, None if sources is None else Strict(tuple(sources)))
    with appearing(target, log, told=not homes) as unfinished:
        with closing(tables), _writer(unfinished, form, columns, packed=packed) as write:
            rows = _write_all(tables, write, progress)
        digest, size = _settled(unfinished)
    first, last = (ends[0], ends[-1]) if ends else (None, None)
    result = ExportResult(
        path=target, format=form, rows=rows, bytes=size, sha256=digest, first_position=first, last_position=last
    )
    if archived:
        result = attrs.evolve(result, manifest=_described(result, log, period, upto, sealed))
    return result if homes or sealed else announce_export(store, result, period)


def _settled(path: Path) -> tuple[str, int]:
    """Wait until the disk has a file; returns its SHA-256 and its size in bytes."""
    with path.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        os.fsync(file)
    return digest, size


def _described(result: ExportResult, log: EventLog, period: TimePeriod, upto: int, sealed: bool) -> Path:
    """Write the manifest of a file that is there; without one, there shall be no file."""
    start, end = (time.astimezone(UTC).isoformat() for time in (period.start, period.end))
    content = {name: getattr(result, name) for name in ("rows", "first_position", "last_position", "bytes", "sha256")}
    try:
        return Manifest(log=log.identity, start=start, end=end, upto=upto, sealed=sealed, **content).write(
            result.path, log
        )
    except BaseException:
        result.path.unlink(missing_ok=True)
        tell(log, result.path)
        raise


def _ends(events: pa.Table) -> list[int]:
    return [events["position"][0].as_py(), events["position"][-1].as_py()]


def _events(log: EventLog, period: TimePeriod, upto: int, form: str, ends: list[int], sources: Strict | None) -> Tables:
    start, end = microseconds(period.start), microseconds(period.end)
    sound = _sound(log.scan_period(start, end, upto=upto, limit=SCAN_ROWS, checked=True))
    stored = ahead("analytics-es-scan", gathered(sound if sources is None else _told_by(sources, sound)))

    def statement(events: pa.Table) -> str:
        checked = all(str(kind).partition(".")[0] in FAMILIES for kind in events["type"].unique().to_pylist())
        return f"SELECT {OF_EVENTS[form]} FROM ({typed(form, start, end, checked=checked)})"

    for events in map(_in_order, _formed(stored, statement)):
        ends += _ends(events)
        yield events


def _sound(tables: Iterator[pa.Table]) -> Tables:
    """Raise DamagedEvent before a table that would lack something."""
    for events in tables:
        if positions := damaged(events):
            raise DamagedEvent.of(positions)
        yield events


def _told_by(sources: Strict, tables: Iterator[pa.Table]) -> Tables:
    """Leave of tables the events of some sources, which their stored bytes begin with."""
    for events in tables:
        states = events["state"].combine_chunks()
        told = pa.array([bool(state) and state.startswith(sources.beginnings) for state in states.to_pylist()])
        if (chosen := events.filter(told)).num_rows:
            yield chosen


def _in_order(events: pa.Table) -> pa.Table:
    """Return events in order of position, as they were scanned; the engine, asked for it, would sort them once more."""
    positions = events["position"].combine_chunks()
    if pc.all(pc.less(positions[:-1], positions[1:])).as_py() is False:
        return events.sort_by("position")
    return events


def _formed(tables: Tables, statement: Callable[[pa.Table], str]) -> Tables:
    """Yield what its statement makes of each table, which it calls `batch`."""
    with closing(tables), closing(engine.connect()) as connection:
        connection.execute(MACROS)
        for table in tables:
            try:
                connection.register("batch", table)
                formed = connection.sql(statement(table)).to_arrow_table()
            except engine.EngineError:
                _refuse_unreadable(table)
                raise
            if formed.num_rows:
                yield formed


def _refuse_unreadable(stored: pa.Table) -> None:
    for row in stored.to_pylist():
        try:
            codec.decode(row["position"], row["type"], row["state"])
        except Exception as error:
            raise UnreadableEvent(position=row["position"], problem=error) from error


# ── metrics ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _answers(
    store: Store,
    homes: Mapping[str, Declaration],
    tiling: Tiling,
    period: TimePeriod,
    ends: list[int],
    columns: Mapping[str, str],
) -> Tables:
    """Yield the series of each metric, answered from read models of just this period."""
    declarations = {declared.name: declared for declared in homes.values()}

    def seen(events: pa.Table) -> None:
        ends.extend(_ends(events))

    with closing(derive(store.log, list(declarations.values()), store.fold, tiling, seen=seen)) as read_models:
        context = QuestionContext(
            read_models=read_models, calendar=tiling.calendar, lag=lambda _: (0, 0.0), clock=lambda: period.end
        )
        for name in homes:
            yield _series(summary(context, name, period, group_by=[], where={}), columns)


def _series(answer: MetricSummary, columns: Mapping[str, str]) -> pa.Table:
    granularity = answer.period.granularity
    rows = [
        (answer.metric, part.unit, part.currency or "", point.start, granularity, *attrs.astuple(point.figures))
        for part in answer.by_currency or [answer]
        for point in part.series
    ]
    read = _exact if columns is METRICS else _digits
    values = [dict(zip(columns, map(read, row), strict=True)) for row in rows]
    try:
        return pa.Table.from_pylist(values, schema(columns))
    except pa.ArrowInvalid as error:
        raise TooManyDigits(metric=answer.metric) from error


def _exact(value: Any) -> Any:
    return value.quantize(_EIGHTEENTH, context=DIGITS) if isinstance(value, Decimal) else value


def _digits(value: Any) -> Any:
    """Return a decimal as the text of its digits."""
    return written(_exact(value)) if isinstance(value, Decimal) else value


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────


def _name(tiling: Tiling, period: TimePeriod, *, metrics: bool) -> str:
    """Name a file after its content, with the times of what does not begin or end at midnight."""
    bounds = (tiling.local(tiling.start), tiling.local(tiling.end)) if metrics else (period.start, period.end)
    local = (bound.astimezone(tiling.calendar.zone).replace(tzinfo=None).isoformat() for bound in bounds)
    parts = (text.removesuffix("T00:00:00").replace(":", "-") for text in local)
    return "_".join(["metrics" if metrics else "events", *parts])


@contextmanager
def _writer(
    path: Path, form: str, columns: Mapping[str, str], *, packed: bool = False
) -> Iterator[Callable[[pa.Table], Any]]:
    if form == "parquet":
        types = schema(columns).with_metadata(EDITION if columns is ARCHIVED else None)
        repeated = [name for name in columns if name not in UNIQUE]
        with pq.ParquetWriter(path, types, compression="zstd", use_dictionary=repeated) as parquet:
            yield lambda table: parquet.write_table(table.combine_chunks().cast(types))
    else:
        with path.open("wb") if not packed else gzip.open(path, "wb") as file:
            if form == "csv":
                file.write(",".join(columns).encode() + b"\n")
            yield lambda table: file.writelines(line.encode() + b"\n" for line in table["line"].to_pylist())


def _write_all(tables: Tables, write: Callable[[pa.Table], Any], progress: Progress | None) -> int:
    """Write tables, each while the next is being made."""
    rows = 0
    with closing(ahead("analytics-es-export", tables)) as coming:
        for table in coming:
            write(table)
            rows += table.num_rows
            if progress:
                progress("exporting", rows, 0)
    return rows
