"""Mappings: any text is a mapping that maps a file, or is refused with a code."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from analytics_es.errors import BadMapping, CannotRead
from analytics_es.ingest.files import read_mapping, rows

FOLDER = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
(FOLDER / "calls.csv").write_text("ts,tool\n2025-03-03T09:00:00Z,search\n")
VALID = b"[[event]]\ntype = \"'tool.call.completed'\"\noccurred_at = 'ts'\n[event.data]\ntool = '''"


def target(content: bytes) -> None:
    """Read bytes as a mapping, and as one expression of a valid mapping."""
    for text in (content, VALID + content + b"'''\n"):
        (FOLDER / "mapping.toml").write_bytes(text)
        try:
            list(rows(FOLDER / "calls.csv", read_mapping(FOLDER / "mapping.toml")))
        except (BadMapping, CannotRead):
            continue
