"""What an application imports of this room: every name of a face is in the docs, and is there."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

DOCS = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text()


@pytest.mark.parametrize("face", ["", ".files", ".nats", ".otel"])
def test_every_name_of_a_face_is_documented_and_there(face: str) -> None:
    module = importlib.import_module(f"analytics_es.ingest{face}")
    (row,) = [line for line in DOCS.splitlines() if line.startswith(f"| `analytics_es.ingest{face}` |")]

    assert [name for name in module.__all__ if f"`{name}`" not in row] == []
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
