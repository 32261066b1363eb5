"""JSON: any bytes are lines of CloudEvents that the door takes, or rows refused with a code."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from analytics_es.errors import RefusedEvent
from analytics_es.ingest.batch import admitted
from analytics_es.ingest.door import Door
from analytics_es.ingest.files import rows
from analytics_es.testing import NOON

FOLDER = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
VALID = b'{"id":"1","type":"job.failed","time":"2026-03-02T12:00:00Z","data":'


def target(content: bytes) -> None:
    """Read bytes as a file, and as the data of a valid line."""
    path = FOLDER / "events.jsonl"
    path.write_bytes(content + b"\n" + VALID + content + b"}\n")
    for row in rows(path):
        if row.event is None:
            assert row.error
            continue
        try:
            admitted(Door(lambda: NOON), NOON, row.event)
        except RefusedEvent:
            continue
