"""As of: an answer of the past stays what it was, to the byte; diff: what came since, and what it did."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.audit.diff import kind_of_change
from analytics_es.errors import AnalyticsError, BadArgument, Closed, MissingProjection, NoSuchPosition, NotAPosition
from analytics_es.events.codec import to_json
from analytics_es.log import Entry, LogSlice
from analytics_es.projections import Usage
from analytics_es.queries import derived as crossing
from analytics_es.service import as_of as asof
from analytics_es.store import Store
from analytics_es.testing import NOON, budget_allocated, price, provider_call, task_completed, tool_call
from analytics_es.types import AnswerDiff, OperationResult
from tests import day
from tests.examples import examples
from tests.servers import Server
from tests.stores import batch, entry, log_of, opened, record
from tests.test_laws import histories, near

pytestmark = [
    pytest.mark.store(events=day.events(), clock=lambda: day.NOW),
    pytest.mark.usefixtures("full_privacy"),  # answers are asked for as of positions, which are counted from 1
]

HOUR = timedelta(hours=1)
DAY = TimePeriod.day(NOON.date())
ODD = TimePeriod(NOON - timedelta(hours=30, minutes=20), NOON + HOUR)
PERIODS = [DAY, ODD]

Asks = AnalyticsService | asof.AsOf
few = examples(4)
arrivals = histories(near([NOON, NOON - timedelta(days=1), NOON - timedelta(days=3)], hours=8), size=5)
zones = st.sampled_from(["UTC", "Asia/Kathmandu"])


class Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def questions(who: Asks, periods: Sequence[TimePeriod] = PERIODS) -> list[str]:
    """Ask everything, and return every answer to the byte."""
    asked: list[OperationResult[Any]] = [who.list_metrics(), who.get_budgets()]
    for period in periods:
        asked += [
            who.get_usage_stats(None, None, period),
            who.get_usage_stats("user", None, period),
            who.get_usage_stats("tool", "bash", period),
            who.get_performance_metrics(period),
            who.get_cost_breakdown(period, by=["model", "user", "currency"]),
            who.get_summary("performance.duration", period, group_by=["operation"]),
            who.get_summary("cost.reported_cost", period, group_by=["user"], where={"provider": "anthropic"}),
            who.get_summary("usage.last_seen", period),
        ]
    return [to_json(each.unwrap()) for each in asked]


def history(
    events: Sequence[dict[str, Any]], where: Any = ":memory:", **options: Any
) -> tuple[AnalyticsService, dict[int, list[str]]]:
    """Record events one by one, an hour apart, and remember all answers of a caught-up service after each."""
    clock = Clock()
    service = AnalyticsService.open(where, follow=False, clock=clock, **options)
    service.price("anthropic", "claude-sonnet-4-5").unwrap()  # which default prices are used is in the log from here on
    remembered = {}
    for event in events:
        clock.now += HOUR / 2
        position = service.record_event(**event).unwrap().position
        service.catch_up()
        remembered[position] = questions(service)
    clock.now = NOON + timedelta(days=700)
    return service, remembered


# ── the same bytes for ever ─────────────────────────────────────────────────────────────────────────────────────


@few
@given(arrivals, zones)
def test_an_answer_as_of_a_position_is_what_was_answered_then(events: list[dict[str, Any]], zone: str) -> None:
    service, remembered = history(events, timezone=zone)

    with service:
        for position, answers in remembered.items():
            with service.as_of(position) as then:
                assert answers == questions(then)
                assert answers == questions(then), "asked again"


def test_it_is_the_same_on_postgres(postgres: Server) -> None:
    service, remembered = history(day.events()[-4:], postgres.url, schema=postgres.schema())

    with service:
        assert list(remembered.values()) == [questions(service.as_of(position)) for position in remembered]


def test_what_is_recorded_later_changes_nothing_of_it(analytics: AnalyticsService) -> None:
    before = questions(analytics.as_of(20))

    analytics.record_events([provider_call(), tool_call(occurred_at=NOON - 2 * HOUR)]).unwrap()

    assert before == questions(analytics.as_of(20))


def test_read_models_are_not_needed_and_not_touched(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "a.db", follow=False) as service:
        service.record_event(**provider_call()).unwrap()

        assert service.as_of(1).get_usage_stats(None, None, DAY).unwrap().totals.events == 1
        assert [each.position for each in service.projections().unwrap()] == [0, 0, 0, 0]


def test_a_period_was_open_if_it_reached_beyond_the_recording_of_the_last_event(analytics: AnalyticsService) -> None:
    def is_open(period: TimePeriod) -> bool:
        return analytics.as_of(5).get_usage_stats(None, None, period).unwrap().completeness.open_buckets

    until = datetime(2026, 3, 2, 18, tzinfo=UTC)  # recorded at half past six
    assert [is_open(TimePeriod(NOON, until)), is_open(TimePeriod(NOON, until + HOUR))] == [False, True]


def test_before_the_first_event_there_was_nothing(analytics: AnalyticsService) -> None:
    then = analytics.as_of(0)

    answer = then.get_usage_stats(None, None, DAY).unwrap()

    assert (then.position, then.recorded_at) == (0, None)
    assert (answer.totals.events, answer.completeness.position, answer.completeness.open_buckets) == (0, 0, True)


def test_metrics_are_exported_as_they_were(analytics: AnalyticsService, tmp_path: Path) -> None:
    def exported(position: int, name: str) -> str:
        to = tmp_path / name
        analytics.as_of(position).export_data("json", DAY, ["usage.events"], to=to).unwrap()
        return to.read_text()

    before = exported(9, "one")
    analytics.record_event(**provider_call()).unwrap()

    assert before == exported(9, "two") != exported(10, "three")


def test_periods_asked_long_ago_are_derived_again(analytics: AnalyticsService) -> None:
    days = [TimePeriod.day(NOON.date() - timedelta(days=n)) for n in range(crossing.REMEMBERED)]
    then = analytics.as_of(15)

    assert questions(then, days) == questions(then, days)
    then.close()
    assert questions(then, days) == questions(analytics.as_of(15), days)


# ── where the log stood ─────────────────────────────────────────────────────────────────────────────────────────


def recorded_at(*minutes: int) -> AnalyticsService:
    """Return a log of events recorded at these minutes after noon."""
    service = AnalyticsService.open(":memory:", follow=False)
    record_at(service, *minutes)
    return service


def record_at(service: AnalyticsService, *minutes: int) -> None:
    for minute in minutes:
        service.store.log.append([entry(NOON + timedelta(minutes=minute), **tool_call())])


@pytest.mark.parametrize(("minute", "position"), [(-1, 0), (0, 1), (4, 3), (5, 4), (9, 5), (60, 5)])
def test_a_time_is_the_last_position_recorded_by_then(minute: int, position: int) -> None:
    with recorded_at(0, 1, 2, 5, 9) as service:
        assert position == service.as_of(NOON + timedelta(minutes=minute)).position


def test_what_is_stored_but_is_no_event_was_recorded_as_late_as_the_one_before() -> None:
    with recorded_at(0, 1) as service:
        service.store.log.append([Entry("0" * 32, "tool.call.completed", b"no JSON")])
        record_at(service, 9)

        assert [service.as_of(NOON + timedelta(minutes=at)).position for at in (0, 1, 9)] == [1, 3, 4]
        assert service.as_of(3).recorded_at == NOON + timedelta(minutes=1)


def test_where_nothing_can_be_read_nothing_was_recorded() -> None:
    with recorded_at() as service:
        service.store.log.append([Entry("0" * 32, "tool.call.completed", b"no JSON")])

        assert service.as_of(1).recorded_at is None


@few
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.integers(0, 20))
def test_a_clock_that_went_back_gives_one_of_the_places_where_the_time_was_passed(minutes: list[int], at: int) -> None:
    with recorded_at(*minutes) as service:
        position = service.as_of(NOON + timedelta(minutes=at)).position
        record_at(service, 21, 22, 23)

        assert position == 0 or minutes[position - 1] <= at
        assert position == len(minutes) or minutes[position] > at
        assert position == service.as_of(NOON + timedelta(minutes=at)).position


@pytest.mark.parametrize(
    ("at", "error"),
    [
        (-1, NoSuchPosition),
        (10**6, NoSuchPosition),
        (datetime(2026, 3, 2), NotAPosition),
        ("5", NotAPosition),
        (True, NotAPosition),
        (None, NotAPosition),
    ],
)
def test_what_is_no_place_in_the_log_is_refused(analytics: AnalyticsService, at: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        analytics.as_of(at)


def test_failures_are_those_of_the_service(analytics: AnalyticsService) -> None:
    then = analytics.as_of(3)

    def codes(who: Asks) -> list[str]:
        bad = [
            who.get_summary("usage.evnts", DAY),
            who.get_usage_stats("planet", None, DAY),
            who.get_cost_breakdown(DAY, by=["planet"]),
            who.get_performance_metrics(TimePeriod(datetime(1980, 1, 1, tzinfo=UTC), NOON)),
        ]
        return [each.failure.code for each in bad if each.failure]

    assert codes(analytics) == codes(then)
    assert len(codes(then)) == 4


def test_a_question_for_a_projection_that_is_not_kept_says_so() -> None:
    with (
        AnalyticsService.open(":memory:", follow=False, projections=[Usage]) as service,
        pytest.raises(MissingProjection),
    ):
        service.as_of(0).get_cost_breakdown(DAY).unwrap()


def test_with_the_service_closed_nothing_is_answered() -> None:
    with day.recorded() as service:
        then = service.as_of(3)

    assert [then.get_usage_stats(None, None, DAY).failure.code, then.list_metrics().failure.code] == ["closed"] * 2  # type: ignore[union-attr]
    with pytest.raises(Closed):
        service.as_of(3)


def test_a_part_of_a_log_is_a_log_that_is_never_written() -> None:
    with log_of([tool_call(), provider_call(), tool_call(user_id="bob")]) as log:
        part = LogSlice(log, after=1, upto=2)

        assert (part.head(), part.scan(after=0, limit=9).column("position").to_pylist()) == (2, [2])
        with pytest.raises(AnalyticsError, match="never written"):
            part.append([Entry("0" * 32, "tool.call.completed", batch(tool_call())["state"][0].as_py())])


# ── every method ────────────────────────────────────────────────────────────────────────────────────────────────

CHEAPER = [{"model": "claude-sonnet-4-5", "effective_from": "2020-01-01T00:00:00Z", "multiplier": "0.5"}]
# Every method of AsOf, as it is asked; a new one is added here.
METHODS: dict[str, Callable[[Any, Path], Any]] = {
    "explain": lambda who, _: who.explain("usage.events", DAY),
    "explain_cost": lambda who, _: who.explain_cost(DAY),
    "export_data": lambda who, to: who.export_data("json", DAY, ["usage.events"], to=to).unwrap().sha256,
    "diff_prices": lambda who, _: who.diff_prices(CHEAPER, DAY),
    "get_budgets": lambda who, _: who.get_budgets(at=NOON),
    "get_cost_breakdown": lambda who, _: who.get_cost_breakdown(DAY),
    "get_cost_series": lambda who, _: who.get_cost_series(DAY),
    "get_event": lambda who, _: who.get_event(2),
    "get_performance_metrics": lambda who, _: who.get_performance_metrics(DAY),
    "get_summary": lambda who, _: who.get_summary("cost.calls", DAY),
    "get_unit_costs": lambda who, _: who.get_unit_costs(DAY),
    "get_usage_stats": lambda who, _: who.get_usage_stats(None, None, DAY),
}
NO_QUESTIONS = {"close", "list_metrics"}  # of what is declared today
# Methods of the service that take a period and do something with it now, or take positions of their own.
OF_NOW = {"diff", "run_aggregation", "verify"}


def methods(kind: type) -> dict[str, Any]:
    return {name: method for name, method in inspect.getmembers(kind, callable) if not name.startswith("_")}


def test_no_question_is_left_out_as_of() -> None:
    of_periods = {
        name for name, each in methods(AnalyticsService).items() if "period" in inspect.signature(each).parameters
    }

    assert methods(asof.AsOf).keys() == METHODS.keys() | NO_QUESTIONS
    assert of_periods - OF_NOW <= METHODS.keys()


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.store("memory", "postgres", events=())
def test_every_method_answers_as_of_a_position_what_it_answered_then(
    analytics: AnalyticsService, tmp_path: Path, name: str
) -> None:
    analytics.price("anthropic", "claude-sonnet-4-5").unwrap()
    half = [
        provider_call(cost=None, currency=None),
        provider_call(cost="2", prompt_tokens=5),
        budget_allocated(),
        task_completed(),
    ]
    record(analytics, *half)
    position = analytics.store.log.head()
    told = answer(name, analytics, tmp_path / "told")

    later = budget_allocated(budget_id="b2"), provider_call(cost="1", occurred_at=NOON - HOUR), *half
    record(analytics, *later)
    analytics.publish_prices([{**CHEAPER[0], "multiplier": "3"}]).unwrap()

    with analytics.as_of(position) as then:
        assert told == answer(name, then, tmp_path / "then")
    assert told != answer(name, analytics, tmp_path / "now")


def answer(name: str, who: Asks, to: Path) -> str:
    result = METHODS[name](who, to)
    return to_json(result.unwrap() if isinstance(result, OperationResult) else result)


def test_an_explanation_as_of_a_position_is_of_the_prices_that_were_known_then(analytics: AnalyticsService) -> None:
    call = provider_call(provider="acme", model="acme-large", cost=None, currency=None, occurred_at=NOON + HOUR)
    record(analytics, call)
    before = analytics.store.log.head()
    known = analytics.publish_prices([price()]).unwrap().position
    record(analytics, {**call, "occurred_at": NOON + HOUR / 2})

    def explained(position: int) -> list[tuple[str, int | None]]:
        found = analytics.as_of(position).explain_cost(DAY, where={"model": "acme-large"}).unwrap()
        return [(each.state, each.price.position if each.price else None) for each in found.events]

    assert explained(before) == [("unknown", None)]
    assert explained(known) == [("computed", known)]


@few
@given(arrivals, st.data())
def test_what_is_explained_as_of_a_position_adds_up_to_the_answer_of_then(
    events: list[dict[str, Any]], data: st.DataObject
) -> None:
    with AnalyticsService.open(":memory:", follow=False, clock=lambda: NOON) as service:
        service.record_events([*events, *day.events()[-8:]]).unwrap()
        position = data.draw(st.integers(1, service.store.log.head()))
        with service.as_of(position) as then:
            summary, events_then = (
                then.get_summary("usage.events", ODD).unwrap(),
                then.explain("usage.events", ODD).unwrap(),
            )
            costs, bill = then.get_cost_breakdown(ODD).unwrap(), then.explain_cost(ODD, limit=1000).unwrap()

    assert events_then.figures == summary.figures
    assert {total.currency: total.cost for total in costs.totals} == bill.totals
    assert (costs.calls, costs.unknown_calls) == (bill.calls, bill.unknown_calls)
    assert max((event.position for event in bill.events), default=0) <= position


# ── diff ────────────────────────────────────────────────────────────────────────────────────────────────────────


def changed(service: AnalyticsService, before: int, after: int | None = None, **options: Any) -> AnswerDiff:
    return service.diff(DAY, before, after, **options).unwrap()


def test_late_events_are_told_with_what_they_did(analytics: AnalyticsService) -> None:
    head = analytics.catch_up()
    late = provider_call(occurred_at=NOON - HOUR, cost="2.5")
    analytics.record_events([provider_call(occurred_at=NOON + 30 * HOUR), late]).unwrap()

    found = changed(analytics, head)

    (kind,), (event,) = found.kinds, found.events
    cost = next(each for each in found.metrics if each.metric == "cost.reported_cost")
    assert ("late", 1, head + 2, head + 2) == (kind.kind, kind.events, kind.first_position, kind.last_position)
    assert (head + 2, "late", "provider.call.completed") == (event.position, event.kind, event.type)
    assert (event.occurred_at, event.recorded_at) == (NOON - HOUR, day.NOW)
    assert (cost.currency, cost.difference.total) == ("USD", Decimal("2.5"))
    assert cost.was.total is not None and cost.was.total + Decimal("2.5") == cost.now.total


def test_money_of_different_currencies_is_never_mixed(analytics: AnalyticsService) -> None:
    found = changed(analytics, 0, metric="cost.reported_cost")

    assert {each.currency: each.difference.total for each in found.metrics} == {
        "USD": Decimal("0.020115"),
        "EUR": Decimal("0.0012"),
    }


@few
@given(arrivals, st.data())
def test_what_the_kinds_give_adds_up_to_the_difference(events: list[dict[str, Any]], data: st.DataObject) -> None:
    ends = st.sampled_from(["fixed.corrected", "gone.erased", "happened"])
    own = [
        {**event, "event_type": f"custom.{data.draw(ends)}"} if event["event_type"].startswith("custom.") else event
        for event in [*events, *day.events()[-3:]]
    ]
    with AnalyticsService.open(":memory:", follow=False, clock=lambda: NOON) as service:
        service.record_events(own).unwrap()
        before, after = sorted(data.draw(st.integers(0, len(own))) for _ in "ab")
        found = service.diff(ODD, before, after).unwrap()

        for change in found.metrics:
            now = [service.as_of(after).get_summary(change.metric, ODD).unwrap()]
            now = [each for each in now[0].by_currency if each.currency == change.currency] or now
            assert now[0].figures == change.now
            for name in ("count", "total"):
                parts = [getattr(each, name) for each in change.by_kind.values()]
                assert (getattr(change.difference, name) or 0) == sum(each or 0 for each in parts)


def test_nothing_changed_where_nothing_of_the_period_came_in(analytics: AnalyticsService) -> None:
    head = analytics.catch_up()
    analytics.record_event(**provider_call(occurred_at=NOON + 30 * HOUR)).unwrap()

    found = changed(analytics, head)

    assert (found.kinds, found.metrics, found.events) == ([], [], [])
    assert (head, head + 1) == (found.before, found.after)


def test_the_list_of_events_ends_at_its_limit(analytics: AnalyticsService) -> None:
    found = changed(analytics, 3, 9, limit=2)

    assert ([each.position for each in found.events], found.kinds[0].events) == ([4, 5], 6)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda s: s.diff(DAY, 5, 2), "backward_diff"),
        (lambda s: s.diff(DAY, 0, 999), "no_such_position"),
        (lambda s: s.diff(DAY, datetime(2026, 3, 2)), "not_a_position"),
        (lambda s: s.diff(DAY, 0, metric="usage.evnts"), "unknown_metric"),
    ],
)
def test_what_cannot_be_compared_is_a_failure(
    analytics: AnalyticsService, ask: Callable[[AnalyticsService], OperationResult[AnswerDiff]], code: str
) -> None:
    failure = ask(analytics).failure

    assert failure is not None
    assert code == failure.code


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("provider.call.completed", "late"),
        ("provider.call.corrected", "correction"),
        ("privacy.user.erased", "erasure"),
        ("corrected.by.hand", "late"),
    ],
)
def test_the_last_part_of_a_type_says_what_kind_of_change_it_is(event_type: str, kind: str) -> None:
    assert kind == kind_of_change(event_type)


@pytest.mark.store(events=[])
def test_who_is_forgotten_is_in_no_answer_of_the_past_that_was_asked_for_on_the_way(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(analytics, tool_call(user_id="ada"), tool_call(user_id="bob"), tool_call(occurred_at=NOON - 99 * HOUR))
    then, derive_again = analytics.as_of(2), Store.derive_again

    def users() -> set[str]:
        groups = then.get_summary("usage.events", DAY, group_by=["user"]).unwrap().groups
        return {group.keys["user"] for group in groups}

    def asking(store: Store, *period: Any) -> Any:  # when the log is masked, and read models are not yet
        users()
        return derive_again(store, *period)

    monkeypatch.setattr(Store, "derive_again", asking)
    assert "ada" in users()

    analytics.forget("ada").unwrap()

    assert len(users()) == 2
    assert "ada" not in users()


def test_what_time_it_is_can_be_said(analytics: AnalyticsService) -> None:
    record(analytics, tool_call(occurred_at=NOON))
    head = analytics.store.log.head()
    days = {name: analytics.as_of(head, now=now) for name, now in (("then", NOON), ("later", NOON + timedelta(days=9)))}
    is_open = {
        name: then.get_usage_stats(None, None, DAY).unwrap().completeness.open_buckets for name, then in days.items()
    }

    assert is_open == {"then": True, "later": False}
    with pytest.raises(BadArgument, match="now"):
        analytics.as_of(head, now="noon")


def test_from_the_log_alone_a_wrong_read_model_says_nothing(path: Path) -> None:
    with opened(path) as service:
        record(service, tool_call(occurred_at=NOON))
        table = service.store.read_models.live()["usage"].declaration.table
    with sqlite3.connect(path.with_suffix(".views.db")) as views:
        views.execute(f"UPDATE {table} SET events = events + 1")
    views.close()
    with opened(path) as service:
        head = service.store.log.head()
        counts = [
            service.as_of(head, from_log=alone).get_usage_stats(None, None, DAY).unwrap().totals.events
            for alone in (False, True)
        ]

    assert counts == [2, 1]
