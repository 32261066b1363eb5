"""A mapping's `each` makes an event of each element of a list; `filename` is a column; what a file lacks is NULL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics_es.errors import BadMapping
from analytics_es.ingest.files import ImportedRow, batches, read_mapping, rows

TOOLS = """
[[event]]
each = "tools"
type = "'tool.call.completed'"
occurred_at = "ts"
[event.data]
tool = "each.name"
duration_ms = "each.ms"
user_id = "user"
"""
SCALARS = TOOLS.replace("each.name", "each").replace('duration_ms = "each.ms"\n', "")
TS = "2026-03-02T09:00:00Z"

Imported = Callable[..., list[ImportedRow]]


@pytest.fixture
def imported(tmp_path: Path) -> Imported:
    """Import rows by a mapping, from a file of this name."""

    def run(content: Any, mapping: str = TOOLS, name: str = "calls.jsonl", **options: Any) -> list[ImportedRow]:
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        elif isinstance(content, str):
            path.write_text(content)
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in content))
        (tmp_path / "m.toml").write_text(mapping)
        return list(rows(path, read_mapping(tmp_path / "m.toml"), **options))

    return run


def data(found: list[ImportedRow]) -> list[dict[str, Any]]:
    assert [str(row.error) for row in found if row.error] == []
    return [row.event["data"] for row in found if row.event]


def refused(found: list[ImportedRow]) -> list[tuple[int, str]]:
    return [(row.row, row.error.details["problem"]) for row in found if row.error]


TWO = [{"name": "a", "ms": 5}, {"name": "b"}]


def test_each_element_of_a_list_is_an_event_beside_its_row(imported: Imported) -> None:
    found = imported([{"ts": TS, "user": "ada", "tools": TWO}, {"ts": TS, "tools": [{"name": "c"}]}])

    assert data(found) == [
        {"tool": "a", "duration_ms": 5, "user_id": "ada"},
        {"tool": "b", "user_id": "ada"},
        {"tool": "c"},
    ]
    assert [(row.row, row.element) for row in found] == [(1, 1), (1, 2), (2, 1)]


@pytest.mark.parametrize("tools", [None, [], "missing"])
def test_a_row_without_a_list_or_with_an_empty_one_gives_none(imported: Imported, tools: Any) -> None:
    row = {"ts": TS, "user": "ada"} | ({} if tools == "missing" else {"tools": tools})

    assert imported([row, row]) == []
    assert data(imported([row, {"ts": TS, "tools": TWO[1:]}])) == [{"tool": "b"}]


@pytest.mark.parametrize(
    ("tools", "kind"),
    [("x", "a text"), ("[x", "a text"), (5, "a number"), ({"a": 1}, "an object"), (True, "a boolean")],
)
def test_a_row_with_something_else_is_refused_alone_with_the_reason(imported: Imported, tools: Any, kind: str) -> None:
    found = imported([{"ts": TS, "tools": TWO[1:]}, {"ts": TS, "tools": tools}, {"ts": TS, "tools": TWO[1:]}])

    assert refused(found) == [(2, f"each: tools is {kind}, not a list")]
    assert [row.event["data"]["tool"] for row in found if row.event] == ["b", "b"]
    assert refused(imported([{"ts": TS, "tools": tools}])) == [(1, f"each: tools is {kind}, not a list")]


def test_a_row_that_where_leaves_out_may_have_something_else_there(imported: Imported) -> None:
    mapping = TOOLS.replace("occurred_at", "where = \"kind = 'agent' AND each.type = 'tool'\"\noccurred_at").replace(
        '"tools"', '"message.content"'
    )
    used = {"type": "tool", "name": "a"}
    found = imported(
        [
            {"ts": TS, "kind": "user", "message": {"content": "hello"}},
            {"ts": TS, "kind": "agent", "message": {"content": [{"type": "text", "text": "x"}, used]}},
            {"ts": TS, "kind": "agent", "message": {"content": "hello"}},
            {"ts": TS, "kind": "agent", "message": "hello"},
            {"ts": TS, "kind": "agent"},
        ],
        mapping,
    )

    assert refused(found) == [
        (3, "each: message.content is a text, not a list"),
        (4, "each: message is a text, not an object"),
    ]
    assert [(row.row, row.element, row.event["data"]) for row in found if row.event] == [(2, 2, {"tool": "a"})]


def test_elements_may_be_scalars_lists_texts_of_json_and_of_several_kinds(imported: Imported) -> None:
    assert data(imported([{"ts": TS, "tools": ["a", "b"]}], SCALARS)) == [{"tool": "a"}, {"tool": "b"}]
    assert data(imported([{"ts": TS, "tools": json.dumps(TWO[1:])}])) == [{"tool": "b"}]
    assert data(imported([{"ts": TS, "tools": [{"name": "a"}, {"name": 5}]}])) == [{"tool": "a"}, {"tool": "5"}]
    mixed = imported([{"ts": TS, "tools": ["a", 5]}], SCALARS)
    assert data(mixed) == [{"tool": "a"}, {"tool": "5"}]


def test_a_csv_cell_may_hold_a_list(imported: Imported) -> None:
    found = imported('ts,user,tools\n2026-03-02,ada,"[{""name"": ""a"", ""ms"": 7}]"\n2026-03-02,,\n', name="a.csv")

    assert data(found) == [{"tool": "a", "duration_ms": 7, "user_id": "ada"}]


def test_parquet_has_lists_of_objects_and_texts_of_lists(imported: Imported) -> None:
    table = {"ts": [TS] * 3, "user": ["ada", None, "x"]}
    of_objects = imported(pa.table(table | {"tools": [TWO, [], None]}), name="a.parquet")
    of_texts = imported(
        pa.table(table | {"tools": [json.dumps(TWO), None, "x"]}),
        TOOLS.replace("each.ms", "each.ms::INT"),
        name="a.parquet",
    )

    expected = [{"tool": "a", "duration_ms": 5, "user_id": "ada"}, {"tool": "b", "user_id": "ada"}]
    assert data(of_objects) == expected
    assert [row.event["data"] for row in of_texts if row.event] == expected
    assert refused(of_texts) == [(3, "each: tools is a text, not a list")]


def test_an_element_without_an_id_is_known_by_its_row_and_its_place(imported: Imported) -> None:
    row = {"ts": TS, "call": "c1", "tools": [{"name": "a"}, {"name": "a"}, {"name": "a", "id": "t9"}]}
    ids = [row.event["id"] for row in imported([row, row]) if row.event]
    of_rows = TOOLS.replace("occurred_at", 'id = "call"\noccurred_at')
    of_elements = TOOLS.replace("occurred_at", 'id = "each.id"\noccurred_at')

    assert len({*ids}) == 6
    assert [id.rpartition("#")[2] for id in ids] == ["1", "2", "3"] * 2
    assert [row.event["id"] for row in imported([row], of_rows) if row.event] == ["c1#1", "c1#2", "c1#3"]
    assert [row.event["id"][:4] for row in imported([row], of_elements) if row.event] == ["row:", "row:", "t9"]
    assert ids == [row.event["id"] for row in imported([row, row], name="b.jsonl") if row.event]


def test_an_element_that_an_expression_fails_for_is_refused_alone(imported: Imported) -> None:
    found = imported(
        [{"ts": TS, "tools": [{"name": "1"}, {"name": "x"}, {"name": "3"}]}],
        TOOLS.replace("each.name", "each.name::INT"),
    )

    assert [row.event["data"]["tool"] for row in found if row.event] == [1, 3]
    assert [problem.split(":")[0] for _, problem in refused(found)] == ["element 2"]


def test_a_column_named_each_is_the_element_where_there_is_one_and_a_column_elsewhere(imported: Imported) -> None:
    both = TOOLS + "[[event]]\ntype = \"'a.b'\"\noccurred_at = 'ts'\n[event.data]\nvalue = 'each'\n"

    assert data(imported([{"ts": TS, "each": 7, "tools": [{"name": "a"}]}], both)) == [{"tool": "a"}, {"value": 7}]


def test_events_come_in_the_order_of_rows_over_tables_and_batches(
    imported: Imported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 3)
    both = TOOLS + "[[event]]\ntype = \"'a.b'\"\noccurred_at = 'ts'\n"
    found = imported([{"ts": TS, "tools": [{"name": f"{n}"}] * (n % 3)} for n in range(10)], both)

    assert [row.row for row in found] == sorted(row.row for row in found)
    assert len(found) == 10 + 9
    assert len({row.event["id"] for row in found if row.event}) == 19


def test_a_list_of_many_elements_is_read_in_pieces(imported: Imported) -> None:
    found = imported([{"ts": TS, "note": "x" * 1000, "tools": [*range(100_000)]}], SCALARS)

    assert [row.event["data"]["tool"] for row in found if row.event] == [*range(100_000)]


def test_a_row_too_long_for_so_many_elements_is_refused(imported: Imported) -> None:
    many = {"ts": TS, "user": "x" * 1_000_000, "tools": [*range(10_000)]}

    ((row, problem),) = refused(imported([many, {"ts": TS, "tools": []}], SCALARS))
    assert (row, problem) == (1, "each: its list has 10000 elements, too many for a row that is so long")


@pytest.mark.parametrize("each", ["5", "''", '"tools[]"', '"a..b"', '"."', "[]", '"a.\\"b"'])
def test_an_each_that_is_no_path_says_so(imported: Imported, each: str) -> None:
    with pytest.raises(BadMapping, match=r"\[\[event\]\] 1, each: must be a path"):
        imported([], TOOLS.replace('"tools"', each))


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl"])
def test_a_list_that_a_file_lacks_is_an_error_where_columns_have_to_be_there(imported: Imported, name: str) -> None:
    contents: dict[str, Any] = {
        "a.csv": f"ts,x\n{TS},1\n",
        "a.parquet": pa.table({"ts": [TS]}),
        "a.jsonl": [{"ts": TS}],
    }
    constant = "".join(line for line in TOOLS.splitlines(keepends=True) if "user" not in line)

    with pytest.raises(BadMapping, match=r"\[\[event\]\] 1, each: .*tools"):
        imported(contents[name], "optional = false\n" + constant, name)
    assert imported(contents[name], "optional = true\n" + constant, name) == []


# ── filename ────────────────────────────────────────────────────────────────────────────────────────────────────

NAMED = "[[event]]\ntype = \"'a.b'\"\noccurred_at = \"'2026-03-02'\"\n[event.data]\nvalue = 'filename'\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [([{"a": 1}], "it's ü.jsonl"), ("a\n1\n", "a.csv"), (pa.table({"a": [1]}), "a.parquet")],
    ids=["json", "csv", "parquet"],
)
def test_the_name_of_the_file_is_a_column(imported: Imported, content: Any, name: str) -> None:
    assert data(imported(content, NAMED, name)) == [{"value": name}]


@pytest.mark.parametrize("column", ["filename", "FileName"])
def test_a_column_of_that_name_goes_first(imported: Imported, column: str) -> None:
    assert data(imported([{column: "own"}], NAMED)) == [{"value": "own"}]


# ── what a file lacks ───────────────────────────────────────────────────────────────────────────────────────────

LACKING = """
[[event]]
type = "'a.b'"
occurred_at = "ts"
[event.data]
value = "coalesce(cost, 0) + 1"
a = "usage.input + 1"
b = "usage.details.cached"
c = "choices[1].text"
d = "meta['x']"
"""


@pytest.mark.parametrize(
    "row",
    [
        {"ts": TS},
        {"ts": TS, "usage": None},
        {"ts": TS, "usage": {}},
        {"ts": TS, "usage": {"output": 5}, "choices": [], "meta": {"y": 1}},
        {"ts": TS, "usage": {"details": None}, "choices": None},
        {"ts": TS, "usage": {"details": {"other": 1}}, "choices": [{"message": 1}]},
    ],
)
def test_a_key_that_no_row_of_a_json_file_has_is_null_however_deep(imported: Imported, row: dict[str, Any]) -> None:
    assert data(imported([row], LACKING)) == [{"value": 1}]


@pytest.mark.parametrize("setting", ["optional = false\n", 'optional = ["usage"]\n'])
def test_a_mapping_may_insist_on_its_columns(imported: Imported, setting: str) -> None:
    with pytest.raises(BadMapping, match="cost"):
        imported([{"ts": TS, "usage": {}}], setting + LACKING)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_column_that_csv_or_parquet_lack_is_an_error_unless_said(imported: Imported, name: str) -> None:
    content: Any = f"ts,x\n{TS},1\n" if name.endswith("csv") else pa.table({"ts": [TS], "x": [1]})
    mapping = "[[event]]\ntype = \"'a.b'\"\noccurred_at = 'ts'\n[event.data]\nvalue = 'coalesce(cost, x)'\n"

    with pytest.raises(BadMapping, match="cost"):
        imported(content, mapping, name)
    for setting in ("optional = true\n", 'optional = ["Cost"]\n'):
        assert data(imported(content, setting + mapping, name)) == [{"value": 1}]


def test_a_message_names_the_first_of_many_columns(imported: Imported) -> None:
    with pytest.raises(BadMapping) as caught:
        imported([{f"column_{n}": 1} for n in range(5000)], LACKING)

    assert "column_99 and 4,900 more)" in str(caught.value)
    assert len(str(caught.value)) < 2000
