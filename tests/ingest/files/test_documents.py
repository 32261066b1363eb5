"""A JSON file is read as it is: rows by line, a list that is the document, or lists somewhere in documents."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import BadArgument, BadMapping, CannotRead
from analytics_es.events import walking
from analytics_es.ingest.files import Rows, documents, parse_mapping, rows
from tests.examples import examples
from tests.limited import grown

MAPPING = """
[[event]]
type = "'tool.call.completed'"
occurred_at = "ts"
[event.data]
tool = "tool"
"""
TS = "2026-03-02T09:00:00Z"
CALLS = [{"ts": TS, "tool": "a", "note": '} ] , \\ " [{'}, {"ts": TS, "tool": "b", "deep": [{"x": [1]}]}]
CLOUD = [{"id": f"e{n}", "source": "s", "type": "a.b", "time": TS, "data": {"value": n}} for n in (1, 2)]

Read = Callable[..., Rows]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a file of this content."""

    def run(content: Any, mapping: str | None = MAPPING, name: str = "calls.json", **options: Any) -> Rows:
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return rows(tmp_path / name, parse_mapping(mapping, Path("m.toml")) if mapping else None, **options)

    return run


def tools(found: Rows) -> list[Any]:
    return [row.event["data"].get("tool") if row.event else str(row.error.details["problem"]) for row in found]  # type: ignore[union-attr]


PRETTY = json.dumps(CALLS, indent=2)
AFTER_ANOTHER = "\n".join(json.dumps(call, indent=2) for call in CALLS)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(CALLS),
        PRETTY,
        f"{PRETTY}\n\n",
        f"\ufeff{PRETTY}",
        f"\ufeff \n{json.dumps(CALLS)}",
        PRETTY.replace("\n", "\r\n"),
        "[" + ",\n".join(map(json.dumps, CALLS)) + "]",
        "[\n" + "\n,".join(map(json.dumps, CALLS)) + "\n]\n",
        AFTER_ANOTHER,
        AFTER_ANOTHER.replace("\n", ""),
        "".join(map(json.dumps, CALLS)),
        " ".join(f"[{json.dumps(call)}]" for call in CALLS),
        "\n".join(f"[{json.dumps(call)}]" for call in CALLS),
        "\n".join(map(json.dumps, CALLS)),
        "\ufeff" + "\n".join(map(json.dumps, CALLS)) + "\n",
    ],
)
def test_rows_are_those_of_a_list_of_documents_one_after_another_or_of_lines(read: Read, content: str) -> None:
    for name, packed in (("calls.json", content.encode()), ("c.jsonl.gz", gzip.compress(content.encode()))):
        found = list(read(packed, name=name))
        assert [(row.row, row.event["data"]) for row in found if row.event] == [(1, {"tool": "a"}), (2, {"tool": "b"})]
        assert [json.loads(row.raw or "") for row in found] == CALLS


@pytest.mark.parametrize("content", ["[]", "[\n]\n", "null\n"[:0], "[] []"])
def test_a_list_of_nothing_gives_nothing(read: Read, content: str) -> None:
    assert list(read(content)) == []


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("steps", ["data.results", "data.results[]"])
def test_rows_may_be_in_a_list_of_an_object(read: Read, indent: int | None, steps: str) -> None:
    document = {"object": "page", "many": [[{}] * 50], "data": {"n": 5, "results": CALLS, "ts": "x"}, "more": {"a": []}}
    content = json.dumps(document, indent=indent)

    assert tools(read(content, rows_path=steps)) == ["a", "b"]
    assert tools(read(content, f"rows = {json.dumps(steps)}\n{MAPPING}")) == ["a", "b"]
    assert tools(read(content, f"rows = 'many'\n{MAPPING}", rows_path=steps)) == ["a", "b"]


@pytest.mark.parametrize(
    ("document", "steps"),
    [
        ({"data": [{"results": CALLS[:1]}, {"results": []}, {"results": CALLS[1:]}]}, "data[].results"),
        ({"data": [{"results": CALLS[:1]}, {}, {"results": CALLS[1:]}]}, "data.results"),
        ([{"data": CALLS[:1]}, {"data": CALLS[1:]}], "[].data"),
        ([{"data": CALLS[:1]}, {"data": None}, {"data": CALLS[1:]}], "data"),
        ({"a.b": {'c "d"': {"é e": CALLS}}}, '"a.b"."c ""d""".é e'),
        ([CALLS[:1], CALLS[1:]], "[][]"),
    ],
)
def test_a_path_goes_through_lists_and_may_be_quoted(read: Read, document: Any, steps: str) -> None:
    assert tools(read(document, rows_path=steps)) == ["a", "b"]


@pytest.mark.parametrize("between", ["\n", "\n\n", " "])
@pytest.mark.parametrize("indent", [None, 1])
def test_pages_one_after_another_are_read_as_one(read: Read, between: str, indent: int | None) -> None:
    pages = [{"data": CALLS[:1]}, {"data": []}, {"data": CALLS[1:]}]
    found = list(read(between.join(json.dumps(page, indent=indent) for page in pages), rows_path="data"))

    assert [(row.row, row.event["data"]["tool"]) for row in found if row.event] == [(1, "a"), (2, "b")]


def test_a_page_without_the_list_is_one_refused_row(read: Read) -> None:
    pages = "\n".join(map(json.dumps, [{"data": CALLS[:1]}, {"error": "x"}, {"data": {}}, {"data": CALLS[1:]}]))

    assert tools(read(pages, rows_path="data")) == [
        "a",
        "no list at data: there is none",
        "no list at data: it is no list",
        "b",
    ]


def test_a_path_into_a_document_that_is_a_list_itself_is_told_so(read: Read) -> None:
    (problem,) = tools(read(json.dumps(CALLS), rows_path="data"))

    assert problem == "no list at data: there is none; the document is a list itself: leave the path out"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("mapping", [MAPPING, None])
def test_one_object_that_is_no_row_says_in_one_line_where_its_lists_are(
    read: Read, indent: int | None, mapping: str | None
) -> None:
    document = {"object": "list", "errors": [], "data": {"my.rows": (CALLS if mapping else CLOUD) * 60}, "n": [1, 2, 3]}

    with pytest.raises(CannotRead) as caught:
        read(json.dumps(document, indent=indent), mapping)

    assert str(caught.value).endswith(
        'cannot be read: this is one JSON object; its lists are errors (0), data."my.rows" (120), n (3): '
        "say --rows 'data.\"my.rows\"'."
    )


@pytest.mark.parametrize("indent", [None, 2])
def test_results_that_nobody_said_anything_of_are_refused_as_a_whole_in_one_line(
    read: Read, indent: int | None
) -> None:
    rows_of_anything = [{"id": n, "task": "flight", "reward": 1.0} for n in range(5000)]

    with pytest.raises(CannotRead, match=r"no CloudEvents, which have a type.* say what they are in a mapping"):
        read(json.dumps(rows_of_anything, indent=indent), None)
    with pytest.raises(CannotRead, match=r"its lists are data.results \(5,000\): say --rows 'data.results'"):
        read(json.dumps({"data": {"results": rows_of_anything}}, indent=indent), None)


@pytest.mark.parametrize("steps", ["data.rows", "DATA", "ts", "data[].x"])
def test_a_path_to_no_list_says_which_there_are(read: Read, steps: str) -> None:
    with pytest.raises(CannotRead) as caught:
        read({"ts": TS, "data": CALLS}, rows_path=steps)

    assert f"there is no list at {steps}; its lists are data (2): say --rows 'data'" in str(caught.value)
    with pytest.raises(CannotRead, match="there is no list at data, nor anywhere else"):
        read({"ts": TS}, rows_path="data")


@pytest.mark.parametrize("indent", [None, 2])
def test_one_object_that_has_what_the_mapping_reads_is_a_row(read: Read, indent: int | None) -> None:
    call = CALLS[0] | {"items": [1, 2], "tools": [{"name": "x"}]}

    assert tools(read(json.dumps(call, indent=indent))) == ["a"]
    assert len(list(read(json.dumps(CLOUD[0], indent=indent), None))) == 1
    with pytest.raises(BadMapping, match=r"occurred_at: no column 'ts' \(the columns of calls.json are: a, b"):
        read(json.dumps({"a": 1, "b": {}}, indent=indent))


def test_cloud_events_are_read_from_a_list_or_an_export_of_one(read: Read) -> None:
    for found in (read(CLOUD, None), read({"events": CLOUD}, None, "b.json", rows_path="events")):
        assert [row.event["id"] for row in found if row.event] == ["e1", "e2"]


@pytest.mark.parametrize("bad", ["5", "null", "[1]", '"x"', "{}", '{"ts": 5,}', '{"ts": NaN}'])
def test_a_bad_element_is_one_refused_row(read: Read, bad: str) -> None:
    content = f"[{json.dumps(CALLS[0])},\n{bad},\n{json.dumps(CALLS[1])}]"
    found = list(read(content))

    assert [(row.row, row.event is None) for row in found] == [(1, False), (2, True), (3, False)]
    assert found[1].raw == bad
    assert not read(content).notes.broken


def test_an_element_that_is_too_large_is_one_refused_row(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MAX_VALUE", 300)
    found = read([CALLS[0], {"tool": "x" * 400}, CALLS[1]])

    assert tools(found) == ["a", documents.TOO_LARGE, "b"]


@pytest.mark.parametrize("end", [', {"ts": "2026', ",", "", ' {"ts": 5}]', "}"])
def test_a_list_that_breaks_off_gives_what_is_there_and_says_where_it_ends(read: Read, end: str) -> None:
    found = read("[" + ", ".join(map(json.dumps, CALLS)) + end)
    *good, bad = tools(found)

    assert good == ["a", "b"]
    assert bad.startswith("not valid JSON: ")
    assert bad.endswith(", and nothing after it is read")
    assert found.notes.broken == bad


def test_a_broken_first_line_is_one_refused_row_of_lines(read: Read) -> None:
    for broken in ("{broken", '{"ts": "x', '{"ts": 1, "a":', "[1, 2]", "nothing", '{"a": 1}}', "[]"):
        found = list(read(broken + "\n" + "\n".join(map(json.dumps, CALLS))))
        assert [(row.row, row.event is None) for row in found] == [(1, True), (2, False), (3, False)], broken


def test_a_list_of_one_row_on_a_line_of_its_own_is_a_document(read: Read) -> None:
    assert tools(read(f'{{"data": [\n{json.dumps(CALLS[0])}\n]}}', rows_path="data")) == ["a"]
    assert tools(read(f"[\n{json.dumps(CALLS[0])}\n]")) == ["a"]


@pytest.mark.parametrize(
    "steps", ["", ".", "a..b", "a.", ".a", "a[", "a[0]", '"a', 'a."b', "a" * 2000, ".".join("ab" * 9)]
)
def test_a_path_that_is_none_says_how_one_is_written(read: Read, steps: str) -> None:
    with pytest.raises(BadArgument, match="a path to a list"):
        read(CALLS, rows_path=steps)
    with pytest.raises(BadMapping, match="rows: must be a path to a list"):
        parse_mapping(f"rows = {json.dumps(steps)}\n{MAPPING}", Path("m.toml"))


def test_a_table_has_no_rows_elsewhere(read: Read) -> None:
    with pytest.raises(CannotRead, match="it is a table, of which no rows are at data"):
        read("ts,tool\n", name="calls.csv", rows_path="data")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=3), max_size=4), st.data())
@examples(100)
def test_however_a_list_is_written_its_rows_are_the_same(elements: list[Any], data: st.DataObject) -> None:
    indent, ascii_only = data.draw(st.sampled_from([None, 0, 3])), data.draw(st.booleans())
    document = {"x": elements, "a": {"b": elements}, "y": 1}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    pieces = iter([text.encode()[at : at + 7] for at in range(0, len(text.encode()), 7)])
    walk = walking.Walk(lambda _: next(pieces, b""))
    seen: list[bytes] = []

    assert [json.loads(walk.text() or "") for _ in documents.places(walk, ("a", "b"), seen)] == elements
    assert seen == [b"["]
    walk.end()


_LARGE = """
from pathlib import Path
from analytics_es.ingest.files import parse_mapping, rows
mapping = parse_mapping({mapping!r}, Path("m.toml"))
found = sum(row.event is not None for row in rows(Path({path!r}), mapping, rows_path={steps!r}))
print(found)
"""


@pytest.mark.parametrize("steps", [None, "data.results"])
def test_a_long_list_takes_little_memory(tmp_path: Path, steps: str | None) -> None:
    path, many = tmp_path / "large.json", 20_000
    row = json.dumps(CALLS[0] | {"note": "x" * 4000})
    with path.open("w") as file:
        file.write('{"data": {"results": [' if steps else "[")
        for number in range(many):
            file.write(f"{',' if number else ''}{row}")
        file.write("]}}" if steps else "]")
    mapping = MAPPING.replace("occurred_at", 'id = "tool"\noccurred_at')

    megabytes, (counted, *_) = grown(_LARGE.format(mapping=mapping, path=str(path), steps=steps))

    assert int(counted) == many
    assert megabytes < 200
