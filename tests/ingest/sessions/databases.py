"""Folders of agents with databases, written down as SQL."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
CHANGED = 1_777_633_200  # 2026-05-01 11:00 UTC, when all files were changed last


def folder_of(agent: str, case: str, to: Path) -> Path:
    """Return a copy of an agent's folder, with databases where there is SQL."""
    folder = to / case
    shutil.copytree(FIXTURES / agent / case, folder)
    for path in folder.rglob("*.sql"):
        made(path.with_suffix(".db"), path.read_text())
        path.unlink()
    for path in folder.rglob("*"):
        os.utime(path, (CHANGED, CHANGED))
    return folder


def made(path: Path, sql: str) -> Path:
    """Return a database that was made by SQL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run(path, sql)
    return path


def run(path: Path, sql: str) -> None:
    """Change a database, as an agent that starts and ends does."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
