"""The picture in README: the report of a made-up week, as a terminal shows it. Draw it anew: make picture."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

PICTURE = Path(__file__).parent.parent / "docs" / "report.svg"
WIDTH = 104  # characters: all columns of every table fit
WEEK = ("2026-11-16", "2026-11-23")
FONTS = re.compile(r"\s*@font-face {.*?}\n", re.DOTALL)  # from another host: a picture on a page loads nothing


def draw() -> str:
    """Record the demo's week in an empty folder, and return what the report says of it, as SVG."""
    with tempfile.TemporaryDirectory() as folder:
        run(folder, "demo", "--start", WEEK[0])
        shown = run(folder, "report", "--db", "demo.db", "--from", WEEK[0], "--to", WEEK[1])
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown))
    return console.export_svg(
        title="analytics-es report", theme=DIMMED_MONOKAI, code_format=FONTS.sub("", CONSOLE_SVG_FORMAT)
    )


def run(folder: str, *words: str) -> str:
    """Run a command as on a terminal of that width."""
    terminal = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "analytics_es", *words]
    return subprocess.run(command, cwd=folder, env=terminal, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    PICTURE.write_text(draw())
    print(f"drawn: {PICTURE}")
