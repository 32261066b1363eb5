"""What docs/report.md shows is run as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analytics_es.presentation.report import causes
from analytics_es.presentation.report import check as checking
from tests.cli.conftest import NOON
from tests.presentation.report.forging import as_an_older_version
from tests.stores import opened, record
from tests.test_docs import SHELL, blocks, run_commands, run_python


def test_the_commands_of_the_page_run_one_after_the_other(tmp_path: Path) -> None:
    (first, _, last), (shown, _, later) = blocks("docs/report.md", "sh"), blocks("docs/report.md", "text")
    *before, check = SHELL.findall(first)

    assert run_commands([*before, check], tmp_path).startswith(shown)
    (tmp_path / "week.html").unlink()
    with pytest.MonkeyPatch.context() as patch:
        as_an_older_version(patch, version="0.1.0")
        run_commands(before[1:], tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        for module in (checking, causes):
            patch.setattr(module, "version", lambda: "0.4.0")
        assert without_numbers(run_commands([check], tmp_path)) == without_numbers(later)
        run_commands(SHELL.findall(last), tmp_path)

    assert b"as it was" not in (tmp_path / "anew.html").read_bytes()


def without_numbers(text: str) -> str:
    """Return a text that says when it was asked, whenever that was."""
    return re.sub(r"\d{4}-\d\d-\d\d|\d+,\d{3}", "…", text)


def test_the_report_of_the_page_is_attached_to_a_mail(tmp_path: Path) -> None:
    (code,), (_, shown, _) = blocks("docs/report.md", "python"), blocks("docs/report.md", "text")
    with opened(tmp_path / "analytics.db", clock=lambda: NOON) as service:
        record(service)

    assert run_python(code, tmp_path) == shown
