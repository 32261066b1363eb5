"""A child process whose memory is limited, and watched: what is too much fails there, and not on this machine."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

MEBIBYTE = 2**20
ROOM = 4 * 2**30  # bytes of addresses: the engine reserves far more than it uses
SECONDS = 120.0

_CHILD = """
import resource
from analytics_es.projection import engine
import pyarrow, pyarrow.compute, pyarrow.parquet
engine.ask("SELECT 1")
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
{work}
print(peak() - before)
"""


def grown(work: str, *, room: int = ROOM) -> tuple[int, list[str]]:
    """Run code in a child, and return by how many MiB its memory grew at most, and the lines that it printed."""
    root = Path(__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-c", _CHILD.format(work=work)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (room, room)),
    )
    assert run.returncode == 0, run.stderr[-2000:]
    *lines, megabytes = run.stdout.splitlines()
    return int(megabytes), lines
