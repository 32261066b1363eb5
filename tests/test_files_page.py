"""The page about files shows what it says: its files are written, and its commands are run."""

from __future__ import annotations

import shlex
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner, Result

from analytics_es.cli import main
from analytics_es.ingest.files import read_mapping, rows
from tests.test_docs import ROOT, SHELL, blocks

PAGE = "docs/files.md"


def run(command: str, folder: Path) -> Result:
    with chdir(folder):
        return CliRunner().invoke(main, shlex.split(command)[1:], prog_name="analytics-es")


def test_a_page_of_rows_comes_in_as_the_page_about_files_shows(tmp_path: Path) -> None:
    (document,), (mapping,) = blocks(PAGE, "json"), blocks(PAGE, "toml")
    refused, shown = blocks(PAGE, "text")
    (tmp_path / "page.json").write_text(document)
    (tmp_path / "usage.toml").write_text(mapping)
    (command,) = (line for line in SHELL.findall((ROOT / PAGE).read_text()) if "page.json" in line)

    without = run(command.replace("--rows data.results", ""), tmp_path)
    done = run(command, tmp_path)

    assert (without.exit_code, without.stderr) == (1, refused)
    assert (done.exit_code, done.stderr, done.stdout.strip("\n")) == (0, "", shown.rstrip("\n"))
    assert " 0 " in run(command, tmp_path).stdout


def test_elements_of_lists_are_events_as_the_page_of_mappings_shows(tmp_path: Path) -> None:
    (content,) = blocks("docs/mapping.md", "json")
    (mapping,) = (block for block in blocks("docs/mapping.md", "toml") if "each" in block)
    (tmp_path / "turns.jsonl").write_text(content)
    (tmp_path / "turns.toml").write_text(mapping)

    found = rows(tmp_path / "turns.jsonl", read_mapping(tmp_path / "turns.toml"))

    assert [row.event["data"] for row in found if row.event] == [
        {"tool": "bash", "duration_ms": 35, "user_id": "ada"},
        {"tool": "search", "user_id": "ada"},
    ]
