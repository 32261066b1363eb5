"""The page of projections: how far each is, when it was verified, what could not be used, what the store goes by."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.ingest import InProcessBus
from analytics_es.presentation.parts import Section
from analytics_es.testing import NOON, event, tool_call
from tests.hostile_store import PERIOD, hostile
from tests.presentation.pages.asking import page, plain
from tests.stores import opened, record

pytestmark = pytest.mark.store(clock=lambda: NOON + timedelta(days=1), privacy="full")


def section(service: AnalyticsService, title: str) -> list[object]:
    """Return the parts of a section."""
    parts = (part for part in page(service, "projections").parts if isinstance(part, Section))
    found: list[object] = next(plain(part)["parts"] for part in parts if part.title == title)
    return found


def test_a_store_that_is_hard_to_show_is_as_it_was(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    with hostile(tmp_path / "analytics.db") as store:
        shown = plain(page(store, "projections"))
        waiting = {row.pop(3) for row in shown["parts"][0]["parts"][0]["rows"]}  # as long as the test takes

    assert waiting != {"–"}
    assert shown == snapshot


def test_an_empty_store_says_what_there_is_not(analytics: AnalyticsService, snapshot: SnapshotAssertion) -> None:
    assert plain(page(analytics, "projections")) == snapshot


def test_it_is_of_now_whatever_is_asked_for(analytics: AnalyticsService) -> None:
    record(analytics, tool_call(), tool_call())

    shown = page(analytics, "projections?as_of=1")

    assert shown.sub == "now: how far projections were then, the log does not tell"
    assert {status.position for status in shown.answers["projections"]} == {2}


def test_when_they_were_verified_is_told(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    never = section(analytics, "Last verify")
    analytics.verify(["usage", "cost"]).unwrap()
    analytics.verify(["budgets"], sample=1, seed=3).unwrap()

    after = section(analytics, "Last verify")

    assert never == [
        "Never verified as it is now: budgets, cost, performance, usage (`analytics-es projections verify`)."
    ]
    assert [row[:3] for row in after[0]["rows"]] == [  # type: ignore[index]  # a table
        ["budgets", "2026-03-03 12:00:00 UTC", "1 day, seed 3"],
        ["cost", "2026-03-03 12:00:00 UTC", "all of it"],
        ["usage", "2026-03-03 12:00:00 UTC", "all of it"],
    ]
    assert after[1] == "Never verified as it is now: performance (`analytics-es projections verify`)."


def test_dead_letters_are_counted_by_cause(analytics: AnalyticsService) -> None:
    record(analytics, *[event("review.merged", input_tokens=text) for text in ("plenty", "few")])
    record(analytics, event("review.merged", output_tokens="none"))
    analytics.discard_dead_letters(2).unwrap()

    (table,) = section(analytics, "Dead letters, by cause")

    assert table["rows"] == [  # type: ignore[index]  # a table
        [
            "usage",
            "input_tokens",
            "2",
            "1",
            "1 → event position=1",
            'input_tokens: total of input_tokens; input_tokens = "plenty" is not a number',
        ],
        [
            "usage",
            "output_tokens",
            "1",
            "0",
            "3 → event position=3",
            'output_tokens: total of output_tokens; output_tokens = "none" is not a number',
        ],
    ]


def test_rejected_messages_are_listed_the_newest_first(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    with analytics.subscribe_to(bus):
        for subject in ("tool.first", "tool.last"):
            bus.publish(subject, b"no JSON")

    (table,) = section(analytics, "Rejected messages")

    assert [row[2] for row in table["rows"]] == ["tool.last", "tool.first"]  # type: ignore[index]  # a table
    assert table["remark"].startswith("2 messages")  # type: ignore[index]


def test_privacy_and_retention_are_told_in_words() -> None:
    with opened(":memory:", retention={"events": "90d", "tool.*": "30d"}) as store:
        record(store, tool_call())

        policy, retention = section(store, "What the store goes by")

    assert str(policy).startswith("Policy of privacy pseudonymous: rules by field: ")
    assert retention == "Retention events 90d, tool.* 30d."


def test_the_store_that_is_hard_to_show_is_rebuilt_to_the_same_figures(tmp_path: Path) -> None:
    with hostile(tmp_path / "analytics.db") as service:
        service.catch_up()
        before = page(service, f"overview?{PERIOD}").answers["report"]
        stopped = service.rebuild()
        assert (stopped.ok, stopped.failure and stopped.failure.code) == (False, "rebuild_stopped")
        assert service.rebuild(set_aside=True).unwrap().unreadable == 1

        assert page(service, f"overview?{PERIOD}").answers["report"] == before
