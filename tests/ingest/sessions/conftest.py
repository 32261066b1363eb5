"""A home without anybody's sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_es.ingest.sessions.agents import every

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
