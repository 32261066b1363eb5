"""Commands that have to go well, in an environment that says nothing of this one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

KEPT = ("HOME", "LANG", "PATH", "PIP_CACHE_DIR", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "SYSTEMROOT", "TEMP", "TMPDIR")


class Fault(Exception):
    """What is wrong with what would be released."""


def run(*words: str | Path, cwd: Path, ends: int = 0, quiet: bool = False, **environment: str) -> str:
    """Run a command, and return what it says; a Fault where it ends otherwise, or is not `quiet` on standard error."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("PIP_")}
    command = [str(word) for word in words]
    done = subprocess.run(command, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True)
    if done.returncode != ends or (quiet and done.stderr):
        raise Fault(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}ended with {done.returncode}")
    return done.stdout


def demand(right: object, fault: str) -> None:
    """Raise a Fault unless that is so."""
    if not right:
        raise Fault(fault)
