"""Events that cannot be folded or merged are found among the others, set aside and counted; everything else goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import FoldFailed, NothingFolds, StoreBusy, StoreFailed, StoreUnavailable
from analytics_es.projection import count, key, projection, total
from analytics_es.projection.fold import Fold
from analytics_es.projection.fold_sql import ProjectionSql
from analytics_es.projections import Usage
from analytics_es.read_models.catch_up import Runner
from analytics_es.read_models.postgres import PostgresReadModels
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.testing import NOON
from tests.examples import examples
from tests.lifecycle.test_seal_once import retained
from tests.stores import PATIENCE, contents, derived, engine, eventually, log_of, runner_of, views_of

pytestmark = pytest.mark.usefixtures("full_privacy")  # positions are counted from 1

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
ROOM = 1000  # what a row of `crowded` holds


@projection(version=1, consumes=("provider.>",))
class Fragile:
    """Its fold fails where there is a poisoned event; it is left to the engine, whose function nobody else has."""

    person: str = key("left(user_id, 100)")
    calls: int = count()


@projection(version=1, consumes=("provider.>",))
class Crowded:
    """Its rows hold only so many tokens."""

    person: str = key("user_id")
    tokens: int | None = total("input_tokens", unit="tokens")


POISON = "poison"
OURS = (Usage, Fragile, Crowded)


@pytest.fixture(autouse=True)
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the engine fail on poisoned events, and a database refuse what does not fit."""
    rows, by_event = ProjectionSql.rows, ProjectionSql.by_event

    def failing(sql: str, name: str) -> str:
        failed = f"count(*) FILTER (source = '{POISON}') > 0"
        bad = f"SELECT CASE WHEN {failed} THEN error('too large') ELSE true END FROM decoded"
        return f"SELECT * FROM ({sql}) WHERE ({bad})" if name == "fragile" else sql

    monkeypatch.setattr(ProjectionSql, "rows", lambda self: failing(rows(self), self.declaration.name))
    monkeypatch.setattr(
        ProjectionSql, "by_event", lambda self, where: failing(by_event(self, where), self.declaration.name)
    )
    with pytest.MonkeyPatch.context() as patch:
        for kind in (SQLiteReadModels, PostgresReadModels):
            patch.setattr(kind, "merge", _refusing(kind.merge))
        yield


def _refusing(merge: Callable[..., None]) -> Callable[..., None]:
    def refusing(self: Any, cursor: Any, declaration: Any, folded: Any) -> None:
        merge(self, cursor, declaration, folded)
        if declaration.name == "crowded" and folded.rows:
            cursor.execute(f"INSERT INTO {declaration.table} SELECT * FROM {declaration.table} WHERE tokens > {ROOM}")

    return refusing


def call(tokens: int = 1, *, hours: int = 0, user: str = "ada", poison: bool = False) -> dict[str, Any]:
    data = {"input_tokens": tokens, "user_id": user, "duration_ms": 5}
    source = {"source": POISON} if poison else {}
    return {
        "event_type": "provider.call.completed",
        "data": data,
        "occurred_at": NOON + timedelta(hours=hours),
        **source,
    }


def set_aside(service: AnalyticsService, name: str) -> list[int]:
    letters = service.dead_letters(projection=name, limit=10_000).unwrap()
    assert {letter.field for letter in letters} <= {"event"}
    return [letter.position for letter in letters]


def total_of(service: AnalyticsService, metric: str) -> Any:
    figures = service.get_summary(metric, DAY).unwrap().figures
    return figures.count if metric.endswith(("calls", "events")) else figures.total


BOTH = pytest.mark.store("sqlite", "postgres", projections=OURS)


@BOTH
def test_events_at_fault_are_set_aside_and_the_rest_is_counted(analytics: AnalyticsService) -> None:
    bad = {3, 4, 40, 77}
    analytics.record_events(call(poison=n in bad) for n in range(1, 101)).unwrap()

    assert analytics.catch_up() == 100

    assert set_aside(analytics, "fragile") == sorted(bad)
    assert total_of(analytics, "fragile.calls") == 96
    assert total_of(analytics, "usage.events") == 100
    answer = analytics.get_summary("fragile.calls", DAY).unwrap()
    assert (answer.completeness.unreadable, answer.completeness.lag_events) == (4, 0)
    assert analytics.verify().unwrap().identical


@BOTH
def test_what_fails_only_together_sets_aside_what_came_later(analytics: AnalyticsService) -> None:
    analytics.record_events([call(600), call(300), call(200), call(100), call(1)]).unwrap()

    analytics.catch_up()

    assert set_aside(analytics, "crowded") == [3, 5]
    assert total_of(analytics, "crowded.tokens") == 1000
    assert analytics.verify().unwrap().identical


@BOTH
def test_the_others_are_not_held_up_while_the_events_at_fault_are_looked_for(analytics: AnalyticsService) -> None:
    analytics.record_events(call(poison=n % 2 == 0) for n in range(80)).unwrap()
    runner = analytics.store.runner

    runner.step()
    assert {each.name: each.lag_events for each in analytics.projections().unwrap()}["usage"] == 0
    assert runner.errors == {}
    analytics.record_event(**call()).unwrap()
    runner.step()
    assert {each.name: each.lag_events for each in analytics.projections().unwrap()}["usage"] == 0

    assert analytics.catch_up() == 81
    assert len(set_aside(analytics, "fragile")) == 40


@pytest.mark.store(projections=OURS)
def test_few_folds_are_enough_to_find_one_among_many(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    analytics.record_events(call(poison=n == 700) for n in range(1, 1001)).unwrap()
    folds, fold = list[Any](), Fold.__call__

    def counted(self: Fold, events: Any, names: Any = None, **options: Any) -> Any:
        folds.append(names)
        return fold(self, events, names, **options)

    monkeypatch.setattr(Fold, "__call__", counted)
    analytics.catch_up()

    assert set_aside(analytics, "fragile") == [700]
    assert len(folds) <= 35  # once for all, and some ten to come down to one event, some ten to come back to many


HISTORY = st.lists(
    st.builds(
        call,
        st.sampled_from([1, 10, 300, 600, ROOM, ROOM + 1]),
        hours=st.sampled_from([0, 0, 1, 30]),
        user=st.sampled_from(["ada", "bob"]),
        poison=st.sampled_from([False, False, True]),
    ),
    max_size=25,
)


def reference(history: Sequence[dict[str, Any]]) -> tuple[list[int], list[int], dict[tuple[int, str], int]]:
    """Return who is set aside of fragile and of crowded, and the tokens of each hour and user, in plain Python."""
    poisoned, refused, rows = list[int](), list[int](), dict[tuple[Any, ...], int]()
    for position, event in enumerate(history, 1):
        if event.get("source") == POISON:
            poisoned.append(position)
        tokens, who, at = event["data"]["input_tokens"], event["data"]["user_id"], event["occurred_at"]
        keys = [("hour", at.replace(minute=0), who), ("day", at.date(), who)]
        if any(rows.get(key, 0) + tokens > ROOM for key in keys):
            refused.append(position)
        else:
            rows |= {key: rows.get(key, 0) + tokens for key in keys}
    return poisoned, refused, {(int(at.timestamp()), who): n for (grain, at, who), n in rows.items() if grain == "hour"}


@examples(20)
@given(history=HISTORY, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_neither_batches_nor_order_change_what_is_set_aside(history: list[dict[str, Any]], sizes: list[int]) -> None:
    classes = (Fragile, Crowded)
    with log_of(history) as log:
        once = derived(log, classes)
        with views_of(log, classes) as read_models:
            for size in sizes:
                Runner(log, read_models, engine(classes), batch=size).step()
            runner_of(log, read_models, classes=classes, batch=sizes[0]).catch_up()
            assert contents(read_models) == once

    poisoned, refused, rows = reference(history)
    assert sorted(at for name, _, at, _ in once["unreadable"] if name == "fragile") == poisoned
    assert sorted(at for name, _, at, _ in once["unreadable"] if name == "crowded") == refused
    assert {(row[1], row[2]): row[3] for row in once["crowded"] if row[0] == "hour"} == rows


# ── whoever folds ───────────────────────────────────────────────────────────────────────────────────────────────

MIXED = [call(300, poison=n % 5 == 0, hours=n // 4 - 2, user=f"user-{n % 2}") for n in range(20)]
MADE = pytest.mark.store("sqlite", "postgres", projections=OURS, events=MIXED)


def state(service: AnalyticsService) -> Any:
    with service.store.read_models.read() as snapshot:
        return [
            (name, snapshot.rows(declared), snapshot.letters(name, discarded=True))
            for name, declared in sorted(snapshot.live.items())
        ]


@MADE
def test_a_rebuild_stops_at_the_event_at_fault_unless_it_is_to_be_set_aside(analytics: AnalyticsService) -> None:
    before = state(analytics)
    failure = analytics.rebuild(["fragile"]).failure
    assert failure is not None
    assert (failure.code, failure.details["position"], failure.details["field"]) == ("rebuild_stopped", 1, "event")

    result = analytics.rebuild(set_aside=True, batch_size=7).unwrap()

    assert result.unreadable == sum(len(letters) for _, _, letters in before)
    assert state(analytics) == before
    for position in set_aside(analytics, "fragile"):
        analytics.discard_dead_letters(position, projection="fragile").unwrap()
    assert analytics.rebuild(["fragile"]).unwrap().unreadable == 4


@MADE
def test_workers_find_the_same(analytics: AnalyticsService) -> None:
    before = state(analytics)

    analytics.rebuild(["crowded", "usage"], set_aside=True, workers=2, batch_size=7).unwrap()

    assert state(analytics) == before


@MADE
def test_a_period_that_is_derived_again_is_the_same(analytics: AnalyticsService) -> None:
    before = state(analytics)

    analytics.run_aggregation(DAY).unwrap()

    assert state(analytics) == before
    assert analytics.verify(period=DAY).unwrap().identical
    assert analytics.verify(sample=1).unwrap().identical


@MADE
def test_what_was_read_before_is_answered_without_them(analytics: AnalyticsService) -> None:
    with analytics.as_of(analytics.store.log.head()) as then:
        for metric in ("fragile.calls", "crowded.tokens"):
            now = analytics.get_summary(metric, DAY).unwrap()
            assert then.get_summary(metric, DAY).unwrap().figures == now.figures
            explained = analytics.explain(metric, DAY).unwrap()
            assert explained.figures == now.figures


@pytest.mark.store(projections=list(OURS), follow=False)
@pytest.mark.parametrize("where", [{"person": "eve"}, {}])
def test_what_only_a_dead_letter_is_behind_is_explained_by_nothing_whoever_watches(
    analytics: AnalyticsService, where: dict[str, str]
) -> None:
    analytics.record_events([call(user="eve", tokens=ROOM + 1)]).unwrap()
    analytics.catch_up()
    told: list[tuple[str, int, int]] = []

    explained = analytics.explain(
        "crowded.tokens", DAY, where=where, progress=lambda *stage: told.append(stage)
    ).unwrap()

    assert (explained.count, explained.events) == (0, [])
    assert told == [("explaining", 1, 1)]


# ── dead letters ────────────────────────────────────────────────────────────────────────────────────────────────


@MADE
def test_a_dead_letter_says_why_the_event_was_left_out(analytics: AnalyticsService) -> None:
    assert _causes(analytics, 1) == ["event: it cannot be folded (Invalid Input Error: too large)"]
    refused = set_aside(analytics, "crowded")[0]
    (cause,) = [cause for cause in _causes(analytics, refused) if "added" in cause]
    assert cause.startswith("event: what it adds cannot be added to what is there (")
    assert state(analytics) == state(analytics)


@pytest.mark.store(projections=OURS)
def test_what_was_left_out_stays_so_when_it_is_verified_after_a_fix(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    analytics.record_events(call(poison=n == 3) for n in range(1, 6)).unwrap()
    analytics.catch_up()

    monkeypatch.undo()  # mended

    assert analytics.verify().unwrap().identical
    assert analytics.verify(period=DAY).unwrap().identical


def _causes(service: AnalyticsService, position: int) -> list[str]:
    return [each.cause for each in service.dead_letter(position).unwrap().causes]


@MADE
def test_after_a_fix_a_retry_counts_them(analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = len(analytics.dead_letters().unwrap())
    still = analytics.retry_dead_letters().unwrap()
    assert (still.tried, still.solved) == (tried, 0)

    monkeypatch.undo()  # mended

    assert _causes(analytics, 1) == ["event: it could not be counted when it came, and can be now: retry it"]
    solved = analytics.retry_dead_letters(projection="fragile").unwrap()
    assert (solved.solved, solved.remaining) == (4, 0)
    assert analytics.get_summary("fragile.calls", DAY).unwrap().figures.count == 20
    assert analytics.verify(["fragile"]).unwrap().identical


# ── what does not lie in events ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.store(projections=OURS)
def test_a_projection_for_which_nothing_folds_stops_and_says_so(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    analytics.record_events([*(call() for _ in range(3)), *(call(poison=True) for _ in range(130))]).unwrap()

    with pytest.raises(NothingFolds, match="100 events in a row fail"):
        analytics.catch_up()
    with pytest.raises(NothingFolds):
        analytics.catch_up()

    status = {each.name: each for each in analytics.projections().unwrap()}
    assert (status["fragile"].position, status["fragile"].unreadable) == (103, 100)
    assert status["usage"].lag_events == 0
    failure = analytics.rebuild(["fragile"], set_aside=True).failure
    assert failure is not None
    assert failure.code == "nothing_folds"

    monkeypatch.undo()  # mended
    analytics.catch_up()
    assert analytics.retry_dead_letters().unwrap().solved == 100
    assert total_of(analytics, "fragile.calls") == 133


@pytest.mark.parametrize(
    "error",
    [
        duckdb.IOException("no space left on device"),
        duckdb.OutOfMemoryException("Allocation failure"),
        duckdb.BinderException("no such column"),
        duckdb.InternalException("it is broken"),
    ],
)
@pytest.mark.store(projections=OURS, events=[call(), call()])
def test_an_engine_that_fails_by_itself_sets_nothing_aside(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    rows = ProjectionSql.rows

    def failing(self: ProjectionSql) -> str:
        if self.declaration.name == "fragile":
            raise error
        return rows(self)

    analytics.record_event(**call()).unwrap()
    with monkeypatch.context() as patch:
        patch.setattr(ProjectionSql, "rows", failing)
        with pytest.raises(FoldFailed) as caught:
            analytics.catch_up()
        assert type(caught.value) is FoldFailed
        assert set_aside(analytics, "fragile") == []

    assert analytics.catch_up() == 3
    assert total_of(analytics, "fragile.calls") == 3


@pytest.mark.parametrize(
    "error", [StoreBusy(seconds=5), StoreUnavailable(problem="gone"), StoreFailed(problem="disk full")]
)
@pytest.mark.store(projections=OURS)
def test_a_database_that_fails_by_itself_sets_nothing_aside(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    analytics.record_events([call(), call()]).unwrap()
    with monkeypatch.context() as patch:
        patch.setattr(SQLiteReadModels, "merge", lambda *_: (_ for _ in ()).throw(error))
        with pytest.raises(type(error)):
            analytics.catch_up()

    assert analytics.catch_up() == 2
    assert analytics.dead_letters().unwrap() == []


def test_a_follower_finds_them_too(tmp_path: Any) -> None:
    with AnalyticsService.open(tmp_path / "analytics.db", projections=list(OURS)) as service:
        service.record_events(call(poison=n == 5) for n in range(10)).unwrap()

        assert service.wait_until_caught_up(PATIENCE) == 10
        assert set_aside(service, "fragile") == [6]
        assert eventually(lambda: total_of(service, "fragile.calls") == 9)


def test_what_is_sealed_is_without_them_whether_it_is_folded_once_or_twice() -> None:
    calls = [call(hours=24 * day, tokens=ROOM + 1 if day == 3 else 1) for day in range(9)]

    once, folded = retained(calls, once=True, projections=list(OURS))
    twice, _ = retained(calls, once=False, projections=list(OURS))

    assert once == twice
    assert folded
