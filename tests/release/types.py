"""What type checkers say to who uses the package: nothing of what is right, something of every line marked wrong."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

from tests.release.commands import demand, run
from tests.release.installed import python_of

USERS = Path(__file__).parent / "users"
CHECKERS = ("mypy --strict", "pyright")


def check(checker: str, place: Path) -> str:
    """Check the file that is right and the one with planted faults, by what is installed in an environment."""
    folder = place / checker.partition(" ")[0]
    shutil.copytree(USERS, folder)
    lines = _mypy if checker.startswith("mypy") else _pyright
    right, wrong = lines(place, folder, "right.py"), lines(place, folder, "wrong.py")
    marked = _marked(checker.partition(" ")[0])
    demand(not right, f"{checker} finds fault with what is right, in lines of right.py: {right}")
    demand(not marked - wrong.keys(), f"{checker} overlooks lines of wrong.py: {sorted(marked - wrong.keys())}")
    unmarked = {line: said for line, said in wrong.items() if line not in marked}
    demand(not unmarked, f"{checker} finds fault with other lines of wrong.py: {unmarked}")
    return f"{len(marked)} of {len(marked)} faults found"


def _marked(checker: str) -> set[int]:
    """Return the lines that are marked as wrong, for every checker or for this one."""
    marks = ("# wrong: ", f"# wrong ({checker}): ")
    lines = (USERS / "wrong.py").read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if any(mark in line for mark in marks)}


def _mypy(place: Path, folder: Path, name: str) -> dict[int, str]:
    settings = ("--strict", "--config-file=", "--no-error-summary", "--no-incremental", "--hide-error-context")
    shown = run(
        *(sys.executable, "-m", "mypy", *settings, "--python-executable", python_of(place), name),
        cwd=folder,
        ends=1 if name == "wrong.py" else 0,
    )
    found = re.findall(r"^(\S+?):(\d+): error: (.*)$", shown, re.MULTILINE)
    demand({file for file, *_ in found} <= {name}, shown)
    return {int(line): said for _, line, said in found}


def _pyright(place: Path, folder: Path, name: str) -> dict[int, str]:
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    shown = run(
        *(sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", python_of(place), name),
        cwd=folder,
        ends=1 if name == "wrong.py" else 0,
    )
    return {
        problem["range"]["start"]["line"] + 1: problem["message"]
        for problem in json.loads(shown)["generalDiagnostics"]
        if problem["severity"] == "error"
    }
