"""The table of formats in the guide is that of the mappings: `python -m tests.ingest.files.test_formats_page`."""

from __future__ import annotations

from pathlib import Path

from analytics_es.ingest.files.catalogue import shapes

PAGE = Path(__file__).parents[3] / "docs" / "files.md"
BEGIN, END = "<!-- formats -->", "<!-- /formats -->"


def table() -> str:
    head = ["| `--format` | what it is | a row is of | where to get it | since |", "|---|---|---|---|---|"]
    rows = [
        f"| `{shape.name}` | {shape.shape} | {shape.rows_are} | {shape.get} | {shape.since} |" for shape in shapes()
    ]
    return "\n".join([*head, *rows])


def written(page: str) -> str:
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


def test_the_page_lists_the_formats_as_their_mappings_say() -> None:
    assert PAGE.read_text() == written(PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
