"""Corrections that come in by any door are beside their call, wait for it, or are refused: as `correct_cost` has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cli import main
from analytics_es.events.event import CORRECTED, REJECTED
from analytics_es.ingest import door as the_door
from analytics_es.ingest.corrections import WAITING
from analytics_es.ingest.in_process import InProcessBus
from analytics_es.log import Entry
from analytics_es.testing import NOON, cost_corrected, job_failed, provider_call
from tests.stores import Arguments, data_of, entry, eventually, opened, recorded

pytestmark = pytest.mark.usefixtures("full_privacy")  # positions are counted from 1

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
COST = "cost.reported_cost"
once = pytest.mark.store("memory")
both = pytest.mark.store("memory", "postgres", clock=lambda: NOON)

Door = Callable[[AnalyticsService, Sequence[Arguments]], list[str | None]]


def call(id: str = "call-1", *, event_type: str = "provider.call.completed", **changes: Any) -> dict[str, Any]:
    return {**provider_call(**changes), "source": "platform", "id": id, "event_type": event_type}


def correction(number: int = 1, **changes: Any) -> dict[str, Any]:
    return cost_corrected(number=number, **changes)


def reported(service: Any, **where: str) -> Decimal | None:
    service.catch_up()
    total: Decimal | None = service.get_summary(COST, DAY, where=where).unwrap().figures.total
    return total


# ── doors: each says with which codes events were refused, or kept as rejected ──────────────────────────────────


def by_record(service: AnalyticsService, events: Sequence[Arguments]) -> list[str | None]:
    failures = [service.record_event(**event).failure for event in events]
    return [failure and failure.code for failure in failures]


def by_batch(service: AnalyticsService, events: Sequence[Arguments]) -> list[str | None]:
    codes: dict[int, str] = {}
    service.record_events(
        events, skip_refused=True, on_refused=lambda refusal: codes.update({refusal.index: refusal.code})
    ).unwrap()
    return [codes.get(index) for index in range(len(events))]


def by_small_batches(service: AnalyticsService, events: Sequence[Arguments]) -> list[str | None]:
    return [code for event in events for code in by_batch(service, [event])]


def by_buffer(service: AnalyticsService, events: Sequence[Arguments]) -> list[str | None]:
    codes: list[str | None] = []
    for event in events:
        with service.buffered() as buffer:
            failure = buffer.record_event(**event).failure
            codes.append(failure and failure.code)
    return codes


def by_bus(service: AnalyticsService, events: Sequence[Arguments]) -> list[str | None]:
    bus, codes = InProcessBus(), list[str | None]()
    with service.subscribe_to(bus):
        for event in events:
            before = len(data_of(service, REJECTED))
            about = {"id": event["id"], "source": event["source"], "time": event["occurred_at"]}
            bus.publish(event["event_type"], event["data"], **about)
            codes.append(next((data["reason"]["code"] for data in data_of(service, REJECTED)[before:]), None))
    return codes


DOORS: dict[str, Door] = {
    "record": by_record,
    "batch": by_batch,
    "batches": by_small_batches,
    "buffer": by_buffer,
    "bus": by_bus,
}
door = pytest.mark.parametrize("come_in", [pytest.param(come_in, id=name) for name, come_in in DOORS.items()])


# ── beside their call ───────────────────────────────────────────────────────────────────────────────────────────


@door
@both
def test_a_right_one_counts_at_once(analytics: AnalyticsService, come_in: Door) -> None:
    assert come_in(analytics, [call(), correction(), correction(2, cost_change="1")]) == [None] * 3

    assert reported(analytics) == Decimal("1.004115")
    assert [event.type for event in recorded(analytics)] == ["provider.call.completed", CORRECTED, CORRECTED]


@door
@once
@pytest.mark.parametrize(
    ("event", "changes", "code"),
    [
        (call(), {"currency": "EUR"}, "not_correctable"),
        (call(cost=None), {}, "not_correctable"),
        (call(cost=None, currency=None), {}, "not_correctable"),
        ({**job_failed(), "source": "platform", "id": "call-1"}, {}, "not_correctable"),
        (call(event_type="provider.call.started", status=None), {}, "not_correctable"),
        (call(occurred_at=NOON + timedelta(microseconds=7)), {}, "not_correctable"),
        (call(), {"cost_change": "-1"}, "bad_field"),
        (call(), {"cost_change": "999999999999999999999"}, "bad_field"),
    ],
)
def test_what_cannot_be_right_is_refused(
    analytics: AnalyticsService, come_in: Door, event: Arguments, changes: dict[str, Any], code: str
) -> None:
    assert come_in(analytics, [event, correction(**changes)]) == [None, code]

    assert [one.type for one in recorded(analytics) if one.type != REJECTED] == [event["event_type"]]
    assert analytics.get_cost_breakdown(DAY).ok


@door
@once
def test_nor_is_what_comes_after_a_wrong_one(analytics: AnalyticsService, come_in: Door) -> None:
    codes = come_in(analytics, [call(), correction(), correction(2, cost_change="-0.01"), correction(3)])

    assert codes[:3] == [None, None, "bad_field"]
    assert reported(analytics) == Decimal("0.004115")


@door
@once
def test_it_lands_where_its_call_is_whoever_it_says_it_is_of(analytics: AnalyticsService, come_in: Door) -> None:
    own = {"corrects": {"source": "platform", "id": "call-1"}, "cost_change": "1", "currency": "USD", "note": "n"}
    other = {"user_id": "bob", "model": "gpt-5", "error_type": "timeout", "from_zero": True, "attempt": 3}
    for number, data in ((1, own), (2, {**own, **other})):
        assert (
            come_in(analytics, [*([call()] if number == 1 else []), {**correction(number), "data": data}])[-1] is None
        )

    assert reported(analytics, user="ada") == reported(analytics) == Decimal("2.005115")
    analytics.catch_up()
    (row,) = analytics.get_cost_breakdown(DAY, by=["user", "model"]).unwrap().rows
    assert (row.keys, row.cost) == ({"user": "ada", "model": "claude-sonnet-4-5"}, Decimal("2.005115"))
    assert [data["note"] for data in data_of(analytics, CORRECTED)] == ["n", "n"]


@door
@once
def test_what_was_reported_as_zero_is_known_from_then_on(analytics: AnalyticsService, come_in: Door) -> None:
    come_in(analytics, [call(cost="0"), correction(cost_change="0.5"), correction(2, cost_change="0.5")])
    analytics.catch_up()

    answer = analytics.get_cost_breakdown(DAY).unwrap()

    assert (answer.unknown_calls, answer.reported_calls, answer.totals[0].cost) == (0, 1, 1)


@door
@once
def test_one_again_changes_nothing(analytics: AnalyticsService, come_in: Door) -> None:
    come_in(analytics, [call(), correction(), correction()])

    assert reported(analytics) == Decimal("0.004115")
    assert analytics.store.log.head() == 2


# ── before their call ───────────────────────────────────────────────────────────────────────────────────────────


@door
@both
def test_one_that_comes_first_waits_and_counts_with_its_call(analytics: AnalyticsService, come_in: Door) -> None:
    assert come_in(analytics, [correction(2, cost_change="1"), correction()]) == [None, None]
    assert reported(analytics) is None
    assert come_in(analytics, [call()]) == [None]

    assert reported(analytics) == Decimal("1.004115")
    assert analytics.correct_cost(3, "3", note="n").unwrap().number == 3


@once
def test_whoever_records_it_is_told_that_it_waits(analytics: AnalyticsService) -> None:
    receipt = analytics.record_event(**correction()).unwrap()
    again = analytics.record_event(**correction()).unwrap()
    batch = analytics.record_events([correction(2), correction()]).unwrap()

    assert [(each.position, each.duplicate, each.waiting) for each in (receipt, again)] == [
        (1, False, True),
        (1, True, True),
    ]
    assert (batch.recorded, batch.waiting, batch.duplicates) == (1, 1, 1)


@door
@once
def test_one_whose_call_never_comes_never_counts(analytics: AnalyticsService, come_in: Door) -> None:
    come_in(analytics, [call("other"), correction(), correction(2)])

    assert reported(analytics) == Decimal("0.005115")
    assert [event.type for event in recorded(analytics)] == ["provider.call.completed", WAITING, WAITING]


@once
def test_one_that_turns_out_wrong_is_kept_as_rejected_once(analytics: AnalyticsService) -> None:
    for event in (correction(currency="EUR"), correction(2, currency="EUR"), call()):
        analytics.record_event(**event).unwrap()

    assert reported(analytics) == Decimal("0.005115")
    analytics.catch_up()
    assert [data["reason"]["code"] for data in data_of(analytics, REJECTED)] == ["not_correctable"] * 2


def test_a_store_that_is_opened_later_settles_what_waits(path: Path) -> None:
    with opened(path) as service:
        service.record_event(**correction()).unwrap()
        service.record_event(
            **correction(currency="EUR", corrects={"source": "platform", "id": "x"}) | {"id": "x:correction:1"}
        )
    with opened(path) as service:
        service.record_event(**call()).unwrap()
        service.record_event(**call("x")).unwrap()
    for _ in range(2):
        with opened(path) as service:
            assert reported(service) == 2 * Decimal("0.005115") - Decimal("0.001")
            head = service.store.log.head()
            assert len(data_of(service, REJECTED)) == 1
            assert head == 7 - 1


def test_a_follower_settles_by_itself(path: Path) -> None:
    with opened(path, follow=True) as service:
        service.record_event(**correction()).unwrap()
        service.wait_until_caught_up()
        service.record_event(**call()).unwrap()
        eventually(lambda: data_of(service, CORRECTED))
        service.wait_until_caught_up()
        assert service.get_summary(COST, DAY).unwrap().figures.total == Decimal("0.004115")


def test_a_subject_is_forgotten_in_what_waits(path: Path) -> None:
    with opened(path, privacy="full") as service:
        service.record_event(**correction()).unwrap()
        service.catch_up()  # it is known here before it is masked
        service.forget("ada").unwrap()
        service.record_event(**call(user_id="bob")).unwrap()
        service.catch_up()

        assert "'ada'" not in str([event.data for event in recorded(service)])
        assert reported(service, user="bob") == Decimal("0.004115")


@once
def test_what_is_sealed_is_not_corrected_and_waits_for_nothing(analytics: AnalyticsService) -> None:
    early = {"occurred_at": NOON - timedelta(days=40)}
    analytics.record_event(**call(**early)).unwrap()
    analytics.catch_up()
    analytics.retain({"events": "1d"}).unwrap()

    failure = analytics.record_event(**correction(**early)).failure

    assert failure is not None
    assert failure.code == "before_horizon"
    assert data_of(analytics, WAITING) == []


def bare(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a correction that says nothing of its call but which it is."""
    data = {"corrects": {"source": "platform", "id": "call-1"}, "cost_change": "-0.001", "currency": "USD", **changes}
    return {**correction(number), "data": data}


@door
@both
def test_one_that_comes_again_says_the_same(analytics: AnalyticsService, come_in: Door) -> None:
    events = [call(), bare(), bare(), bare(2)]
    assert come_in(analytics, events) == [None] * 4
    head = analytics.store.log.head()

    assert come_in(analytics, events) == [None] * 4
    assert analytics.store.log.head() == head
    receipts = [analytics.record_event(**event).unwrap() for event in events]
    assert [(again.duplicate, again.differs) for again in receipts] == [(True, False)] * 4
    batch = analytics.record_events(events).unwrap()
    assert (batch.duplicates, batch.differing) == (4, 0)


@once
@pytest.mark.parametrize("changes", [{"cost_change": "-0.002"}, {"currency": "EUR"}, {"cost_change": "-9"}])
def test_one_that_comes_again_with_something_else_differs(analytics: AnalyticsService, changes: dict[str, Any]) -> None:
    for event in (call(), bare()):
        analytics.record_event(**event).unwrap()

    assert analytics.record_event(**bare(**changes)).unwrap().differs


# ── what is in a log already ────────────────────────────────────────────────────────────────────────────────────


@both
def test_those_that_fit_no_call_are_listed_and_figures_stay(analytics: AnalyticsService) -> None:
    """As a log of before may hold them: nobody looked for their calls."""
    recorder = analytics.store.recorder
    events = [
        call(),
        correction(),
        correction(2, currency="EUR"),
        {**correction(corrects={"source": "platform", "id": "x"}), "id": "x:correction:1"},
        correction(4),
    ]
    recorder.append([recorder.door.write(**event) for event in events])
    recorder.append([entry(NOON, "job.completed", {})._replace(type=CORRECTED, state=b"[]")])
    analytics.record_event(
        **{**correction(corrects={"source": "platform", "id": "y"}), "id": "y:correction:1"}
    ).unwrap()

    listed = analytics.doubtful_corrections().unwrap()

    missing = "no call with its source, id and time is in the log, or not the correction before it"
    assert [(each.position, each.id, each.counted, each.problem) for each in listed if each.position != 6] == [
        (3, "call-1:correction:2", True, "it is charged in USD, not in 'EUR'"),
        (4, "x:correction:1", True, missing),
        (5, "call-1:correction:4", True, missing),
        (7, "y:correction:1", False, missing),
    ]
    assert [(each.id, each.problem[:17]) for each in listed if each.position == 6] == [(None, "it cannot be read")]
    assert reported(analytics, currency="USD") == Decimal("0.005115") - 3 * Decimal("0.001")


@door
@once
def test_one_of_before_that_comes_again_is_still_the_same(analytics: AnalyticsService, come_in: Door) -> None:
    """It fits no call, and is recorded all the same: nothing new is said."""
    recorder = analytics.store.recorder
    recorder.append([recorder.door.write(**correction())])

    assert come_in(analytics, [correction()]) == [None]
    assert analytics.store.log.head() == 1


BAD: list[dict[str, Any]] = [
    {},
    {"cost_change": "much", "currency": "USD"},
    {"cost_change": [1], "currency": "USD"},
    {"cost_change": "1"},
]


@door
@once
@pytest.mark.parametrize("data", BAD)
def test_one_after_what_cannot_be_read_is_refused(
    analytics: AnalyticsService, come_in: Door, data: dict[str, Any]
) -> None:
    analytics.record_event(**call()).unwrap()
    place = entry_of(correction()).key
    analytics.store.recorder.append([Entry(place, CORRECTED, orjson.dumps(stored_as(data)))])

    assert come_in(analytics, [correction(2)]) == ["not_correctable"]
    failure = analytics.correct_cost(1, "1", note="n").failure
    assert failure is not None
    assert failure.code == "not_correctable"


@door
@once
def test_one_of_a_call_that_cannot_be_read_is_refused(analytics: AnalyticsService, come_in: Door) -> None:
    analytics.store.recorder.append([Entry(entry_of(call()).key, "provider.call.completed", b"[]")])

    assert come_in(analytics, [correction()]) == ["not_correctable"]


def entry_of(event: Arguments) -> Entry:
    return the_door.Door(lambda: NOON).write(**event)


def stored_as(data: dict[str, Any]) -> dict[str, Any]:
    when = NOON.isoformat()
    return {"source": "platform", "id": "call-1:correction:1", "occurred_at": when, "recorded_at": when, "data": data}


@pytest.mark.parametrize(
    ("dropped", "action"),
    [
        *(
            (field, action)
            for field in ("corrects", "corrects.id", "corrects.*")
            for action in ("drop", "pseudonymise")
        ),
        *(("cost_change", action) for action in ("drop", "pseudonymise")),
        ("currency", "drop"),
    ],
)
def test_a_policy_may_leave_little_of_it(path: Path, dropped: str, action: str) -> None:
    with opened(path, privacy={"preset": "full", "rules": {dropped: action}}) as service:
        service.record_event(**call()).unwrap()
        result = service.record_event(**correction())
        in_force = reported(service)
        if result.ok:
            second = {**correction(corrects={"source": "platform", "id": "x"}), "id": "x:correction:1"}
            assert service.record_event(**second).unwrap().waiting
            service.record_event(**call("x")).unwrap()
            assert reported(service) == 2 * Decimal("0.004115")

    if dropped.startswith("corrects"):
        assert (result.ok, in_force) == (True, Decimal("0.004115"))
    else:
        assert result.failure is not None


# ── from another store ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_store_exports_comes_in_right_elsewhere_chains_too(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db") as service:
        for n in range(3):
            position = service.record_event(**call(f"call-{n}", user_id=f"user-{n}")).unwrap().position
            for cost in range(n):
                service.correct_cost(position, str(cost + 1), note="n").unwrap()
        total = reported(service)
        service.export_data("json", DAY, to=tmp_path / "a.jsonl").unwrap()
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    (tmp_path / "b.jsonl").write_text("\n".join(reversed(lines)))

    for name in ("a", "b", "a"):
        result = CliRunner().invoke(main, ["import", f"{tmp_path}/{name}.jsonl", "--db", f"{tmp_path}/{name}2.db"])
        assert result.exit_code == 0, result.output
        with opened(tmp_path / f"{name}2.db") as service:
            assert reported(service) == total == Decimal("3.005115")
            assert {json.dumps(event.data, sort_keys=True) for event in recorded(service, CORRECTED)} == {
                json.dumps(json.loads(line)["data"], sort_keys=True) for line in lines if CORRECTED in line
            }


@settings(max_examples=15)
@given(st.permutations(range(6)), st.lists(st.integers(1, 6), max_size=4))
def test_in_whatever_order_calls_and_corrections_come_the_figures_are_the_same(
    order: list[int], cuts: list[int]
) -> None:
    events = [call(), correction(), correction(2, cost_change="2"), correction(3, cost_change="-1"), call("x"),
              {**correction(corrects={"source": "platform", "id": "x"}), "id": "x:correction:1"}]  # fmt: skip
    ordered = [events[place] for place in order]
    bounds = sorted({0, *cuts, len(events)})
    with opened(":memory:") as service:
        for start, end in pairwise(bounds):
            service.record_events(ordered[start:end]).unwrap()
            in_force = reported(service) or 0
            assert in_force >= 0
        assert in_force == 2 * Decimal("0.004115") + 1
        assert analytics_is_right(service)


def analytics_is_right(service: AnalyticsService) -> bool:
    breakdown = service.get_cost_breakdown(DAY).unwrap()
    return breakdown.totals[0].cost == reported(service) and service.verify().unwrap().identical
