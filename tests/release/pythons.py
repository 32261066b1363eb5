"""The Pythons that the classifiers name and that are on this machine: on PATH, or where pyenv keeps its own."""

from __future__ import annotations

import os
import shutil
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
    on_path = shutil.which(f"python{version}")
    if on_path:
        return Path(on_path)
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = [folder / "bin" / "python3" for folder in (root / "versions").glob(f"{version}.*")]
    return max((path for path in kept if path.exists()), default=None, key=_patch)


def _patch(path: Path) -> int:
    digits = path.parents[1].name.rpartition(".")[2]
    return int(digits) if digits.isdigit() else -1
