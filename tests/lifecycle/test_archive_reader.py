"""What is read of a part of an archive is the log's own events, to the letter, up to a position and no further."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events import codec
from analytics_es.lifecycle.archive_reader import Reader, RowGroups, is_typed
from analytics_es.testing import NOON, tool_call
from tests.stores import append, opened, stored

ODD = stored("tool.call.completed", occurred_at="2026-03-02T12:00:00Z", duration_ms=True, tool="bash")
NAMES = ["position", "type", "tool"]


@pytest.fixture
def analytics() -> Iterator[AnalyticsService]:
    """Return a store with an event at a whole second, one at a part of it, one more, and one of other hands."""
    with opened(privacy="full") as analytics:
        for microseconds in (0, 7, 500_000):
            analytics.record_event(**tool_call(occurred_at=NOON + timedelta(microseconds=microseconds))).unwrap()
        log: Any = analytics.store.log
        append(log, ODD)
        yield analytics


def part(analytics: AnalyticsService, folder: Path, upto: int | None = None) -> RowGroups:
    path = folder / f"events-{upto}.parquet"
    analytics.export_data("parquet", TimePeriod.day(NOON.date()), to=path).unwrap()
    with pq.ParquetFile(path) as file:
        assert is_typed(file)
        groups = file.num_row_groups
    return RowGroups(path=path, first=0, end=groups, upto=upto or 99, typed=True)


def in_log(analytics: AnalyticsService) -> list[dict[str, Any]]:
    rows = analytics.store.log.scan(after=0, limit=99).to_pylist()
    return [row for row in rows if row["type"].startswith("tool.")]


def test_events_are_read_as_they_are_stored_up_to_a_position(analytics: AnalyticsService, tmp_path: Path) -> None:
    events = in_log(analytics)
    last = events[2]["position"]
    with closing(Reader()) as reader:
        whole = part(analytics, tmp_path)
        rows = reader.read(whole).to_pylist()
        some = reader.read(RowGroups(path=whole.path, first=0, end=whole.end, upto=last)).to_pylist()

    assert [(row["position"], row["state"]) for row in rows] == [(row["position"], row["state"]) for row in events]
    assert [row["key"][:12] for row in rows] == [row["key"][:12] for row in events]
    assert some == rows[:3]


def test_columns_are_of_events_that_are_sure_and_the_rest_is_as_stored(
    analytics: AnalyticsService, tmp_path: Path
) -> None:
    positions = [row["position"] for row in in_log(analytics)]
    for last, sure, rest in ((3, positions[:3], positions[3:]), (2, positions[:3], []), (0, positions[:1], [])):
        with closing(Reader()) as reader:
            events = reader.columns(part(analytics, tmp_path, positions[last]), NAMES)
        assert events is not None
        assert events.columns["position"].to_pylist() == sure
        assert events.rest["position"].to_pylist() == rest
        assert events.columns.column_names == NAMES


def test_where_not_most_are_sure_all_are_read_as_stored(analytics: AnalyticsService, tmp_path: Path) -> None:
    log: Any = analytics.store.log
    append(log, ODD, ODD)
    with closing(Reader()) as reader:
        assert reader.columns(part(analytics, tmp_path), NAMES) is None  # three of six
        assert reader.columns(part(analytics, tmp_path, in_log(analytics)[-2]["position"]), NAMES) is not None


def test_old_shapes_are_read_as_stored(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(codec.UPCASTERS, "tool.call.completed", lambda data: data)
    with closing(Reader()) as reader:
        assert reader.columns(part(analytics, tmp_path), NAMES) is None


def test_a_file_with_other_columns_has_not_those_of_events(analytics: AnalyticsService, tmp_path: Path) -> None:
    table = pq.read_table(part(analytics, tmp_path).path)
    changed = table.append_column("mine", pa.nulls(len(table), pa.int64()))
    pq.write_table(changed, tmp_path / "changed.parquet")
    with pq.ParquetFile(tmp_path / "changed.parquet") as file:
        assert file.schema_arrow.metadata == table.schema.metadata
        assert not is_typed(file)
