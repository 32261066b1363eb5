"""Pages as they are asked for: a store with names of which one is hostile, and what leads to an answer of each kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from starlette.testclient import TestClient

from analytics_es.cli import main
from analytics_es.presentation.pages import KINDS
from tests.cli.conftest import fixed_events
from tests.stores import numbered_pseudonyms, opened

NAMES = {"ada": "ada.lovelace@example.com", "bob": "<script>alert('bob')</script>", "cy": "cy"}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
WEEK = {"from": "2024-03-01", "to": "2024-03-08"}
# What else has to be said for an answer, and the command that gives the same.
NEEDED: Mapping[str, dict[str, str]] = {
    "budgets": {"at": "2024-03-05"},
    "event": {"position": "2"},
    "events": {"metric": "cost.calls"},
    "summary": {"metric": "cost.calls"},
}
COMMANDS: Mapping[str, Sequence[str]] = {
    "budgets": ("budgets", "--at", "2024-03-05"),
    "cost": ("cost",),
    "events": ("explain", "cost.calls"),
    "overview": ("report",),
    "performance": ("performance",),
    "summary": ("summary", "cost.calls"),
    "usage": ("usage",),
}
KIND_NAMES = [kind.name for kind in KINDS]


def filled(folder: Path) -> Path:
    """Return a store of the small fixed events, which keeps names and was caught up."""
    path = folder / "pages.db"
    with numbered_pseudonyms(), opened(path, privacy={"names": True}) as service:
        named = [
            {**event, "data": {**event["data"], "user_id": NAMES[event["data"]["user_id"]]}} for event in fixed_events()
        ]
        service.record_events(named).unwrap()
        service.catch_up()
    return path


def words_of(kind: str, **words: Any) -> dict[str, Any]:
    """Return what has to be said for an answer of a kind of page."""
    known = {word for one in KINDS if one.name == kind for word in one.words}
    return {**WEEK, **{word: text for word, text in NEEDED.get(kind, {}).items() if word in known}, **words}


def asked(client: TestClient, kind: str, form: str = "", **words: Any) -> Any:
    """Return the answer to a question of a kind of page."""
    return client.get(f"/{kind}{form}", params=words_of(kind, **words), headers=BROWSER if not form else {})


def linked(html: str) -> list[str]:
    """Return all addresses that a page leads to, or takes anything from."""
    return [link.replace("&amp;", "&") for link in re.findall(r'(?:href|src|action)="([^"]*)"', html)]


def printed(*arguments: object) -> str:
    """Return what a command prints."""
    shown = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="analytics-es")
    assert shown.exit_code == 0
    return shown.stdout
