"""The page of one stored event: what it says, what it adds, how its cost comes about, and what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import BadWord, NoSuchPosition
from analytics_es.presentation.html import Links, rendered
from analytics_es.presentation.question import Question
from analytics_es.testing import NOON, event, provider_call, tool_call
from tests.hostile_store import NAMES
from tests.presentation.pages.asking import page, plain
from tests.stores import append, opened, record, sql

REPORTED, COMPUTED, UNKNOWN, CORRECTION, ODD, NONE = range(1, 7)


@pytest.fixture(scope="module")
def calls() -> Iterator[AnalyticsService]:
    """Return a store of a call of each kind, a correction, what cannot be used, and what is no event."""
    known = {"source": "app"}
    with opened(":memory:", privacy="full", clock=lambda: NOON + timedelta(days=1)) as store:
        record(
            store,
            {**provider_call(cost="0.5"), "id": "1", **known},
            {**provider_call(cost=None, currency=None), "id": "2", **known},
            {**provider_call(cost=None, currency=None, model="own"), "id": "3", **known},
        )
        store.correct_cost(1, "0.75", note="invoice").unwrap()
        record(store, {**event("review.merged", input_tokens="plenty"), "id": "5", **known})
        append(store.store.log, ("custom.thing", b"no JSON"))  # type: ignore[arg-type]  # it is SQLite's
        store.catch_up()
        yield store


@pytest.mark.parametrize("position", range(REPORTED, NONE + 1))
def test_a_page_is_as_it_was(calls: AnalyticsService, position: int, snapshot: SnapshotAssertion) -> None:
    assert plain(page(calls, f"event?position={position}")) == snapshot


def test_times_are_in_the_zone_that_is_asked_for(calls: AnalyticsService) -> None:
    shown = plain(page(calls, "event?position=1&tz=Asia/Kathmandu"))

    assert shown["parts"][1]["parts"][0]["rows"][2] == ["occurred at", "2026-03-02 17:45:00.000 Asia/Kathmandu"]


def test_as_of_a_position_it_is_the_last(calls: AnalyticsService) -> None:
    shown = plain(page(calls, "event?position=2&as_of=2"))

    assert shown["parts"][0] == {"ways": ["previous → event position=1"]}
    assert shown["foot"] == ["position 2 of 2"]


def test_projections_that_have_not_come_so_far_are_named() -> None:
    with opened(":memory:", privacy="full") as store:
        store.record_event(**tool_call()).unwrap()

        assert page(store, "event?position=1").foot == (
            ["position 1 of 1", "not yet taken in by budgets, cost, performance, usage"]
        )


@pytest.mark.parametrize("position", ["", "0", "one", "-1", "1.5"])
def test_what_is_no_position_is_said(calls: AnalyticsService, position: str) -> None:
    with pytest.raises(BadWord):
        page(calls, f"event?position={position}")


def test_a_position_beyond_the_end_is_said(calls: AnalyticsService) -> None:
    with pytest.raises(NoSuchPosition):
        page(calls, "event?position=7")


def test_a_sealed_event_is_said_to_be_gone(tmp_path: Path) -> None:
    now = NOON + timedelta(days=9)
    with opened(tmp_path / "analytics.db", clock=lambda: now, privacy="full") as store:
        record(store, tool_call(), tool_call(occurred_at=now))
        store.retain({"events": "7d"}).unwrap()
        shown = page(store, "event?position=1")

    assert shown.failure is not None
    assert shown.failure.code == "sealed_event"
    assert plain(shown)["parts"] == [
        {"ways": ["next → event position=2"]},
        "The event at position 1 is sealed: events of before 2026-03-04 00:00:00+00:00 are gone, and what they add is "
        "kept in every answer.",
    ]


def test_a_damaged_event_is_said_to_be(tmp_path: Path) -> None:
    with opened(tmp_path / "analytics.db", privacy="full") as store:
        record(store, tool_call())
        sql(tmp_path / "analytics.db", "UPDATE stored_events SET state = CAST(state || ' ' AS BLOB)")
        shown = plain(page(store, "event?position=1"))

    assert shown["parts"][2]["parts"] == [
        "What is stored is no event: what is stored is not what was recorded: its checksum is wrong.",
        "",
    ]


def test_who_was_forgotten_is_told(tmp_path: Path) -> None:
    with opened(tmp_path / "analytics.db") as store:
        record(store, tool_call(user_id="ada"))
        store.forget("ada").unwrap()
        shown = plain(page(store, "event?position=2"))
        event = store.get_event(2).unwrap()

    assert event.data
    assert shown["parts"][1]["parts"][1] == (
        f"Forgotten since, or of another store: nothing here says who {event.data['user_id']} is."
    )


def test_whatever_an_event_holds_is_text(hard: AnalyticsService) -> None:
    head = hard.store.log.head()
    for position in range(1, head, head // 10):
        shown = page(hard, f"event?position={position}")
        html = rendered(shown, Links(page="event", question=Question(words={"position": [str(position)]})))

        assert not any(name in html for name in NAMES if "<" in name)
        assert "\u202e" not in html
