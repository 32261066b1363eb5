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

import pytest

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
