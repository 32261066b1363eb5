"""The Pythons that the classifiers name and that are on this machine: on PATH, or where pyenv keeps its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = "Programming Language :: Python :: 3."


def classified() -> list[str]:
    """Return the versions that the project says it runs on, such as 3.12."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [f"3.{name.removeprefix(NAMED)}" for name in project["classifiers"] if name.startswith(NAMED)]


def pythons(*, every: bool) -> dict[str, Path]:
    """Return an interpreter by version: this one, and with `every` the others that are there."""
    own = "{}.{}".format(*sys.version_info)
    others = {version: _found(version) for version in classified() if version != own} if every else {}
    return {own: Path(sys.executable), **{version: path for version, path in others.items() if path}}


def _found(version: str) -> Path | None:
    """Return where a version is, the newest of it; what only stands for one that is not chosen does not run."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted((root / "versions").glob(f"{version}.*"), key=_patch, reverse=True)
    on_path = shutil.which(f"python{version}")
    places = [*([Path(on_path)] if on_path else []), *(folder / "bin" / "python3" for folder in kept)]
    return next((place for place in places if _runs(place)), None)


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([python, "-c", "import venv"], capture_output=True).returncode == 0
    except OSError:
        return False


def _patch(folder: Path) -> int:
    digits = folder.name.rpartition(".")[2]
    return int(digits) if digits.isdigit() else -1
