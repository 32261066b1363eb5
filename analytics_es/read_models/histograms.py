"""Stored histograms: the text [[indexes],[counts]] and how two of them merge."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

Buckets = dict[int, int]


def write(buckets: Buckets) -> str:
    """Return the one text that stands for these buckets."""
    indexes = sorted(buckets)
    return orjson.dumps([indexes, [buckets[index] for index in indexes]]).decode()


def add(texts: Iterable[str]) -> Buckets:
    """Return the sum of stored histograms."""
    total: Buckets = {}
    for text in texts:
        indexes, counts = orjson.loads(text)
        if not total:
            total = dict(zip(indexes, counts, strict=True))
            continue
        for index, count in zip(indexes, counts, strict=True):
            total[index] = total.get(index, 0) + count
    return total


def merge(one: str, other: str) -> str:
    """Return two stored histograms as one."""
    return write(add((one, other)))
