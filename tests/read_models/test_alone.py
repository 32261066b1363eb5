"""One at a time: who rebuilds, aggregates, retains or forgets is alone, in all processes, and who comes later waits."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import RebuildRunning
from analytics_es.projection import projection, total
from analytics_es.read_models import alone, beside
from analytics_es.testing import NOON, job_failed, provider_call, tool_call
from tests.children import in_a_child
from tests.stores import OURS, PATIENCE, append, stored

DAYS, EVENTS = 20, 80  # with events, from NOON on
MIXED = [
    maker(occurred_at=NOON + timedelta(hours=n * DAYS * 24 // EVENTS), user_id=f"user-{n % 4}@example.com")
    for n, maker in zip(range(EVENTS), cycle((provider_call, tool_call, job_failed)), strict=False)
]
NOW = NOON + timedelta(days=200)
KEEP = {"events": "190d"}
DAY = TimePeriod(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC), "day")  # that is sealed
UNREADABLE = stored(occurred_at="2026-03-04T12:00:00Z", attributes={"size": "many"})
SUBJECT = "user-1@example.com"


@projection(version=1, consumes=("custom.>",))
class Sizes:
    """A custom family may hold anything."""

    size: int | None = total("attributes.size")


THESE = (*OURS, Sizes)

pytestmark = [
    pytest.mark.store("sqlite", "postgres", events=MIXED, clock=lambda: NOW, projections=THESE),
    pytest.mark.usefixtures("full_privacy", "vault_key"),
]

spawn = multiprocessing.get_context("spawn")


def opened(url: str, **options: Any) -> AnalyticsService:
    return AnalyticsService.open(url, **{"projections": THESE, **options}, follow=False, clock=lambda: NOW)


def held(service: AnalyticsService) -> Any:
    with service.store.read_models.read() as snapshot:
        return {name: snapshot.rows(declaration) for name, declaration in snapshot.live.items()}


def code(result: Any) -> str | None:
    return result.failure and str(result.failure.code)


@pytest.fixture
def other(url: str, analytics: AnalyticsService) -> Iterator[AnalyticsService]:
    """Return the same store, opened once more, as by another process."""
    with opened(url) as other:
        yield other


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for anybody."""
    monkeypatch.setattr(alone, "PATIENCE", 0.0)


def meanwhile(monkeypatch: pytest.MonkeyPatch, part: object, method: str, work: Callable[[], object]) -> list[Any]:
    """Do something once, before a method of a part of an open store is called; returns what came of it, by then."""
    real, came = getattr(part, method), list[Any]()

    def hooked(*arguments: Any, **options: Any) -> Any:
        if not came:
            came.append(None)
            came[0] = work()
        return real(*arguments, **options)

    monkeypatch.setattr(part, method, hooked)
    return came


DERIVING = {
    "run_aggregation": lambda service: service.run_aggregation(DAY),
    "retry_dead_letters": lambda service: service.retry_dead_letters(),
}
deriving = pytest.mark.parametrize("derive", DERIVING.values(), ids=list(DERIVING))


# ── at the exact point ──────────────────────────────────────────────────────────────────────────────────────────


@deriving
@pytest.mark.parametrize("point", ["scan_period", "rows"])
@pytest.mark.usefixtures("impatient")
def test_a_period_that_is_derived_while_another_seals_is_whole(
    analytics: AnalyticsService,
    other: AnalyticsService,
    monkeypatch: pytest.MonkeyPatch,
    derive: Callable[[Any], Any],
    point: str,
) -> None:
    append(analytics.store.log, UNREADABLE)  # type: ignore[arg-type]
    analytics.catch_up()
    before = held(analytics)
    part = analytics.store.log if point == "scan_period" else analytics.store.log.seals
    came = meanwhile(monkeypatch, part, point, lambda: other.retain(KEEP))

    derive(analytics).unwrap()

    assert held(analytics) == before
    assert code(came[0]) == "rebuild_running"
    assert other.retain(KEEP).unwrap().seals == 1
    derive(analytics).unwrap()
    assert held(analytics) == before


@deriving
@pytest.mark.parametrize("point", ["seal", "delete"])
@pytest.mark.usefixtures("impatient")
def test_nothing_is_derived_while_events_are_sealed(
    analytics: AnalyticsService,
    other: AnalyticsService,
    monkeypatch: pytest.MonkeyPatch,
    derive: Callable[[Any], Any],
    point: str,
) -> None:
    before = held(analytics)
    came = meanwhile(monkeypatch, analytics.store.log.seals, point, lambda: derive(other))

    analytics.retain(KEEP).unwrap()

    assert code(came[0]) == "rebuild_running"
    assert held(other) == before


@pytest.mark.usefixtures("impatient")
def test_what_is_derived_brings_no_masked_name_back(
    analytics: AnalyticsService, other: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = meanwhile(monkeypatch, analytics.store.read_models, "replacing", lambda: other.forget(SUBJECT))
    analytics.run_aggregation(DAY).unwrap()
    assert code(came[0]) == "rebuild_running"

    came = meanwhile(monkeypatch, analytics.store.log, "rewrite", lambda: other.run_aggregation(DAY))
    assert analytics.forget(SUBJECT).unwrap().derived

    assert code(came[0]) == "rebuild_running"
    assert SUBJECT not in repr(held(other))


def test_seeds_are_sown_once_where_a_follower_begins_meanwhile(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = held(analytics)
    analytics.retain(KEEP).unwrap()
    analytics.store.read_models.restart_beyond(lambda: 0)
    assert {live.position for live in analytics.store.read_models.live().values()} == {0}
    meanwhile(monkeypatch, analytics.store.read_models, "replacing", analytics.catch_up)

    analytics.run_aggregation(DAY).unwrap()

    assert held(analytics) == before
    assert analytics.verify().unwrap().identical


def test_read_models_that_begin_while_events_are_sealed_know_with_which_seals(
    analytics: AnalyticsService, other: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, seals = held(analytics), analytics.store.log.seals
    sown, sealed = threading.Event(), threading.Event()
    real_seal, real_note = seals.seal, other.store.read_models.note_seeds

    def seal(*arguments: Any) -> None:
        assert sown.wait(PATIENCE)
        real_seal(*arguments)
        sealed.set()

    def note(cursor: Any, declaration: Any, *more: Any) -> None:
        if declaration.name == "usage":
            sown.set()
            assert sealed.wait(PATIENCE)
        real_note(cursor, declaration, *more)

    def begin() -> None:
        """Begin anew, as who opens a store that was restored: with the rows of all seals, before there is one more."""
        other.store.read_models.restart_beyond(lambda: 0)
        beside.settle(other.store.read_models)

    monkeypatch.setattr(other.store.read_models, "note_seeds", note)
    monkeypatch.setattr(seals, "seal", seal)
    thread = threading.Thread(target=begin)
    meanwhile(monkeypatch, seals, "seal", thread.start)
    analytics.retain(KEEP).unwrap()
    thread.join(PATIENCE)

    analytics.catch_up()
    assert held(analytics) == before
    assert analytics.verify().unwrap().identical


# ── no false alarm ──────────────────────────────────────────────────────────────────────────────────────────────

BESIDE = {
    "retain": lambda service: service.retain(KEEP),
    "forget": lambda service: service.forget(SUBJECT),
    "rebuild": lambda service: service.rebuild(),
    "run_aggregation": lambda service: service.run_aggregation(DAY),
}


@pytest.mark.parametrize(
    ("work", "point"),
    [
        ("retain", "ahead"),
        ("retain", "scan"),
        ("retain", "scan_period"),
        *((name, "scan") for name in list(BESIDE)[1:]),
    ],
)
def test_a_verification_beside_another_gives_no_false_alarm(
    analytics: AnalyticsService,
    other: AnalyticsService,
    monkeypatch: pytest.MonkeyPatch,
    work: str,
    point: str,
) -> None:
    came = meanwhile(monkeypatch, analytics.store.log, point, lambda: BESIDE[work](other))

    verified = analytics.verify(period=DAY if point == "scan_period" else None).unwrap()

    assert came[0].unwrap()
    assert verified.identical


@pytest.mark.usefixtures("impatient")
def test_what_is_half_done_is_no_alarm(
    analytics: AnalyticsService, other: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is masked, and the read models are not derived again yet."""
    came = meanwhile(monkeypatch, analytics.store.runner, "catch_up", other.verify)
    analytics.forget(SUBJECT).unwrap()
    assert code(came[0]) == "rebuild_running"
    assert other.verify().unwrap().identical


def test_what_differs_differs_when_it_is_looked_at_again(
    analytics: AnalyticsService, other: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with analytics.store.read_models.writing() as cursor:
        table = analytics.store.read_models.live()["usage"].declaration.table
        cursor.execute(f"UPDATE {table} SET events = events + 1 WHERE grain = 'day'")
    came = meanwhile(monkeypatch, analytics.store.log, "ahead", lambda: other.retain(KEEP))

    verified = analytics.verify().unwrap()

    assert code(came[0]) == "does_not_verify"
    assert [checked.projection for checked in verified.projections if not checked.identical] == ["usage"]


@pytest.mark.parametrize("point", ["keys", "days"])
def test_the_ledger_beside_another_who_seals_gives_no_false_alarm(
    analytics: AnalyticsService, other: AnalyticsService, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    part = analytics.store.log if point == "keys" else analytics.store.log.seals
    came = meanwhile(monkeypatch, part, point, lambda: other.retain(KEEP))

    checks = analytics.check_ledger().unwrap()

    assert came[0].unwrap().seals
    assert all(check.identical for check in checks)


# ── waiting, and its limit ──────────────────────────────────────────────────────────────────────────────────────

ALONE = {
    **DERIVING,
    "rebuild": lambda service: service.rebuild(),
    "retain": lambda service: service.retain(KEEP),
    "forget": lambda service: service.forget(SUBJECT),
}


def test_who_comes_later_waits_until_the_other_has_ended(
    analytics: AnalyticsService, other: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for work in ALONE.values():
        waits, ends, results = threading.Event(), threading.Event(), list[Any]()

        def sleep(_: float, waits: threading.Event = waits, ends: threading.Event = ends) -> None:
            waits.set()
            ends.wait(PATIENCE)

        def waiting(work: Callable[[Any], Any] = work, results: list[Any] = results) -> None:
            results.append(work(analytics))

        monkeypatch.setattr(alone.time, "sleep", sleep)
        thread = threading.Thread(target=waiting)
        with other.store.read_models.rebuilding():
            thread.start()
            assert waits.wait(PATIENCE)
            assert not results
        ends.set()
        thread.join(PATIENCE)

        assert results[0].unwrap()


@pytest.mark.usefixtures("impatient")
def test_waiting_has_a_limit_and_changes_nothing(analytics: AnalyticsService, other: AnalyticsService) -> None:
    before = held(analytics)
    with other.store.read_models.rebuilding():
        failures = {name: work(analytics).failure for name, work in ALONE.items()}
    assert {name: failure.code for name, failure in failures.items()} == dict.fromkeys(ALONE, "rebuild_running")
    assert all(failure.message.startswith("Somebody else is rebuilding") for failure in failures.values())
    assert held(analytics) == before


def test_who_records_asks_and_catches_up_waits_for_nobody(
    analytics: AnalyticsService, other: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone.time, "sleep", lambda _: pytest.fail("waits"))
    with other.store.read_models.rebuilding():
        analytics.record_event(**tool_call(occurred_at=NOW)).unwrap()
        assert analytics.catch_up() == analytics.store.log.head()
        assert analytics.verify().unwrap().identical
        assert analytics.get_usage_stats(None, None, DAY).unwrap().totals.events
        assert analytics.sql_views().ok
        assert all(check.identical for check in analytics.check_ledger().unwrap())


def _hold(url: str, holds: Any, ends: Any) -> None:
    with opened(url) as service, service.store.read_models.rebuilding():
        holds.set()
        ends.wait(PATIENCE)


@contextmanager
def another_process(url: str) -> Iterator[Any]:
    """Let another process be the only one, until it is killed."""
    holds, ends = spawn.Event(), spawn.Event()
    process = spawn.Process(target=_hold, args=(url, holds, ends), daemon=True)
    process.start()
    with ExitStack() as stack:
        stack.callback(process.join)
        stack.callback(process.kill)
        assert holds.wait(PATIENCE)
        yield process


@pytest.mark.usefixtures("impatient")
def test_it_holds_for_all_processes_and_ends_with_the_one_that_is_killed(analytics: AnalyticsService, url: str) -> None:
    with another_process(url):
        assert {name: code(work(analytics)) for name, work in ALONE.items()} == dict.fromkeys(ALONE, "rebuild_running")
    assert {name: code(work(analytics)) for name, work in ALONE.items()} == dict.fromkeys(ALONE)


def test_of_many_threads_of_one_process_all_come_in_turn(analytics: AnalyticsService, other: AnalyticsService) -> None:
    before, codes = held(analytics), list[Any]()
    works = [*DERIVING.values(), ALONE["rebuild"]] * 2
    threads = [
        threading.Thread(target=lambda work=work, n=n: codes.append(code(work((analytics, other)[n % 2]))))  # type: ignore[misc]
        for n, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert codes == [None] * len(works)
    assert held(analytics) == before


def test_who_follows_beside_one_who_retains_waits_for_nobody(url: str) -> None:
    with AnalyticsService.open(url, projections=THESE, clock=lambda: NOW) as following:
        following.record_events(MIXED).unwrap()
        with opened(url) as other:
            for keep in ("199d", "195d", "190d"):
                other.retain({"events": keep}).unwrap()
                following.record_event(**tool_call(occurred_at=NOW)).unwrap()
                following.run_aggregation(DAY).unwrap()
                following.wait_until_caught_up()
        assert following.verify().unwrap().identical


@pytest.mark.usefixtures("impatient")
def test_a_fork_has_no_part_in_it(analytics: AnalyticsService) -> None:
    def fails() -> None:
        assert code(analytics.run_aggregation(DAY)) == "rebuild_running"

    with analytics.store.read_models.rebuilding():
        assert in_a_child(fails) == 0
        with pytest.raises(RebuildRunning), analytics.store.read_models.rebuilding():
            pass
    assert in_a_child(lambda: analytics.run_aggregation(DAY).unwrap()) == 0
    assert analytics.run_aggregation(DAY).ok


def test_a_fork_may_be_the_only_one_when_its_parent_no_longer_is(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits, and its parent ends while it does so."""
    waits, ended = spawn.Event(), spawn.Event()

    def sleep(_: float) -> None:
        waits.set()
        ended.wait(PATIENCE)

    def ends() -> None:
        with analytics.store.read_models.rebuilding():
            holds.set()
            waits.wait(PATIENCE)
        ended.set()

    monkeypatch.setattr(alone.time, "sleep", sleep)
    holds, thread = threading.Event(), threading.Thread(target=ends)
    thread.start()
    assert holds.wait(PATIENCE)
    assert in_a_child(lambda: analytics.run_aggregation(DAY).unwrap()) == 0
    thread.join()
