"""Real rows that nobody of this project wrote; they are not part of it, so these tests need them beside it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analytics_es.cli import main

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip("the real rows are not beside this checkout")
    return DATA


@pytest.fixture
def imported(data: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """Import a data set through the command line, with the mapping that the documentation shows."""

    def run(name: str, file: str) -> Path:
        store = tmp_path / f"{name}.db"
        counts = command(
            "import", "--db", store, "--mapping", ROOT / "docs" / "examples" / f"{name}.toml", data / name / file
        )["total"]
        assert counts["refused"] == 0
        return store

    return run


def command(*words: object) -> Any:
    """Run a command line with --json and return what it says."""
    done = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
