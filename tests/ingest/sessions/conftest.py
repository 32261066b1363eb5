"""A home without anybody's sessions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions.agents import every
from tests.ingest.sessions.engine import Engine, Json, text

HOMES = [home for agent in every() for home in agent.homes]
VARIABLES = {
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"),
    *(home.variable for home in HOMES if home.variable),
    *(folder.partition("/")[0][1:] for home in HOMES for folder in home.folders if folder.startswith("$")),
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the home of somebody who has no agents."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    yield folder


@pytest.fixture
def engine(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return a reader of the agent that nobody has."""
    monkeypatch.setenv("TESTER_HOME", str(tmp_path / "tester"))
    return Engine(analytics, tmp_path / "tester")


@pytest.fixture
def log(engine: Engine) -> Callable[..., Path]:
    """Return what writes a file of lines, or adds lines to it, which were written just now."""

    def written(name: str, *lines: Json | str, add: bool = False, age: float = 0.0) -> Path:
        path = engine.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if add else "w") as file:
            file.write(text(lines))
        os.utime(path, (engine.now - age, engine.now - age))
        return path

    return written
