"""Arrays made of lists: what pyarrow would make of them, without pandas being imported for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.types import arrays
from tests.children import ran

KINDS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.string(): st.text(),
    pa.binary(): st.binary(),
    pa.bool_(): st.booleans(),
    pa.float64(): st.floats(allow_nan=False),
}


@given(st.data())
def test_a_list_becomes_what_pyarrow_makes_of_it(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(KINDS)))
    values = data.draw(st.lists(st.none() | KINDS[kind], max_size=20))

    made = arrays.make(values, kind)

    made.validate(full=True)
    assert made.equals(pa.array(values, kind))


@pytest.mark.parametrize(("values", "kind"), [([2**63], pa.int64()), ([1], pa.string()), (["x"], pa.int64())])
def test_what_is_of_another_kind_fails_as_with_pyarrow(values: list[Any], kind: pa.DataType) -> None:
    with pytest.raises((pa.ArrowException, TypeError, OverflowError)) as by_pyarrow:
        pa.array(values, kind)
    with pytest.raises(by_pyarrow.type):
        arrays.make(values, kind)


# numpy is there in the tests: without it, pyarrow does not ask for pandas.
PROGRAM = """
from analytics_es import AnalyticsService
with AnalyticsService.open(":memory:") as analytics:
    call = {"model": "gpt-5", "input_tokens": 5, "user_id": "ada"}
    analytics.record_events([{"event_type": "provider.call.completed", "data": call}] * 3).unwrap()
    analytics.wait_until_caught_up()
    analytics.get_cost_breakdown("today", by=["user"]).unwrap()
    analytics.get_usage_stats("user", None, "today").unwrap()
"""


def test_recording_following_and_asking_import_no_pandas(tmp_path: Path) -> None:
    (tmp_path / "pandas.py").write_text("import sys\nsys.stderr.write('pandas was imported')\nraise ImportError\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    done = ran([sys.executable, "-c", PROGRAM], env=environment)

    assert (done.returncode, done.stderr) == (0, "")
