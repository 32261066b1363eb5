"""Refusals: nobody has to look at a result to hear of one; and what was passed is in no log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import AnalyticsError, StoreBusy
from analytics_es.events.fields import BUDGET, PROVIDER, VOCABULARY
from analytics_es.ingest import InProcessBus
from analytics_es.testing import NOON, job_failed, provider_call
from tests.children import ran
from tests.stores import opened

BAD = {"event_type": "provider.call.completed", "data": {"status": "fine"}}
CANARY = "canary-ada@example.org"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("analytics_es")]


# ── logged, once a code and type ────────────────────────────────────────────────────────────────────────────────


def test_a_refused_event_is_logged_once_with_what_to_do(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        analytics.record_event(**BAD)
    analytics.record_event("job.failed", {"status": "fine"})

    assert lines(caplog) == [
        f"An event of type {event_type} was refused and is not recorded [bad_field]: "
        "status: must be one of ok, error, cancelled…. More of this kind are only counted (stats())."
        for event_type in ("provider.call.completed", "job.failed")
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_a_program_that_configures_nothing_sees_it_on_stderr(tmp_path: Path) -> None:
    program = (
        "from analytics_es import AnalyticsService\n"
        "with AnalyticsService.open(':memory:', follow=False) as analytics:\n"
        "    analytics.record_event('job.failed', {'duration_ms': 'long'})\n"
    )
    done = ran([sys.executable, "-c", program], cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(
        "An event of type job.failed was refused and is not recorded [bad_field]: duration_ms:"
    )


def by_one(analytics: AnalyticsService, event: dict[str, Any]) -> None:
    analytics.record_event(**event)


def by_batch(analytics: AnalyticsService, event: dict[str, Any]) -> None:
    analytics.record_events([event])


def by_buffer(analytics: AnalyticsService, event: dict[str, Any]) -> None:
    with analytics.buffered() as buffer:
        buffer.record_event(**event)


def by_bus(analytics: AnalyticsService, event: dict[str, Any]) -> None:
    bus = InProcessBus()
    analytics.subscribe_to(bus)
    bus.publish(event["event_type"], event["data"])


def by_import(analytics: AnalyticsService, event: dict[str, Any]) -> None:
    from analytics_es.ingest.files import ImportedRow

    analytics.importing().record([ImportedRow(row=1, event=event, error=None)])


DOORS = [by_one, by_batch, by_buffer, by_bus, by_import]


@pytest.mark.parametrize("door", DOORS)
def test_every_door_tells_and_counts(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture, door: Callable[..., None]
) -> None:
    door(analytics, BAD)
    stats = analytics.stats()

    assert "provider.call.completed" in lines(caplog)[0]
    assert "[bad_field]" in lines(caplog)[0]
    assert (stats.refused_by_code["bad_field"], stats.recorded) == (1, 0)
    assert stats.kept == (1 if door is by_bus else 0)


def test_the_rest_of_a_refused_batch_is_told_and_counted(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture
) -> None:
    analytics.record_events([job_failed(), BAD, job_failed()])

    assert analytics.stats().refused_by_code == {"bad_field": 1, "refused_batch": 2}
    assert "others of their batch were refused [refused_batch]: pass skip_refused=True" in lines(caplog)[1]


def test_what_a_store_cannot_take_is_told_and_counted(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise StoreBusy(seconds=5)

    monkeypatch.setattr(analytics.store.log, "append", busy)
    analytics.record_event(**job_failed())
    analytics.record_events([job_failed()])

    assert analytics.stats().failed_by_code == {"store_busy": 2}
    assert len(lines(caplog)) == 1
    assert "Events were not recorded [store_busy]: The database is locked" in lines(caplog)[0]


def test_a_closed_service_tells_it_too(caplog: pytest.LogCaptureFixture) -> None:
    analytics = opened()
    analytics.record_event(**job_failed())
    analytics.close()
    analytics.record_event(**job_failed())

    stats = analytics.stats()
    assert (stats.recorded, stats.failed_by_code, stats.lag_events) == (1, {"closed": 1}, None)
    assert "Events were not recorded [closed]" in lines(caplog)[0]


def test_types_without_end_are_logged_so_often_and_counted(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics_es.ingest.outcomes.REMEMBERED", 3)
    for number in range(10):
        analytics.record_event(f"job.failed{number}", {"status": "fine"})

    assert len(lines(caplog)) == 3
    assert analytics.stats().refused == 10


# ── counted ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_stats_add_up_over_every_way_in(analytics: AnalyticsService) -> None:
    event = {**provider_call(), "id": "1", "occurred_at": NOON}
    analytics.record_event(**event)
    analytics.record_events([event, {**event, "data": {"model": "other"}}, {**job_failed(), "id": "2"}])
    with analytics.buffered() as buffer:
        buffer.record_event(**job_failed())
    analytics.record_event(**BAD)
    before = analytics.stats()
    analytics.catch_up()

    assert (before.recorded, before.duplicates, before.differing, before.refused) == (3, 2, 1, 1)
    assert (before.buffered, before.dropped, before.lost, before.failed_calls) == (0, 0, 0, 0)
    assert before.lag_events == analytics.store.log.head()
    assert (analytics.stats().lag_events, analytics.stats().lag_seconds) == (0, 0.0)


def test_what_buffers_hold_drop_and_lose_is_counted_after_they_are_gone(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise StoreBusy(seconds=5)

    monkeypatch.setattr(analytics.store.log, "append", lambda *_, **__: busy())
    buffer = analytics.buffered(max_events=1, when_full="drop", max_delay=0)
    for _ in range(3):
        buffer.record_event(**job_failed())

    assert (analytics.stats().buffered, analytics.stats().dropped) == (1, 2)
    buffer.close(timeout=0)
    analytics.buffered().close()  # the first one is let go
    analytics.buffered().close()
    assert (analytics.stats().buffered, analytics.stats().dropped, analytics.stats().lost) == (0, 2, 1)


def test_asking_for_stats_records_nothing(analytics: AnalyticsService) -> None:
    head = analytics.store.log.head()
    analytics.stats()

    assert analytics.store.log.head() == head


# ── nothing of what was passed ──────────────────────────────────────────────────────────────────────────────────


def named(value: Any) -> list[dict[str, Any]]:
    """Return events that say something in every place of one, one by one."""
    fields = [*VOCABULARY, *PROVIDER, *BUDGET, "own"]
    call = {"event_type": "provider.call.completed", "data": {}, "occurred_at": NOON, "id": "1"}
    return [
        *({**call, "data": {name: value}} for name in fields),
        *({**call, "event_type": "budget.allocated", "data": {name: value}} for name in BUDGET),
        {**call, "data": {"attributes": {CANARY: value}}},
        {**call, "data": {"own": {CANARY: {CANARY: value}}}},
        {**call, "data": {"own": {CANARY: [object(), value]}}},
        {**call, "data": {"service_tier": "flex", "batch": False, "user_id": value}},
        {**call, "data": value},
        *({**call, name: value} for name in ("event_type", "occurred_at", "id", "source")),
        {**call, CANARY: value},
    ]


@pytest.mark.parametrize("value", [CANARY, [CANARY], {CANARY: CANARY, "x": object()}, f"{CANARY}\ud800", CANARY * 100])
@pytest.mark.parametrize("door", DOORS)
def test_no_log_line_holds_what_was_passed(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture, door: Callable[..., None], value: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    for event in named(value):
        with suppress(AnalyticsError, TypeError):
            door(analytics, event)

    assert lines(caplog) != []
    assert [line for line in [*lines(caplog), caplog.text] if CANARY in line or "example" in line] == []
