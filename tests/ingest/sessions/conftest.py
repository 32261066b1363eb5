"""A home without anybody's sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

VARIABLES = (
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"),
    *("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_DATA_DIR", "QWEN_DATA_DIR", "OPENCODE_DATA_DIR"),
    "COPILOT_OTEL_FILE_EXPORTER_PATH",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the home of somebody who has no agents."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    yield folder
