"""Files that are one JSON document → what it says."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import orjson

from analytics_es.ingest.sessions.facts import Skipped

LARGEST = 128 << 20  # bytes: a larger one is passed over, and counted
BROKEN, TOO_LARGE = "file that is no JSON", "file larger than 128 MB"


def document(opened: BinaryIO) -> Any:
    """Return what an open file says; Skipped where it says nothing."""
    text = opened.read(LARGEST + 1)
    if len(text) > LARGEST:
        return Skipped(TOO_LARGE)
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            return json.loads(text.decode("utf-8-sig", "replace"))
        except (ValueError, RecursionError):
            return Skipped(BROKEN)
