"""Columns of an archive give the rows that its stored events give, and are taken only where that is sure."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import AnalyticsError
from analytics_es.events import codec
from analytics_es.events.fields import FAMILIES, LEFT_OUT
from analytics_es.lifecycle.archive import Archive, manifest_of
from analytics_es.lifecycle.archive_reader import Reader
from analytics_es.lifecycle.columns import ARCHIVED, EVENTS, MACROS, schema, typed
from analytics_es.lifecycle.copies import EXPORTED, exported
from analytics_es.log.scanned import event_columns
from analytics_es.projection import Histogram, count, declarations_of, engine, histogram, key, projection, total
from analytics_es.projection.fold import Fold
from analytics_es.projection.typed import EXACT_COLUMNS, RECORDED, TypedEvents, typed_decoding
from analytics_es.testing import provider_call, tool_call
from tests import day
from tests.examples import examples
from tests.stores import OURS, _place, append, batch, contents, derived, recorded, stored
from tests.stores import engine as fold_of

pytestmark = pytest.mark.store("sqlite", events=day.events(), privacy="full", clock=lambda: day.NOW)

OF_OLD = Path(__file__).parent.parent / "data/archive"  # written before files had columns to rebuild from
START, END = datetime(2026, 3, 2, 8, 30, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERYTHING = (0, 2**62)


@projection(version=1, consumes=(">",), entities=("user", "attributes.team"))
class Own:
    """Attributes, tags, fields of one's own, and those that few events have."""

    who: str = key("entity.type")
    which: str = key("entity.id")
    region: str = key("attributes.region")
    note: str = key("data.note")
    tier: str = key("service_tier || minute")
    events: int = count()
    cheap: int = count(where="cost < 1 OR data.size = '3'")
    attempts: int | None = total("attempt")
    value: int | None = total("value", decimals=3)
    weight: int | None = total("attributes.weight", decimals=3)
    size: Histogram = histogram("data.size")
    first_chunk: Histogram = histogram("time_to_first_chunk_us")
    duration: Histogram = histogram("duration_ms", decimals=3)


# ── the same of columns as of JSON, for whatever may be stored ──────────────────────────────────────────────────

ODD = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 7, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**25, -(2**63)),
        *(0.5, 1.5, 2.5, 1.7, -0.0, 35.5, 0.0005, 0.1, 123.456, 2500.125, 1e12, 1e300, 5e-324, 999999999999999.9996),
        *("", "12", "1.5", "-3", "0.0123", "1e5", "1_0", " 7 ", "true", "ok", "error", "cancelled", "USD", "NaN"),
        *('say "hi"\\', "é👩‍👩‍👧", "\x1f", "a\x1fb", "x" * 300, "2026-03-02T00:00:00Z"),
        *([], [1], {}, {"source": "a", "id": "b"}, {"model": "m"}),
    ]
)
FIELDS_OF = st.sampled_from([*RECORDED, LEFT_OUT, "attributes", "note", "size", "prompt", "Model", "a,b", 'q"'])
ATTRIBUTES = st.dictionaries(st.sampled_from(["team", "region", "weight", "plan"]), ODD, max_size=3)
DATA = st.dictionaries(FIELDS_OF, ODD, max_size=8) | st.builds(
    lambda data, attributes: {**data, "attributes": attributes}, st.dictionaries(FIELDS_OF, ODD, max_size=6), ATTRIBUTES
)
TYPES = st.sampled_from(
    [
        *("provider.call.completed", "provider.call.started", "provider.cost.corrected", "tool.call.failed"),
        *("task.completed", "job.failed", "budget.allocated", "budget.spent", "budget.threshold.reached"),
        *("conversation.message.added", "custom.thing.happened", "tool.Wrong", "provider"),
    ]
)
TIMES = st.sampled_from(
    [
        *("2026-03-02T12:00:00Z", "2026-03-02T12:30:00.000001Z", "2026-03-08T07:15:00.5Z", "2026-03-02 12:00"),
        *("2026-03-02T12:00:00+02:00", "1980-01-01T00:00:00Z", "2150-01-01T00:00:00Z", "2026-03-02"),
    ]
)
EVENTS_OF_ALL_KINDS = st.lists(st.tuples(TYPES, TIMES, DATA), max_size=12)


def scanned(events: list[tuple[str, Any, dict[str, Any]]]) -> pa.Table:
    """Return events of any hand as a scan of the log gives them."""
    told = {"source": "test", "id": "1", "recorded_at": "2026-03-02T12:00:00Z"}
    states = ({**told, "occurred_at": time, "data": data} for _, time, data in events)
    stored = (json.dumps(state, separators=(",", ":"), ensure_ascii=False).encode() for state in states)
    table = batch(*zip((kind for kind, _, _ in events), stored, strict=True))
    keys = pa.array([f"{_place(state)}{n:020x}" for n, state in enumerate(table["state"].to_pylist())], pa.string())
    return table.append_column("key", keys).cast(event_columns())


def written(events: pa.Table, form: str = "parquet", *, checked: bool = False) -> pa.Table:
    """Return the columns of an export."""
    with closing(engine.connect()) as connection:
        connection.execute(MACROS)
        connection.register("batch", events)
        return connection.sql(typed(form, *EVERYTHING, checked=checked)).to_arrow_table().sort_by("position")


def as_archived(events: pa.Table, columns: tuple[str, ...]) -> TypedEvents:
    """Return events as they are read of an archive: those that are sure as columns, the others as stored."""
    table = written(events).cast(schema(ARCHIVED))
    sure = table[EXACT_COLUMNS]
    return TypedEvents(columns=table.filter(sure).select(columns), rest=events.filter(pa.compute.invert(sure)))


def decoded(fold: Fold) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (
        fold._connection.sql("SELECT * FROM decoded ORDER BY position").to_arrow_table().to_pylist()
    )
    return rows


@pytest.mark.parametrize("classes", [OURS, (Own,)], ids=["ours", "own"])
@examples(8, deadline=None)
@given(events=EVENTS_OF_ALL_KINDS)
def test_columns_are_decoded_to_what_json_is(
    classes: tuple[type, ...], events: list[tuple[str, Any, dict[str, Any]]]
) -> None:
    fold, table = fold_of(classes), scanned(events)
    assert fold.typed
    columns = as_archived(table, fold.typed.columns)
    with fold._engine.alone():
        taken = fold._loading.load_columns(columns, fold.typed.sql)
        by_columns = decoded(fold)
        fold._connection.execute("CREATE OR REPLACE TABLE decoded AS SELECT 1 AS position")
        fold._loading.load(table, None)
        by_json = decoded(fold)

    timed = {row["position"] for row in by_json}  # what has no time is set aside from both, when it is known
    by_columns = [row for row in by_columns if row["position"] in timed]
    # Where a number was left out, only what is stored tells which. Columns tell all names, whoever reads them.
    names = [name for row in by_json[:1] for name in row if taken or name != "unread"]
    by_json, by_columns = ([{name: row[name] for name in names} for row in rows] for rows in (by_json, by_columns))
    assert by_json == by_columns
    assert_same(fold, table, columns)


def assert_same(fold: Fold, events: pa.Table, columns: TypedEvents) -> None:
    by_columns, by_json = fold.of_columns(columns), fold(events)
    if by_columns is not None:  # else they are folded as they are stored
        for name, folded in by_json.items():
            other = by_columns[name]
            assert not isinstance(folded, AnalyticsError)
            assert not isinstance(other, AnalyticsError)
            assert (list(folded.rows), folded.unreadable, folded.days) == (
                list(other.rows),
                other.unreadable,
                other.days,
            )


@examples(8, deadline=None)
@given(events=EVENTS_OF_ALL_KINDS)
def test_what_parquet_holds_is_what_other_formats_hold(events: list[tuple[str, Any, dict[str, Any]]]) -> None:
    table = scanned(events)

    assert written(table, "csv").to_pylist() == written(table).select([*EVENTS]).to_pylist()
    ours = table.filter(
        pa.array([kind.partition(".")[0] in FAMILIES for kind in table["type"].to_pylist()], pa.bool_())
    )
    assert written(ours).to_pylist() == written(ours, checked=True).to_pylist()


def test_what_the_door_lets_in_is_exact(analytics: AnalyticsService) -> None:
    events = analytics.store.log.scan(after=0, limit=1_000)
    ours = [kind.partition(".")[0] in FAMILIES for kind in events["type"].to_pylist()]

    assert written(events)[EXACT_COLUMNS].to_pylist() == ours


@pytest.mark.parametrize("path", ["data.Model", "data.attributes"])
def test_a_projection_that_names_what_columns_cannot_tell_apart_is_not_read_of_them(path: str) -> None:
    @projection(version=1, consumes=(">",))
    class Own:
        """A field of one's own, by nearly the name of one of ours."""

        name: str = key(path)
        events: int = count()

    assert typed_decoding(declarations_of((Own,))) is None


# ── which archives ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(analytics: AnalyticsService, tmp_path: Path) -> Path:
    """Return an archive of a part of the day, with events of one's own and odd ones among the others."""
    log: Any = analytics.store.log
    odd = stored("tool.call.completed", occurred_at="2026-03-02T09:00:00Z", duration_ms=True, tool="bash")
    custom = stored("custom.thing.happened", occurred_at="2026-03-02T09:30:00Z", input_tokens="many", user_id=3)
    append(log, odd, custom)
    analytics.catch_up()
    (tmp_path / "archive").mkdir()
    analytics.export_data("parquet", TimePeriod(START, END), to=tmp_path / "archive/events.parquet").unwrap()
    return tmp_path / "archive"


def typed_parts(analytics: AnalyticsService, folder: Path) -> list[bool]:
    archive = Archive.open(folder, log=analytics.store.log.identity)
    archive.check()
    return [part.typed for part in archive.told_of(exported(analytics.store.log).values()).parts(1_000)]


def assert_rebuilt(analytics: AnalyticsService, folder: Path) -> None:
    analytics.rebuild(archive=folder, set_aside=True).unwrap()
    log: Any = analytics.store.log
    read_models: Any = analytics.store.read_models
    assert contents(read_models) == derived(log)


def retold(folder: Path, **changes: Any) -> None:
    """Let a manifest say what its file is now."""
    content = (folder / "events.parquet").read_bytes()
    manifest = orjson.loads(manifest_of(folder / "events.parquet").read_bytes())
    said = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **changes}
    manifest_of(folder / "events.parquet").write_bytes(orjson.dumps({**manifest, **said}))


def test_an_archive_of_ours_is_read_by_its_columns(
    analytics: AnalyticsService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, as_stored = Reader.read, list[int]()

    def counting(self: Reader, *arguments: Any, **options: Any) -> pa.Table:
        table = read(self, *arguments, **options)
        as_stored.append(table.num_rows)
        return table

    monkeypatch.setattr(Reader, "read", counting)

    assert typed_parts(analytics, folder) == [True]
    assert_rebuilt(analytics, folder)
    assert as_stored == [2]  # those of other hands


@pytest.mark.parametrize("workers", [1, 2])
def test_a_rebuild_by_columns_changes_no_byte(analytics: AnalyticsService, folder: Path, workers: int) -> None:
    analytics.rebuild(archive=folder, workers=workers, set_aside=True).unwrap()
    log: Any = analytics.store.log

    assert contents(analytics.store.read_models) == derived(log)  # type: ignore[arg-type]


def test_an_archive_of_before_is_read_as_it_is_stored(analytics: AnalyticsService, tmp_path: Path) -> None:
    folder = shutil.copytree(OF_OLD, tmp_path / "old")
    retold(folder, log=analytics.store.log.identity)
    sha256 = orjson.loads(manifest_of(folder / "events.parquet").read_bytes())["sha256"]
    analytics.store.recorder.announce(EXPORTED, {"sha256": sha256})

    assert len(recorded(analytics)) > 28
    assert typed_parts(analytics, folder) == [False]
    assert_rebuilt(analytics, folder)


def test_columns_of_a_file_that_the_log_does_not_tell_of_are_not_trusted(
    analytics: AnalyticsService, folder: Path
) -> None:
    path = folder / "events.parquet"
    table = pq.read_table(path)
    edited = table.set_column(
        table.column_names.index("input_tokens"),
        table.schema.field("input_tokens"),
        pa.array([5] * len(table), pa.int64()),
    )
    pq.write_table(edited, path)
    retold(folder)

    assert typed_parts(analytics, folder) == [False]
    assert_rebuilt(analytics, folder)


@pytest.mark.parametrize("metadata", [None, {b"analytics_es.columns": b"2"}])
def test_columns_of_other_rules_are_not_read(
    analytics: AnalyticsService, folder: Path, metadata: dict[bytes, bytes] | None
) -> None:
    path = folder / "events.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
    retold(folder)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    analytics.store.recorder.announce(EXPORTED, {"sha256": sha256})

    assert typed_parts(analytics, folder) == [False]


def test_old_shapes_are_brought_up_before_they_are_folded(
    analytics: AnalyticsService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(codec.UPCASTERS, "tool.call.completed", lambda data: {**data, "tool": "new"})

    assert_rebuilt(analytics, folder)


def test_an_event_after_the_lowest_head_is_not_read_of_columns(analytics: AnalyticsService, folder: Path) -> None:
    analytics.record_event(**tool_call(occurred_at=START + timedelta(hours=1))).unwrap()
    analytics.record_event(**provider_call(occurred_at=END + timedelta(hours=1))).unwrap()
    period = TimePeriod(END, END + timedelta(hours=2))
    analytics.export_data("parquet", period, to=folder / "later.parquet").unwrap()

    assert typed_parts(analytics, folder) == [True, True]
    assert_rebuilt(analytics, folder)
