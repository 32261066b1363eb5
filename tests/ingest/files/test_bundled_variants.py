"""Files of known formats as people have them: other capitals, nulls, separators, shapes: the same, or refused."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics_es.errors import CannotRead
from analytics_es.ingest.files import rows

FORMATS = Path(__file__).parents[2] / "data" / "formats"
TABLES = (
    "litellm/LiteLLM_SpendLogs.csv",
    "openrouter/generations.csv",
    "focus/focus-1.0.csv",
)
DOCUMENTS = (
    "litellm/spend.json",
    "langfuse/observations.json",
    "anthropic-usage/usage_report.json",
)
SUMMED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "requests", "searches")

Row = dict[str, Any]


def figures(path: Path) -> tuple[dict[str, Decimal], list[int]]:
    """Return what the events of a file add up to, and the rows that are refused."""
    sums, refused = Counter[str](), set[int]()
    for row in rows(path):
        if row.error:
            refused.add(row.row)
            continue
        assert row.event
        data = row.event["data"]
        sums[row.event["event_type"]] += 1
        sums.update({name: int(data[name]) for name in SUMMED if name in data})
        if "cost" in data:
            sums[f"cost in {data['currency']}"] += Decimal(data["cost"])
    return {name: Decimal(total) for name, total in sums.items() if total}, sorted(refused)


def events(path: Path) -> Counter[str]:
    """Return what the events of a file tell."""
    return Counter(json.dumps([row.event["event_type"], row.event["data"]]) for row in rows(path) if row.event)


def table(cells: list[Row], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*cells[0]], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(cells)
    return text.getvalue()


def each_cell(change: Callable[[str, str], str]) -> Callable[[list[Row]], list[Row]]:
    return lambda cells: [{name: change(name, cell) for name, cell in row.items()} for row in cells]


def with_comma(_: str, cell: str) -> str:
    return cell.replace(".", ",") if re.fullmatch(r"-?[0-9]+\.[0-9]+", cell) else cell


def with_thousands(name: str, cell: str) -> str:
    return f"{int(cell):,}" if re.fullmatch("[0-9]{4,}", cell) and "time" not in name.lower() else cell


@pytest.mark.parametrize("file", TABLES)
@pytest.mark.parametrize(
    ("change", "delimiter", "bom"),
    [
        pytest.param(lambda cells: cells, ";", False, id="semicolons"),
        pytest.param(lambda cells: cells, "\t", True, id="tabs, byte order mark"),
        pytest.param(
            lambda cells: [{name.upper(): cell for name, cell in row.items()} for row in cells],
            ",",
            False,
            id="capitals",
        ),
        pytest.param(
            lambda cells: [{"Unnamed: 0": "7", **dict(reversed(row.items()))} for row in cells],
            ",",
            False,
            id="order, more",
        ),
        pytest.param(each_cell(lambda _, cell: f" {cell} " if cell else cell), ",", False, id="blanks"),
        pytest.param(each_cell(lambda _, cell: cell or "NULL"), ",", False, id="null"),
    ],
)
def test_a_table_that_is_written_otherwise_gives_the_same(
    tmp_path: Path, file: str, change: Callable[[list[Row]], list[Row]], delimiter: str, bom: bool
) -> None:
    cells = change(list(csv.DictReader(io.StringIO((FORMATS / file).read_text()))))
    (tmp_path / "t.csv").write_bytes((b"\xef\xbb\xbf" if bom else b"") + table(cells, delimiter).encode())

    assert figures(tmp_path / "t.csv") == figures(FORMATS / file)


@pytest.mark.parametrize("file", TABLES)
@pytest.mark.parametrize("change", [with_comma, with_thousands])
def test_numbers_that_are_written_otherwise_are_refused_and_never_another_figure(
    tmp_path: Path, file: str, change: Callable[[str, str], str]
) -> None:
    cells = list(csv.DictReader(io.StringIO((FORMATS / file).read_text())))
    (tmp_path / "t.csv").write_text(table(each_cell(change)(cells), ";"))

    assert events(tmp_path / "t.csv") <= events(FORMATS / file)
    assert figures(tmp_path / "t.csv")[1]


def through(document: Any, change: Callable[[Any], Any]) -> Any:
    """Change every value of a document, from below."""
    if isinstance(document, dict):
        return {name: through(part, change) for name, part in document.items()}
    if isinstance(document, list):
        return [through(part, change) for part in document]
    return change(document)


def is_number(part: Any) -> bool:
    return isinstance(part, int | float) and not isinstance(part, bool)


def inner(document: Any) -> list[Any]:
    return list(document if isinstance(document, list) else document["data"])


@pytest.mark.parametrize("file", DOCUMENTS)
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda document: "\ufeff" + json.dumps(document), id="byte order mark"),
        pytest.param(lambda document: json.dumps(inner(document)), id="a list"),
        pytest.param(lambda document: json.dumps({"data": inner(document)}), id="an answer"),
        pytest.param(lambda document: "\n".join(map(json.dumps, inner(document))), id="lines"),
        pytest.param(lambda document: "\n".join(json.dumps({"data": [row]}) for row in inner(document)), id="answers"),
        pytest.param(
            lambda document: json.dumps(through(document, lambda part: "" if part is None else part)), id="empty"
        ),
        pytest.param(
            lambda document: json.dumps(through(document, lambda part: str(part) if is_number(part) else part)),
            id="texts",
        ),
        pytest.param(
            lambda document: json.dumps(through(document, lambda part: float(part) if is_number(part) else part)),
            id="floats",
        ),
    ],
)
def test_a_document_that_is_written_otherwise_gives_the_same(
    tmp_path: Path, file: str, write: Callable[[Any], str]
) -> None:
    (tmp_path / "d.json").write_text(write(json.loads((FORMATS / file).read_text())))

    assert figures(tmp_path / "d.json") == figures(FORMATS / file)


def test_a_tool_that_is_null_is_none(tmp_path: Path) -> None:
    """A call whose column of tools says NULL was read as a call of the tool `null`."""
    cells = list(csv.DictReader(io.StringIO((FORMATS / TABLES[0]).read_text())))
    (tmp_path / "t.csv").write_text(table([{**cells[0], "mcp_namespaced_tool_name": "null"}]))

    assert next(iter(figures(tmp_path / "t.csv")[0])) == "provider.call.completed"


def only_event(path: Path, document: Any) -> Row:
    path.write_text(json.dumps(document))
    (row,) = rows(path)
    assert row.event
    return dict(row.event["data"])


@pytest.mark.parametrize(
    ("usage", "contradiction"),
    [
        (
            {"usageDetails": {}, "usage": {"unit": "TOKENS", "input": 0, "output": 0, "total": 0}, "promptTokens": 0},
            None,
        ),
        ({"usageDetails": {"total": 1100}}, "total_tokens"),
        ({"usageDetails": {"prompt": 1000, "completion": 100, "total": 1100}}, "total_tokens"),
    ],
)
def test_usage_that_langfuse_does_not_know_is_none_and_not_0(
    tmp_path: Path, usage: Row, contradiction: str | None
) -> None:
    call = {"id": "o1", "traceId": "t", "type": "GENERATION", "level": "DEFAULT", "model": "gpt-4o", **usage}
    times = {"startTime": "2026-03-02T09:00:00Z", "endTime": "2026-03-02T09:00:01Z"}

    data = only_event(tmp_path / "export.json", [{**call, **times}])

    assert not {"input_tokens", "output_tokens"} & data.keys()
    assert data["attributes"].get("analytics_es.contradiction") == contradiction


@pytest.mark.parametrize(
    ("reference", "tokens"),
    [("00000000-0000-0000-0000-000000000000", 700), (None, 700), ("5f1c7d1e-9d0b-4f0e-8d6d-0a1b2c3d4e5f", None)],
)
def test_what_helicone_answered_from_its_own_cache_used_nothing(
    tmp_path: Path, reference: str | None, tokens: int | None
) -> None:
    call = {"response_id": "r1", "response_status": 200, "request_created_at": "2026-03-02T09:00:00Z", "cost": 0}
    used = {"prompt_tokens": 100, "prompt_cache_read_tokens": 600, "completion_tokens": 10, "model": "gpt-4o"}

    data = only_event(tmp_path / "export.json", [{**call, **used, "cache_reference_id": reference}])

    assert data.get("input_tokens") == tokens
    assert data.get("cache_read_tokens") == (600 if tokens else None)
    assert data.get("attributes", {}).get("cache_hit") == (None if tokens else True)


@pytest.mark.parametrize(("type_of_row", "level"), [("metric", "info"), ("span", "DEFAULT"), ("GENERATION", "INFO")])
def test_a_log_that_has_the_columns_of_langfuse_and_other_words_in_them_is_none(
    tmp_path: Path, type_of_row: str, level: str
) -> None:
    line = {"id": "1", "type": type_of_row, "level": level, "start_time": "2026-03-02T09:00:00Z", "trace_id": "t"}
    (tmp_path / "log.json").write_text(json.dumps([{**line, "usage": {"input": 5}}]))
    pq.write_table(pa.Table.from_pylist([{**line, "usage_details": "{}"}]), tmp_path / "log.parquet")

    for name in ("log.json", "log.parquet"):
        with pytest.raises(CannotRead, match=r"looks like langfuse, but has no (type|level) of .* alone"):
            list(rows(tmp_path / name))


def test_one_of_langfuse_is_recognised_in_parquet(tmp_path: Path) -> None:
    line = {"id": "1", "type": "GENERATION", "level": "DEFAULT", "start_time": "2026-03-02T09:00:00Z", "trace_id": "t"}
    pq.write_table(pa.Table.from_pylist([{**line, "usage_details": '{"input": 5}'}]), tmp_path / "export.parquet")

    (row,) = rows(tmp_path / "export.parquet")
    assert row.event
    assert row.event["data"]["input_tokens"] == 5
