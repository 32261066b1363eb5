"""The page of performance: all operations, one of them, what is slow and what fails."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import BadWord
from analytics_es.presentation.pages import performance
from analytics_es.presentation.parts import Section
from tests.presentation.pages.asking import asked, page, parts_of, plain
from tests.presentation.pages.stores import NOW, START
from tests.stores import opened

MARCH = "from=2026-03-02&to=2026-03-06"


@pytest.mark.parametrize(
    "narrowed",
    ["", "operation=tool.call&", "operation=tool.call&subject=bash&", "operation=tool.call&unnamed=1&"],
)
def test_it_says_how_fast_and_how_reliable(store: AnalyticsService, snapshot: SnapshotAssertion, narrowed: str) -> None:
    assert plain(page(store, f"performance?{narrowed}{MARCH}")) == snapshot


def test_its_answers_are_those_of_the_questions(store: AnalyticsService) -> None:
    shown, asking = asked(store, f"performance?{MARCH}")
    period = asking.period
    assert shown.answers == {
        "performance": store.get_performance_metrics(period).unwrap(),
        "slowest": store.explain("performance.duration", period, limit=10, largest=True).unwrap(),
        "failed": store.explain("performance.failures", period, limit=10, latest=True).unwrap(),
    }


def test_of_one_operation_its_main_answer_is_the_summary_of_its_duration(store: AnalyticsService) -> None:
    shown, asking = asked(store, f"performance?operation=provider.call&subject=mystery&{MARCH}")
    where = {"operation": "provider.call", "subject": "mystery"}
    assert next(iter(shown.answers.items())) == (
        "duration",
        store.get_summary("performance.duration", asking.period, where=where).unwrap(),
    )


def test_one_operation_says_the_same_as_its_row(store: AnalyticsService) -> None:
    whole, asking = asked(store, f"performance?{MARCH}")
    row = next(row for row in whole.answers["performance"].operations if row.subject == "bash")
    told = asked(store, f"performance?operation=tool.call&subject=bash&{MARCH}")[0].answers
    assert (told["duration"].figures, told["calls"].figures.count, told["failures"].figures.count) == (
        row.duration_ms,
        row.calls,
        row.failures,
    )
    assert told["unknown"].figures.count == row.unknown == 6
    assert asking.question.texts("operation") == []


def test_calls_on_something_and_on_nothing_are_not_asked_for_at_once(store: AnalyticsService) -> None:
    with pytest.raises(BadWord, match="subject and unnamed ask for different calls"):
        page(store, f"performance?operation=tool.call&subject=bash&unnamed=1&{MARCH}")


def test_of_an_empty_period_it_says_so(store: AnalyticsService) -> None:
    shown = plain(page(store, "performance?from=2026-01-01&to=2026-01-08"))
    assert shown["parts"][1:] == ["No calls that ended in this period: try a longer one, such as --last 4w."]


def test_of_many_calls_the_slowest_are_looked_for_only_where_that_is_asked(
    store: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "UNASKED", 10)
    shown = page(store, f"performance?{MARCH}")
    assert [*shown.answers] == ["performance"]
    assert plain(shown)["parts"][-1] == {
        "section": "Slowest calls",
        "answer": None,
        "more": "look for them → here slowest=1",
        "parts": ["Of 85 calls the slowest are found by reading the log, which takes a while."],
    }
    assert [*page(store, f"performance?slowest=1&{MARCH}").answers] == ["performance", "slowest", "failed"]


def test_of_what_is_sealed_the_slowest_cannot_be_listed_and_it_says_why() -> None:
    with opened(":memory:", clock=lambda: NOW, privacy="full") as service:
        call = {"event_type": "tool.call.completed", "data": {"tool": "bash", "duration_ms": 5}}
        service.record_event(**call, occurred_at=START.replace(year=2025)).unwrap()  # type: ignore[arg-type]
        service.catch_up()
        service.retain({"events": "30d"}).unwrap()
        shown = page(service, "performance?from=2025-03-02&to=2025-03-06")
    slowest = next(part for part in parts_of(shown) if isinstance(part, Section) and part.title == "Slowest calls")
    assert "sealed" in slowest.parts[0].text  # type: ignore[union-attr]
