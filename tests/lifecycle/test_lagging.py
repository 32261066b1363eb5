"""What lags while events are sealed begins again with what is sealed of it; what is up to date goes on as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.lifecycle import sealing
from analytics_es.projection import count, key, projection
from analytics_es.projections import Usage
from analytics_es.testing import NOON, tool_call
from tests.stores import opened, record

NOW = NOON + timedelta(days=200)
KEEP = {"events": "180d"}
ALL = TimePeriod(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC), "day")
EVENTS = [tool_call(occurred_at=NOON + timedelta(days=n), user_id=f"user-{n % 3}") for n in range(40)]
OLD = 20  # of these are older than they are to be kept


@projection(version=1, consumes=("tool.>",))
class Mine:
    """A projection of another application on the same store."""

    person: str = key("user_id")
    calls: int = count()


pytestmark = [
    pytest.mark.store("sqlite", "postgres", projections=(Usage,), clock=lambda: NOW, rebuild="manual"),
    pytest.mark.usefixtures("full_privacy", "vault_key"),
]


@pytest.fixture
def owner(url: str, analytics: AnalyticsService) -> Iterator[AnalyticsService]:
    """Return the store as the application opens it whose projection nobody else knows."""
    with opened(url, projections=(Usage, Mine), clock=lambda: NOW, rebuild="manual") as owner:
        yield owner


def calls(service: AnalyticsService, metric: str = "mine.calls") -> Any:
    return service.get_summary(metric, ALL).unwrap().figures.count


def generations(service: AnalyticsService) -> dict[str, int]:
    return {name: live.declaration.generation for name, live in service.store.read_models.live().items()}


def about(service: AnalyticsService) -> dict[str, str]:
    with service.store.read_models.reading() as cursor:
        return service.store.read_models.about(cursor)


@pytest.mark.parametrize("taken", [0, 5, OLD - 1, OLD + 5, len(EVENTS)])
def test_an_own_projection_that_lags_keeps_its_sealed_events(
    analytics: AnalyticsService, owner: AnalyticsService, taken: int
) -> None:
    record(owner, *EVENTS[:taken])
    analytics.record_events(EVENTS[taken:]).unwrap()

    result = analytics.retain(KEEP).unwrap()
    owner.catch_up()

    assert result.events == OLD
    assert calls(owner) == calls(owner, "usage.events") == len(EVENTS)
    assert owner.get_summary("mine.calls", ALL).unwrap().completeness.complete_from is None
    assert owner.verify().unwrap().identical
    assert all(check.identical for check in owner.check_ledger().unwrap())
    # What had taken in everything goes on as it is, and is not begun again.
    assert generations(owner) == {"usage": 0, "mine": 0 if taken == len(EVENTS) else 1}


def test_what_a_run_that_was_stopped_has_noted_is_noted_anew(
    analytics: AnalyticsService, owner: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was up to date when a run was stopped before the seal, and lags when the next run seals under that number."""

    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    record(owner, *EVENTS)
    with monkeypatch.context() as patch:
        patch.setattr(analytics.store.log.seals, "seal", stop)
        with pytest.raises(Stopped):
            analytics.retain({"events": "190d"})
    analytics.record_event(**tool_call(occurred_at=NOON + timedelta(days=15), user_id="user-late")).unwrap()
    assert analytics.retain(KEEP).unwrap().seals == 1
    owner.catch_up()

    assert calls(owner) == calls(owner, "usage.events") == len(EVENTS) + 1
    assert owner.verify().unwrap().identical


def test_each_seal_is_noted_of_what_had_taken_it_in(analytics: AnalyticsService, owner: AnalyticsService) -> None:
    record(owner, *EVENTS)
    for number, days in enumerate(("199d", "190d", "180d"), 1):
        owner.catch_up()
        assert analytics.retain({"events": days}).unwrap().seals == 1
        tables = {name: live.declaration.table for name, live in owner.store.read_models.live().items()}
        assert {name: about(owner)[f"seal:{table}"] for name, table in tables.items()} == dict.fromkeys(
            tables, str(number)
        )
    assert generations(owner) == {"usage": 0, "mine": 0}


def test_a_run_that_was_stopped_after_the_seal_is_ended_before_anybody_goes_on(
    analytics: AnalyticsService, owner: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lagged has not begun again yet: the next run sees to that, though nobody opens the store anew."""

    class Stopped(BaseException):
        pass

    real = analytics.store.log.seals.seal

    def stop(*arguments: Any) -> None:
        real(*arguments)
        raise Stopped

    record(owner, *EVENTS[:5])
    analytics.record_events(EVENTS[5:]).unwrap()
    with monkeypatch.context() as patch:
        patch.setattr(analytics.store.log.seals, "seal", stop)
        with pytest.raises(Stopped):
            analytics.retain(KEEP)

    assert owner.retain({"events": "175d"}).unwrap().seals == 1
    owner.catch_up()

    assert calls(owner) == calls(owner, "usage.events") == len(EVENTS)
    assert owner.verify().unwrap().identical


def test_what_is_brought_up_between_two_seals_keeps_the_events_of_both(
    analytics: AnalyticsService, owner: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(owner, *EVENTS[:5])
    analytics.record_events(EVENTS[5:]).unwrap()
    delete = analytics.store.log.seals.delete

    def bringing_up(limit: int) -> int:
        owner.catch_up()
        return delete(limit)

    monkeypatch.setattr(sealing, "TOGETHER", 8)
    monkeypatch.setattr(analytics.store.log.seals, "delete", bringing_up)

    assert analytics.retain(KEEP).unwrap().seals == 3
    owner.catch_up()

    assert calls(owner) == calls(owner, "usage.events") == len(EVENTS)
    assert owner.verify().unwrap().identical


def test_what_comes_in_just_before_is_taken_in_before_anything_is_sealed(
    analytics: AnalyticsService, owner: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all read models would lag, and begin again."""
    record(analytics, *EVENTS)
    size, left = analytics.store.log.seals.size, [tool_call(occurred_at=NOW)]

    def coming_in() -> Any:
        while left:
            owner.record_event(**left.pop()).unwrap()
        return size()

    monkeypatch.setattr(analytics.store.log.seals, "size", coming_in)

    assert analytics.retain(KEEP).unwrap().seals == 1
    assert generations(owner)["usage"] == 0
    assert calls(owner, "usage.events") == len(EVENTS)
