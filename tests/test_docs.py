"""What README and docs show is run as shown."""

import re
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import AnalyticsError
from analytics_es.testing import NOON, provider_call, tool_call
from tests import day
from tests.servers import Server

ROOT = Path(__file__).parent.parent
SHELL = re.compile(r"^analytics-es .*$", re.MULTILINE)


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL)


def run_python(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_of_use_in_the_readme_runs(tmp_path: Path) -> None:
    (code,) = blocks("README.md", "python")

    shown = run_python(code, tmp_path)

    assert "0.00369" in shown
    assert (tmp_path / "week.parquet").exists()


def test_the_commands_in_the_readme_run(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("called_at,model,input,output\n2026-11-01T10:00:00Z,gpt-4.1,120,30\n")
    (tmp_path / "calls.toml").write_text(
        "[[event]]\ntype = \"'provider.call.completed'\"\noccurred_at = 'called_at'\n"
        "[event.data]\nmodel = 'model'\ninput_tokens = 'input'\noutput_tokens = 'output'\n"
    )
    commands = SHELL.findall((ROOT / "README.md").read_text())

    for command in commands:
        words = [sys.executable, "-W", "error", "-m", "analytics_es.cli", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    assert len(commands) == 3


def test_the_projection_of_the_guide_runs_and_prints_what_the_guide_says(tmp_path: Path) -> None:
    declaration, use = blocks("docs/projections.md", "python")
    shown, _ = blocks("docs/projections.md", "text")

    assert run_python(declaration + use, tmp_path) == shown


def test_a_wrong_declaration_fails_as_the_guide_says() -> None:
    declaration, _ = blocks("docs/projections.md", "python")
    _, shown = blocks("docs/projections.md", "text")

    with pytest.raises(AnalyticsError) as caught:
        exec(  # noqa: S102  # the guide itself, which is ours
            declaration.replace("attributes.lines", "linse"), {"__name__": "guide"}
        )

    assert str(caught.value) == shown.strip()


def test_the_runbook_of_rebuilding_runs(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "analytics.db", follow=False) as analytics:
        analytics.record_events(day.events()).unwrap()
        analytics.catch_up()
    (tmp_path / "archive").mkdir()
    # On a cluster: tests/test_dask.py.
    commands = [each for each in SHELL.findall((ROOT / "docs/rebuild.md").read_text()) if "--scheduler" not in each]
    (code,) = blocks("docs/rebuild.md", "python")

    for command in commands:
        words = [sys.executable, "-W", "error", "-m", "analytics_es.cli", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"

    assert len(commands) > 12
    assert run_python(code, tmp_path) == "True\n8\n9\n"


def test_retention_runs_and_prints_as_its_page_shows(tmp_path: Path) -> None:
    (code,), (shown,) = blocks("docs/retention.md", "python"), blocks("docs/retention.md", "text")
    commands = SHELL.findall((ROOT / "docs/retention.md").read_text())
    with AnalyticsService.open(tmp_path / "analytics.db", follow=False) as analytics:
        analytics.record_events([provider_call(), tool_call(occurred_at=NOON + timedelta(days=1))]).unwrap()

    for command in commands:
        words = [sys.executable, "-W", "error", "-m", "analytics_es.cli", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"

    assert len(commands) == 5
    assert run_python(code, tmp_path) == shown


def test_prices_are_what_their_page_shows(tmp_path: Path) -> None:
    (code,), (shown,) = blocks("docs/cost.md", "python"), blocks("docs/cost.md", "text")
    commands = SHELL.findall((ROOT / "docs/cost.md").read_text())
    (tmp_path / "prices.toml").write_text((ROOT / "docs/examples/prices.toml").read_text())
    AnalyticsService.open(tmp_path / "analytics.db", follow=False).close()

    for command in commands:
        words = [sys.executable, "-W", "error", "-m", "analytics_es.cli", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"

    assert len(commands) == 6
    assert run_python(code, tmp_path) == shown


def test_postgres_is_used_as_the_guide_shows(tmp_path: Path, postgres: Server) -> None:
    (code,) = blocks("docs/reliability.md", "python")

    shown = run_python(code.replace("postgresql://user@localhost/platform", postgres.database()), tmp_path)

    assert shown == "1\n"


def test_spans_are_recorded_as_the_guide_shows(tmp_path: Path) -> None:
    (code,) = blocks("docs/ingest-otel.part.md", "python")
    commands = SHELL.findall((ROOT / "docs/ingest-otel.part.md").read_text())
    recorded = ROOT / "tests" / "data" / "otlp" / "genai-agent.jsonl"
    (tmp_path / "traces.jsonl").write_text(recorded.read_text())

    shown = run_python(code, tmp_path)
    for command in commands:
        words = [sys.executable, "-W", "error", "-m", "analytics_es.cli", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    stats = "ExportStats(spans=1, ignored=0, recorded=1, duplicates=0, refused=0, failed=0)"
    assert shown == f"{stats}\nclaude-sonnet-4-5\n"
    assert len(commands) == 1


def test_every_link_between_the_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]

    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#]+)", page.read_text())]

    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
