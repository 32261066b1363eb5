"""The wheel, installed alone in an empty environment, beside an application that has a package `projections`."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from tests.release.commands import demand, run
from tests.release.pythons import ROOT

APPLICATION = Path(__file__).parent / "application"
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def python_of(place: Path) -> Path:
    """Return the interpreter of an environment."""
    return place / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(python: Path, place: Path, archives: Path) -> str:
    """Make an empty environment and install the wheel there, with what it needs and nothing else."""
    (wheel,) = archives.glob("*.whl")
    place.mkdir()
    run(python, "-m", "venv", "--without-pip", place / "env", cwd=place)
    pip = (sys.executable, "-m", "pip", "--python", python_of(place), "--quiet", "--disable-pip-version-check")
    run(*pip, "install", wheel, cwd=place)
    run(*pip, "check", cwd=place)
    shutil.copytree(APPLICATION, place / "application")
    return f"{_megabytes(place / 'env'):.0f} MB"


def beside_an_application(place: Path) -> str:
    """Run the application, which has its own `projections`, from its folder and from another."""
    application = place / "application"
    for folder in (application, place):
        run(python_of(place), "-W", "error", application / "main.py", cwd=folder, quiet=True)
    return "its projections are its own"


def readme_twice(place: Path) -> str:
    """Run the Python of README twice in a row, in the same folder."""
    blocks = PYTHON_BLOCK.findall((ROOT / "README.md").read_text())
    demand(blocks, "README shows no Python")
    folder = place / "readme"
    folder.mkdir()
    for _ in range(2):
        for block in blocks:
            run(python_of(place), "-W", "error", "-c", block, cwd=folder, quiet=True)
    return f"{len(blocks)} block{'' if len(blocks) == 1 else 's'}"


def program(place: Path) -> str:
    """Run the program, by its name and by its module, in a folder that has a `projections`."""
    script = python_of(place).with_name("analytics-es.exe" if os.name == "nt" else "analytics-es")
    folder = place / "application"
    said = {
        run(*words, "--version", cwd=folder, quiet=True)
        for words in ((script,), (python_of(place), "-W", "error", "-m", "analytics_es"))
    }
    demand(len(said) == 1 and re.fullmatch(r"analytics-es, version \d\S*\n", min(said)), f"The versions are {said}")
    for words in (("demo", "--jobs", "20"), ("report", "--db", "demo.db"), ("projections", "list", "--db", "demo.db")):
        run(script, *words, cwd=folder)
    return min(said).strip()


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6
