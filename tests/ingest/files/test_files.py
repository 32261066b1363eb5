"""Importing: what a mapping may say, what the rows of each kind of file become, and what is refused."""

from __future__ import annotations

import gzip
import json
import re
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es.errors import AnalyticsError, BadMapping, BadRow, CannotRead, UnknownFormat
from analytics_es.events.event import admit
from analytics_es.ingest import chunks
from analytics_es.ingest.files import ImportedRow, batches, read_mapping, records, rows

DOCS = Path(__file__).parents[3] / "docs"
NINE = datetime(2025, 3, 3, 9, tzinfo=UTC)

CALLS = """\
[[event]]
type = "'tool.call.completed'"
occurred_at = "ts"
[event.data]
tool = "tool"
"""
CALLS_CSV = "ts,tool\n2025-03-03T09:00:00Z,search\n2025-03-03T09:00:01Z,mail\n"


Import = Callable[..., list[ImportedRow]]


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    """Import a file of this content, by this mapping."""

    def run(content: str | bytes | pa.Table, mapping: str | None = CALLS, name: str = "calls.csv") -> list[ImportedRow]:
        path = write(tmp_path / name, content)
        return list(rows(path, read_mapping(write(tmp_path / "mapping.toml", mapping)) if mapping else None))

    return run


def write(path: Path, content: str | bytes | pa.Table) -> Path:
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(*objects: Any) -> str:
    return "".join(json.dumps(item) + "\n" for item in objects)


def events(found: list[ImportedRow]) -> list[dict[str, Any]]:
    assert [row.error for row in found if row.error] == []
    return [row.event for row in found if row.event]


def data(found: list[ImportedRow]) -> list[dict[str, Any]]:
    return [event["data"] for event in events(found)]


def times(found: list[ImportedRow]) -> list[datetime]:
    return [event["occurred_at"] for event in events(found)]


def refused(found: list[ImportedRow]) -> list[tuple[int, str]]:
    return [(row.row, str(row.error)) for row in found if row.error]


def with_value(expression: str) -> str:
    """Return the mapping of CALLS with one more field."""
    return f"{CALLS}value = {json.dumps(expression, ensure_ascii=False)}\n"


def at(expression: str) -> str:
    """Return the mapping of CALLS with another time."""
    return CALLS.replace('"ts"', json.dumps(expression))


# ── the mapping ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_example_of_the_docs_works(imported: Import) -> None:
    text = (DOCS / "mapping.md").read_text()
    csv_block, toml_block = (re.search(rf"```{kind}\n(.*?)```", text, re.S)[1] for kind in ("csv", "toml"))  # type: ignore[index]

    found = imported(csv_block, toml_block)

    common = {"provider": "openai", "model": "gpt-5"}
    assert [
        {
            "event_type": "provider.call.completed",
            "data": common
            | {"input_tokens": 1200, "output_tokens": 80, "cost": 0.0021, "currency": "USD", "duration_ms": 950}
            | {"attributes": {"slow": True}},
            "occurred_at": NINE,
            "id": "c1",
            "source": "import:calls.csv",
        },
        {
            "event_type": "provider.call.failed",
            "data": common | {"input_tokens": 300, "duration_ms": 120, "attributes": {"slow": False}},
            "occurred_at": NINE + timedelta(minutes=30),
            "id": "c2",
            "source": "import:calls.csv",
        },
    ] == events(found)
    assert all(admit(now=NINE, **event) for event in events(found))


@pytest.mark.parametrize("path", sorted((DOCS / "examples").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_mapping_can_be_read(path: Path) -> None:
    assert read_mapping(path).tables


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[event]\n", "not valid TOML: "),
        ("x = '\ud800'".encode("utf-8", "surrogatepass"), "not valid TOML: "),
        ("a = " + "[" * 5000, "not valid TOML: "),
        ("", "no [[event]] table"),
        ("event = []", "no [[event]] table"),
        ("event = [1]", "no [[event]] table"),
        ("[event]\ntype = \"'a.b'\"", "no [[event]] table"),
        (CALLS + "[other]\n", "unknown key 'other'"),
        (CALLS.replace("type", "typo"), "[[event]] 1, type: is missing"),
        (CALLS.replace("occurred_at", "time"), "[[event]] 1, occurred_at: is missing"),
        (CALLS.replace("[event.data]", "note = 'x'\n[event.data]"), "[[event]] 1, note: is not known"),
        (CALLS.replace("[event.data]", "[event.extra]"), "[[event]] 1, extra: is not known"),
        (CALLS.replace("[event.data]", "[event.id]"), "[[event]] 1, id: must be a text"),
        (CALLS + "[event.data.more]\nx = 'tool'\n", "[[event]] 1, data.more: must be a text"),
        (CALLS + "[event.data.attributes]\nx = 5\n", "[[event]] 1, data.attributes.x: must be a text"),
        (CALLS + "value = 5\n", "[[event]] 1, data.value: must be a text"),
        (CALLS.replace("[event.data]\n", "data = 'tool'\n").replace('tool = "tool"', ""), "[[event]] 1, data: "),
        (CALLS + CALLS.replace("ts", "["), "[[event]] 2, "),
    ],
)
def test_a_mapping_that_is_not_understood_says_where(tmp_path: Path, text: str | bytes, problem: str) -> None:
    path = write(tmp_path / "mapping.toml", text)

    with pytest.raises(BadMapping) as caught:
        read_mapping(path)

    assert str(caught.value).startswith(f"{path}: {problem}")
    assert "\n" not in str(caught.value)


HOSTILE = [
    "(SELECT 1)",
    "(SELECT content FROM read_text('/etc/hostname'))",
    "tool FROM read_text('/etc/hostname') --",
    "tool) FROM read_text('/etc/hostname') --",
    "tool, ts",
    "tool; DROP TABLE batch",
    "count(*)",
    "row_number() OVER ()",
    "*",
    "?",
    "now()",
    "random()",
    "getenv('HOME')",
    "tool /*",
    "'",
    "",
    "(" * 100,
    "tool + " * 5000 + "tool",
]


@pytest.mark.parametrize("expression", HOSTILE)
def test_only_one_pure_expression_over_the_row_is_allowed(tmp_path: Path, expression: str) -> None:
    with pytest.raises(BadMapping, match=r"\[\[event\]\] 1, data\.value: "):
        read_mapping(write(tmp_path / "mapping.toml", with_value(expression)))


@pytest.mark.parametrize(
    "expression",
    ["tool ORDER BY ts", "tool LIMIT 0", "tool AS x", "tool;", "source", "batch", "batch.tool", "record", "tol"],
)
def test_an_expression_that_does_not_fit_the_file_names_its_columns(imported: Import, expression: str) -> None:
    with pytest.raises(
        BadMapping, match=r"\[\[event\]\] 1, data\.value: .*columns of calls\.csv are: ts, tool\)"
    ) as caught:
        imported(CALLS_CSV, with_value(expression))

    assert "\n" not in str(caught.value)


def test_a_mapping_is_checked_before_the_first_row_is_asked_for(tmp_path: Path) -> None:
    mapping = read_mapping(write(tmp_path / "mapping.toml", with_value("tol")))

    with pytest.raises(BadMapping):
        rows(write(tmp_path / "calls.csv", CALLS_CSV), mapping)


def test_a_comment_in_an_expression_ends_with_it(imported: Import) -> None:
    assert [item["value"] for item in data(imported(CALLS_CSV, with_value("tool -- the name")))] == ["search", "mail"]


@pytest.mark.parametrize(
    "name", ["it's.csv", "a*[b]?.csv", "x'); DROP TABLE batch; --.csv", 'q".csv', "ü 用.csv", "-.csv"]
)
def test_a_file_name_is_only_a_name(imported: Import, name: str) -> None:
    found = events(imported(CALLS_CSV, name=name))

    assert {"import"} == {event["source"] for event in found}
    assert [event["id"] for event in found] == [event["id"] for event in events(imported(CALLS_CSV))]
    assert [f"{name}:1", f"{name}:2"] == [row.formerly for row in imported(CALLS_CSV, name=name)]


@pytest.mark.parametrize(
    "name", ['a "b"', "a'b", "x); DROP TABLE batch; --", "__row", "batch", "record", "source", "c\\d", "🦆"]
)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_column_name_is_only_a_name(imported: Import, name: str, suffix: str) -> None:
    sql = name.replace('"', '""') if name != "__row" else "__row_1"
    quoted = name.replace('"', '""')
    contents = {
        "csv": f'ts,tool,"{quoted}"\n2025-03-03,search,x\n',
        "jsonl": lines({"ts": "2025-03-03", "tool": "search", name: "x"}),
        "parquet": pa.table({"ts": ["2025-03-03"], "tool": ["search"], name: ["x"]}),
    }

    found = imported(contents[suffix], with_value(f'"{sql}"'), name=f"calls.{suffix}")

    assert data(found) == [{"tool": "search", "value": "x"}]


# ── rows and identity ───────────────────────────────────────────────────────────────────────────────────────────

TWO_TABLES = CALLS.replace("[event.data]", "where = \"tool <> 'none'\"\n[event.data]") + CALLS.replace(
    "tool.call.completed", "tool.call.failed"
).replace("[event.data]", "where = \"tool = 'mail'\"\n[event.data]")


def test_a_row_gives_one_event_for_each_table_it_matches(imported: Import) -> None:
    found = imported("ts,tool\n2025-03-03,none\n2025-03-03,mail\n2025-03-03,search\n", TWO_TABLES)

    mail, search = (event["id"] for event in events(found) if event["event_type"] == "tool.call.completed")
    assert [(row.row, row.event["event_type"], row.event["id"], row.formerly) for row in found if row.event] == [
        (2, "tool.call.completed", mail, "calls.csv:2"),
        (2, "tool.call.failed", f"{mail}:2", "calls.csv:2:2"),
        (3, "tool.call.completed", search, "calls.csv:3"),
    ]


def test_the_folder_of_a_file_is_no_part_of_its_rows_identity(imported: Import, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert events(imported(CALLS_CSV)) == events(imported(CALLS_CSV, name="other/calls.csv"))


def test_id_and_source_come_from_the_row_and_fall_back_where_it_has_none(imported: Import) -> None:
    found = imported(
        "ts,tool,call,team\n2025-03-03,a,17,blue\n2025-03-03,b,,\n",
        CALLS.replace("[event.data]", 'id = "call"\nsource = "team"\n[event.data]'),
    )

    assert [(row.event["id"][:4], row.event["source"], row.formerly) for row in found if row.event] == [
        ("17", "blue", None),
        ("row:", "import", "calls.csv:2"),
    ]


def test_rows_with_an_id_are_their_file_s_unless_a_source_is_given(tmp_path: Path) -> None:
    mapping = read_mapping(write(tmp_path / "mapping.toml", CALLS.replace("[event.data]", 'id = "tool"\n[event.data]')))
    path = write(tmp_path / "calls.csv", CALLS_CSV)

    assert {event["source"] for event in events(list(rows(path, mapping)))} == {"import:calls.csv"}
    assert {event["source"] for event in events(list(rows(path, mapping, source="lab")))} == {"lab"}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("id", ["", 'id = "n"\n'], ids=["no ids", "ids that may be missing"])
def test_equal_rows_are_numbered_over_all_batches(
    imported: Import, monkeypatch: pytest.MonkeyPatch, suffix: str, id: str
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 3)
    tools = ["a", "b", "a", "c", "a", "b", "a"]
    contents = {
        "csv": "ts,tool,n\n" + "".join(f"2025-03-03,{tool},\n" for tool in tools),
        "jsonl": lines(*({"ts": "2025-03-03", "tool": tool, "n": None} for tool in tools)),
        "parquet": pa.table({"ts": ["2025-03-03"] * 7, "tool": tools, "n": pa.nulls(7, pa.string())}),
    }

    found = events(imported(contents[suffix], CALLS.replace("[event.data]", f"{id}[event.data]"), f"calls.{suffix}"))

    assert [int(event["id"].rpartition(":")[2]) for event in found] == [1, 1, 2, 1, 3, 2, 4]
    assert len({event["id"] for event in found}) == 7


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_keep_order_and_number_over_many_batches(
    imported: Import, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 7)
    numbers = range(1, 101)
    contents = {
        "csv": "ts,tool\n" + "".join(f"2025-03-03,t{n}\n" for n in numbers),
        "jsonl": lines(*({"ts": "2025-03-03", "tool": f"t{n}"} for n in numbers)),
        "parquet": pa.table({"ts": ["2025-03-03"] * 100, "tool": [f"t{n}" for n in numbers]}),
    }

    found = imported(contents[suffix], name=f"calls.{suffix}")

    assert [(n, f"t{n}") for n in numbers] == [(row.row, row.event["data"]["tool"]) for row in found if row.event]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same_events(imported: Import, suffix: str) -> None:
    columns = {"ts": ["2025-03-03T09:00:00Z"] * 3, "tool": ["a", None, "c"], "n": [1, 2, None], "x": [0.5, None, 2.0]}
    objects = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    contents = {
        "csv": "ts,tool,n,x\n"
        + "".join(",".join("" if v is None else str(v) for v in item.values()) + "\n" for item in objects),
        "jsonl": lines(*objects),
        "parquet": pa.table(columns),
    }

    found = imported(contents[suffix], with_value("n + x") + 'n = "n"\n', name=f"calls.{suffix}")

    assert data(found) == [{"tool": "a", "n": 1, "value": 1.5}, {"n": 2}, {"tool": "c"}]
    assert times(found) == [NINE] * 3


@pytest.mark.parametrize("name", ["calls.csv.gz", "calls.CSV.GZ"])
def test_a_packed_file_is_read_like_any_other(imported: Import, name: str) -> None:
    assert data(imported(CALLS_CSV)) == data(imported(gzip.compress(CALLS_CSV.encode()), name=name))


def test_packed_json_lines_are_read_like_any_other(imported: Import) -> None:
    content = gzip.compress(lines({"ts": "2025-03-03T09:00:00Z", "tool": "search"}).encode())

    assert data(imported(content, name="calls.jsonl.gz")) == [{"tool": "search"}]


@pytest.mark.parametrize("name", ["calls.csv", "calls.jsonl", "calls.ndjson", "calls.json"])
@pytest.mark.parametrize("content", ["", "\n", "\n\n  \n", "\ufeff"])
def test_a_file_without_rows_gives_nothing(imported: Import, name: str, content: str) -> None:
    assert imported(content, name=name) == []


@pytest.mark.parametrize("content", ["ts,tool\n", "ts,tool", "ts,tool\r\n\r\n"])
def test_a_csv_file_of_a_header_alone_gives_nothing(imported: Import, content: str) -> None:
    assert imported(content) == []


def test_a_parquet_file_without_rows_gives_nothing(imported: Import) -> None:
    assert (
        imported(pa.table({"ts": pa.array([], pa.string()), "tool": pa.array([], pa.string())}), name="calls.parquet")
        == []
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("calls.csv.gz", b"this is not packed"),
        ("calls.csv.gz", gzip.compress(CALLS_CSV.encode())[:-9]),
        ("calls.parquet", b"PAR1 and nothing more"),
        ("calls.parquet", b""),
        ("calls.csv", b"ts,caf\xe9\n1,2\n"),
        ("calls.csv", b'ts,"tool\n1,2\n'),
    ],
    ids=["not packed", "cut off", "no parquet", "empty", "not UTF-8", "open quote"],
)
def test_a_broken_file_cannot_be_read(imported: Import, name: str, content: bytes) -> None:
    with pytest.raises(CannotRead):
        imported(content, name=name)


@pytest.mark.parametrize("name", ["calls.jsonl.gz", "events.ndjson.gz"])
def test_a_file_that_breaks_off_says_so(tmp_path: Path, name: str) -> None:
    content = gzip.compress(lines(*(EVENT | {"id": str(n)} for n in range(1000))).encode())

    with pytest.raises(CannotRead):
        list(rows(write(tmp_path / name, content[: len(content) // 2])))


def test_a_missing_file_a_folder_and_an_unknown_format_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name, kind in (
        ("no.csv", CannotRead),
        ("folder.csv", CannotRead),
        ("a.xlsx", UnknownFormat),
        ("csv", UnknownFormat),
    ):
        with pytest.raises(kind):
            rows(tmp_path / name)
    with pytest.raises(CannotRead):
        read_mapping(tmp_path / "no.toml")


@pytest.mark.parametrize("name", ["calls.csv", "calls.csv.gz", "calls.parquet"])
def test_only_json_lines_do_without_a_mapping(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadMapping, match="a mapping is needed"):
        contents = {"calls.csv.gz": gzip.compress(b"x\n1\n"), "calls.parquet": pa.table({"x": [1]})}
        rows(write(tmp_path / name, contents.get(name, b"x\n1\n")))


# ── times ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "expression",
    [
        "'2025-03-03 09:00:00'",
        "'2025-03-03T09:00:00'",
        "'2025-03-03T09:00:00Z'",
        "'2025-03-03t09:00:00z'",
        "' 2025-03-03 11:00:00+02 '",
        "'2025-03-03T11:00:00+02:00'",
        "TIMESTAMP '2025-03-03 09:00:00'",
        "TIMESTAMP_S '2025-03-03 09:00:00'",
        "TIMESTAMP_MS '2025-03-03 09:00:00'",
        "TIMESTAMP_NS '2025-03-03 09:00:00'",
        "TIMESTAMPTZ '2025-03-03 11:00:00+02'",
        "TIMESTAMP '2025-03-03 10:00:00' AT TIME ZONE 'Europe/Berlin'",
        "DATE '2025-03-03' + INTERVAL 9 HOUR",
        "to_timestamp(1740992400)",
        "epoch_ms(1740992400000)",
    ],
)
def test_a_time_may_be_any_timestamp_or_iso_text_and_is_utc_without_a_zone(imported: Import, expression: str) -> None:
    assert times(imported(CALLS_CSV, at(expression))) == [NINE, NINE]


def test_a_time_without_a_zone_is_utc_wherever_the_program_runs(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        for expression in ("'2025-03-03 09:00:00'", "TIMESTAMP '2025-03-03 09:00:00'"):
            assert times(imported(CALLS_CSV, at(expression))) == [NINE, NINE]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_date_is_its_midnight_in_utc(imported: Import) -> None:
    for expression in ("DATE '2025-03-03'", "'2025-03-03'"):
        assert set(times(imported(CALLS_CSV, at(expression)))) == {datetime(2025, 3, 3, tzinfo=UTC)}


@pytest.mark.parametrize(
    "expression", ["'2025-03-03 09:00:00.1234569'", "TIMESTAMP_NS '2025-03-03 09:00:00.123456999'"]
)
def test_what_is_finer_than_a_microsecond_is_cut_off(imported: Import, expression: str) -> None:
    assert {NINE.replace(microsecond=123456)} == set(times(imported(CALLS_CSV, at(expression))))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_a_parquet_timestamp_of_any_unit_is_a_time(imported: Import, unit: str, zone: str | None) -> None:
    table = pa.table({"ts": pa.array([NINE.replace(tzinfo=None)], pa.timestamp(unit)).cast(pa.timestamp(unit, zone))})

    assert times(imported(table, at("ts").replace('"tool"', "\"'x'\""), name="calls.parquet")) == [NINE]


@pytest.mark.parametrize("text", ["soon", "1740992400", "2025-02-30", "2025-03-03T25:00", ""])
def test_a_time_that_is_none_refuses_its_row(imported: Import, text: str) -> None:
    found = imported(f"ts,tool\n2025-03-03,a\n{text},b\n2025-03-03,c\n")

    assert [number for number, _ in refused(found)] == [2]
    assert [row.event["data"]["tool"] for row in found if row.event] == ["a", "c"]


def test_an_endless_time_refuses_its_row(imported: Import) -> None:
    assert [number for number, _ in refused(imported(CALLS_CSV, at("'infinity'::TIMESTAMP")))] == [1, 2]


def test_a_number_is_no_time(imported: Import) -> None:
    with pytest.raises(BadMapping, match=r"\[\[event\]\] 1, occurred_at: is BIGINT, not a time"):
        imported("ts,tool\n1740992400,a\n")


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", 1),
        ("true", True),
        ("0.05759174999999999::DOUBLE", 0.05759174999999999),
        ("1.10::DECIMAL(9, 2)", Decimal("1.10")),
        ("170141183460469231731687303715884105727::HUGEINT", 2**127 - 1),
        ("'2025-03-03'::DATE", "2025-03-03"),
        ("'2025-03-03 09:00:00.5'::TIMESTAMP", "2025-03-03T09:00:00.500000"),
        ("'2025-03-03 11:00:00+02'::TIMESTAMPTZ", "2025-03-03T09:00:00.000000Z"),
        ("'09:00:00'::TIME", "09:00:00"),
        ("'6ae5e879-644a-4ece-8e44-d1204cfc4ad9'::UUID", "6ae5e879-644a-4ece-8e44-d1204cfc4ad9"),
        ("{'a': 1, 'b': NULL, 'c': {'d': [1.5::DECIMAL(3, 1), NULL]}}", {"a": 1, "c": {"d": [Decimal("1.5"), None]}}),
        ("[DATE '2025-03-03']", ["2025-03-03"]),
        ("MAP {'a': 1, 'b': NULL}", {"a": 1}),
        ("MAP {1: 2}", {"1": 2}),
        ("[TIMESTAMPTZ '2025-03-03 11:00:00+02']", ["2025-03-03 09:00:00+00"]),
        ("""'{"a": [1, 0.5, "x", null]}'::JSON""", {"a": [1, 0.5, "x", None]}),
        ("""{'a': '"x"'::JSON}""", {"a": "x"}),
        ("array_value(1, 2)", [1, 2]),
        ("'101'::BIT", "101"),
        ("json_extract_string('{\"a\": 1}', '$.a')", "1"),
    ],
)
def test_values_become_plain_python(imported: Import, expression: str, expected: Any) -> None:
    (value, _) = (item["value"] for item in data(imported(CALLS_CSV, with_value(expression))))

    assert (expected, type(expected)) == (value, type(value))


@pytest.mark.parametrize("expression", ["NULL", "nullif(tool, tool)", "'null'::JSON", "json_extract('{}', '$.x')"])
def test_what_is_null_is_left_out(imported: Import, expression: str) -> None:
    assert data(imported(CALLS_CSV, with_value(expression))) == [{"tool": "search"}, {"tool": "mail"}]


@pytest.mark.parametrize("expression", ["encode(tool)", "[encode(tool)]", "{'a': encode(tool)}", "INTERVAL 3 DAY"])
def test_a_value_that_no_event_can_hold_refuses_its_row(imported: Import, expression: str) -> None:
    found = imported(CALLS_CSV, with_value(expression))

    assert [number for number, _ in refused(found)] == [1, 2]
    assert all("data.value" in reason and "cast it" in reason for _, reason in refused(found))


def test_attributes_may_be_one_object(imported: Import) -> None:
    content = lines(
        {"ts": "2025-03-03", "tool": "a", "meta": {"x": 1}},
        {"ts": "2025-03-03", "meta": {"y": "z"}},
        {"ts": "2025-03-03"},
    )

    found = imported(content, CALLS + 'attributes = "meta"\n', name="calls.jsonl")

    assert data(found) == [{"tool": "a", "attributes": {"x": 1}}, {"attributes": {"y": "z"}}, {}]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_an_expression_that_fails_refuses_its_row_alone(imported: Import, suffix: str) -> None:
    words = ["1", "x", "3", "y", "5"]
    contents = {
        "csv": "ts,tool\n" + "".join(f"2025-03-03,{word}\n" for word in words),
        "jsonl": lines(*({"ts": "2025-03-03", "tool": word} for word in words)),
        "parquet": pa.table({"ts": ["2025-03-03"] * 5, "tool": words}),
    }

    # The cast stands there twice, so that an optimizer may share it.
    found = imported(contents[suffix], with_value("tool::INT") + 'twice = "2 * tool::INT"\n', name=f"calls.{suffix}")

    assert [row.event["data"]["value"] for row in found if row.event] == [1, 3, 5]
    assert [row.row for row in found] == [1, 2, 3, 4, 5]
    assert [number for number, _ in refused(found)] == [2, 4]
    assert all("Could not convert string" in reason and "\n" not in reason for _, reason in refused(found))
    assert all(row.raw and word in row.raw for row, word in zip((found[1], found[3]), "xy", strict=True))


def test_a_cast_within_an_object_that_fails_refuses_its_row_alone(imported: Import) -> None:
    content = lines(*({"ts": "2025-03-03", "tool": word, "usage": {"n": word}} for word in "1x3y5"))
    guarded = with_value("CASE WHEN tool IN ('1', '3', '5') THEN usage.n::INT END")

    found = imported(content, with_value("usage.n::INT"), name="calls.jsonl")

    assert [row.event["data"]["value"] for row in found if row.event] == [1, 3, 5]
    assert [number for number, _ in refused(found)] == [2, 4]
    assert [item.get("value") for item in data(imported(content, guarded, name="calls.jsonl"))] == [1, None, 3, None, 5]


def test_a_row_with_something_else_where_others_have_an_object_does_not_stop_them(imported: Import) -> None:
    rows_of = [{"ts": "2025-03-03", "tool": "a", "usage": {"n": n}} for n in range(3)]
    odd = [{"ts": "2025-03-03", "usage": "none"}, {"ts": "2025-03-03", "usage": [1]}]
    mapping = with_value("usage.n + 1")

    found = imported(lines(*rows_of, *odd), mapping, name="calls.jsonl")

    assert [row.event["data"]["value"] for row in found if row.event] == [1, 2, 3]
    assert [(number, reason.partition(": ")[2]) for number, reason in refused(found)] == [
        (4, "usage is a text, not an object."),
        (5, "usage is a list, not an object."),
    ]
    with pytest.raises(BadMapping, match=r"data\.value"):
        imported(lines(rows_of[0], *odd), mapping, name="calls.jsonl")


def test_an_expression_is_not_asked_about_rows_that_do_not_match(imported: Import) -> None:
    mapping = CALLS.replace("[event.data]", 'where = "n IS NOT NULL"\n[event.data]') + 'value = "tool::INT"\n'

    assert [item["value"] for item in data(imported("ts,tool,n\n2025-03-03,1,1\n2025-03-03,x,\n", mapping))] == [1]


def test_a_failing_where_refuses_its_row(imported: Import) -> None:
    mapping = CALLS.replace("[event.data]", 'where = "tool::INT > 0"\n[event.data]')

    found = imported("ts,tool\n2025-03-03,x\n2025-03-03,1\n2025-03-03,0\n", mapping)

    assert [(row.row, row.error is not None) for row in found] == [(1, True), (2, False)]


def test_a_row_without_a_type_is_refused(imported: Import) -> None:
    assert [number for number, _ in refused(imported(CALLS_CSV, CALLS.replace("'tool.call.completed'", "NULL")))] == [
        1,
        2,
    ]


def test_a_row_may_fail_in_one_table_and_match_another(imported: Import) -> None:
    mapping = CALLS + 'value = "tool::INT"\n' + CALLS

    found = imported("ts,tool\n2025-03-03,x\n", mapping)

    assert [(row.row, row.error is not None) for row in found] == [(1, True), (1, False)]


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def values_of(imported: Import, *cells: str) -> list[Any]:
    found = imported("ts,tool,v\n" + "".join(f"2025-03-03,x,{cell}\n" for cell in cells), with_value("v"))
    return [item.get("value") for item in data(found)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1", "", "-3"), [1, None, -3]),
        (("1", "2.5"), [1.0, 2.5]),
        (("0.05759174999999999", "1e-7"), [0.05759174999999999, 1e-7]),
        (("true", "FALSE", ""), [True, False, None]),
        (("1", "true"), ["1", "true"]),
        (("1", "x"), ["1", "x"]),
        (("1.50", "x"), ["1.50", "x"]),
        (("007", "8"), ["007", "8"]),
        (("12345678901234567890", "1"), ["12345678901234567890", "1"]),
        (("1234567890123456.5", "1"), ["1234567890123456.5", "1"]),
        (("", ""), [None, None]),
        (('""', '" "'), [None, " "]),
        (("nan", "inf"), ["nan", "inf"]),
        (("١",), ["١"]),
        (("٢.٥",), ["٢.٥"]),
        (("2025-03-03", "1"), ["2025-03-03", "1"]),
    ],
)
def test_a_csv_column_has_the_type_of_all_its_cells(
    imported: Import, cells: tuple[str, ...], expected: list[Any]
) -> None:
    found = values_of(imported, *cells)

    assert (expected, [*map(type, expected)]) == (found, [*map(type, found)])


def test_a_column_that_turns_into_text_late_is_text_from_the_start(imported: Import) -> None:
    found = values_of(imported, *(str(n) for n in range(10_000)), "n/a")

    assert [found[0], found[-2], found[-1]] == ["0", "9999", "n/a"]


def test_a_column_that_is_empty_in_the_whole_file_fits_any_expression(imported: Import) -> None:
    mapping = with_value("1 + cached") + 'lower = "lower(cached)"\nsame = "cached = \'x\'"\n'

    assert data(imported("ts,tool,cached\n2025-03-03,a,\n", mapping)) == [{"tool": "a"}]


def test_columns_of_the_same_name_are_numbered(imported: Import) -> None:
    mapping = with_value("a") + 'b = "A_1"\nc = "a_2"\nd = "column5"\n'

    found = imported("ts,tool,a,A,a,\n2025-03-03,x,1,2,3,4\n", mapping)

    assert data(found) == [{"tool": "x", "value": 1, "b": 2, "c": 3, "d": 4}]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_header_tells_the_separator(imported: Import, separator: str) -> None:
    content = f'ts{separator}"tool"{separator}" a,b;"\n2025-03-03{separator}x{separator}1\n'

    assert data(imported(content, with_value('"a,b;"'))) == [{"tool": "x", "value": 1}]


def test_quoted_cells_hold_separators_quotes_and_lines_and_count_as_one_row(imported: Import) -> None:
    found = imported('ts,tool\r\n2025-03-03,"a,""b""\r\nc"\r\n\r\n2025-03-03,d\r\n')

    assert [(row.row, row.event["data"]["tool"]) for row in found if row.event] == [(1, 'a,"b"\r\nc'), (2, "d")]
    assert found[0].raw == '2025-03-03,"a,""b""\r\nc"'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2025-03-03", "1 fields, but the header has 2"),
        (b"2025-03-03,a,b", "3 fields, but the header has 2"),
        (b'2025-03-03,"a"b', "not valid CSV"),
        (b"2025-03-03,caf\xe9", "not UTF-8"),
        (b"2025-03-03," + b"x" * 200_000, "field larger than field limit"),
    ],
)
def test_a_bad_csv_line_is_refused_alone(imported: Import, line: bytes, reason: str) -> None:
    found = imported(b"\xef\xbb\xbfts,tool\n2025-03-03,a\n" + line + b"\n2025-03-03,c\n")

    assert [(row.row, row.error is not None) for row in found] == [(1, False), (2, True), (3, False)]
    assert reason in refused(found)[0][1]
    assert line.decode("utf-8", "backslashreplace") == found[1].raw


def test_a_quote_that_never_ends_is_refused_at_the_end(imported: Import) -> None:
    assert [number for number, _ in refused(imported('ts,tool\n2025-03-03,a\n2025-03-03,"b\n2025-03-03,c\n'))] == [2]


# ── JSON Lines ──────────────────────────────────────────────────────────────────────────────────────────────────


def json_values(imported: Import, *values: Any, expression: str = "v") -> list[Any]:
    content = lines(*({"ts": "2025-03-03", "tool": "x", "v": value} for value in values))
    return [item.get("value") for item in data(imported(content, with_value(expression), name="calls.jsonl"))]


def test_columns_are_the_union_of_the_keys_of_all_lines(imported: Import) -> None:
    content = lines(*[{"ts": "2025-03-03"}] * 5000, {"ts": "2025-03-03", "tool": "late", "v": {"w": 1}})

    found = data(imported(content, with_value("v.w"), name="calls.jsonl"))

    assert found[-2:] == [{}, {"tool": "late", "value": 1}]


@pytest.mark.parametrize(
    "values",
    [
        [1, -1, None],
        [0.05759174999999999, 2.0],
        [2**64 - 1, 1],
        ["x", "", None],
        [True, False],
        [{"a": 1}, {"a": 2}],
        [[1, 2], []],
        [{"a": [{"b": 1}]}, {"a": []}],
        [{"a": 1, "A": 2}, {"": 3}],
        [{}, [], 1, "x"],
        [[], {"a": 1}],
        [{"a": 1}, []],
        [[], {}],
        [{}, []],
        [{"\0": 1}],
        [[{"a": 1}, 5]],
        [{str(n): n for n in range(2000)}],
    ],
)
def test_json_values_pass_through(imported: Import, values: list[Any]) -> None:
    assert values == json_values(imported, *values)


def test_mixed_scalars_are_text_and_mixed_numbers_are_numbers(imported: Import) -> None:
    assert json_values(imported, 1, "x", True) == ["1", "x", "true"]
    assert json_values(imported, 1, 0.5) == [1.0, 0.5]


def test_nested_objects_can_be_reached(imported: Import) -> None:
    assert json_values(imported, {"a": [{"b": 3}]}, {}, expression="v.a[1].b") == [3, None]
    assert json_values(imported, {"A": 3, "a": 4}, 5, expression="json_extract_string(v, '$.A')") == ["3", None]


def test_what_is_nested_very_deep_stays_json(imported: Import) -> None:
    def nested(levels: int) -> str:
        return f'{{"ts":"2025-03-03","tool":"x","v":{{"b":2,"c":{"[" * levels}1{"]" * levels}}}}}\n'

    found = imported(nested(100) + nested(900), with_value("v.b") + 'kind = "typeof(v.c)"\n', name="calls.jsonl")

    assert [(row.row, row.error is not None) for row in found] == [(1, False), (2, True)]
    assert data(found[:1]) == [{"tool": "x", "value": 2, "kind": "JSON" + "[]" * 16}]


def test_an_object_with_very_many_keys_stays_json(imported: Import) -> None:
    assert json_values(imported, {str(n): n for n in range(2000)}, expression="typeof(v)") == ["JSON"]


def test_keys_that_differ_only_in_case_are_two_columns(imported: Import) -> None:
    content = lines({"ts": "2025-03-03", "tool": "x", "v": 1}, {"ts": "2025-03-03", "tool": "y", "V": 2})

    found = imported(content, with_value("v") + 'other = "V_1"\n', name="calls.jsonl")

    assert data(found) == [{"tool": "x", "value": 1}, {"tool": "y", "other": 2}]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"ts": "2025-03-03", "tool"', "not valid JSON"),
        (b'{"ts": "2025-03-03",}', "not valid JSON"),
        (b'{"ts": NaN}', "not valid JSON"),
        (b'{"ts": "\\ud800"}', "not valid JSON"),
        (b'{"ts": "caf\xe9"}', "not valid JSON"),
        (b'{"ts": ' + b"[" * 100_000, "not valid JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "not a JSON object"),
        (b"\x00", "not valid JSON"),
    ],
)
def test_a_bad_json_line_is_refused_alone_by_its_line_number(imported: Import, line: bytes, reason: str) -> None:
    good = b'{"ts": "2025-03-03", "tool": "x"}\n'

    found = imported(good + b"\n" + line + b"\r\n" + good, name="calls.jsonl")

    assert [(row.row, row.error is not None) for row in found] == [(1, False), (3, True), (4, False)]
    assert reason in refused(found)[0][1]
    assert line.decode("utf-8", "backslashreplace") == found[1].raw


def test_a_file_of_bad_lines_alone_is_refused_line_by_line(imported: Import) -> None:
    assert [number for number, _ in refused(imported("x\ny\n", name="calls.jsonl"))] == [1, 2]


@pytest.mark.parametrize("name", ["calls.jsonl", "calls.csv"])
def test_a_line_beyond_the_limit_is_refused_without_being_held(
    imported: Import, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(records, "MAX_LINE", 1000)
    good, head = ('{"ts":"2025-03-03","tool":"x"}', "") if "json" in name else ("2025-03-03,x", "ts,tool\n")
    packed = gzip.compress(f"{head}{good}\n{good[:-2]}{'x' * 6_000_000}\n{good}\n".encode())

    tracemalloc.start()
    found = imported(packed, name=f"{name}.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [(row.row, row.error is not None) for row in found] == [(1, False), (2, True), (3, False)]
    assert "longer than 1000 bytes" in refused(found)[0][1]
    assert found[1].raw is None
    assert peak < 5_000_000


def test_a_long_line_within_the_limit_is_read(imported: Import) -> None:
    content = lines({"ts": "2025-03-03", "tool": "x", "prompt": "x" * 10_000_000})

    assert data(imported(content, with_value("length(prompt)"), name="calls.jsonl")) == [
        {"tool": "x", "value": 10_000_000}
    ]


# ── Parquet ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_parquet_value_keeps_its_type(imported: Import) -> None:
    table = pa.table(
        {
            "ts": ["2025-03-03"],
            "tool": pa.array(["x"]).dictionary_encode(),
            "v": pa.array([{"a": Decimal("0.10"), "b": [date(2025, 3, 3)], "c": datetime(2025, 3, 3, tzinfo=UTC)}]),
            "unused": pa.array([b"\xff"]),
        }
    )

    (found,) = data(imported(table, with_value("v"), name="calls.parquet"))

    assert found == {"tool": "x", "value": {"a": Decimal("0.10"), "b": ["2025-03-03"], "c": "2025-03-03 00:00:00+00"}}


def test_parquet_bytes_refuse_their_row_and_show_it_as_json(imported: Import) -> None:
    table = pa.table({"ts": ["2025-03-03"] * 2, "tool": ["x", "y"], "batch": [None, b"\xff"]})

    found = imported(table, with_value("batch"), name="calls.parquet")

    assert [(row.row, row.error is not None) for row in found] == [(1, False), (2, True)]
    assert json.loads(found[1].raw or "")["tool"] == "y"


def test_parquet_columns_that_share_a_name_cannot_be_read(imported: Import) -> None:
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["ts", "ts"])

    with pytest.raises(CannotRead):
        imported(table, name="calls.parquet")


# ── CloudEvents ─────────────────────────────────────────────────────────────────────────────────────────────────

EVENT = {
    "id": "1",
    "source": "app",
    "type": "tool.call.completed",
    "time": "2025-03-03T09:00:00Z",
    "data": {"tool": "x"},
}


def test_cloud_events_need_no_mapping_and_other_attributes_are_ignored(imported: Import) -> None:
    line = EVENT | {"specversion": "1.0", "datacontenttype": "application/json", "subject": "s"}

    (found,) = imported(lines(line), None, name="events.jsonl")

    arguments = {
        "event_type": "tool.call.completed",
        "data": {"tool": "x"},
        "occurred_at": NINE,
        "id": "1",
        "source": "app",
    }
    assert ImportedRow(row=1, event=arguments, error=None, raw=json.dumps(line)) == found


def test_numbers_of_a_cloud_event_stay_exact(imported: Import) -> None:
    line = json.dumps(EVENT | {"data": {"cost": 7}}).replace("7", "0.1000000000000000055")

    assert data(imported(line, None, name="events.jsonl")) == [{"cost": Decimal("0.1000000000000000055")}]


def test_source_and_data_of_a_cloud_event_may_be_missing(imported: Import) -> None:
    line = {key: value for key, value in EVENT.items() if key not in ("source", "data")}

    (found,) = events(
        imported(lines(line, EVENT | {"data": None})[: len(json.dumps(line))], None, name="events.ndjson")
    )

    assert (found["source"], found["data"]) == ("import:events.ndjson", {})


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{",
        *(
            json.dumps({key: value for key, value in EVENT.items() if key != missing})
            for missing in ("id", "type", "time")
        ),
        *(json.dumps(EVENT | change) for change in ({"id": 5}, {"type": None}, {"type": ["x"]}, {"time": 1740992400})),
        *(
            json.dumps(EVENT | change)
            for change in ({"time": "soon"}, {"data": [1]}, {"data": "x"}, {"data_base64": "AA=="})
        ),
        json.dumps(EVENT | {"data": {"x": 7}}).replace("7", "1e999999999"),
        json.dumps(EVENT | {"data": {"x": 7}}).replace("7", "0e-999999999"),
        json.dumps(EVENT | {"data": {"x": 7}}).replace("7", "9" * 5000),
        '{"data": ' + "[" * 100_000,
    ],
)
def test_a_bad_cloud_event_is_refused_alone(imported: Import, line: str) -> None:
    found = imported(f"{json.dumps(EVENT)}\n\n{line}\n{json.dumps(EVENT)}\n", None, name="events.jsonl")

    assert [(row.row, row.error is not None) for row in found] == [(1, False), (3, True), (4, False)]
    assert isinstance(found[1].error, BadRow)
    assert line == found[1].raw


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────────

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
VALUES = st.recursive(
    SCALARS | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
QUICK = settings(max_examples=10)


@QUICK
@given(objects=st.lists(st.dictionaries(NAMES | st.sampled_from(["v", "V"]), VALUES, max_size=4), max_size=5))
def test_no_value_of_a_json_line_is_lost(imported: Import, objects: list[dict[str, Any]]) -> None:
    content = lines(
        *({"ts": "2025-03-03", "tool": "x", "v": 1} | item for item in objects),
        {"ts": "2025-03-03", "tool": 1, "v": {}},
    )

    found = data(imported(content, with_value("v"), name="calls.jsonl"))

    assert ["v" not in item or item["v"] is not None for item in [*objects, {"v": {}}]] == [
        "value" in item for item in found
    ]


@QUICK
@given(value=st.recursive(SCALARS, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8))
def test_an_object_of_one_row_comes_through_without_its_nulls(imported: Import, value: Any) -> None:
    assert without_nulls(value) == json_values(imported, value)[0]


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(item) for key, item in value.items() if item is not None}


@QUICK
@given(content=st.binary(max_size=300), name=st.sampled_from(["calls.csv", "calls.jsonl"]), mapped=st.booleans())
def test_any_bytes_give_rows_or_an_error_of_ours(imported: Import, content: bytes, name: str, mapped: bool) -> None:
    try:
        found = imported(content, CALLS if mapped else None, name=name)
    except AnalyticsError:
        return
    assert all((row.event is None) != (row.error is None) for row in found)


@QUICK
@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_any_csv_text_comes_through(imported: Import, cells: list[str]) -> None:
    import csv
    import io

    buffer = io.StringIO()
    csv.writer(buffer).writerows([["ts", "tool", "v"], *(["2025-03-03", "x", cell] for cell in [*cells, "text"])])

    found = data(imported(buffer.getvalue(), with_value("v")))

    assert [cell or None for cell in [*cells, "text"]] == [item.get("value") for item in found]


@pytest.mark.parametrize(
    ("limited", "limit", "size", "cell"),
    [(batches, "BATCH_ROWS", 50, "search"), (chunks, "CHUNK_BYTES", 20_000, "x" * 2000)],
    ids=["rows", "bytes"],
)
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limited: Any, limit: str, size: int, cell: str
) -> None:
    monkeypatch.setattr(limited, limit, size)
    mapping = read_mapping(write(tmp_path / "mapping.toml", CALLS))

    def peak(count: int) -> int:
        path = write(tmp_path / "calls.csv", "ts,tool\n" + f"2025-03-03,{cell}\n" * count)
        tracemalloc.start()
        assert count == sum(1 for _ in rows(path, mapping))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(1)  # what is loaded with the first file is not of the others
    assert peak(300) < 1.5 * peak(100)
