"""Thresholds: each is told of once, at the first position by which so much was spent, whatever happened on the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.cost.budgets.changes import REACHED
from analytics_es.cost.budgets.thresholds import Thresholds
from analytics_es.events.event import RecordedEvent
from analytics_es.projections import Budgets, Cost, Performance, Usage
from analytics_es.testing import NOON, price, provider_call, tool_call
from analytics_es.types import ThresholdReached
from tests.cost.budgets.test_budgets import ACME, allocated, spent
from tests.faults.crash import Crash, crashing
from tests.servers import Server
from tests.stores import PATIENCE, opened, recorded, replace

pytestmark = pytest.mark.usefixtures("full_privacy")  # thresholds are told of at positions, which are counted from 1

Event = dict[str, Any]
Reached = list[tuple[str, str, int]]  # of which budget, how many percent, at which position

few = settings(max_examples=10)
fewer = settings(few, max_examples=5)


def record(analytics: AnalyticsService, *events: Event) -> None:
    analytics.record_events(events).unwrap()


def told(analytics: AnalyticsService) -> Reached:
    """Return what the log was told of, in order."""
    reached = [event.data for event in recorded(analytics, REACHED)]
    return sorted((data["budget_id"], data["threshold"], data["at_position"]) for data in reached)


def restart(analytics: AnalyticsService, on_threshold: Callable[[ThresholdReached], object] | None = None) -> None:
    """Forget everything that is known of thresholds in memory."""
    replace(analytics, thresholds=watching(analytics, on_threshold))


def watching(
    analytics: AnalyticsService, on_threshold: Callable[[ThresholdReached], object] | None = None
) -> Thresholds:
    """Return one that looks for thresholds, beside the service's own."""
    parts = analytics._parts
    return Thresholds(parts.store, parts.context, parts.prices, on_threshold)


# ── what is told ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_reached_is_in_the_log_and_in_the_status(analytics: AnalyticsService) -> None:
    later = NOON + timedelta(minutes=1)
    record(
        analytics, allocated(amount="10", **ACME), provider_call(cost="4"), provider_call(cost="2", occurred_at=later)
    )

    analytics.catch_up()

    (event,) = recorded(analytics, REACHED)
    assert (event.position, event.occurred_at, event.source) == (4, later, "analytics_es")
    assert event.data == {
        "budget_id": "acme-march",
        "currency": "USD",
        "scope": "tenant",
        "tenant_id": "acme",
        "starts_at": ACME["starts_at"],
        "ends_at": ACME["ends_at"],
        "threshold": "50",
        "at_position": 3,
        "allocated": "10",
        "spent": "6",
    }
    (status,) = analytics.get_budgets(budget="acme-march").unwrap().budgets
    reached = {str(each.percent): (each.position, each.reached_at) for each in status.thresholds}
    assert reached == {"50": (3, later), "80": (None, None), "100": (None, None)}


def test_the_callback_is_told_the_same() -> None:
    heard: list[ThresholdReached] = []
    with opened(on_threshold=heard.append) as analytics:
        record(analytics, allocated(amount="10", thresholds=[60], **ACME), provider_call(cost="6"))
        analytics.catch_up()
        analytics.catch_up()

    assert heard == [
        ThresholdReached(
            budget_id="acme-march",
            currency="USD",
            scope="tenant",
            scope_id="acme",
            starts_at=datetime(2026, 3, 1, tzinfo=UTC),
            ends_at=datetime(2026, 4, 1, tzinfo=UTC),
            percent=Decimal(60),
            allocated=Decimal(10),
            spent=Decimal(6),
            position=2,
            occurred_at=NOON,
            told_position=3,
        )
    ]


@pytest.mark.parametrize(("amount", "expected"), [("4.999999999", []), ("5", [("acme-march", "50", 2)])])
def test_a_threshold_is_reached_to_the_billionth(analytics: AnalyticsService, amount: str, expected: Reached) -> None:
    record(analytics, allocated(amount="10"), spent(amount))

    analytics.catch_up()

    assert told(analytics) == expected


def test_several_may_be_reached_by_one_event_or_by_the_allocation_itself(analytics: AnalyticsService) -> None:
    record(analytics, spent("90"), allocated(amount="100"), spent("20"))

    analytics.catch_up()

    assert told(analytics) == [("acme-march", "100", 3), ("acme-march", "50", 2), ("acme-march", "80", 2)]


def test_what_was_reached_stays_reached_when_more_is_allocated_and_is_not_told_again(
    analytics: AnalyticsService,
) -> None:
    record(analytics, allocated(amount="10", thresholds=[50]), spent("5"))
    analytics.catch_up()

    record(analytics, allocated(amount="90"))
    analytics.catch_up()
    record(analytics, spent("60"))
    analytics.catch_up()

    assert told(analytics) == [("acme-march", "50", 2)]


def test_what_was_reached_in_between_is_told_though_more_was_allocated_before_anybody_looked(
    analytics: AnalyticsService,
) -> None:
    record(analytics, allocated(amount="10"), spent("5"), allocated(amount="90"), spent("1"))

    analytics.catch_up()

    assert told(analytics) == [("acme-march", "50", 2)]


def test_before_thresholds_are_asked_for_there_are_the_usual_ones(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10"), spent("5"), allocated(amount="90", thresholds=[90]), spent("85"))

    analytics.catch_up()

    assert told(analytics) == [("acme-march", "50", 2), ("acme-march", "90", 4)]


def test_what_was_told_is_not_told_again_before_the_read_model_knows_of_it(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10", thresholds=[50]), spent("5"), allocated(amount="90"), spent("60"))
    thresholds, found = analytics._parts.thresholds, []
    assert thresholds

    for position in range(1, 6):
        while analytics.store.runner.step(position):
            pass
        found.append(thresholds.look())

    assert (sum(found), told(analytics)) == (1, [("acme-march", "50", 2)])


def test_nothing_is_looked_for_before_the_read_models_know_what_the_log_was_told(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db") as analytics:
        record(analytics, *STORY)
    with opened(tmp_path / "a.db") as analytics:
        analytics.store.runner.step(9)
        thresholds = analytics._parts.thresholds
        assert thresholds

        assert (thresholds.look(), thresholds._looked_at) == (0, {})
        analytics.catch_up()

        assert told(analytics) == REACHED_IN_STORY


def test_each_period_of_a_budget_is_told_of(analytics: AnalyticsService) -> None:
    april = {"starts_at": "2026-04-01T00:00:00Z", "ends_at": "2026-05-01T00:00:00Z"}
    record(
        analytics,
        allocated(amount="1", thresholds=[100], **ACME),
        allocated(amount="1", thresholds=[100], **{**ACME, **april}),
        provider_call(cost="1"),
        provider_call(cost="1", occurred_at=datetime(2026, 4, 2, tzinfo=UTC)),
    )

    analytics.catch_up()

    assert told(analytics) == [("acme-march", "100", 3), ("acme-march", "100", 4)]


def test_a_correction_that_makes_it_less_does_not_hide_what_was_reached(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10", thresholds=[50], **ACME), provider_call(cost="6"))
    analytics.correct_cost(2, "1", note="half was a mistake").unwrap()

    analytics.catch_up()

    (status,) = analytics.get_budgets(budget="acme-march").unwrap().budgets
    assert (told(analytics), status.spent) == ([("acme-march", "50", 2)], 1)


def acme_call(tokens: int) -> Event:
    return provider_call(
        cost=None,
        provider="acme",
        model="acme-large",
        input_tokens=tokens,
        cache_read_tokens=None,
        cache_creation_tokens=None,
    )


def a_dollar_a_token(times: str) -> Event:
    return price(currency="USD", per_mtok={"input_tokens": f"{times}000000", "output_tokens": "0"})


def test_a_price_that_is_published_reaches_a_threshold_there(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10", thresholds=[50], **ACME), acme_call(5), tool_call())
    analytics.catch_up()
    analytics.publish_prices([a_dollar_a_token("1")]).unwrap()
    record(analytics, tool_call())

    analytics.catch_up()

    assert told(analytics) == [("acme-march", "50", 4)]


def test_what_was_reached_at_the_prices_of_then_is_told_though_they_were_lowered_before_anybody_looked(
    analytics: AnalyticsService,
) -> None:
    analytics.publish_prices([a_dollar_a_token("2"), price(model="another")]).unwrap()
    record(analytics, allocated(amount="100", thresholds=[50], **ACME), acme_call(20), acme_call(5), tool_call())
    analytics.publish_prices([a_dollar_a_token("1")]).unwrap()
    record(analytics, acme_call(1))

    analytics.catch_up()

    assert told(analytics) == [("acme-march", "50", 5)]


# ── always the same ─────────────────────────────────────────────────────────────────────────────────────────────

amounts = st.sampled_from(["0", "0.000000001", "1", "2.5", "4", "7"])
asked = st.sampled_from([{}, {}, {"thresholds": [50]}, {"thresholds": [25, 100]}])
budget = st.sampled_from(["a", "b"])
allocations = st.builds(lambda name, n, more: allocated(budget_id=name, amount=n, **more), budget, amounts, asked)
spendings = st.builds(lambda name, n: spent(n, budget_id=name), budget, amounts)
others = st.builds(tool_call)
tenant_allocations = st.builds(
    lambda n, more: allocated(budget_id="a", amount=n, **{**ACME, **more}), st.sampled_from(["2.5", "7"]), asked
)
calls = st.builds(
    lambda cost, tenant, days: provider_call(cost=cost, tenant_id=tenant, occurred_at=NOON + timedelta(days=days)),
    st.sampled_from(["0.5", "1", "2"]),
    st.sampled_from(["acme", "acme", "globex"]),
    st.sampled_from([0, 0, 0, 40]),
)


def in_batches(event: st.SearchStrategy[Event], size: int) -> st.SearchStrategy[list[tuple[list[Event], bool]]]:
    """Return batches, and after which of them everything that is only in memory is lost."""
    return st.lists(st.tuples(st.lists(event, max_size=size), st.booleans()), max_size=4)


def expected(events: Sequence[RecordedEvent]) -> Reached:
    """Return what was first reached where, event by event, in plain Python."""
    found: dict[tuple[str, Decimal], int] = {}
    names = sorted({each.data["budget_id"] for each in events if each.type == "budget.allocated"})
    for name in names:
        allocations, used = Decimal(0), Decimal(0)
        wanted: set[Decimal] = set()
        for each in events:
            data = each.data
            if each.type == "budget.allocated" and data["budget_id"] == name:
                allocations += Decimal(data["amount"])
                wanted |= {Decimal(percent) for percent in data.get("thresholds", "").split(",") if percent}
            elif each.type == "budget.spent" and data["budget_id"] == name:
                used += Decimal(data["amount"])
            elif each.type.startswith("provider.") and data["tenant_id"] == "acme" and each.occurred_at.month == 3:
                used += Decimal(data["cost"])
            for percent in wanted or {Decimal(50), Decimal(80), Decimal(100)}:
                if allocations and used * 100 >= percent * allocations:
                    found.setdefault((name, percent), each.position or 0)
    return sorted((name, f"{percent:f}", position) for (name, percent), position in found.items())


def played(batches: list[tuple[list[Event], bool]]) -> tuple[Reached, Reached, Reached]:
    """Return what the log was told of, what the callback, and what it should have been."""
    heard: list[ThresholdReached] = []
    with opened(projections=[Budgets, Cost], on_threshold=heard.append) as analytics:
        for events, forgotten in batches:
            record(analytics, *events)
            analytics.catch_up()
            if forgotten:
                restart(analytics, heard.append)
        analytics.catch_up()
        analytics.rebuild().unwrap()
        restart(analytics, heard.append)
        analytics.catch_up()
        by_callback = sorted((each.budget_id, f"{each.percent:f}", each.position) for each in heard)
        return told(analytics), by_callback, expected([e for e in recorded(analytics) if e.type != REACHED])


@few
@given(in_batches(allocations | spendings | others, 8))
def test_each_is_told_of_once_at_its_place_whatever_the_order_the_batches_and_the_restarts(
    batches: list[tuple[list[Event], bool]],
) -> None:
    in_log, heard, should = played(batches)

    assert in_log == heard == should


@fewer
@given(in_batches(tenant_allocations | calls | others, 5))
def test_so_is_what_calls_of_a_tenant_reach(batches: list[tuple[list[Event], bool]]) -> None:
    in_log, heard, should = played(batches)

    assert in_log == heard == should


@few
@given(st.lists(allocations | spendings, min_size=2, max_size=7), st.data())
def test_two_that_look_find_the_same_and_one_of_them_tells(events: list[Event], data: st.DataObject) -> None:
    heard: list[str] = []
    with opened(projections=[Budgets, Cost]) as analytics:
        both = [watching(analytics, lambda each: heard.append(f"{each.budget_id} {each.percent}")) for _ in range(2)]
        for event in events:
            record(analytics, event)
            analytics.catch_up(thresholds=False)
            for one in data.draw(st.permutations(both)):
                if data.draw(st.booleans()):
                    one.look()
        for one in both:
            one.look()
        in_log, should = told(analytics), expected([e for e in recorded(analytics) if e.type != REACHED])

    assert in_log == should
    assert sorted(heard) == sorted(set(heard))
    assert len(heard) == len(in_log)


STORY = [
    allocated(amount="10", **ACME),
    *(provider_call(cost="1", occurred_at=NOON + timedelta(minutes=n)) for n in range(9)),
]
REACHED_IN_STORY = [("acme-march", "50", 6), ("acme-march", "80", 9)]


def test_wherever_a_process_ends_the_next_one_tells_what_is_left_and_nothing_twice() -> None:
    moment, ended = 0, True
    while ended:
        moment += 9  # every moment takes minutes: `make soak`
        with TemporaryDirectory() as folder, suppress(Crash):
            ended = _ended_at(Path(folder) / "a.db", moment)
    assert moment > 18


def _ended_at(path: Path, moment: int) -> bool:
    ended = True
    with opened(path) as analytics:
        record(analytics, *STORY)
        with suppress(Crash), crashing(analytics, moment):
            analytics.catch_up()
            ended = False
    with opened(path) as analytics:
        analytics.catch_up()
        assert told(analytics) == REACHED_IN_STORY
    return ended


def test_a_deleted_read_model_tells_nothing_again(tmp_path: Path) -> None:
    heard: list[ThresholdReached] = []
    with opened(tmp_path / "a.db") as analytics:
        record(analytics, *STORY)
        analytics.catch_up()
    (tmp_path / "a.views.db").unlink()

    with opened(tmp_path / "a.db", on_threshold=heard.append) as analytics:
        analytics.store.runner._batch = 1  # as a follower may, it looks in the middle of the log
        while analytics.store.runner.step(analytics.store.log.head()):
            assert analytics._parts.thresholds
            analytics._parts.thresholds.look()
        analytics.catch_up()

        assert (told(analytics), heard) == (REACHED_IN_STORY, [])


@pytest.mark.parametrize("backend", ["file", "postgres"])
def test_two_services_that_follow_tell_once_in_total(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Server | None = request.getfixturevalue("postgres") if backend == "postgres" else None
    place = server.url if server else str(tmp_path / "a.db")
    schema = {"schema": server.schema()} if server else {}
    heard: list[ThresholdReached] = []
    enough = threading.Event()

    def hear(each: ThresholdReached) -> None:
        heard.append(each)
        if len(heard) == 2:
            enough.set()

    options: dict[str, Any] = {"privacy": "full", "on_threshold": hear, **schema}
    if server:
        options["vault_key"] = _key(tmp_path)
    with AnalyticsService.open(place, **options) as one, AnalyticsService.open(place, **options) as other:
        for n, event in enumerate(STORY):
            record((one, other)[n % 2], event)
        assert enough.wait(PATIENCE)
        one.wait_until_caught_up()
        one.catch_up()
        other.catch_up()
        positions = [each[2] for each in told(one)]
        order = [each.data.get("cost") for each in recorded(one) if each.type != REACHED]

    assert sorted(f"{each.percent}" for each in heard) == ["50", "80"]
    assert [sum(cost is not None for cost in order[:position]) for position in positions][:1] == [5]
    assert len(positions) == 2


def _key(folder: Path) -> Path:
    (folder / "key").write_text("ab" * 32)
    return folder / "key"


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_callback_that_fails_stops_nothing_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def fail(each: ThresholdReached) -> None:
        raise RuntimeError("no mail today")

    with opened(on_threshold=fail) as analytics, caplog.at_level(logging.ERROR, "analytics_es"):
        record(analytics, *STORY)
        analytics.catch_up()
        (error,) = [each.error for each in analytics.projections().unwrap() if each.name == "budgets"]

        assert told(analytics) == REACHED_IN_STORY
    assert "on_threshold failed for 80 % of the budget acme-march (RuntimeError: no mail today)" in (error or "")
    assert "no mail today" in caplog.text


def test_a_callback_may_ask_record_catch_up_and_close(tmp_path: Path) -> None:
    done = threading.Event()

    def busy(each: ThresholdReached) -> None:
        service.record_event("custom.alarm.raised", {"value": each.percent}).unwrap()
        service.catch_up()
        assert service.get_budgets().ok
        if each.percent == 80:
            service.close()
            done.set()

    service = AnalyticsService.open(tmp_path / "a.db", privacy="full", on_threshold=busy)
    record(service, *STORY)

    assert done.wait(PATIENCE)


def test_a_budget_that_cannot_be_looked_at_is_told_and_keeps_no_other_from_it(caplog: pytest.LogCaptureFixture) -> None:
    off = {"scope": "all", "tenant_id": None, "starts_at": "2026-03-01T00:00:00Z"}
    with opened(timezone="Asia/Kolkata") as analytics, caplog.at_level(logging.ERROR, "analytics_es"):
        record(analytics, allocated(budget_id="odd", amount="1", **off), allocated(amount="1"), spent("0.5"))
        analytics.catch_up()
        (error,) = [each.error for each in analytics.projections().unwrap() if each.name == "budgets"]

        assert told(analytics) == [("acme-march", "50", 3)]
    assert "do not begin at 2026-03-01" in (error or "")


def test_nor_does_one_that_had_ended_before_it_was_allocated(analytics: AnalyticsService) -> None:
    later = NOON + timedelta(days=60)
    late = allocated(budget_id="late", occurred_at=later, scope="all", tenant_id=None, ends_at="2026-04-01T00:00:00Z")
    record(analytics, late, allocated(amount="1"), spent("0.5"))

    analytics.catch_up()

    (error,) = [each.error for each in analytics.projections().unwrap() if each.name == "budgets"]
    assert told(analytics) == [("acme-march", "50", 3)]
    assert "its start must be before its end" in (error or "")


def test_what_events_reached_that_are_gone_is_not_told(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with opened(tmp_path / "a.db", clock=lambda: NOON + timedelta(days=100)) as analytics:
        record(analytics, *STORY)
        analytics.catch_up(thresholds=False)
        thresholds = analytics._parts.thresholds
        replace(analytics, thresholds=None)
        analytics.retain({"events": "30d"}).unwrap()
        replace(analytics, thresholds=thresholds)
        with caplog.at_level(logging.WARNING, "analytics_es"):
            analytics.catch_up()

        assert told(analytics) == []
    assert "50 % of the budget acme-march was reached by events that are gone" in caplog.text


def test_without_the_projections_it_needs_nothing_is_looked_for() -> None:
    with opened(projections=[Performance, Usage]) as analytics:
        record(analytics, *STORY)
        analytics.catch_up()

        assert (analytics._parts.thresholds, told(analytics)) == (None, [])


def test_nothing_is_looked_for_where_nothing_has_moved(analytics: AnalyticsService) -> None:
    record(analytics, allocated(amount="10", **ACME))
    analytics.catch_up()
    thresholds = analytics._parts.thresholds
    assert isinstance(thresholds, Thresholds)
    thresholds._states = None  # type: ignore[assignment,method-assign]  # nothing may be read

    assert thresholds.look() == 0
