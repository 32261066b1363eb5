"""Corrections: a reported cost changes by an event of its own, never silently, and never twice."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import NotCorrectable
from analytics_es.events.event import CORRECTED
from analytics_es.testing import NOON, cost_corrected, job_failed, provider_call
from analytics_es.types import CostCorrection
from tests.children import joined
from tests.limits import OF_A_PROCESS
from tests.stores import Arguments, contents, data_of, derived, log_of

pytestmark = [
    pytest.mark.store("sqlite", "memory", "postgres", clock=lambda: NOON),
    pytest.mark.usefixtures("full_privacy"),  # calls are corrected by their positions, which are counted from 1
]

MIDNIGHT = NOON.replace(hour=0)
DAY = TimePeriod(MIDNIGHT, MIDNIGHT + timedelta(days=1), "hour")
COST = "cost.reported_cost"


once = pytest.mark.store("memory")  # where databases make no difference
shared = pytest.mark.store("sqlite", "postgres")


def opened(url: str, **options: Any) -> AnalyticsService:
    return AnalyticsService.open(url, follow=False, clock=lambda: NOON, **options)


@pytest.fixture(scope="module")
def refusing() -> Iterator[AnalyticsService]:
    """Return one service for all that is refused by what is asked, with the call to correct at position 1."""
    with opened(":memory:", privacy="full") as service:
        record(service, call())
        yield service


def call(id: str = "call-1", **changes: Any) -> dict[str, Any]:
    return {**provider_call(**changes), "source": "platform", "id": id}


def record(service: AnalyticsService, event: Arguments) -> int:
    return service.record_event(**event).unwrap().position


def of_before(service: AnalyticsService, event: Arguments) -> int:
    """Record a correction as it was done before its call was looked for."""
    recorder = service.store.recorder
    return recorder.append([recorder.door.write(**event)])[0].position


def correct(service: AnalyticsService, position: int, cost: Any, **given: Any) -> CostCorrection:
    return service.correct_cost(position, cost, **{"note": "invoice", **given}).unwrap()


def refusal(service: AnalyticsService, position: Any, cost: Any = "1", **given: Any) -> tuple[str, str]:
    """Return code and message of a correction that must be refused, and must leave no trace."""
    head = service.store.log.head()
    failure = service.correct_cost(position, cost, **{"note": "invoice", **given}).failure
    assert failure is not None
    assert service.store.log.head() == head
    return failure.code, failure.message


def reported(service: Any, **where: str) -> Decimal | None:
    """Return what the calls of the day are reported to have cost, caught up."""
    if isinstance(service, AnalyticsService):
        service.catch_up()
    total: Decimal | None = service.get_summary(COST, DAY, where=where).unwrap().figures.total
    return total


# ── what a correction does ──────────────────────────────────────────────────────────────────────────────────────


def test_a_correction_names_what_it_corrects_and_says_what_it_changes(analytics: AnalyticsService) -> None:
    position = record(analytics, call(attempt=2, attributes={"plan": "pro"}))

    told = correct(analytics, position, "0.0061")

    assert told == CostCorrection(
        position=2,
        corrects=1,
        number=1,
        occurred_at=NOON,
        provider="anthropic",
        model="claude-sonnet-4-5",
        was=Decimal("0.005115"),
        now=Decimal("0.0061"),
        change=Decimal("0.000985"),
        currency="USD",
    )
    who = ("user_id", "tenant_id", "agent_id", "job_id", "task_id", "conversation_id")
    what = ("provider", "model", "operation", "attempt", "attributes")
    assert data_of(analytics, CORRECTED) == [
        {
            **{name: call(attempt=2, attributes={"plan": "pro"})["data"][name] for name in (*who, *what)},
            "corrects": {"source": "platform", "id": "call-1"},
            "cost_change": "0.000985",
            "currency": "USD",
            "note": "invoice",
        }
    ]


def test_it_counts_at_once_where_and_when_its_call_does(analytics: AnalyticsService) -> None:
    first = record(analytics, call("a", occurred_at=NOON - timedelta(hours=3)))
    record(analytics, call("b", user_id="bob"))
    analytics.catch_up()
    correct(analytics, first, "2")

    assert reported(analytics) == Decimal("2.005115")
    assert [reported(analytics, user=user) for user in ("ada", "bob")] == [2, Decimal("0.005115")]
    breakdown = analytics.get_cost_breakdown(DAY).unwrap()
    assert (breakdown.calls, breakdown.totals[0].reported_cost) == (2, Decimal("2.005115"))
    assert [point.reported_cost for point in breakdown.series if point.calls] == [2, Decimal("0.005115")]


def test_the_call_stays_and_as_of_gives_the_old_figure(analytics: AnalyticsService) -> None:
    position = record(analytics, call())
    before = analytics.store.log.scan(after=0, limit=1).to_pylist()
    correct(analytics, position, "2")

    assert analytics.store.log.scan(after=0, limit=1).to_pylist() == before
    with analytics.as_of(position) as then:
        assert reported(then) == Decimal("0.005115")
    assert reported(analytics) == 2


@once
def test_explain_lists_the_call_and_its_corrections(analytics: AnalyticsService) -> None:
    position = record(analytics, call())
    correct(analytics, position, "2")
    correct(analytics, position, "1.5")
    analytics.catch_up()

    explained = analytics.explain(COST, DAY).unwrap()

    assert explained.figures.total == Decimal("1.5")
    assert [(each.id, each.type, each.value) for each in explained.events] == [
        ("call-1", "provider.call.completed", Decimal("0.005115")),
        ("call-1:correction:1", CORRECTED, Decimal("1.994885")),
        ("call-1:correction:2", CORRECTED, Decimal("-0.5")),
    ]


@once
def test_a_diff_tells_it_as_a_correction(analytics: AnalyticsService) -> None:
    position = record(analytics, call())
    correct(analytics, position, "2")
    analytics.catch_up()

    diff = analytics.diff(DAY, position, metric=COST).unwrap()

    assert [(each.kind, each.events) for each in diff.kinds] == [("correction", 1)]
    (change,) = diff.metrics
    assert (change.was.total, change.now.total) == (Decimal("0.005115"), 2)
    assert change.by_kind["correction"].total == Decimal("1.994885")


@once
@pytest.mark.parametrize("failed", [False, True])
def test_it_is_an_event_of_usage_but_no_call_of_anything(analytics: AnalyticsService, failed: bool) -> None:
    changes = {"status": "error", "error_type": "timeout"} if failed else {}
    position = record(analytics, call(**changes))
    analytics.catch_up()
    names = ["cost.calls", "cost.output_tokens", "usage.finished", "usage.failures", "usage.duration"]

    def figures() -> list[Any]:
        summaries = [analytics.get_summary(name, DAY).unwrap().figures for name in names]
        return [summaries, analytics.get_performance_metrics(DAY).unwrap().operations]

    before = figures()
    correct(analytics, position, "2")
    analytics.catch_up()

    assert figures() == before
    events = analytics.get_summary("usage.events", DAY, group_by=["event_type"]).unwrap().groups
    counted = {group.keys["event_type"]: group.figures.total for group in events}
    assert counted == {"provider.call.completed": 1, CORRECTED: 1}


ZEROS: list[dict[str, Any]] = [
    {},
    {"batch": True},
    {"service_tier": "flex"},
    {"input_tokens": 300_000},
    {"output_tokens": None, "reasoning_tokens": None},
    {"status": "error"},
    {"service_tier": "vip", "batch": None, "attempt": 2},
]


@once
@pytest.mark.parametrize("requests", [None, 1, 30])
@pytest.mark.parametrize("changes", ZEROS)
def test_a_zero_that_is_confirmed_is_known_and_what_is_corrected_later_is_that(
    analytics: AnalyticsService, changes: dict[str, Any], requests: int | None
) -> None:
    position, calls = record(analytics, call(cost="0", requests=requests, **changes)), requests or 1

    def known() -> tuple[int, int, list[Any], list[Any]]:
        analytics.catch_up()
        answer = analytics.get_cost_breakdown(DAY, by=["model"]).unwrap()
        rows = [(row.currency, row.calls, row.cost, row.tokens.input) for row in answer.rows]
        return answer.reported_calls, answer.unknown_calls, answer.unknown, rows

    tokens = changes.get("input_tokens", 1200)
    assert known()[1] == calls
    first, again = correct(analytics, position, "0"), correct(analytics, position, "0.0")
    assert (first.number, first.duplicate, first.change) == (1, False, 0)
    assert (again.number, again.duplicate, again.position) == (1, True, first.position)
    assert known() == (calls, 0, [], [("USD", calls, 0, tokens)])
    correct(analytics, position, "2")
    assert known() == (calls, 0, [], [("USD", calls, 2, tokens)])
    correct(analytics, position, "0")
    assert known() == (calls, 0, [], [("USD", calls, 0, tokens)])


@once
def test_a_zero_that_is_confirmed_is_known_to_a_budget_and_in_an_explanation(analytics: AnalyticsService) -> None:
    budget = {"budget_id": "b", "scope": "all", "amount": 5, "currency": "USD"}
    analytics.record_event("budget.allocated", budget, occurred_at=MIDNIGHT).unwrap()
    position = record(analytics, call(cost="0"))

    def unknown() -> list[int]:
        analytics.catch_up()
        (status,) = analytics.get_budgets().unwrap().budgets
        explained = analytics.explain_cost(DAY).unwrap()
        return [status.unknown_calls, explained.unknown_calls, explained.calls]

    assert unknown() == [1, 1, 1]
    correct(analytics, position, "0")
    assert unknown() == [0, 0, 1]
    lines = analytics.explain_cost(DAY, largest=False).unwrap().events
    assert [(line.type, line.state, line.settles) for line in lines] == [
        ("provider.call.completed", "unknown", 0),
        (CORRECTED, "reported", 1),
    ]


@once
def test_a_zero_of_what_used_nothing_is_known_as_it_is(analytics: AnalyticsService) -> None:
    nothing = dict.fromkeys(name for name in provider_call()["data"] if name.endswith("_tokens"))
    position = record(analytics, call(cost="0", **nothing))

    assert correct(analytics, position, "0").duplicate
    assert analytics.store.log.head() == 1


@once
def test_what_is_billed_is_corrected_and_makes_no_call_known(analytics: AnalyticsService) -> None:
    billed = call(cost="0", status=None, duration_ms=None, time_to_first_chunk_ms=None)
    position = record(analytics, {**billed, "event_type": "provider.usage.billed"})

    assert correct(analytics, position, "0").duplicate
    correct(analytics, position, "2")
    analytics.catch_up()
    answer = analytics.get_cost_breakdown(DAY).unwrap()
    assert (answer.calls, answer.unknown, [total.cost for total in answer.totals]) == (0, [], [2])


@once
def test_a_bill_of_nothing_is_known_and_what_it_tells_is_in_the_answer(analytics: AnalyticsService) -> None:
    """It is no call of which the cost could be unknown, and was in no figure and in no list."""
    billed = call(cost="0", status=None, duration_ms=None, time_to_first_chunk_ms=None)
    record(analytics, {**billed, "event_type": "provider.usage.billed"})
    analytics.catch_up()

    answer = analytics.get_cost_breakdown(DAY).unwrap()

    assert (answer.calls, answer.tokens.input, answer.not_ended) == (0, billed["data"]["input_tokens"], 0)
    assert [(total.currency, total.cost) for total in answer.totals] == [("USD", 0)]
    assert [line.state for line in analytics.explain_cost(DAY).unwrap().events] == ["reported"]


@once
def test_what_nobody_used_is_told_apart_from_what_a_correction_made_known(analytics: AnalyticsService) -> None:
    """The row of nobody is the rest: what others used must not be left in it."""
    nothing = {"cost": "0", "cache_read_tokens": 0, "cache_creation_tokens": 0}
    users = {"ada": 100, "bob": 7, None: 3}
    positions = [
        record(analytics, call(str(user), **nothing, user_id=user, input_tokens=tokens))
        for user, tokens in users.items()
    ]
    correct(analytics, positions[0], "2")
    analytics.catch_up()

    for where, expected in (
        (None, {("ada", "USD", 100), ("bob", "", 7), ("", "", 3)}),
        ({"currency": "USD"}, {("ada", "USD", 100)}),
        ({"currency": ""}, {("bob", "", 7), ("", "", 3)}),
    ):
        answer = analytics.get_cost_breakdown(DAY, by=["user"], where=where).unwrap()
        assert {(row.keys["user"], row.currency, row.tokens.input) for row in answer.rows} == expected


@once
def test_what_only_began_is_not_corrected(analytics: AnalyticsService) -> None:
    position = record(analytics, {**call(), "event_type": "provider.call.started"})

    code, message = refusal(analytics, position)

    assert code == "not_correctable"
    assert "provider.call.started says that a call began" in message


@once
@pytest.mark.parametrize("changes", [{}, {"batch": True}, {"input_tokens": 300_000}, {"status": "error"}])
def test_a_reported_zero_is_known_from_its_first_correction_on(
    analytics: AnalyticsService, changes: dict[str, Any]
) -> None:
    first, _ = record(analytics, call("a", cost="0", **changes)), record(analytics, call("b", cost="0", **changes))

    def known() -> tuple[int, int, list[int], list[Decimal | None]]:
        analytics.catch_up()
        told = analytics.get_cost_breakdown(DAY).unwrap()
        unknown, totals = [each.calls for each in told.unknown], [each.reported_cost for each in told.totals]
        return told.calls, told.reported_calls, unknown, totals

    assert known() == (2, 0, [2], [])
    correct(analytics, first, "2")
    assert known() == (2, 1, [1], [2])
    correct(analytics, first, "3")
    assert known() == (2, 1, [1], [3])


@once
@pytest.mark.parametrize(
    ("changes", "effort"),
    [
        ({"attempt": 2}, "retried"),
        ({"status": "error"}, "failed"),
        ({"status": "error", "error_type": "timeout", "attempt": 2}, "failed"),
    ],
)
def test_what_a_retried_or_failed_call_cost_is_corrected_in_its_own_line(
    analytics: AnalyticsService, changes: dict[str, Any], effort: str
) -> None:
    correct(analytics, record(analytics, call(**changes)), "2")
    analytics.catch_up()

    efforts = analytics.get_cost_breakdown(DAY).unwrap().efforts

    assert [(each.effort, each.calls, each.cost) for each in efforts] == [(effort, 1, 2)]


# ── again ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_cost_that_is_in_force_changes_nothing(analytics: AnalyticsService) -> None:
    position = record(analytics, call())

    same = correct(analytics, position, "0.0051150")
    first = correct(analytics, position, "2")
    again = correct(analytics, position, 2.0, note="another note")

    assert [(each.position, each.number, each.duplicate) for each in (same, first, again)] == [
        (1, 0, True),
        (2, 1, False),
        (2, 1, True),
    ]
    assert analytics.store.log.head() == 2


def test_a_correction_is_relative_to_the_one_before(analytics: AnalyticsService) -> None:
    position = record(analytics, call())
    told = [correct(analytics, position, cost) for cost in ("2", "0", "0.005115")]

    assert [(each.number, each.was, each.now) for each in told] == [
        (1, Decimal("0.005115"), 2),
        (2, 2, 0),
        (3, 0, Decimal("0.005115")),
    ]
    assert reported(analytics) == Decimal("0.005115")


@once
def test_costs_are_exact_to_their_eighteenth_decimal(analytics: AnalyticsService) -> None:
    position = record(analytics, call(cost="999999999999999.999999999999999999"))

    told = correct(analytics, position, "0.000000000000000001")

    assert told.change == Decimal("-999999999999999.999999999999999998")
    assert correct(analytics, position, "0.000000000000000001").duplicate


@once
def test_large_costs_and_their_changes_add_up_to_the_last_digit(analytics: AnalyticsService) -> None:
    most = "1000000000000000"
    first, second = (record(analytics, call(f"call-{n}", cost=most)) for n in range(2))
    correct(analytics, first, "999999999999999.999999999999999999")
    correct(analytics, second, "0.000000000000000002")
    analytics.catch_up()

    (total,) = analytics.get_cost_breakdown(DAY).unwrap().totals
    assert total.cost == Decimal("1000000000000000.000000000000000001")
    assert analytics.unreadable_values().unwrap() == []


@once
def test_a_dry_run_says_what_would_be_and_records_nothing(analytics: AnalyticsService) -> None:
    position = record(analytics, call())

    told = correct(analytics, position, "2", dry_run=True)

    assert (told.position, told.number, told.was, told.now) == (None, 1, Decimal("0.005115"), 2)
    assert analytics.store.log.head() == 1
    assert correct(analytics, position, "0.005115", dry_run=True).duplicate


# ── what is said of it ──────────────────────────────────────────────────────────────────────────────────────────


@once
@pytest.mark.parametrize(
    ("changes", "costs", "from_zero"),
    [
        ({"cost": "0"}, ["2", "3"], [True, None]),
        ({"cost": "0.0"}, ["2", "0", "3"], [True, None, None]),
        ({"cost": "1"}, ["0", "3"], [None, None]),
        ({"cost": "0", **dict.fromkeys(provider_call()["data"].keys() & {"input_tokens", "output_tokens"}, 0),
          "cache_read_tokens": 0, "cache_creation_tokens": 0, "reasoning_tokens": 0}, ["2"], [None]),
    ],
)  # fmt: skip
def test_the_first_that_is_known_of_a_cost_says_so(
    analytics: AnalyticsService, changes: dict[str, Any], costs: list[str], from_zero: list[bool | None]
) -> None:
    position = record(analytics, call(**changes))
    for cost in costs:
        correct(analytics, position, cost)

    assert [each.get("from_zero") for each in data_of(analytics, CORRECTED)] == from_zero


@once
@pytest.mark.parametrize(
    ("changes", "error_type"),
    [
        ({}, None),
        ({"error_type": "retried"}, None),
        ({"status": "error"}, "unknown"),
        ({"status": "error", "error_type": "timeout"}, "timeout"),
    ],
)
def test_the_correction_of_a_failed_call_says_what_failed(
    analytics: AnalyticsService, changes: dict[str, Any], error_type: str | None
) -> None:
    correct(analytics, record(analytics, call(**changes)), "2")

    assert [each.get("error_type") for each in data_of(analytics, CORRECTED)] == [error_type]


@once
def test_a_failure_that_only_the_type_tells_of_is_one(analytics: AnalyticsService) -> None:
    correct(analytics, record(analytics, {**call(status=None), "event_type": "provider.call.failed"}), "2")

    assert data_of(analytics, CORRECTED)[0]["error_type"] == "unknown"


# ── refused ─────────────────────────────────────────────────────────────────────────────────────────────────────


@once
@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (job_failed(), "job.failed is no call of a provider"),
        (
            provider_call(cost=None),
            "it reports none; publish a price for its model instead (`analytics-es prices import`)",
        ),
    ],
)
def test_only_the_reported_cost_of_a_call_is_corrected(
    analytics: AnalyticsService, event: dict[str, Any], problem: str
) -> None:
    position = record(analytics, event)

    assert refusal(analytics, position) == (
        "not_correctable",
        f"The cost of the event at position {position} cannot be corrected: {problem}.",
    )


@once
def test_nor_is_one_without_a_call(analytics: AnalyticsService) -> None:
    assert "it is a correction itself." in refusal(analytics, of_before(analytics, cost_corrected()))[1]


def test_a_correction_is_not_corrected_but_its_call(analytics: AnalyticsService) -> None:
    correction = correct(analytics, record(analytics, call()), "2").position

    assert "it is a correction itself; correct the call at position 1." in refusal(analytics, correction)[1]


@once
def test_another_currency_is_refused(analytics: AnalyticsService) -> None:
    position = record(analytics, call())

    assert "it is charged in USD, not in 'EUR'." in refusal(analytics, position, currency="EUR")[1]
    assert not correct(analytics, position, "2", currency="USD").duplicate


@pytest.mark.parametrize("cost", [-1, "-0.5", "two", "", None, True, float("nan"), "1e19", [1]])
def test_a_cost_is_a_number_from_zero(refusing: AnalyticsService, cost: Any) -> None:
    code, message = refusal(refusing, 1, cost)

    assert (code, message[:5]) == ("bad_field", "cost:")


@pytest.mark.parametrize("note", ["", "x" * 1025])
def test_a_note_says_why(refusing: AnalyticsService, note: Any) -> None:
    assert refusal(refusing, 1, note=note) == (
        "bad_field",
        "note: must be a text of 1 to 1024 characters that says why.",
    )


@pytest.mark.parametrize("note", [None, ["why"], b"why"])
def test_a_note_is_a_text(refusing: AnalyticsService, note: Any) -> None:
    assert refusal(refusing, 1, note=note)[0] == "bad_argument"


@pytest.mark.parametrize("position", [10**30, "1", None, True, 1.5])
def test_a_position_is_a_whole_number(refusing: AnalyticsService, position: Any) -> None:
    assert refusal(refusing, position)[0] == "bad_argument"


@pytest.mark.parametrize("position", [0, -1, 2])
def test_there_must_be_something_at_the_position(refusing: AnalyticsService, position: Any) -> None:
    assert refusal(refusing, position) == (
        "no_such_position",
        f"There is no position {position}: this log has 0 to 1.",
    )


@once
def test_what_cannot_be_read_is_not_corrected(analytics: AnalyticsService) -> None:
    position = record(analytics, call())
    analytics.store.log.rewrite({position: b"{}"})

    assert refusal(analytics, position)[0] == "unreadable_event"


@once
def test_an_identity_that_something_else_has_is_not_taken(analytics: AnalyticsService) -> None:
    position = record(analytics, call())
    record(analytics, call("call-1:correction:1"))

    assert "position 2 has the identity that its correction would have" in refusal(analytics, position)[1]


@shared
def test_nor_one_of_another_time_where_ids_are_strict(url: str) -> None:
    with opened(url, strict_ids=True) as analytics:
        position = record(analytics, call())
        of_before(analytics, cost_corrected(occurred_at=NOON + timedelta(hours=1)))

        assert "position 2 has the identity that its correction would have" in refusal(analytics, position)[1]


# ── from elsewhere, and at once ─────────────────────────────────────────────────────────────────────────────────


@once
def test_a_correction_that_a_biller_sends_counts_and_is_built_upon(analytics: AnalyticsService) -> None:
    position = record(analytics, call())
    record(analytics, cost_corrected(cost_change="0.994885"))

    told = correct(analytics, position, "3")

    assert (told.was, told.number, reported(analytics)) == (1, 2, 3)


def meanwhile(patch: pytest.MonkeyPatch, service: AnalyticsService, work: Callable[[], object]) -> None:
    """Do something before the next append of a service, as another process may."""
    append = service.store.log.append

    def later(*given: Any, **options: Any) -> Any:
        patch.undo()
        work()
        return append(*given, **options)

    patch.setattr(service.store.log, "append", later)


@once
def test_a_correction_leaves_and_comes_like_any_event(analytics: AnalyticsService, tmp_path: Path) -> None:
    correct(analytics, record(analytics, call()), "2")
    for form in ("json", "parquet"):
        analytics.export_data(form, DAY, to=tmp_path / f"a.{form}").unwrap()
    lines = [json.loads(line) for line in (tmp_path / "a.json").read_text().splitlines()]

    with opened(":memory:") as other:
        for line in lines:
            at = datetime.fromisoformat(line["time"])
            other.record_event(
                line["type"], line["data"], occurred_at=at, id=line["id"], source=line["source"]
            ).unwrap()
        assert reported(other) == 2
    row = pq.read_table(tmp_path / "a.parquet").to_pylist()[1]
    assert (row["cost_change"], row["type"]) == (Decimal("1.994885"), CORRECTED)
    assert json.loads(row["corrects"]) == {"source": "platform", "id": "call-1"}


@shared
@pytest.mark.parametrize(("theirs", "told"), [("7", (2, 7, 3, False)), ("3", (1, 3, 3, True))])
def test_of_two_at_once_the_second_begins_with_what_the_first_has_left(
    url: str, theirs: str, told: tuple[int, int, int, bool]
) -> None:
    with (
        opened(url, privacy="full") as one,
        opened(url, privacy="full") as other,
        pytest.MonkeyPatch.context() as patch,
    ):
        position = record(one, call())
        meanwhile(patch, one, lambda: correct(other, position, theirs))

        found = correct(one, position, "3")

        assert (found.number, found.was, found.now, found.duplicate) == told
        assert reported(one) == 3
        assert len(data_of(one, CORRECTED)) == found.number


ROUNDS = 8


def correcting(url: str, cost: int, begun: Any) -> None:
    """Correct the first call again and again, as one process of several."""
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        begun.wait()
        for n in range(ROUNDS):
            service.correct_cost(1, cost + n, note="invoice").unwrap()


@shared
def test_processes_that_correct_at_once_never_count_anything_twice(url: str) -> None:
    with opened(url) as analytics:
        position = record(analytics, call())
        processes = multiprocessing.get_context("forkserver")
        begun = processes.Barrier(2, timeout=OF_A_PROCESS)
        running = [processes.Process(target=correcting, args=(url, cost, begun)) for cost in (100, 200)]
        for each in running:
            each.start()

        assert joined(*running) == [0, 0]
        told = [Decimal(each["cost_change"]) for each in data_of(analytics, CORRECTED)]
        assert len(told) == 2 * ROUNDS
        assert reported(analytics) == Decimal("0.005115") + sum(told)
        assert reported(analytics) in (100 + ROUNDS - 1, 200 + ROUNDS - 1)
        assert correct(analytics, position, reported(analytics)).duplicate


# ── the law ─────────────────────────────────────────────────────────────────────────────────────────────────────

COSTS = st.decimals(0, 1000, places=9)
SCRIPTS = st.lists(st.tuples(st.integers(0, 2), COSTS), max_size=8)


@settings(max_examples=10)
@given(st.lists(COSTS, min_size=3, max_size=3), SCRIPTS, st.randoms(use_true_random=False))
def test_reported_cost_is_the_sum_of_what_is_in_force_in_any_order(
    costs: list[Decimal], script: list[tuple[int, Decimal]], random: Any
) -> None:
    in_force = dict(enumerate(costs))
    with opened(":memory:") as analytics:
        for n, cost in enumerate(costs):
            record(analytics, call(f"call-{n}", cost=cost, user_id=f"user-{n}"))
        for n, cost in script:
            correct(analytics, n + 1, cost)
            in_force[n] = cost

        assert reported(analytics) == sum(in_force.values())
        assert [reported(analytics, user=f"user-{n}") for n in in_force] == [*in_force.values()]
        serving = contents(analytics.store.read_models)  # type: ignore[arg-type]
        analytics.rebuild().unwrap()
        assert contents(analytics.store.read_models) == serving  # type: ignore[arg-type]

        rows = analytics.store.log.scan(after=0, limit=100).to_pylist()
    random.shuffle(rows)
    with log_of([(row["type"], row["state"]) for row in rows]) as log:
        assert derived(log)["cost"] == serving["cost"]


# ── privacy and retention ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., AnalyticsService]:
    return lambda **options: opened(f"sqlite:///{tmp_path}/own.db", **options)


def test_a_pseudonym_is_copied_and_not_given_one_again(own: Callable[..., AnalyticsService]) -> None:
    with own(privacy="pseudonymous") as analytics:
        position = record(analytics, call())
        correct(analytics, position, "2")

        assert reported(analytics, user="ada") == 2
        assert data_of(analytics, CORRECTED)[0]["user_id"].startswith("p_")


def test_the_policy_is_about_the_note(own: Callable[..., AnalyticsService]) -> None:
    rules = {"*": "drop", **dict.fromkeys(("provider", "model", "cost", "currency", "status"), "keep")}
    with own(privacy={"preset": "full", "rules": rules}) as analytics:
        position = record(analytics, call())
        correct(analytics, position, "2")

        assert reported(analytics) == 2
        assert data_of(analytics, CORRECTED)[0].keys() == {"provider", "model", "corrects", "cost_change", "currency"}


@pytest.mark.parametrize("first", ["corrected", "forgotten"])
def test_the_correction_of_a_forgotten_subject_is_masked_as_its_call_is(
    own: Callable[..., AnalyticsService], first: str
) -> None:
    def done(analytics: AnalyticsService, what: str) -> None:
        if what == "corrected":
            correct(analytics, 1, "2")
        else:
            analytics.forget("ada").unwrap()

    with own() as analytics:
        record(analytics, call())
        done(analytics, first)
        done(analytics, "forgotten" if first == "corrected" else "corrected")

        rows = analytics.store.log.scan(after=0, limit=10).to_pylist()
        users = [
            orjson.loads(row["state"])["data"].get("user_id") for row in rows if row["type"].startswith("provider")
        ]
        assert len(set(users)) == 1
        assert users[0].startswith("p_")
        assert [reported(analytics, user=user) for user in (users[0], "ada")] == [2, None]


def test_what_is_sealed_is_not_corrected(own: Callable[..., AnalyticsService]) -> None:
    with own() as analytics:
        early = record(analytics, call(occurred_at=NOON - timedelta(days=40)))
        late = record(analytics, call("call-2"))
        analytics.catch_up()
        analytics.retain({"events": "30d"}).unwrap()

        code, message = refusal(analytics, early)

        assert code == "before_horizon"
        assert message.startswith("Events of before 2026-01-31 00:00:00+00:00 are no longer taken in")
        assert reported(analytics) == Decimal("0.005115")
        assert correct(analytics, late, "2").number == 1


@once
@pytest.mark.parametrize("dry_run", [False, True])
def test_nor_what_is_about_to_be(analytics: AnalyticsService, dry_run: bool) -> None:
    position = record(analytics, call())
    analytics.store.log.seals.advance(
        type(analytics.store.log.seals.horizon())(refused={"": int(NOON.timestamp()) + 1})
    )

    assert refusal(analytics, position, dry_run=dry_run)[0] == "before_horizon"


def test_the_failure_can_be_raised(own: Callable[..., AnalyticsService]) -> None:
    with own() as analytics, pytest.raises(NotCorrectable):
        analytics.correct_cost(record(analytics, job_failed()), "2", note="invoice").unwrap()
