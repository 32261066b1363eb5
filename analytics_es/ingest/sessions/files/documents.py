"""Files that are one JSON document → what it says."""

from __future__ import annotations

import codecs
import json
from typing import Any, BinaryIO

import orjson

from analytics_es.ingest.sessions.facts import Skipped
from analytics_es.ingest.sessions.files.lines import BLANK, FORGIVEN

LARGEST = 128 << 20  # bytes: a larger one is passed over, and counted
BROKEN, TOO_LARGE = "file that is no JSON", "file larger than 128 MB"
EMPTY = "file that is empty"


def document(opened: BinaryIO) -> Any:
    """Return what an open file says; Skipped where it says nothing."""
    text = opened.read(LARGEST + 1)
    if len(text) > LARGEST:
        return Skipped(TOO_LARGE)
    if text[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        text = text.decode("utf-16", "replace").encode("utf-8", "replace")
    try:
        return orjson.loads(text)
    except ValueError:
        bare = text.strip(BLANK)
        if not bare:
            return Skipped(EMPTY)
        try:
            return json.loads(bare.decode("utf-8-sig", "replace") if len(bare) <= FORGIVEN else ".", strict=False)
        except (ValueError, RecursionError):
            return Skipped(BROKEN)
