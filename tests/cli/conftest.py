"""A command line in an empty folder, and a store with a small fixed set of events."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analytics_es.cli import main
from analytics_es.testing import budget_allocated, job_failed, message_added, provider_call, task_completed, tool_call
from tests.stores import numbered_pseudonyms, opened

Cli = Callable[..., Result]

ADA, BOB, CY = (f"p_{number:016}" for number in (1, 2, 3))  # the pseudonyms of ada, bob and cy
FIRST, LAST = 2, 14  # positions of the fixed events: at 1 stands which policy of privacy is in force

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
WEEK = ("--from", "2024-03-01", "--to", "2024-03-08")


def fixed_events() -> list[dict[str, Any]]:
    hour = timedelta(hours=1)
    llama = {"provider": "selfhosted", "model": "llama-3.3-70b", "cost": None, "currency": None}
    return [
        provider_call(occurred_at=NOON),
        provider_call(occurred_at=NOON + hour, user_id="bob", cost="0.2", duration_ms=4000),
        provider_call(occurred_at=NOON + 25 * hour, tenant_id="birch", user_id="cy", currency="EUR", cost="1234.5678"),
        provider_call(occurred_at=NOON + 26 * hour, status="error", model="gpt-4.1", provider="openai", cost="0"),
        provider_call(occurred_at=NOON + 26 * hour, **llama),
        provider_call(occurred_at=NOON + 27 * hour, **llama, duration_ms=None),
        tool_call(occurred_at=NOON),
        tool_call(occurred_at=NOON + hour, tool="edit", status="error"),
        task_completed(occurred_at=NOON + 2 * hour),
        job_failed(occurred_at=NOON + 3 * hour),
        message_added(occurred_at=NOON),
        budget_allocated(occurred_at=NOON, amount="10"),
        {**budget_allocated(occurred_at=NOON, amount="1.25"), "event_type": "budget.spent"},
    ]


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Work in an empty folder, as a pipe would: nothing of the terminal that runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "ANALYTICS_ES_CONFIG",
        "ANALYTICS_ES_DB",
        "COLUMNS",
        "FORCE_COLOR",
        "NO_COLOR",
        "TTY_COMPATIBLE",
        "TTY_INTERACTIVE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(scope="session")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("store") / "fixed.db"
    with numbered_pseudonyms(), opened(path) as service:
        service.record_events(fixed_events()).unwrap()
    return str(path)


@pytest.fixture
def own(db: str, tmp_path: Path) -> str:
    """Return a copy of the store without its read models, for what writes to it."""
    for name in ("db", "vault.db", "vault.key"):
        shutil.copy(Path(db).with_suffix(f".{name}"), tmp_path / f"analytics.{name}")
    return str(tmp_path / "analytics.db")


@pytest.fixture
def cli() -> Cli:
    def run(*arguments: object, input: str | None = None) -> Result:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(main, words, input=input, catch_exceptions=False, prog_name="analytics-es")

    return run
