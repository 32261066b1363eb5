"""Rows without an id: each is recorded once, whatever its file is called, where it stands and how often it comes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.errors import NoVaultKey
from analytics_es.events import cloudevents
from analytics_es.ingest.files import Mapping, read_mapping, rows
from analytics_es.ingest.importing import OF_LOG, OF_VAULT, ROWS
from analytics_es.ingest.vault import KEY_VARIABLE
from analytics_es.log import ROWS_BY_PLACE
from analytics_es.types import BatchReceipt, Duplicate
from tests.examples import examples
from tests.stores import opened, recorded, sql

DATABASES = pytest.mark.store("file", "postgres")
MAPPING = """
[[event]]
type = "'tool.call.completed'"
occurred_at = "ts"
[event.data]
tool = "tool"
duration_ms = "ms"
"""
TIME = "2026-03-02T12:00:00Z"

Lines = Iterable[dict[str, Any]]


@pytest.fixture
def mapping(tmp_path: Path) -> Mapping:
    (tmp_path / "mapping.toml").write_text(MAPPING)
    return read_mapping(tmp_path / "mapping.toml")


def line(tool: str, ms: int = 1, ts: str = TIME, **more: Any) -> dict[str, Any]:
    return {"ts": ts, "tool": tool, "ms": ms, **more}


def write(path: Path, lines: Lines) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in lines))
    return path


def load(
    analytics: AnalyticsService, path: Path, mapping: Mapping, told: list[Duplicate] | None = None, **options: Any
) -> BatchReceipt:
    """Import a file, whole."""
    tell = None if told is None else told.append
    return analytics.importing().record(rows(path, mapping, **options), on_duplicate=tell)


def tools(analytics: AnalyticsService) -> list[str]:
    return [event.data["tool"] for event in recorded(analytics, "tool.call.completed")]


# ── a row is known by what it says ──────────────────────────────────────────────────────────────────────────────


@DATABASES
def test_a_file_of_another_name_or_folder_adds_nothing(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    lines = [line("a"), line("b"), line("a"), line("c", user="ada")]
    load(analytics, write(tmp_path / "app.jsonl", lines), mapping)

    for name in ("app.1.jsonl", "copy/app.jsonl", "other.jsonl"):
        assert load(analytics, write(tmp_path / name, lines), mapping) == BatchReceipt(
            recorded=0, duplicates=4, last_position=analytics.store.log.head()
        )
    assert tools(analytics) == ["a", "b", "a", "c"]


def test_a_log_that_is_rolled_counts_once(analytics: AnalyticsService, tmp_path: Path, mapping: Mapping) -> None:
    lines = [line("a", n) for n in range(10)]
    load(analytics, write(tmp_path / "app.jsonl", lines[:4]), mapping)
    load(analytics, write(tmp_path / "app.jsonl", lines[:6]), mapping)
    load(analytics, write(tmp_path / "app.1.jsonl", lines[:8]), mapping)

    assert load(analytics, write(tmp_path / "app.jsonl", lines[8:]), mapping).recorded == 2
    assert len(recorded(analytics, "tool.call.completed")) == 10


def test_a_row_that_is_inserted_above_moves_nothing(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    lines = [line("a"), line("b"), line("b"), line("c")]
    load(analytics, write(tmp_path / "app.jsonl", lines), mapping)

    receipt = load(
        analytics, write(tmp_path / "app.jsonl", [line("new"), *lines[:2], line("newer"), *lines[2:]]), mapping
    )

    assert (receipt.recorded, receipt.duplicates, receipt.differing) == (2, 4, 0)


def test_what_a_mapping_leaves_out_tells_rows_apart(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    """Of 2,337 calls in the results of an evaluation, 36 are equal in what they cost; of 13,301 whole rows none is."""
    load(analytics, write(tmp_path / "a.jsonl", [line("a", task=n) for n in range(3)]), mapping)

    receipt = load(analytics, write(tmp_path / "b.jsonl", [line("a", task=n) for n in (2, 3)]), mapping)

    assert (receipt.recorded, receipt.duplicates) == (1, 1)


def test_a_row_is_the_same_by_another_mapping_and_then_differs(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    path, told = write(tmp_path / "a.jsonl", [line("a"), line("b", model="m")]), list[Duplicate]()
    load(analytics, path, mapping)
    (tmp_path / "mapping.toml").write_text(MAPPING + 'model = "model"\n')

    receipt = load(analytics, path, read_mapping(tmp_path / "mapping.toml"), told)

    assert (receipt.recorded, receipt.duplicates, receipt.differing) == (0, 2, 1)
    assert [(duplicate.index, duplicate.differs) for duplicate in told] == [(0, False), (1, True)]
    assert told[1].position == analytics.store.log.head()


def test_rows_of_another_source_are_others(analytics: AnalyticsService, tmp_path: Path, mapping: Mapping) -> None:
    path = write(tmp_path / "a.jsonl", [line("a"), line("a")])

    receipts = [load(analytics, path, mapping, source=source) for source in (None, "b", "c", "b", None)]

    assert [receipt.recorded for receipt in receipts] == [2, 2, 2, 0, 0]
    assert Counter(event.source for event in recorded(analytics, "tool.call.completed")) == {
        "import": 2,
        "b": 2,
        "c": 2,
    }


def test_the_format_of_a_file_and_the_layout_of_its_rows_make_no_difference(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    lines = [line("a", 5), line("b", 6, note=""), line("a", 5), line("ü", 7, note="x, y")]
    load(analytics, write(tmp_path / "a.jsonl", lines), mapping)
    (tmp_path / "turned.jsonl").write_text(
        "".join(f"  {orjson.dumps(dict(reversed(each.items()))).decode()} \r\n\n" for each in lines)
    )
    (tmp_path / "a.csv").write_text(
        "note;tool;ms;ts\r\n" + "".join(f'"{x.get("note", "")}";{x["tool"]};{x["ms"]};{x["ts"]}\r\n' for x in lines)
    )
    pq.write_table(
        pa.Table.from_pylist([{"note": None, "empty": None, **each} for each in lines]), tmp_path / "a.parquet"
    )

    for name in ("turned.jsonl", "a.csv", "a.parquet"):
        receipt = load(analytics, tmp_path / name, mapping)
        assert (name, receipt.recorded, receipt.duplicates, receipt.differing) == (name, 0, 4, 0)


@st.composite
def imports(draw: st.DrawFn) -> tuple[list[list[dict[str, Any]]], list[int]]:
    """Return files, which may hold equal rows, and in which order they are imported, some of them again."""
    row = st.builds(line, st.sampled_from("ab"), st.integers(1, 2), st.sampled_from([TIME, TIME.replace("00Z", "01Z")]))
    whole = draw(st.lists(row, max_size=12))
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=3)))
    files = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    files += draw(st.lists(st.sampled_from([files[0][:1], whole, whole[1:], list(reversed(whole))]), max_size=2))
    every = list(range(len(files)))
    return files, draw(st.permutations(every + draw(st.lists(st.sampled_from(every), max_size=3))))


@given(imports(), st.sampled_from(["csv", "jsonl", "parquet"]))
@examples(25)
def test_each_row_is_recorded_once_however_rows_are_split_into_files_and_in_whichever_order_they_come(
    tmp_path: Path, mapping: Mapping, case: tuple[list[list[dict[str, Any]]], list[int]], suffix: str
) -> None:
    """Equal rows count as often as the file that holds most of them says."""
    files, order = case

    with opened() as analytics:
        for n, file in enumerate(order):
            path = tmp_path / f"{n % 2}.{suffix}"
            if suffix == "csv":
                path.write_text("ts,tool,ms\n" + "".join(f"{x['ts']},{x['tool']},{x['ms']}\n" for x in files[file]))
            elif suffix == "parquet":
                kinds = pa.schema([("ts", pa.string()), ("tool", pa.string()), ("ms", pa.int64())])
                pq.write_table(pa.Table.from_pylist(files[file], kinds), path)
            else:
                write(path, files[file])
            assert load(analytics, path, mapping).differing == 0
        events = recorded(analytics, "tool.call.completed")

    expected = Counter[tuple[Any, ...]]()
    for lines in files:
        expected |= Counter((x["tool"], x["ms"], x["ts"]) for x in lines)
    told = Counter(
        (event.data["tool"], int(event.data["duration_ms"]), event.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for event in events
    )
    assert told == expected


# ── nobody can try names against an id ──────────────────────────────────────────────────────────────────────────


def row_id(path: Path, mapping: Mapping) -> str:
    return str(next(row.event["id"] for row in rows(path, mapping) if row.event))


def test_an_id_does_not_follow_from_the_row_alone(tmp_path: Path, mapping: Mapping) -> None:
    path = write(tmp_path / "a.jsonl", [line("a", user="ada")])
    with opened(tmp_path / "1.db") as one, opened(tmp_path / "2.db") as other:
        for analytics in (one, other):
            load(analytics, path, mapping)
        ids = {event.id for analytics in (one, other) for event in recorded(analytics, "tool.call.completed")}
        assert (one.store.log.noted(ROWS), len(ids | {row_id(path, mapping)})) == (OF_VAULT, 3)

    with opened(tmp_path / "1.db") as again:
        assert load(again, path, mapping).recorded == 0


def test_a_store_that_keeps_names_makes_no_vault_for_rows(tmp_path: Path, mapping: Mapping) -> None:
    path = write(tmp_path / "a.jsonl", [line("a")])
    for policy in ("full", "pseudonymous"):
        with opened(tmp_path / "a.db", privacy=policy) as analytics:
            load(analytics, path, mapping)
            assert (analytics.store.log.noted(ROWS), len(tools(analytics))) == (OF_LOG, 1)

    assert not (tmp_path / "a.vault.key").exists()


@pytest.mark.store("postgres")
def test_on_a_server_a_key_that_was_there_once_is_needed_again(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.jsonl", [line("a")])
    load(analytics, path, mapping)
    monkeypatch.delenv(KEY_VARIABLE)

    with opened(url) as keyless, pytest.raises(NoVaultKey):
        load(keyless, path, mapping)
    with opened(url, schema="other") as keyless:
        assert [load(keyless, path, mapping).recorded for _ in range(2)] == [1, 0]
        assert keyless.store.log.noted(ROWS) == OF_LOG


# ── rows that were imported before 0.2 ──────────────────────────────────────────────────────────────────────────


def as_of_old(analytics: AnalyticsService, url: str, name: str, lines: Lines, **changes: Any) -> AnalyticsService:
    """Record rows under the identities that they had then, and return the store of then, opened now."""
    events = [
        {
            "event_type": "tool.call.completed",
            "data": {"tool": x["tool"], "duration_ms": x["ms"]},
            "occurred_at": cloudevents.moment(x["ts"]),
            "id": f"{name}:{n}",
            "source": f"import:{name}",
            **changes,
        }
        for n, x in enumerate(lines, 1)
    ]
    analytics.record_events(events).unwrap()
    if url.startswith("sqlite"):
        analytics.close()
        path = Path(url.removeprefix("sqlite:///"))
        sql(path, "PRAGMA user_version = 2")
    else:
        with analytics.store.log.database.connect() as connection:  # type: ignore[attr-defined]
            connection.execute("ALTER TABLE vault DROP COLUMN name")  # what came later
            connection.execute("ALTER TABLE stored_events DROP COLUMN checksum")
            connection.execute("DELETE FROM analytics_es_migrations WHERE version >= 5")
        analytics.close()
    return opened(url)


LINES = [line("a"), line("b"), line("b"), line("c", ts=TIME.replace("12:", "13:"))]


@DATABASES
@pytest.mark.parametrize("name", ["app.jsonl", "other/app.jsonl", "app.1.jsonl"])
def test_a_file_that_was_imported_before_adds_nothing_and_a_longer_one_what_is_new(
    analytics: AnalyticsService, url: str, tmp_path: Path, mapping: Mapping, name: str
) -> None:
    with as_of_old(analytics, url, "app.jsonl", LINES) as now:
        head = now.store.log.head()
        assert now.store.log.noted(ROWS_BY_PLACE) == str(head)
        for _ in range(2):
            receipt = load(now, write(tmp_path / name, LINES), mapping)
            assert (receipt.recorded, receipt.duplicates, receipt.differing) == (0, 4, 0)

        longer = [line("new"), *LINES[:2], line("b", user="ada"), *LINES[2:], line("b")]
        receipt = load(now, write(tmp_path / name.replace("app.1", "app.2"), longer), mapping)
        assert (receipt.recorded, receipt.duplicates, receipt.differing) == (3, 4, 0)
        again = load(now, write(tmp_path / "again.jsonl", longer), mapping)
        assert (again.recorded, again.duplicates, again.differing) == (0, 7, 0)
        assert now.store.log.head() == head + 3


def test_a_parquet_and_a_csv_file_that_were_imported_before_add_nothing(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    for suffix in ("csv", "parquet"):
        with as_of_old(opened(url), url, f"app.{suffix}", [line(suffix), line(suffix)]) as now:
            path = tmp_path / f"app.{suffix}"
            if suffix == "csv":
                path.write_text(f"ts,tool,ms\n{TIME},csv,1\n{TIME},csv,1\n")
            else:
                pq.write_table(pa.Table.from_pylist([line(suffix), line(suffix)]), path)
            assert load(now, path, mapping).recorded == 0


@DATABASES
def test_what_says_something_else_in_the_place_of_a_former_row_differs_and_another_source_tells_it_apart(
    analytics: AnalyticsService, url: str, tmp_path: Path, mapping: Mapping
) -> None:
    told = list[Duplicate]()
    with as_of_old(analytics, url, "results.jsonl", LINES) as now:
        path = write(tmp_path / "b" / "results.jsonl", [line("x"), LINES[0], line("y"), line("z"), line("x")])

        receipt = load(now, path, mapping, told)

        assert (receipt.recorded, receipt.duplicates, receipt.differing) == (3, 2, 1)
        assert [duplicate.index for duplicate in told if duplicate.differs] == [2]
        assert load(now, path, mapping, source="b").recorded == 5


def test_a_former_row_with_a_source_of_its_own_is_known_again(tmp_path: Path, mapping: Mapping) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    (tmp_path / "mapping.toml").write_text(MAPPING.replace("[event.data]", "source = \"'meter'\"\n[event.data]"))
    with as_of_old(opened(url), url, "app.jsonl", LINES, source="meter") as now:
        receipt = load(now, write(tmp_path / "app.jsonl", LINES), read_mapping(tmp_path / "mapping.toml"))

        assert (receipt.recorded, receipt.duplicates, receipt.differing) == (0, 4, 0)


def test_a_new_store_looks_for_no_former_rows(tmp_path: Path, mapping: Mapping) -> None:
    for _ in range(2):
        with opened(tmp_path / "new.db") as analytics:
            load(analytics, write(tmp_path / "a.jsonl", LINES), mapping)
            assert analytics.store.log.noted(ROWS_BY_PLACE) is None


def test_the_note_of_former_rows_is_made_once(tmp_path: Path, mapping: Mapping) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    with as_of_old(opened(url), url, "app.jsonl", LINES) as now:
        load(now, write(tmp_path / "b.jsonl", [line("new")]), mapping)
        upto = now.store.log.noted(ROWS_BY_PLACE)
    with opened(url) as again:
        assert again.store.log.noted(ROWS_BY_PLACE) == upto
    with sqlite3.connect(tmp_path / "old.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)
    connection.close()
