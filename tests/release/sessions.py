"""Sessions of coding agents, counted beside ccusage, which npm installs for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.ingest.sessions import ccusage
from tests.release.commands import Fault, run
from tests.release.pythons import ROOT

TESTS = ("tests/ingest/sessions/test_ccusage.py", "tests/ingest/sessions/test_differences.py")


def beside_ccusage(folder: Path) -> str:
    """Count histories, and what is named to differ, with both; where npm is not, say so."""
    npm = shutil.which("npm")
    if npm is None:
        return "skipped: npm is not here, which installs ccusage"
    try:
        program = ccusage.install(npm, folder / "ccusage")
    except subprocess.SubprocessError as error:
        raise Fault(f"ccusage {ccusage.VERSION} cannot be installed: {error}") from None
    pytest = (sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider")
    said = run(*pytest, *TESTS, cwd=ROOT, **{ccusage.VARIABLE: program})
    return said.strip().splitlines()[-1]
