"""Parts of records, whatever stands in their place: what is not there, or is of another kind, is empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from analytics_es.ingest.plain_values import is_id

_USUAL = re.compile("msg_(?:bdrk_|vrtx_)?[0-9A-Za-z]{24}")  # how Anthropic's API calls its answers


def part(record: Any, *names: str) -> Mapping[str, Any]:
    """Return the mapping under these names, one in the other; an empty one where there is none.

    JSON has no other mappings than dicts, by which they are told ten times as fast.
    """
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record if isinstance(record, dict) else {}


def parts(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the mappings in the list under a name, in their order; those of another kind are left out."""
    listed = record.get(name)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def kept_id(text: str) -> str:
    """Return an id as every policy of privacy keeps it in an event: one that might be a name is a digest of it."""
    return text if not text or _USUAL.fullmatch(text) else _kept(text)


@lru_cache(maxsize=4096)  # an answer is told in several lines
def _kept(text: str) -> str:
    return text if is_id(text) else blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
