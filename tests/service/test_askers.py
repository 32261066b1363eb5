"""Askers: any number of threads is answered, nobody holds two connections, and no snapshot is held for long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import Closed
from analytics_es.log.postgres import database as databases
from analytics_es.log.postgres.arrow import ArrowReader
from analytics_es.log.turns import Turns
from analytics_es.projection.fold import Fold
from analytics_es.read_models import aggregation
from analytics_es.service.questions import Questions
from analytics_es.testing import NOON, tool_call
from tests.faults.askers import DAYS, EVERY, QUESTIONS, UPKEEP, Question, ask_at_once, fill
from tests.servers import Server
from tests.stores import eventually, opened

pytestmark = pytest.mark.usefixtures("vault_key")


@pytest.fixture(scope="module")
def filled(postgres: Server, _module_key: None) -> Iterator[AnalyticsService]:
    """Return a store on PostgreSQL with some days in it, which nothing follows."""
    with opened(postgres.database()) as service:
        fill(service)
        yield service


@pytest.fixture(scope="module")
def _module_key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_ES_VAULT_KEY", "ab" * 32)
        yield


def test_every_question_is_among_those_that_are_tried() -> None:
    asked = {name for name in vars(Questions) if not name.startswith("_")} - {"close"}
    asked -= {"get_event"}  # it reads one event, and no figure

    assert {name.partition(" ")[0] for name in EVERY} >= asked | {"explain", "explain_cost"}


# ── any number ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.store("postgres", "sqlite", follow=True)
def test_any_number_of_askers_is_answered_beside_who_records_and_follows(analytics: AnalyticsService) -> None:
    fill(analytics)

    answered = ask_at_once(analytics, threads=40, each=2, recording=2)

    assert (answered.questions, dict(answered.failures)) == (80, {})
    assert answered.recorded
    analytics.wait_until_caught_up()


def test_eight_who_hold_what_others_wait_for_are_waited_for(filled: AnalyticsService) -> None:
    """All connections for reading are in use: more askers wait, while others still look things up."""
    database: databases.Database = filled.store.log.database  # type: ignore[attr-defined]
    with contextmanager(_all_of)(database) as let_go:
        asking = [threading.Thread(target=question, args=(filled,)) for question in QUESTIONS.values()]
        for thread in asking:
            thread.start()
        eventually(lambda: len(database._to_read._waiting) == len(asking))
        assert filled.store.log.head()  # who records and follows looks things up meanwhile
        assert filled.store.read_models.live()
        let_go.set()
        for thread in asking:
            thread.join()


def _all_of(database: databases.Database) -> Iterator[threading.Event]:
    """Hold every connection for reading, each in a thread of its own, until told to let go."""
    held, let_go = threading.Barrier(databases.READERS + 1), threading.Event()

    def hold() -> None:
        with database.read() as cursor:
            cursor.execute("SELECT 1").fetchone()
            held.wait()
            let_go.wait()

    holding = [threading.Thread(target=hold) for _ in range(databases.READERS)]
    for thread in holding:
        thread.start()
    held.wait()
    try:
        yield let_go
    finally:
        let_go.set()
        for thread in holding:
            thread.join()


@pytest.mark.store("postgres")
def test_who_waits_when_the_service_is_closed_is_told_so(analytics: AnalyticsService) -> None:
    fill(analytics)
    database: databases.Database = analytics.store.log.database  # type: ignore[attr-defined]
    results: list[Any] = []
    with contextmanager(_all_of)(database) as let_go:
        asking = [
            threading.Thread(target=lambda question=question: results.append(question(analytics)))
            for question in QUESTIONS.values()
        ]
        for thread in asking:
            thread.start()
        eventually(lambda: len(database._to_read._waiting) == len(asking))
        analytics.close()
        for thread in asking:
            thread.join()
        let_go.set()

    assert {result.failure.code for result in results} == {Closed().code}


@pytest.mark.store("postgres", "sqlite", "memory")
def test_questions_under_way_when_the_service_is_closed_end_with_an_answer_or_are_told_so(
    analytics: AnalyticsService,
) -> None:
    fill(analytics)
    asking = [*EVERY.values(), UPKEEP["diff"], UPKEEP["projections"]]
    outcomes: list[Any] = []
    ready = threading.Barrier(len(asking) + 1)

    def ask(question: Question) -> None:
        ready.wait()
        try:
            while (result := question(analytics)).ok:
                pass
            outcomes.append(result.failure.code if result.failure else None)
        except BaseException as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask, args=(question,)) for question in asking]
    for thread in threads:
        thread.start()
    ready.wait()
    analytics.close()
    for thread in threads:
        thread.join()

    assert outcomes == ["closed"] * len(asking)


# ── one connection at a time ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever has a turn fail if it takes a second one of the same places, or any while it reads from a server."""
    plain, mine = Turns.turn, threading.local()

    @contextmanager
    def turn(self: Turns) -> Iterator[None]:
        held: list[Turns] = mine.__dict__.setdefault("held", [])
        assert self not in held, f"a second connection for {self._of}"
        on_server = [taken for taken in held if taken._places == databases.READERS]
        assert not on_server, f"a connection for {self._of} while a snapshot is open"
        with plain(self):
            held.append(self)
            try:
                yield
            finally:
                held.remove(self)

    monkeypatch.setattr(Turns, "turn", turn)


@pytest.mark.parametrize("name", [*EVERY, *UPKEEP])
@pytest.mark.usefixtures("one_at_a_time")
def test_nobody_who_has_a_connection_waits_for_another(filled: AnalyticsService, name: str) -> None:
    assert {**EVERY, **UPKEEP}[name](filled).ok


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.usefixtures("one_at_a_time")
def test_nor_does_who_asks_as_of_a_position(filled: AnalyticsService, name: str) -> None:
    asked: Any = filled.as_of(filled.store.log.head())

    assert EVERY[name](asked).ok


@pytest.mark.parametrize("name", [*EVERY, *UPKEEP])
@pytest.mark.store("sqlite")
@pytest.mark.usefixtures("one_at_a_time")
def test_nor_does_anybody_on_sqlite(analytics: AnalyticsService, name: str) -> None:
    fill(analytics)

    assert {**EVERY, **UPKEEP}[name](analytics).ok


# ── no snapshot for long ────────────────────────────────────────────────────────────────────────────────────────

# End every transaction in which the server waits for its client, as it does itself after half a minute.
END_IDLING = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = %s AND state LIKE 'idle in transaction%%' AND pid <> pg_backend_pid()"
)
FOLDS = ((Fold, "__call__"), (Fold, "by_event"), (Fold, "count_days"))


@pytest.fixture
def long_work(postgres: Server, filled: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reading the log and folding take so long that whatever transaction idles meanwhile is ended by the server."""
    name = urlsplit(filled.store.log.database.url).path[1:]  # type: ignore[attr-defined]
    for kind, method in ((ArrowReader, "fetch"), *FOLDS):
        plain = getattr(kind, method)

        def slowly(*arguments: Any, plain: Any = plain, **options: Any) -> Any:
            postgres.run(END_IDLING, name)
            return plain(*arguments, **options)

        monkeypatch.setattr(kind, method, slowly)


@pytest.mark.parametrize("name", [*EVERY, *(name for name in UPKEEP if not name.startswith("verify"))])
@pytest.mark.usefixtures("long_work")
def test_no_transaction_idles_while_the_log_is_read_and_folded(filled: AnalyticsService, name: str) -> None:
    question: Question = {**EVERY, **UPKEEP}[name]

    result = question(filled)

    assert result.ok, result.failure
    assert [budget.problem for budget in getattr(result.value, "budgets", []) if budget.problem] == []


def test_a_verification_may_take_as_long_as_it_takes(filled: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    """It compares page by page, and folds what has come in since: on a connection that the server lets idle."""
    database: databases.Database = filled.store.log.database  # type: ignore[attr-defined]
    plain, late, free = Fold.__call__, list[int](), set[int]()

    def folding(*arguments: Any, **options: Any) -> Any:
        if not late:  # after the first look at the read models, before the one that is compared
            late.append(filled.record_event(**tool_call()).unwrap().position)
            filled.catch_up()
        free.add(database._to_read._free)
        return plain(*arguments, **options)

    monkeypatch.setattr(Fold, "__call__", folding)

    assert filled.verify().unwrap().identical
    assert free == {databases.READERS}
    with filled.store.read_models.reading(long=True) as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("0",)


def test_what_comes_in_while_a_period_is_derived_again_is_folded_before_others_have_to_wait(
    filled: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregation, "NEAR", 0)
    database: databases.Database = filled.store.log.database  # type: ignore[attr-defined]
    plain, late, free = Fold.__call__, list[int](), set[int]()

    def folding(*arguments: Any, **options: Any) -> Any:
        free.add(database._to_write._free)
        folded = plain(*arguments, **options)
        if not late:
            late.append(filled.record_event(**tool_call()).unwrap().position)
            filled.catch_up()
        return folded

    with monkeypatch.context() as patch:
        patch.setattr(Fold, "__call__", folding)
        assert filled.run_aggregation(DAYS).unwrap().position == late[0]

    assert free == {databases.WRITERS}
    assert filled.verify().unwrap().identical


# ── what is sealed meanwhile ────────────────────────────────────────────────────────────────────────────────────


def seal_after(monkeypatch: pytest.MonkeyPatch, analytics: AnalyticsService, method: str) -> None:
    """Let everything be sealed when the first stretch of the log was folded, and before anybody uses it."""
    plain, sealed = getattr(Fold, method), list[int]()

    def sealing(*arguments: Any, **options: Any) -> Any:
        folded = plain(*arguments, **options)
        if not sealed:
            sealed.append(1)
            assert analytics.retain({"events": "1d"}).unwrap().events
        return folded

    monkeypatch.setattr(Fold, method, sealing)


@pytest.mark.store("memory", "postgres", clock=lambda: NOON + timedelta(days=30))
@pytest.mark.parametrize("name", ["explain", "explain_cost"])
def test_an_explanation_of_what_is_sealed_meanwhile_is_refused(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fill(analytics)
    seal_after(monkeypatch, analytics, "by_event")

    result = EVERY[name](analytics)

    assert result.failure
    assert result.failure.code == "sealed_period"


@pytest.mark.store("memory", "postgres", clock=lambda: NOON + timedelta(days=30))
@pytest.mark.parametrize("name", ["get_cost_breakdown", "get_cost_series", "get_unit_costs", "diff_prices"])
def test_a_cost_of_what_is_sealed_meanwhile_is_told_as_it_is_afterwards(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fill(analytics)
    seal_after(monkeypatch, analytics, "__call__")

    meanwhile, afterwards = (EVERY[name](analytics).unwrap() for _ in range(2))

    assert getattr(meanwhile, "totals", None) == getattr(afterwards, "totals", None)
    assert getattr(meanwhile, "points", None) == getattr(afterwards, "points", None)
    assert getattr(meanwhile, "units", None) == getattr(afterwards, "units", None)
    assert getattr(meanwhile, "unknown", None) == getattr(afterwards, "unknown", None)


@pytest.mark.store("memory", clock=lambda: NOON + timedelta(days=30))
def test_an_answer_by_several_entities_of_what_is_sealed_meanwhile_is_refused(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(analytics)
    seal_after(monkeypatch, analytics, "__call__")

    result = EVERY["get_summary of pairs"](analytics)

    assert result.failure
    assert result.failure.code == "sealed_period"
