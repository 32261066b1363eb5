"""One call told by two paths, a file and telemetry, which share its id and not the millisecond: it counts once."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.ingest import InProcessBus
from analytics_es.ingest.files import read_mapping, rows
from analytics_es.testing import NOON, provider_call
from analytics_es.types import BatchReceipt, Duplicate
from tests.stores import in_full, recorded

LATER = NOON + timedelta(milliseconds=350)
CALL = {"provider": "openai", "model": "gpt-5", "input_tokens": 1200, "output_tokens": 80, "cost": "0.0021"}
MAPPING = """
[[event]]
type = "'provider.call.completed'"
occurred_at = "ended"
id = "request"
source = "'gateway'"
[event.data]
provider = "provider"
model = "model"
input_tokens = "prompt"
output_tokens = "answer"
cost = "usd"
currency = "'USD'"
"""

pytestmark = pytest.mark.store("memory", "file", "postgres", strict_ids=["gateway"])


def by_file(analytics: AnalyticsService, folder: Path, told: list[Duplicate], **changes: Any) -> BatchReceipt:
    """Import what the gateway's log says of the call."""
    line = {
        "ended": LATER.isoformat(),
        "request": "req-1",
        "provider": "openai",
        "model": "gpt-5",
        "prompt": 1200,
        "answer": 80,
        "usd": "0.0021",
        **changes,
    }
    (folder / "calls.jsonl").write_bytes(orjson.dumps(line))
    (folder / "mapping.toml").write_text(MAPPING)
    found = rows(folder / "calls.jsonl", read_mapping(folder / "mapping.toml"))
    return analytics.importing().record(found, on_duplicate=told.append)


def by_telemetry(analytics: AnalyticsService, **changes: Any) -> Any:
    """Record what the application says of the call."""
    data = {**CALL, "currency": "USD", **changes}
    return analytics.record_event("provider.call.completed", data, occurred_at=NOON, id="req-1", source="gateway")


def calls(analytics: AnalyticsService) -> list[int]:
    analytics.catch_up()
    answer = analytics.get_cost_breakdown(TimePeriod(NOON, NOON + timedelta(hours=1))).unwrap()
    return [row.calls for row in answer.rows]


@pytest.mark.parametrize("telemetry_first", [True, False])
def test_it_counts_once_and_the_first_one_s_time_stays(
    analytics: AnalyticsService, tmp_path: Path, telemetry_first: bool
) -> None:
    told = list[Duplicate]()
    if telemetry_first:
        by_telemetry(analytics).unwrap()
        receipt = by_file(analytics, tmp_path, told)
        assert (receipt.recorded, receipt.duplicates, receipt.differing) == (0, 1, 0)
        assert [duplicate.differs for duplicate in told] == [False]
    else:
        assert by_file(analytics, tmp_path, told).recorded == 1
        receipt = by_telemetry(analytics).unwrap()
        assert (receipt.duplicate, receipt.differs) == (True, False)

    (call,) = recorded(analytics, "provider.call.completed")
    assert call.occurred_at == (NOON if telemetry_first else LATER)
    assert calls(analytics) == [1]


def test_a_path_that_says_more_than_another_time_differs(analytics: AnalyticsService, tmp_path: Path) -> None:
    told = list[Duplicate]()
    by_telemetry(analytics).unwrap()

    receipt = by_file(analytics, tmp_path, told, answer=81)

    (call,) = recorded(analytics, "provider.call.completed")
    assert (receipt.recorded, receipt.duplicates, receipt.differing) == (0, 1, 1)
    assert [(duplicate.position, duplicate.differs) for duplicate in told] == [(call.position, True)]
    assert call.data["output_tokens"] == 80


@in_full
def test_a_bus_keeps_what_differs_in_more_than_its_time(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    subscription = analytics.subscribe_to(bus)
    by_telemetry(analytics).unwrap()

    for tokens in (80, 81):
        bus.publish(
            "provider.call.completed",
            {**CALL, "currency": "USD", "output_tokens": tokens},
            id="req-1",
            source="gateway",
            time=LATER,
        )

    (kept,) = recorded(analytics, "analytics.message.rejected")
    assert (subscription.stats().duplicates, subscription.stats().rejected) == (1, 1)
    assert orjson.loads(base64.b64decode(kept.data["raw"]))["output_tokens"] == 81


def test_other_sources_keep_both_because_their_time_is_a_part_of_what_they_are(analytics: AnalyticsService) -> None:
    for time in (NOON, LATER):
        receipt = analytics.record_event(**provider_call(occurred_at=time), id="req-1", source="other").unwrap()
        assert not receipt.duplicate
