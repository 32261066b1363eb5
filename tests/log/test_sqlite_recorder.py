"""What is there already, in a batch on SQLite: found by halving where it is little, and never told differently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.log import Appended, Entry
from analytics_es.log.sqlite import SQLiteLog, recorder
from tests.examples import examples

SOURCES = (b"agents", b"otel")
ENTRIES = st.builds(
    lambda time, number, source, data: Entry(
        f"{time:012x}{2 * number + source:020x}", "order.placed", b'{"source":"%s","data":%s}' % (SOURCES[source], data)
    ),
    st.integers(1, 2),
    st.integers(1, 3),
    st.sampled_from((0, 1)),
    st.sampled_from((b"{}", b'{"x":1}')),
)
BATCHES = st.lists(st.lists(ENTRIES, min_size=1, max_size=12), max_size=4)


def told(batches: list[list[Entry]], strict: bool | list[str], few: int) -> list[list[Appended]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "FEW", few)
        log = SQLiteLog(None, strict_ids=strict)
        try:
            return [log.append(batch) for batch in batches]
        finally:
            log.close()


@given(BATCHES, st.sampled_from((False, True, ["agents"])))
@examples(100)
def test_a_few_that_were_there_are_told_as_many_are(batches: list[list[Entry]], strict: bool | list[str]) -> None:
    assert told(batches, strict, 100) == told(batches, strict, -1)
