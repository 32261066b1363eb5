"""Families of events that are kept for other times than the rest: each is sealed up to its own time and no further."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import BeforeHorizon
from analytics_es.lifecycle import sealing
from analytics_es.testing import NOON, job_failed, tool_call
from tests.lifecycle.test_guards import Both, Tools, day
from tests.stores import opened, record, recorded

MONTH_LATER = NOON + timedelta(days=30)


@pytest.mark.store("sqlite", "postgres", clock=lambda: MONTH_LATER, projections=[Tools, Both])
@pytest.mark.usefixtures("vault_key")
def test_a_family_that_is_kept_for_ever_is_never_sealed_with_the_others(analytics: AnalyticsService) -> None:
    record(analytics, job_failed(occurred_at=NOON), tool_call(occurred_at=NOON))
    for days in (20, 10):
        result = analytics.retain({"events": f"{days}d", "job.*": "forever"}).unwrap()
        assert [family.family for family in result.families] == [None]

    assert [event.type for event in recorded(analytics, "job.failed", "tool.call.completed")] == ["job.failed"]
    assert analytics.record_event(**job_failed(occurred_at=NOON)).unwrap().position
    with pytest.raises(BeforeHorizon):
        analytics.record_event(**tool_call(occurred_at=NOON)).unwrap()
    analytics.catch_up()
    analytics.rebuild().unwrap()
    assert analytics.verify().unwrap().identical


def test_no_family_is_sealed_less_far_than_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "TOGETHER", 1)
    with opened(clock=lambda: MONTH_LATER, projections=[Tools, Both]) as service:
        record(
            service,
            *(tool_call(occurred_at=NOON + timedelta(days=n)) for n in range(4)),
            job_failed(occurred_at=NOON + timedelta(days=9)),
        )
        service.retain({"events": "20d", "tool.*": "29d"}).unwrap()
        seals, sealed = service.store.log.seals, list[dict[str, int]]()
        seal = seals.seal
        monkeypatch.setattr(seals, "seal", lambda moved, *rest: (sealed.append(dict(moved.sealed)), seal(moved, *rest)))

        service.retain({"events": "20d", "tool.*": "26d"}).unwrap()

        assert sealed == [{"": day(-10), "tool": day(-n)} for n in (2, 3, 4)]


def test_who_is_behind_catches_up_before_a_seal_and_goes_on_as_it_is() -> None:
    with opened(clock=lambda: MONTH_LATER, projections=[Tools, Both]) as service:
        before = service.store.read_models.live()
        service.record_events([tool_call(occurred_at=NOON), job_failed(occurred_at=NOON)]).unwrap()

        assert service.retain({"events": "20d"}).unwrap().events == 2

        live = service.store.read_models.live()
        assert {name: model.declaration for name, model in live.items()} == {
            name: model.declaration for name, model in before.items()
        }
