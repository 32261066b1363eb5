"""What docs/report.md shows is run as shown."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import NOON
from tests.stores import opened, record
from tests.test_docs import SHELL, blocks, run_commands, run_python


def test_the_commands_of_the_page_run_one_after_the_other(tmp_path: Path) -> None:
    (first, _), (shown, _) = blocks("docs/report.md", "sh"), blocks("docs/report.md", "text")

    assert run_commands(SHELL.findall(first), tmp_path).startswith(shown)


def test_the_report_of_the_page_is_attached_to_a_mail(tmp_path: Path) -> None:
    (code,), (_, shown) = blocks("docs/report.md", "python"), blocks("docs/report.md", "text")
    with opened(tmp_path / "analytics.db", clock=lambda: NOON) as service:
        record(service)

    assert run_python(code, tmp_path) == shown
