"""Log → CSV, JSON Lines, Parquet: the events of a period, or the series of metrics.

Events are those that occurred in the asked period, to the microsecond, replayed from the log in order of position.
Metrics are folded from the log and cover whole hours, as every answer does. Times are UTC and decimals exact; durations
are decimals too, since they are kept to the microsecond. What a custom event holds in a column of another type is
empty there, and whole in `data`: what was stored, to the letter.

CSV is RFC 4180 in UTF-8 with "\\n" line ends. A text that a spreadsheet would run as a formula (it begins with =, +, -,
@, tab or carriage return) gets a leading apostrophe; for exact texts take JSON or Parquet. JSON of events is one
CloudEvents 1.0 object a line with the extension attributes `position` and `recordedat`; in JSON of metrics, decimals
are texts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import define

from analytics_es import codec, engine
from analytics_es.engine import quote, quote_name
from analytics_es.errors import CannotWrite, FileExists, UnknownFormat, UnreadableEvent
from analytics_es.events import FAMILIES, VOCABULARY, microseconds
from analytics_es.fold import Fold
from analytics_es.log import SQLiteLog
from analytics_es.periods import Tiling
from analytics_es.projection import EXACT, FIELDS, MILLISECONDS, TEXT, WHOLE, Declaration
from analytics_es.queries import Source, find_metric, summary
from analytics_es.rebuild import derived
from analytics_es.types import ExportResult, TimePeriod

SUFFIXES = {"csv": ".csv", "json": ".jsonl", "parquet": ".parquet"}
SCAN_ROWS, GROUP_ROWS, GROUP_BYTES = 10_000, 100_000, 64 * 2**20  # read at once; formed and written at once

Progress = Callable[[int], None]
Columns = Mapping[str, str]
Tables = Generator[pa.Table, None, None]


# ── what a row is ───────────────────────────────────────────────────────────────────────────────────────────────

TIME = "TIMESTAMP"
EVENTS: Columns = {
    **{"position": WHOLE, "type": TEXT, "source": TEXT, "id": TEXT, "occurred_at": TIME, "recorded_at": TIME},
    **{name: FIELDS[name] for name in VOCABULARY if name != "attributes"},
    **{"attributes": TEXT, "data": TEXT},
}
FIGURES = ("total", "minimum", "maximum", "mean", "p50", "p90", "p95", "p99")
METRICS: Columns = {
    **{"metric": TEXT, "unit": TEXT, "currency": TEXT, "start": TIME, "granularity": TEXT, "count": WHOLE},
    **dict.fromkeys(FIGURES, EXACT),
}
_ARROW = {
    TEXT: pa.string(),
    WHOLE: pa.int64(),
    MILLISECONDS: pa.decimal128(18, 3),
    EXACT: pa.decimal128(38, 18),
    TIME: pa.timestamp("us", "UTC"),
}
_MACROS = (
    "CREATE MACRO plain(x) AS rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.')",
    "CREATE MACRO iso(x) AS strftime(make_timestamp(epoch_us(x)), '%Y-%m-%dT%H:%M:%S.%fZ')",
    "CREATE MACRO harmless(x) AS CASE WHEN left(x, 1) IN ('=', '+', '-', '@', chr(9), chr(13)) THEN '\'' || x ELSE x END",
    "CREATE MACRO quoted(x) AS "
    """CASE WHEN regexp_matches(x, '[",\\r\\n]') THEN '"' || replace(x, '"', '""') || '"' ELSE x END""",
)
_AS_TEXT = {TEXT: "{0}", WHOLE: "{0}", MILLISECONDS: "plain({0})", EXACT: "plain({0})", TIME: "iso({0})"}
_AS_CELL = {**_AS_TEXT, TEXT: "quoted(harmless({0}))", WHOLE: "CAST({0} AS VARCHAR)"}

# An event as a CloudEvent, and a row of metrics as an object; what is missing in CSV is an empty cell.
_CLOUD_EVENT = """
    '{"specversion":"1.0","id":' || to_json(id) || ',"source":' || to_json(source) || ',"type":' || to_json(type)
    || ',"time":"' || iso(occurred_at) || '","position":' || position || ',"recordedat":"' || iso(recorded_at)
    || '","data":' || data || '}'
"""


def _line(columns: Columns) -> str:
    cells = (f"coalesce({_AS_CELL[kind].format(quote_name(name))}, '')" for name, kind in columns.items())
    return " || ',' || ".join(cells)


def _object(columns: Columns) -> str:
    members = (f"{quote_name(name)} := {_AS_TEXT[kind].format(quote_name(name))}" for name, kind in columns.items())
    return f"to_json(struct_pack({', '.join(members)}))"


# What is selected from the typed columns, by format.
_OF_EVENTS = {
    "csv": f"position, {_line(EVENTS)} AS line",
    "json": f"position, {_CLOUD_EVENT} AS line",
    "parquet": "*",
}
_OF_METRICS = {"csv": f"{_line(METRICS)} AS line", "json": f"{_object(METRICS)} AS line", "parquet": "*"}

# What a value of a field may be in JSON; the families' are checked when recorded, others may hold anything.
_IN_JSON = {
    TEXT: "('VARCHAR')",
    WHOLE: "('UBIGINT', 'BIGINT')",
    MILLISECONDS: "('UBIGINT', 'BIGINT', 'DOUBLE')",
    EXACT: "('UBIGINT', 'BIGINT', 'DOUBLE', 'VARCHAR')",
}
_FAMILIES = ", ".join(map(quote, FAMILIES))


def _typed(start: int, end: int) -> str:
    """Return the SELECT of typed columns from `batch` (position, type, state) within these microseconds."""
    fields = {name: kind for name, kind in EVENTS.items() if name in VOCABULARY and name != "attributes"}
    data = {**dict.fromkeys(fields, TEXT), "attributes": "JSON"}
    stored = {**dict.fromkeys(("source", "id", "occurred_at", "recorded_at"), TEXT), "data": data}
    columns = [
        "position, type, e.source AS source, e.id AS id",
        "CAST(coalesce(e.occurred_at, '') AS TIMESTAMP) AS occurred_at",
        "CAST(coalesce(e.recorded_at, '') AS TIMESTAMP) AS recorded_at",
        *(f"{_field(name, kind)} AS {name}" for name, kind in fields.items()),
        "CAST(e.data.attributes AS VARCHAR) AS attributes",
        """state[strpos(state, ',"data":') + 8:-2] AS data""",  # it ends the state
    ]
    parsed = f"SELECT *, json_transform(state, {quote(json.dumps(stored))}) AS e FROM batch"
    inside = f"epoch_us(occurred_at) >= {start} AND epoch_us(occurred_at) < {end}"
    return f"SELECT * FROM (SELECT {', '.join(columns)} FROM ({parsed})) WHERE {inside}"


def _field(name: str, kind: str) -> str:
    text = f"e.data.{name}"
    fits = f"split_part(type, '.', 1) IN ({_FAMILIES}) OR json_type(state, '$.data.{name}') IN {_IN_JSON[kind]}"
    return f"CASE WHEN {text} IS NOT NULL AND ({fits}) THEN TRY_CAST({text} AS {kind}) END"


# ── exporting ───────────────────────────────────────────────────────────────────────────────────────────────────


def export_data(
    log: SQLiteLog,
    declarations: Sequence[Declaration],
    fold: Fold,
    tiling: Tiling,
    period: TimePeriod,
    format: str,
    metrics: Sequence[str] | None,
    *,
    to: Path | None,
    progress: Progress | None = None,
) -> ExportResult:
    """Write the events of a period, or the series of `metrics`, to a new file; `progress` is told the rows so far.

    Raises UnknownFormat, UnknownMetric, FileExists, CannotWrite, UnreadableEvent; there is no file then.
    """
    form = str(format).lower()
    if form not in SUFFIXES:
        raise UnknownFormat(format=format, formats=", ".join(SUFFIXES))
    homes = {name: find_metric(declarations, name)[0] for name in metrics or ()}
    target = _free(to or Path(_name(tiling, period, metrics=bool(homes)) + SUFFIXES[form]))
    seen = _Seen()
    if homes:
        columns, tables = METRICS, _formed(_series(log, homes, fold, tiling, period, seen), _OF_METRICS[form], "batch")
    else:
        columns, tables = EVENTS, _events(log, period, _OF_EVENTS[form], seen)
    with _appearing(target) as unfinished:
        rows = _write(unfinished, form, columns, tables, progress)
        size, digest = _settle(unfinished)
    return ExportResult(
        path=target,
        format=form,
        rows=rows,
        bytes=size,
        sha256=digest,
        first_position=seen.first,
        last_position=seen.last,
    )


@define
class _Seen:
    """The positions of the first and last event that went in."""

    first: int | None = None
    last: int | None = None

    def note(self, events: pa.Table) -> None:
        if events.num_rows:
            self.first = self.first or events["position"][0].as_py()
            self.last = events["position"][-1].as_py()


def _events(log: SQLiteLog, period: TimePeriod, chosen: str, seen: _Seen) -> Tables:
    start, end = microseconds(period.start), microseconds(period.end)
    stored = _gathered(log.scan_period(start, end, upto=log.head(), limit=SCAN_ROWS))
    for events in _formed(stored, chosen, f"({_typed(start, end)})"):
        seen.note(events)
        yield events


def _gathered(tables: Iterator[pa.Table]) -> Tables:
    """Put small tables together: late events are far apart in the log."""
    waiting: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        waiting.append(table)
        rows, size = rows + table.num_rows, size + table.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.concat_tables(waiting)


def _formed(tables: Iterator[pa.Table], chosen: str, source: str) -> Tables:
    with closing(engine.connect()) as connection:
        for macro in _MACROS:
            connection.execute(macro)
        for table in tables:
            try:
                connection.register("batch", _readable(table))
                formed = connection.sql(f"SELECT {chosen} FROM {source}").to_arrow_table()
            except (engine.EngineError, pa.ArrowInvalid):
                _find_unreadable(table)
                raise
            if formed.num_rows:
                yield formed
