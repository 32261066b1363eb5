"""Exporting: the log's events of a period, or the series of metrics, as files that appear complete or not at all."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es.events.fields import VOCABULARY
from analytics_es.ingest import files as importing
from analytics_es.lifecycle import export
from analytics_es.log import scanned
from analytics_es.service.service import AnalyticsService
from analytics_es.testing import (
    NOON,
    budget_allocated,
    job_failed,
    message_added,
    provider_call,
    task_completed,
    tool_call,
)
from analytics_es.types import ExportResult, TimePeriod
from tests.stores import append, stored

pytestmark = pytest.mark.usefixtures("full_privacy")  # every field that is exported is compared with what was said

FORMATS = ["csv", "json", "parquet"]
DAY = TimePeriod(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
NEXT_YEAR = TimePeriod(datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC))
MICROSECOND = timedelta(microseconds=1)
RECORDED = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)

Rows = list[dict[str, Any]]


@pytest.fixture
def analytics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnalyticsService]:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with AnalyticsService.open(tmp_path / "a.db", follow=False, clock=lambda: RECORDED) as service:
        yield service


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and write every event on its own."""
    monkeypatch.setattr(export, "SCAN_ROWS", 1)
    monkeypatch.setattr(scanned, "GROUP_BYTES", 1)


def record(analytics: AnalyticsService, *events: dict[str, Any]) -> list[int]:
    """Record events as 1, 2, 3 … of one source, and return their positions."""
    return [
        analytics.record_event(**{"id": str(n), "source": "test", **event}).unwrap().position
        for n, event in enumerate(events, 1)
    ]


def custom(occurred_at: datetime = NOON, **data: Any) -> dict[str, Any]:
    return {"event_type": "custom.thing.happened", "data": data, "occurred_at": occurred_at}


def exported(
    analytics: AnalyticsService, format: str = "parquet", period: TimePeriod = DAY, **options: Any
) -> ExportResult:
    return analytics.export_data(format, period, **options).unwrap()


def event_key(analytics: AnalyticsService) -> str:
    """Return the key of the first event of a log."""
    return str(analytics.store.log.scan(after=0, limit=1).to_pylist()[0]["key"])


def failure(analytics: AnalyticsService, format: str = "parquet", *, to: Any = None, **options: Any) -> tuple[str, str]:
    found = analytics.export_data(format, DAY, to=to, **options).failure
    assert found
    return found.code, found.message


def read(result: ExportResult) -> Rows:
    """Return the rows of an exported file."""
    if result.format == "parquet":
        return pq.read_table(result.path).to_pylist()
    content = result.path.read_bytes().decode()
    if result.format == "csv":
        return list(csv.DictReader(io.StringIO(content, newline="")))
    return [orjson.loads(line) for line in content.split("\n")[:-1]]


def rows(analytics: AnalyticsService, format: str = "parquet", period: TimePeriod = DAY, **options: Any) -> Rows:
    return read(exported(analytics, format, period, **options))


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_in_json_is_a_cloud_event(analytics: AnalyticsService) -> None:
    record(analytics, {**tool_call(occurred_at=NOON + MICROSECOND), "data": {"tool": "bash", "duration_ms": 35.5}})

    assert rows(analytics, "json") == [
        {
            "specversion": "1.0",
            "id": "1",
            "source": "test",
            "type": "tool.call.completed",
            "time": "2026-03-02T12:00:00.000001Z",
            "position": 1,
            "recordedat": "2026-03-09T08:30:00.000000Z",
            "data": {"tool": "bash", "duration_ms": 35.5},
        }
    ]


ODD = custom(
    text='say "hi",\n\u2028 {} \\', number=-0.1, big=2**63 - 1, huge=8.3e20, nested={"a": [1, None, True, {}], "b": 1.0}
)
EVERY_KIND = [provider_call(), tool_call(), task_completed(), job_failed(), budget_allocated(), message_added(), ODD]


def test_events_exported_as_json_are_duplicates_when_they_are_recorded_again(analytics: AnalyticsService) -> None:
    record(analytics, *EVERY_KIND)
    again = analytics.record_events(
        {
            "event_type": line["type"],
            "data": line["data"],
            "occurred_at": datetime.fromisoformat(line["time"]),
            "id": line["id"],
            "source": line["source"],
        }
        for line in rows(analytics, "json")
    ).unwrap()

    assert (again.recorded, again.duplicates, again.differing) == (0, 7, 0)


def test_events_exported_as_json_and_imported_elsewhere_are_the_same(analytics: AnalyticsService) -> None:
    record(analytics, *EVERY_KIND)
    first = exported(analytics, "json", to="first")

    with AnalyticsService.open(":memory:", follow=False, clock=lambda: RECORDED) as elsewhere:
        imported = importing.rows(first.path.rename("first.jsonl"))
        elsewhere.record_events(row.event for row in imported if row.event).unwrap()
        second = exported(elsewhere, "json", to="second")

    assert (first.rows, first.sha256) == (second.rows, second.sha256)


def test_columns_of_events_are_typed(analytics: AnalyticsService) -> None:
    text, time, exact = "string", "timestamp[us, tz=UTC]", "decimal128(38, 18)"
    schema = pq.read_schema(exported(analytics).path)

    assert {
        "position": "int64",
        "type": text,
        "source": text,
        "id": text,
        "occurred_at": time,
        "recorded_at": time,
        "user_id": text,
        "tenant_id": text,
        "conversation_id": text,
        "job_id": text,
        "task_id": text,
        "agent_id": text,
        "error_type": text,
        "status": text,
        "duration_ms": "decimal128(18, 3)",
        "value": exact,
        "provider": text,
        "model": text,
        "operation": text,
        "tool": text,
        "job_type": text,
        "task_type": text,
        "budget_id": text,
        "input_tokens": "int64",
        "cache_read_tokens": "int64",
        "cache_creation_tokens": "int64",
        "output_tokens": "int64",
        "reasoning_tokens": "int64",
        "messages": "int64",
        "cache_creation_1h_tokens": "int64",
        "input_audio_tokens": "int64",
        "input_image_tokens": "int64",
        "cache_read_audio_tokens": "int64",
        "cache_read_image_tokens": "int64",
        "output_audio_tokens": "int64",
        "output_image_tokens": "int64",
        "searches": "int64",
        "batch": text,
        "attempt": "int64",
        "time_to_first_chunk_ms": "decimal128(18, 3)",
        "cost": exact,
        "amount": exact,
        "currency": text,
        "corrects": text,
        "cost_change": exact,
        "from_zero": text,
        "attributes": text,
        "data": text,
        "service_tier": text,
        "requests": "int64",
        "scope": text,
        "grant_id": text,
        "starts_at": text,
        "ends_at": text,
        "effective_at": text,
        "expires_at": text,
        "thresholds": text,
        "threshold": text,
        "priority": "int64",
        "at_position": "int64",
        "recurs_hours": "int64",
        "fields": text,
        "checksum": "uint32",
        "exact": "bool",
    } == {field.name: str(field.type) for field in schema}


def test_every_field_of_the_vocabulary_is_a_column() -> None:
    assert set(VOCABULARY) <= set(export.EVENTS)


def test_typed_columns_hold_what_was_recorded(analytics: AnalyticsService) -> None:
    call = provider_call(attributes={"plan": "pro", "seats": 3}, duration_ms=2500.125, cost="1e-18", note="free")
    record(analytics, call)

    (row,) = rows(analytics)
    expected = {
        **call["data"],
        "position": 1,
        "type": "provider.call.completed",
        "source": "test",
        "id": "1",
        "occurred_at": NOON,
        "recorded_at": RECORDED,
        "duration_ms": Decimal("2500.125"),
        "cost": Decimal("0.000000000000000001"),
        "attributes": '{"plan":"pro","seats":3}',
        "data": row["data"],
        "fields": orjson.dumps([*orjson.loads(row["data"])]).decode(),
        "checksum": int(event_key(analytics)[12:20], 16),
        "exact": True,
    }
    del expected["note"]
    assert expected == {name: value for name, value in row.items() if value is not None}
    assert call["data"] == {**orjson.loads(row["data"]), "cost": "1e-18"}


@pytest.mark.parametrize("format", FORMATS)
def test_what_a_custom_event_holds_in_a_column_of_another_type_is_empty_there_and_whole_in_the_data(
    analytics: AnalyticsService, format: str
) -> None:
    odd = {
        "input_tokens": 1.7,
        "output_tokens": "12",
        "messages": True,
        "reasoning_tokens": [1],
        "time_to_first_chunk_ms": "soon",
        "cost": {"usd": 1},
        "amount": "=1+1",
        "provider": 5,
        "model": {"name": "x"},
        "tool": False,
        "currency": None,
    }
    record(analytics, custom(**odd))

    (row,) = rows(analytics, format)
    data = row["data"] if format == "json" else orjson.loads(row["data"])
    assert {name: value for name, value in odd.items() if value is not None} == {
        k: v for k, v in data.items() if v is not None
    }
    if format != "json":
        assert set() == {name for name in odd if row[name]}


def test_what_a_custom_event_holds_in_a_column_of_its_type_is_there(analytics: AnalyticsService) -> None:
    fitting = {
        "input_tokens": -3,
        "messages": 2**62,
        "cost": 0.25,
        "amount": "7.5",
        "model": "m",
        "time_to_first_chunk_ms": 1.5,
    }
    record(analytics, custom(**fitting))

    (row,) = rows(analytics)
    assert fitting | {"amount": Decimal("7.5")} == {name: row[name] for name in fitting}


def test_data_is_what_was_stored_to_the_letter(analytics: AnalyticsService) -> None:
    data = {"model": "m", "x": [1e16, -0.0, 8.3e20, 5e-324, "é👩‍👩‍👧\x7f\\"], "data": {"data": {}}, "": None}
    event = {**custom(**data), "source": '","data":{"x":1}}', "id": "\\"}
    analytics.record_event(**event).unwrap()

    assert orjson.dumps(data).decode() == rows(analytics)[0]["data"]
    assert f'"data":{orjson.dumps(data).decode()}}}\n' in exported(analytics, "json").path.read_text()


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(TEXTS, TEXTS, st.dictionaries(TEXTS.map("my {}".format), JSON, max_size=4)),
        min_size=1,
        max_size=5,
        unique_by=lambda x: x[:2],
    )
)
def test_every_format_gives_back_every_text_and_number(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str, dict[str, Any]]]
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    with AnalyticsService.open(":memory:", follow=False) as service:
        for source, id, data in events:
            service.record_event("custom.thing.happened", data, occurred_at=NOON, source=source, id=id).unwrap()
        found = {each: rows(service, each, to=folder / each) for each in FORMATS}

    assert events == [(row["source"], row["id"], row["data"]) for row in found["json"]]
    assert events == [(row["source"], row["id"], orjson.loads(row["data"])) for row in found["parquet"]]
    assert events == [
        (_unharmed(row["source"]), _unharmed(row["id"]), orjson.loads(row["data"])) for row in found["csv"]
    ]


def _unharmed(cell: str) -> str:
    return cell[1:] if cell[0] == "'" and cell[1:2] in tuple("=+-@\t\r") else cell


# ── csv ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_csv_is_plain_text(analytics: AnalyticsService) -> None:
    record(analytics, {**tool_call(), "data": {"tool": 'a,"b"\r', "duration_ms": 35.5}})

    header, line = exported(analytics, "csv").path.read_bytes().decode().split("\n", 1)
    assert ",".join(export.EVENTS) == header
    assert line == (
        '1,tool.call.completed,test,1,2026-03-02T12:00:00.000000Z,2026-03-09T08:30:00.000000Z,,,,,,,,,35.5,,,,,"a,""b""\r",'
        ',,,,,,,,,,,,,,,,,,,,,,,,,,,"{""tool"":""a,\\""b\\""\\r"",""duration_ms"":35.5}"\n'
    )


def test_csv_writes_numbers_in_full_and_no_further(analytics: AnalyticsService) -> None:
    record(
        analytics,
        provider_call(cost="0.0123", duration_ms=2500),
        provider_call(cost="100", duration_ms=0.5),
        provider_call(cost="0.000000000000000001", duration_ms=0),
        budget_allocated(amount="999999999999999.5"),
        custom(amount=-5, input_tokens=-3),
    )
    found = rows(analytics, "csv")

    assert [row["cost"] for row in found] == ["0.0123", "100", "0.000000000000000001", "", ""]
    assert [row["duration_ms"] for row in found] == ["2500", "0.5", "0", "", ""]
    assert [row["amount"] for row in found] == ["", "", "", "999999999999999.5", "-5"]
    assert found[4]["input_tokens"] == "-3"


@pytest.mark.parametrize("cell", ["a,b", 'a"b', "a\nb", "a\rb", "a\r\nb", '"', "é"])
def test_csv_gives_back_what_needs_quotes(analytics: AnalyticsService, cell: str) -> None:
    record(analytics, tool_call(tool=cell))

    assert [cell] == [row["tool"] for row in rows(analytics, "csv")]


@pytest.mark.parametrize("rest", ["1+1", 'HYPERLINK("http://evil","x")'])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_holds_no_text_that_a_spreadsheet_would_run(analytics: AnalyticsService, start: str, rest: str) -> None:
    formula = start + rest
    event = {**provider_call(user_id=formula, model=formula), "source": formula, "id": formula}
    analytics.record_event(**event).unwrap()

    names = ("user_id", "model", "source", "id")
    assert [{f"'{formula}"}] == [{row[name] for name in names} for row in rows(analytics, "csv")]
    assert [{formula}] == [{row[name] for name in names} for row in rows(analytics, "parquet")]


# ── which events ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format", FORMATS)
def test_a_period_is_exact_to_the_microsecond(analytics: AnalyticsService, format: str) -> None:
    start, end = NOON + timedelta(microseconds=1_500), NOON + timedelta(microseconds=2_500)
    times = [start - MICROSECOND, start, start + MICROSECOND, end - MICROSECOND, end, end + MICROSECOND]
    record(analytics, *(tool_call(occurred_at=time) for time in times))

    result = exported(analytics, format, TimePeriod(start, end))
    assert [row["id"] for row in read(result)] == ["2", "3", "4"]
    assert (result.rows, result.first_position, result.last_position) == (3, 2, 4)


def test_events_are_in_order_of_position_however_late_they_came(analytics: AnalyticsService) -> None:
    record(analytics, *(tool_call(occurred_at=NOON - timedelta(hours=n)) for n in (0, 3, 1, 30, 2)))

    assert [row["position"] for row in rows(analytics)] == [1, 2, 3, 5]


@pytest.mark.usefixtures("one_by_one")
def test_events_recorded_during_an_export_are_not_in_it(analytics: AnalyticsService) -> None:
    record(analytics, tool_call(), tool_call(), tool_call())

    result = exported(analytics, progress=lambda *_: analytics.record_event(**tool_call()).unwrap())
    assert (result.rows, result.last_position) == (3, 3)


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_period_gives_an_empty_file(analytics: AnalyticsService, format: str) -> None:
    record(analytics, tool_call())

    result = exported(analytics, format, NEXT_YEAR)
    assert (result.rows, result.first_position, result.last_position) == (0, None, None)
    assert read(result) == []
    content = {"csv": ",".join(export.EVENTS).encode() + b"\n", "json": b"", "parquet": result.path.read_bytes()}
    assert content[format] == result.path.read_bytes()
    if format == "parquet":
        assert list(export.ARCHIVED) == pq.read_schema(result.path).names


def test_an_event_that_cannot_be_read_is_named_and_ends_the_export(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    append(analytics.store.log, stored(occurred_at="yesterday"))

    code, message = failure(analytics, "json")
    assert (
        code,
        message.startswith("The event at position 2 cannot be read from the log"),
    ) == ("unreadable_event", True)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("state", [b"{", b"\xff", b"[]", b'{"source":1}'])
def test_bytes_that_are_no_event_are_named_too(analytics: AnalyticsService, state: bytes) -> None:
    append(analytics.store.log, ("tool.call.completed", state))

    assert failure(analytics)[0] == "unreadable_event"


# ── in batches ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("format", FORMATS)
def test_events_are_written_batch_by_batch(analytics: AnalyticsService, format: str) -> None:
    record(analytics, *(tool_call() for _ in range(5)))
    told: list[int] = []

    result = exported(analytics, format, progress=lambda _, rows, of: told.append(rows))
    assert told == [1, 2, 3, 4, 5]
    assert [row["id"] for row in read(result)] == ["1", "2", "3", "4", "5"]
    if format == "parquet":
        assert pq.ParquetFile(result.path).num_row_groups == 5


def test_events_far_apart_in_the_log_are_written_together(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "SCAN_ROWS", 1)
    record(analytics, *(tool_call() for _ in range(5)))

    assert pq.ParquetFile(exported(analytics).path).num_row_groups == 1


def test_no_more_than_three_batches_are_in_memory(analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "SCAN_ROWS", 1)
    monkeypatch.setattr(scanned, "GROUP_BYTES", 1)
    record(analytics, *(tool_call() for _ in range(9)))
    read_by_now, scan = [0], analytics.store.log.scan_period

    def counting(*args: Any, **options: Any) -> Iterator[Any]:
        for table in scan(*args, **options):
            read_by_now[0] += table.num_rows
            yield table

    monkeypatch.setattr(analytics.store.log, "scan_period", counting)
    ahead: list[int] = []
    exported(analytics, progress=lambda _, written, of: ahead.append(read_by_now[0] - written))

    assert max(ahead) <= 2


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_events_give_the_same_bytes(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setattr(export, "SCAN_ROWS", 700)
    events = ({**provider_call(user_id=f"user-{n}"), "id": str(n)} for n in range(6_000))
    analytics.record_events(events).unwrap()
    first, second = (exported(analytics, format, to=Path(name)) for name in ("one", "two"))

    assert list(range(1, 6_001)) == [int(row["position"]) for row in read(first)]
    assert (first.bytes, first.sha256) == (second.bytes, second.sha256)


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format", FORMATS)
def test_the_result_says_what_the_file_is(analytics: AnalyticsService, format: str) -> None:
    record(analytics, tool_call())
    result = exported(analytics, format.upper(), to=f"file.{format}")

    content = (Path.cwd() / f"file.{format}").read_bytes()
    assert (
        ExportResult(
            path=Path.cwd() / f"file.{format}",
            format=format,
            rows=1,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            first_position=1,
            last_position=1,
            manifest=Path.cwd() / "file.parquet.manifest.json" if format == "parquet" else None,
        )
        == result
    )


@pytest.mark.parametrize(
    ("period", "name"),
    [
        (DAY, "events_2026-03-02_2026-03-03.parquet"),
        (TimePeriod(NOON, DAY.end), "events_2026-03-02T12-00-00_2026-03-03.parquet"),
        (TimePeriod(DAY.start, NOON + MICROSECOND), "events_2026-03-02_2026-03-02T12-00-00.000001.parquet"),
        (TimePeriod.day(NOON.date(), "Asia/Tokyo"), "events_2026-03-01T15-00-00_2026-03-02T15-00-00.parquet"),
    ],
)
def test_a_file_is_named_after_its_content(analytics: AnalyticsService, period: TimePeriod, name: str) -> None:
    assert Path.cwd() / name == exported(analytics, period=period).path


def test_a_file_is_named_in_the_time_zone_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with AnalyticsService.open(":memory:", follow=False, timezone="Asia/Tokyo") as service:
        result = exported(service, "json", TimePeriod.day(NOON.date(), "Asia/Tokyo"))

    assert result.path.name == "events_2026-03-02_2026-03-03.jsonl"


def test_metrics_are_named_after_their_whole_hours(analytics: AnalyticsService) -> None:
    period = TimePeriod(NOON + timedelta(minutes=5), NOON + timedelta(minutes=10))

    result = exported(analytics, "csv", period, metrics=["usage.events"])
    assert result.path.name == "metrics_2026-03-02T12-00-00_2026-03-02T13-00-00.csv"


def test_a_file_is_never_overwritten(analytics: AnalyticsService) -> None:
    path = Path.cwd() / "precious"
    path.write_text("precious")

    assert ("file_exists", f"{path} exists and is never overwritten: choose another name or remove it.") == failure(
        analytics, to=path
    )
    assert path.read_text() == "precious"


def test_a_dangling_link_is_never_overwritten(analytics: AnalyticsService) -> None:
    Path("link").symlink_to("nowhere")

    assert failure(analytics, to="link")[0] == "file_exists"


def test_no_event_is_read_when_the_file_exists(analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("taken").touch()
    monkeypatch.setattr(analytics.store.log, "scan_period", None)

    assert failure(analytics, to="taken")[0] == "file_exists"


@pytest.fixture(params=[True, False], ids=["hard links", "no hard links"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not request.param:
        monkeypatch.setattr(Path, "hardlink_to", unsupported)


@pytest.mark.usefixtures("links")
def test_a_file_that_appears_meanwhile_is_never_overwritten(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())

    assert failure(analytics, to="late", progress=lambda *_: Path("late").write_text("precious"))[0] == "file_exists"
    assert [(path.name, path.read_text()) for path in Path.cwd().iterdir()] == [("late", "precious")]


@pytest.mark.usefixtures("links")
def test_of_exports_that_race_for_a_name_one_wins(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: analytics.export_data("json", DAY, to="raced"), range(8)))

    codes = sorted(result.failure.code for result in results if result.failure)
    (winner,) = [result.unwrap() for result in results if result.ok]
    assert codes == ["file_exists"] * 7
    assert [winner.path] == list(Path.cwd().iterdir())
    assert hashlib.sha256(winner.path.read_bytes()).hexdigest() == winner.sha256


def test_a_file_is_hidden_and_private_until_it_is_complete(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    seen: list[Path] = []
    result = exported(analytics, progress=lambda *_: seen.extend(Path.cwd().iterdir()))

    assert [path.name.startswith(".") for path in seen] == [True]
    assert {result.path, result.manifest} == set(Path.cwd().iterdir())
    assert result.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("format", FORMATS)
def test_nothing_is_left_of_an_export_that_is_interrupted(
    analytics: AnalyticsService, format: str, error: type[BaseException]
) -> None:
    record(analytics, tool_call())

    def interrupt(*_: object) -> None:
        raise error

    with pytest.raises(error):
        analytics.export_data(format, DAY, progress=interrupt)
    assert list(Path.cwd().iterdir()) == []


def test_nothing_is_left_of_an_export_that_the_disk_has_no_room_for(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(analytics, tool_call())

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)

    target = Path.cwd() / "big"
    assert ("cannot_write", f"{target} cannot be written: No space left on device.") == failure(analytics, to=target)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        ("", "it is a directory: name a file in it"),
        ("absent/file.csv", "there is no directory {cwd}/absent: create it first"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_to_be(analytics: AnalyticsService, to: str, problem: str) -> None:
    target, cwd = Path.cwd() / to, Path.cwd()

    assert ("cannot_write", f"{target} cannot be written: {problem.format(cwd=cwd)}.") == failure(analytics, to=target)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_said_to_be(analytics: AnalyticsService) -> None:
    Path("closed").mkdir(mode=0o500)

    assert failure(analytics, to="closed/file.csv")[0] == "cannot_write"


def test_an_unknown_format_is_refused(analytics: AnalyticsService) -> None:
    assert failure(analytics, "xml") == ("unknown_format", "'xml' is not a format: use csv, json, parquet.")


# ── metrics ─────────────────────────────────────────────────────────────────────────────────────────────────────


def a_day(analytics: AnalyticsService) -> None:
    hour = timedelta(hours=1)
    record(
        analytics,
        provider_call(),
        provider_call(occurred_at=NOON + hour, cost="0.2", duration_ms=4000.125),
        provider_call(occurred_at=NOON - hour, cost="1.5", currency="EUR"),
        provider_call(occurred_at=NOON, cost=None, currency=None),
        tool_call(occurred_at=NOON + 2 * hour),
        task_completed(occurred_at=DAY.end),
    )


def series(analytics: AnalyticsService, metric: str, period: TimePeriod) -> list[tuple[Any, ...]]:
    """Return the series that get_summary tells, as rows of an export."""
    answer = analytics.get_summary(metric, period).unwrap()
    return [
        (metric, each.unit, each.currency or "", point.start, period.granularity, *_figures(point.figures))
        for each in answer.by_currency or [answer]
        for point in each.series
    ]


def _figures(figures: Any) -> list[Any]:
    values = [getattr(figures, name) for name in list(export.METRICS)[5:]]
    return [value if value is None else round(value, 12) for value in values]


def told(found: Rows) -> list[tuple[Any, ...]]:
    return [tuple(round(cell, 12) if isinstance(cell, Decimal) else cell for cell in row.values()) for row in found]


def test_columns_of_metrics_are_typed(analytics: AnalyticsService) -> None:
    schema = pq.read_schema(exported(analytics, metrics=["usage.events"]).path)

    texts = dict.fromkeys(("metric", "unit", "currency"), "string")
    figures = dict.fromkeys(("total", "minimum", "maximum", "mean", "p50", "p90", "p95", "p99"), "decimal128(38, 18)")
    assert {
        **texts,
        "start": "timestamp[us, tz=UTC]",
        "granularity": "string",
        "count": "int64",
        **figures,
    } == {field.name: str(field.type) for field in schema}


@pytest.mark.parametrize("granularity", ["hour", "day", "total"])
@pytest.mark.parametrize("metric", ["usage.events", "performance.duration", "cost.reported_cost", "cost.input_tokens"])
def test_metrics_are_the_series_of_their_summary_without_the_read_models(
    analytics: AnalyticsService, metric: str, granularity: Any
) -> None:
    a_day(analytics)
    period = TimePeriod(DAY.start, DAY.end + timedelta(days=1), granularity)
    found = rows(analytics, period=period, metrics=[metric])

    assert [each.rows for each in analytics.projections().unwrap()] == [0, 0, 0, 0]
    analytics.catch_up()
    assert series(analytics, metric, period) == told(found)


def test_money_has_a_series_for_every_currency(analytics: AnalyticsService) -> None:
    a_day(analytics)
    period = TimePeriod(DAY.start, DAY.end, "total")

    found = rows(analytics, period=period, metrics=["cost.reported_cost"])
    assert [(row["currency"], row["total"]) for row in found] == [("EUR", Decimal("1.5")), ("USD", Decimal("0.205115"))]


def test_metrics_follow_one_another_in_the_order_asked_for(analytics: AnalyticsService) -> None:
    a_day(analytics)
    period = TimePeriod(DAY.start, DAY.end, "total")
    asked = ["usage.events", "cost.calls", "usage.events"]

    result = exported(analytics, period=period, metrics=asked)
    assert [(row["metric"], row["count"]) for row in read(result)] == [("usage.events", 5), ("cost.calls", 4)]
    assert (result.rows, result.first_position, result.last_position) == (2, 1, 5)


def test_metrics_cover_whole_hours(analytics: AnalyticsService) -> None:
    a_day(analytics)
    minute = TimePeriod(NOON + timedelta(minutes=30), NOON + timedelta(minutes=31))

    result = exported(analytics, period=minute, metrics=["usage.events"])
    assert [(row["start"], row["count"]) for row in read(result)] == [(NOON, 2)]
    assert (result.first_position, result.last_position) == (1, 4)


def test_buckets_start_where_they_do_in_the_time_zone_of_the_store(tmp_path: Path) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    with AnalyticsService.open(":memory:", follow=False, timezone="Asia/Tokyo") as service:
        record(service, tool_call())
        period = TimePeriod.day(NOON.date(), "Asia/Tokyo", granularity="day")
        (row,) = rows(service, "json", period, metrics=["usage.events"], to=tmp_path / "m")

    assert (datetime(2026, 3, 2, tzinfo=tokyo), 1) == (datetime.fromisoformat(row["start"]), row["count"])


def test_a_row_of_metrics_as_text(analytics: AnalyticsService) -> None:
    a_day(analytics)
    hour = TimePeriod(NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    asked = ["performance.duration"]

    assert exported(analytics, "csv", hour, metrics=asked).path.read_text() == (
        "metric,unit,currency,start,granularity,count,total,minimum,maximum,mean,p50,p90,p95,p99\n"
        "performance.duration,ms,,2026-03-02T13:00:00.000000Z,hour,1,"
        "4000.125,4000.125,4000.125,4000.125,4000.125,4000.125,4000.125,4000.125\n"
    )
    (row,) = rows(analytics, "json", hour, metrics=asked)
    assert (
        row["count"],
        row["p99"],
        row["currency"],
        row["start"],
    ) == (1, "4000.125", "", "2026-03-02T13:00:00.000000Z")


@pytest.mark.parametrize("format", FORMATS)
def test_buckets_without_events_have_rows_that_say_so(analytics: AnalyticsService, format: str) -> None:
    result = exported(analytics, format, NEXT_YEAR, metrics=["performance.duration"])

    assert (result.rows, result.first_position, result.last_position) == (24, None, None)
    assert {(str(row["count"]), row["total"] or "") for row in read(result)} == {("0", "")}


def test_a_mean_that_never_ends_is_rounded(analytics: AnalyticsService) -> None:
    record(analytics, *(tool_call(duration_ms=n) for n in (1, 1, 2)))
    period = TimePeriod(DAY.start, DAY.end, "total")

    (row,) = rows(analytics, period=period, metrics=["performance.duration"])
    assert row["mean"] == Decimal("1.333333333333333333")


def test_an_unknown_metric_is_refused(analytics: AnalyticsService) -> None:
    code, message = failure(analytics, metrics=["usage.event"])

    assert (code, "did you mean usage.events" in message) == ("unknown_metric", True)
    assert list(Path.cwd().iterdir()) == []


def test_an_export_of_a_closed_service_is_refused(analytics: AnalyticsService) -> None:
    analytics.close()

    assert failure(analytics)[0] == "closed"
