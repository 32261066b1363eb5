"""Growing: rows in memory that grow with the log answer as rows that are derived from all of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection import count, key, projection, total
from analytics_es.queries import growing
from analytics_es.queries.derived import DerivedReadModels
from analytics_es.queries.growing import Growing
from analytics_es.testing import NOON, provider_call
from tests.children import in_a_child
from tests.examples import examples
from tests.stores import PATIENCE, append, opened, replace, stored

pytestmark = pytest.mark.usefixtures("full_privacy")

DAY = TimePeriod(NOON - timedelta(hours=6), NOON + timedelta(hours=6), "hour")
LATER = TimePeriod(NOON + timedelta(hours=20), NOON + timedelta(hours=50), "day")
INDIA = ZoneInfo("Asia/Kolkata")
THERE = TimePeriod(DAY.start.astimezone(INDIA), DAY.end.astimezone(INDIA), "hour")

WHOSE = ("user", "tenant")

Asked = Callable[[AnalyticsService], Any]
QUESTIONS: list[Asked] = [
    lambda a: a.get_summary("cost.reported_cost", DAY, group_by=["user", "tenant"]),
    lambda a: a.get_summary("cost.calls", DAY, group_by=["user", "tenant"], where={"model": "m1"}),
    lambda a: a.get_summary("performance.duration", THERE, group_by=["subject"]),
    lambda a: a.get_summary("usage.events", LATER, where={"user": ""}),
    lambda a: a.get_cost_breakdown(DAY, by=["user", "tenant"]),
    lambda a: a.get_cost_breakdown(THERE, by=["model"]),
    lambda a: a.get_cost_series(THERE, by=["user"]),
    lambda a: a.get_performance_metrics(THERE),
    lambda a: a.get_usage_stats("user", "", DAY),
    lambda a: a.get_usage_stats("tenant", None, THERE),
    lambda a: a.get_unit_costs(THERE),
]


def call(hours: float = 0, **changes: Any) -> dict[str, Any]:
    return provider_call(occurred_at=NOON + timedelta(hours=hours), **changes)


def pairs(service: AnalyticsService, period: TimePeriod = DAY) -> dict[tuple[str, str], Any]:
    answer = service.get_summary("cost.calls", period, group_by=["user", "tenant"]).unwrap()
    return {(group.keys["user"], group.keys["tenant"]): group.figures.total for group in answer.groups}


def anew(service: AnalyticsService, ask: Asked) -> Any:
    """Ask where nothing was derived yet: the reference."""
    before = service._parts.derived
    replace(service, derived=DerivedReadModels())
    try:
        return ask(service).unwrap()
    finally:
        service._parts.derived.close()
        replace(service, derived=before)


# ── what came since ─────────────────────────────────────────────────────────────────────────────────────────────


CALLS = st.builds(
    call,
    st.sampled_from([-40.0, -20.0, -13.5, -6.01, -6.0, -5.99, 0.0, 5.5, 5.9999, 6.0, 21.0, 49.9, 60.0]),
    user_id=st.sampled_from([None, "a", "b"]),
    tenant_id=st.sampled_from([None, "x", "y"]),
    model=st.sampled_from(["m1", "m2"]),
    cost=st.sampled_from(["1", "0.000000001", "999999999999"]),
)
TURNS = st.lists(
    st.tuples(st.lists(CALLS, max_size=4), st.lists(st.sampled_from(range(len(QUESTIONS))), max_size=3)),
    min_size=1,
    max_size=5,
)


@examples(10)
@given(TURNS, st.sampled_from([0, growing.FEW]))
def test_whatever_came_between_questions_the_answers_are_those_of_the_whole_log(turns: Any, few: int) -> None:
    with pytest.MonkeyPatch.context() as patch, opened(privacy="full", clock=lambda: NOON) as service:
        patch.setattr(growing, "FEW", few)  # also by the index of a period
        for events, numbers in turns:
            service.record_events(events).unwrap()
            for number in numbers:
                assert QUESTIONS[number](service).unwrap() == anew(service, QUESTIONS[number])


@pytest.mark.parametrize("few", [0, growing.FEW])
def test_what_came_at_the_very_ends_of_a_period_is_in_it(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "FEW", few)
    microsecond = timedelta(microseconds=1)
    ends = [DAY.start - microsecond, DAY.start, DAY.end - microsecond, DAY.end]
    with opened(privacy="full") as service:
        service.record_event(**call(0)).unwrap()
        pairs(service)
        service.record_events([provider_call(occurred_at=at, source=str(at)) for at in ends]).unwrap()

        assert sum(pairs(service).values()) == 3


def test_only_what_came_since_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    fold = growing.Fold.__call__

    def folded(self: Any, events: Any, *arguments: Any, **options: Any) -> Any:
        sizes.append(events.num_rows)
        return fold(self, events, *arguments, **options)

    with opened(privacy="full") as service:
        service.record_events([call(hour / 10) for hour in range(20)]).unwrap()
        pairs(service)
        monkeypatch.setattr(growing.Fold, "__call__", folded)
        service.record_events([call(1), call(100), call(2)]).unwrap()

        assert (sum(pairs(service).values()), sizes) == (22, [2])  # one of the three is of another time


def test_the_period_before_is_derived_only_for_who_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bool] = []
    read_models = Growing.read_models

    def asked(self: Growing, **options: Any) -> Any:
        compared.append(options["compared"])
        return read_models(self, **options)

    monkeypatch.setattr(Growing, "read_models", asked)
    with opened(privacy="full") as service:
        service.record_events([call(0), call(-7)]).unwrap()
        for ask in QUESTIONS[4:10]:
            ask(service).unwrap()

    assert compared == [True, True, False, False, False, False]


@pytest.mark.store("memory", "postgres")
def test_both_databases_say_which_events_came_since(analytics: AnalyticsService) -> None:
    analytics.record_events([call(0), call(-7)]).unwrap()
    QUESTIONS[0](analytics).unwrap()
    analytics.record_events([call(-8), call(1, user_id="b"), call(100)]).unwrap()

    assert QUESTIONS[0](analytics).unwrap() == anew(analytics, QUESTIONS[0])
    assert QUESTIONS[1](analytics).unwrap().completeness.position == analytics.store.log.head()


# ── what changes the past ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.store("memory", "postgres")
def test_who_is_forgotten_is_in_no_answer_any_more(analytics: AnalyticsService) -> None:
    analytics.record_events([call(0, user_id="ada"), call(1, user_id="bob")]).unwrap()
    analytics.catch_up()
    assert {user for user, _ in pairs(analytics)} == {"ada", "bob"}

    analytics.forget("ada").unwrap()

    assert [user for user, _ in pairs(analytics) if not user.startswith("p_")] == ["bob"]


@pytest.mark.store("memory", "postgres")
def test_so_is_who_was_masked_by_one_that_was_ended_before_it_said_so(analytics: AnalyticsService) -> None:
    analytics.record_events([call(0, user_id="ada"), call(1, user_id="bob")]).unwrap()
    pairs(analytics)
    log = analytics.store.log
    masked = {
        row["position"]: row["state"].replace(b'"ada"', b'"eve"') for row in log.scan(after=0, limit=9).to_pylist()
    }

    log.rewrite(masked)

    assert {user for user, _ in pairs(analytics)} == {"eve", "bob"}


def test_what_was_sealed_since_is_refused_and_unknown() -> None:
    clock = datetime(2026, 6, 1, tzinfo=UTC)
    with opened(clock=lambda: clock) as service:
        service.record_events([call(0), call(24 * 40)]).unwrap()
        service.catch_up()
        later = TimePeriod(NOON + timedelta(days=39), NOON + timedelta(days=80), "total")
        ask: Asked = lambda a: a.get_summary("cost.calls", later, group_by=["user", "tenant"])  # noqa: E731
        before = ask(service).unwrap()
        assert pairs(service)

        service.retain({"events": "60d"}).unwrap()

        failure = QUESTIONS[0](service).failure
        assert failure and failure.code == "sealed_period"
        assert (before.previous.total, ask(service).unwrap().previous.total) == (1, None)
        assert ask(service).unwrap() == anew(service, ask)


def test_a_log_that_has_gone_back_is_read_again() -> None:
    with opened(privacy="full") as service:
        service.record_events([call(0), call(1), call(2)]).unwrap()
        assert sum(pairs(service).values()) == 3

        with service.store.log._database.write() as cursor:  # type: ignore[attr-defined]
            cursor.execute("DELETE FROM stored_events WHERE rowid = (SELECT max(rowid) FROM stored_events)")

        assert sum(pairs(service).values()) == 2


@projection(version=1, consumes=("custom.>",), where="CAST(attributes.level AS INTEGER) > 0", entities=WHOSE)
class Levels:
    """A custom family may hold anything, and what it holds may fail."""

    entity_type: str = key("entity.type")
    entity_id: str = key("entity.id")
    events: int = count()
    size: int | None = total("attributes.size")


def levels(service: AnalyticsService) -> Any:
    return service.get_summary("levels.size", DAY, group_by=["user", "tenant"])


def odd(level: Any, size: Any) -> tuple[str, bytes]:
    return stored(
        attributes={"level": level, "size": size}, user_id="ada", tenant_id="acme", occurred_at=NOON.isoformat()
    )


def test_what_was_added_in_part_before_something_failed_is_not_added_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def some(*stretch: Any) -> Any:
        for events in of_all(*stretch):
            yield events.slice(0, 1)
            raise OSError("the disk")

    of_all = growing._events
    with opened(privacy="full") as service:
        service.record_events([call(user_id="a"), call(user_id="b")]).unwrap()
        assert sum(pairs(service).values()) == 2
        service.record_events([call(user_id="a"), call(user_id="b")]).unwrap()
        with monkeypatch.context() as patch:
            patch.setattr(growing, "_events", some)
            with pytest.raises(OSError, match="the disk"):
                pairs(service)

        assert sum(pairs(service).values()) == 4


def test_what_cannot_be_read_is_left_out_and_counted_as_in_the_whole_log() -> None:
    with opened(projections=[Levels], privacy="full") as service:
        append(service.store.log, odd(1, 4), odd(1, "many"))
        levels(service).unwrap()
        for event in (odd("high", 1), odd(1, 8), ("custom.thing.happened", b"no JSON"), odd(1, "few"), odd(2, 16)):
            append(service.store.log, event)

            assert levels(service).unwrap() == anew(service, levels)

        answer = levels(service).unwrap()
    assert (answer.figures.total, answer.completeness.unreadable) == (28, 4)


def test_a_dead_letter_that_is_given_back_is_where_the_whole_log_has_it() -> None:
    with opened(projections=[Levels], privacy="full") as service:
        append(service.store.log, odd(1, 4), odd("high", 8))
        service.catch_up()
        levels(service).unwrap()

        service.retry_dead_letters().unwrap()
        append(service.store.log, odd(1, 16))

        assert levels(service).unwrap() == anew(service, levels)


# ── at once ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_askers_of_different_pairs_do_not_wait_for_one_another() -> None:
    words = ["user", "tenant", "agent", "job", "task", "conversation", "tool"]
    asked = [words[first : first + 2] for first in range(6)] + [words[first : first + 3] for first in range(2)]
    together = threading.Barrier(len(asked), timeout=PATIENCE)

    with opened(privacy="full") as service:
        service.record_events([call(0), call(1)]).unwrap()

        def ask(by: list[str]) -> Any:
            first = iter([together.wait])  # all of them have begun to derive, before any goes on
            progress = lambda *_: next(first, lambda: 0)()  # noqa: E731
            return service.get_summary("cost.calls", DAY, group_by=by, progress=progress).unwrap().figures.total

        with ThreadPoolExecutor(len(asked)) as threads:
            assert list(threads.map(ask, asked)) == [2] * len(asked)


def test_those_who_ask_while_others_record_and_close_are_answered_or_told() -> None:
    with opened(privacy="full") as service:
        service.record_events([call(n / 10) for n in range(20)]).unwrap()

        def ask(number: int) -> list[Any]:
            answers = [QUESTIONS[number % 2 * 4](service) for _ in range(6)]
            return [answer.failure.code if answer.failure else "answered" for answer in answers]

        with ThreadPoolExecutor(4) as threads:
            asking = [threads.submit(ask, number) for number in range(3)]
            for n in range(6):
                service.record_event(**call(n / 10)).unwrap()
                service._parts.derived.close()
            service.close()
            codes = {code for each in asking for code in each.result(PATIENCE)}

    assert codes <= {"answered", "closed"}


def test_a_fork_derives_for_itself(tmp_path: Any) -> None:
    with opened(tmp_path / "a.db", privacy="full") as service:
        service.record_events([call(0), call(1)]).unwrap()
        pairs(service)

        def derive() -> None:
            service.record_event(**call(2)).unwrap()
            assert sum(pairs(service).values()) == 3

        assert in_a_child(derive) == 0
        assert sum(pairs(service).values()) == 3
