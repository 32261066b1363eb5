"""What the policy of privacy left out of events is counted by name, exactly, and from the log."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.events.fields import LEFT_OUT
from analytics_es.ingest.left_out import MOST
from analytics_es.ingest.privacy import PrivacyPolicy, Rules
from analytics_es.projection.fold import Fold
from analytics_es.projections import Usage
from tests.stores import contents, data_of, derived, folded, opened, record, stored

pytestmark = pytest.mark.store("sqlite", "postgres")

CALL = ("tool.call.completed", {"tool": "x", "prompt": "Hello", "attributes": {"comment": "well done", "team": "core"}})
OWN = ("review.completed", {"rating": 5, "notes": "well done", "own": {"deep": "Ada Lovelace"}, "tags": ["a", "Ada"]})
FORMER: Rules = (("*.prompt", "drop_text"), ("*.user_id", "pseudonymise"))


def told(*events: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"event_type": event_type, "data": data} for event_type, data in events]


def counted(analytics: AnalyticsService) -> dict[tuple[str, str], int]:
    return {(entry.type, entry.field): entry.events for entry in analytics.left_out_fields().unwrap()}


COUNTED = {
    ("tool.call.completed", "prompt"): 3,
    ("tool.call.completed", "attributes.comment"): 3,
    ("review.completed", "notes"): 2,
    ("review.completed", "own.deep"): 2,
    ("review.completed", "tags"): 2,
}


def test_it_is_counted_by_type_and_name_with_the_rule_that_keeps_it(analytics: AnalyticsService) -> None:
    record(analytics, *told(*[CALL] * 3, *[OWN] * 2))

    entries = analytics.left_out_fields().unwrap()

    assert counted(analytics) == COUNTED
    assert entries[0].allow == '"attributes.comment" = "keep"'
    assert analytics.unread_fields().unwrap() == []
    assert analytics.verify().unwrap().identical


def test_every_way_to_derive_it_counts_the_same(analytics: AnalyticsService) -> None:
    record(analytics, *told(*[CALL] * 3, *[OWN] * 2))
    before = contents(analytics.store.read_models)["usage"] if analytics.store.log.of_a_server is False else None

    analytics.rebuild(["usage"]).unwrap()

    assert counted(analytics) == COUNTED
    if before is not None:
        assert contents(analytics.store.read_models)["usage"] == before == derived(analytics.store.log)["usage"]


def test_the_event_says_so_in_one_small_field(analytics: AnalyticsService) -> None:
    record(analytics, *told(CALL, OWN, ("review.completed", {"rating": 5})))

    (call,) = data_of(analytics, "tool.call.completed")
    own, nothing = data_of(analytics, "review.completed")
    assert call == {"tool": "x", "attributes": {"team": "core"}, LEFT_OUT: "attributes.comment prompt"}
    assert own == {"rating": 5, "own": {}, "tags": ["a"], LEFT_OUT: "notes own.deep tags"}
    assert nothing == {"rating": 5}


def test_of_many_names_and_of_odd_ones_there_is_a_number(analytics: AnalyticsService) -> None:
    names = [f"zeta{letter}" for letter in "abcdefghijklmnopqr"]
    record(analytics, *told(("review.completed", {**dict.fromkeys(names, "Ada"), "to Ada": "Ada", "zé": "Ada"})))

    (data,) = data_of(analytics, "review.completed")
    assert data[LEFT_OUT].split() == [*names[:MOST], "+4"]
    assert counted(analytics)["review.completed", "…"] == 4


@pytest.mark.parametrize(
    "policy",
    [
        "full",
        PrivacyPolicy(rules=FORMER),
        {"preset": "pseudonymous", "rules": {"attributes.comment": "drop", "prompt": "drop"}},
    ],
    ids=["full", "of before", "by its path"],
)
def test_nothing_is_said_of_what_a_rule_drops_by_its_path_nor_under_rules_of_before(policy: Any) -> None:
    with opened(privacy=policy) as analytics:
        record(analytics, *told(CALL))

        (call,) = data_of(analytics, "tool.call.completed")
        assert LEFT_OUT not in call
        assert counted(analytics) == {}


def test_an_event_of_before_that_comes_again_is_the_same(tmp_path: Any) -> None:
    event = {**told(CALL)[0], "id": "1", "occurred_at": "2026-03-02T12:00:00Z"}
    kept = {"attributes.comment": "drop"}
    with opened(tmp_path / "a.db", privacy=PrivacyPolicy(rules=(*FORMER, *kept.items()))) as analytics:
        analytics.record_event(**event).unwrap()
    with opened(tmp_path / "a.db", privacy={"preset": "pseudonymous", "rules": kept}) as analytics:
        again = analytics.record_event(**event).unwrap()

        assert (again.duplicate, again.differs) == (True, False)


def test_what_another_store_left_out_stays_told(analytics: AnalyticsService) -> None:
    said = {"rating": 5, "notes": "Hello", LEFT_OUT: "attributes.comment prompt +2"}
    record(analytics, *told(("review.completed", said), ("review.completed", {LEFT_OUT: "Ada, Grace"})))

    first, second = data_of(analytics, "review.completed")
    assert first == {"rating": 5, LEFT_OUT: "attributes.comment notes prompt +2"}
    assert second == {}


@pytest.mark.parametrize("said", ["", "a  b", "a b", 5, {"a": 1}, ["a"], None, True])
def test_of_odd_bytes_both_kinds_of_fold_make_the_same(monkeypatch: pytest.MonkeyPatch, said: Any) -> None:
    events = [stored(event_type, **{LEFT_OUT: said}) for event_type in ("tool.call.completed", "own.thing.happened")]
    by_python = folded(Usage, *events)
    monkeypatch.setattr(Fold, "_in_python", lambda *_: {})

    assert folded(Usage, *events).rows == by_python.rows
