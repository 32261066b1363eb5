"""A Dask cluster folds a log as one process does, to the byte, whatever becomes of its workers."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import distributed
import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import CannotReachScheduler, WorkerLost
from analytics_es.read_models import beside, replay
from analytics_es.read_models.clusters import cluster, lost
from analytics_es.read_models.replay import Replay
from analytics_es.testing import provider_call, tool_call
from tests.stores import PATIENCE, contents, derived, nth

EVENTS, PART = 400, 20
CALLS = [(provider_call, tool_call)[n % 2](user_id=f"user-{n % 7}") for n in range(EVENTS)]
pytestmark = [
    pytest.mark.store("sqlite", events=CALLS),
    pytest.mark.filterwarnings("ignore:::distributed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Client: Any = distributed.Client
LocalCluster: Any = distributed.LocalCluster


class OnePart:
    """A source of one part."""

    def parts(self, *_: int) -> Iterator[int]:
        """Yield it."""
        yield 1


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Return the address of a scheduler with two workers, in processes of their own."""
    options: dict[str, Any] = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(n_workers=2, silence_logs=60, **options) as running:
        yield running.scheduler_address


def test_what_a_cluster_folds_is_what_one_process_folds(scheduler: str, analytics: AnalyticsService) -> None:
    with cluster(scheduler) as executor:
        result = analytics.rebuild(executor=executor, batch_size=PART).unwrap()

    assert (result.events, result.position) == (nth(EVENTS), nth(EVENTS))
    assert contents(analytics.store.read_models) == derived(analytics.store.log)  # type: ignore[arg-type]


def test_a_worker_that_is_killed_changes_nothing(scheduler: str, analytics: AnalyticsService) -> None:
    killed: list[int] = []
    with Client(scheduler, set_as_default=False) as client:

        def kill(*_: object) -> None:
            if not killed:
                killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        with cluster(scheduler) as executor:
            result = analytics.rebuild(executor=executor, batch_size=PART, progress=kill).unwrap()
        pids = set(client.run(os.getpid, on_error="ignore").values())

    assert killed
    assert killed[0] not in pids
    assert result.events == nth(EVENTS)
    assert contents(analytics.store.read_models) == derived(analytics.store.log)  # type: ignore[arg-type]


def test_a_cluster_that_ends_is_a_lost_worker_and_nothing_changes(analytics: AnalyticsService) -> None:
    before = contents(analytics.store.read_models)  # type: ignore[arg-type]
    running = LocalCluster(n_workers=1, processes=True, threads_per_worker=1, dashboard_address=None, silence_logs=60)

    def end(*_: object) -> None:
        if not ending.ident:
            ending.start()
            ending.join(PATIENCE)

    ending = threading.Thread(target=running.close)
    with cluster(running.scheduler_address) as executor:
        result = analytics.rebuild(executor=executor, batch_size=PART, progress=end)

    assert result.failure
    assert result.failure.code == "worker_lost", result.failure
    assert contents(analytics.store.read_models) == before  # type: ignore[arg-type]
    assert beside.clear_away(analytics.store.read_models) == []


def test_what_was_handed_in_as_a_cluster_ended_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PATIENCE", 0.01)
    never = Future[Any]()
    running = LocalCluster(n_workers=1, processes=True, threads_per_worker=1, dashboard_address=None, silence_logs=60)
    with cluster(running.scheduler_address) as executor:
        assert lost(executor) is None

        running.close()

        with pytest.raises(WorkerLost):
            Replay(OnePart(), lambda _: never, 0, PART, Any, executor).__call__(0, 1).__next__()  # type: ignore[arg-type]


def test_what_a_worker_took_with_it_is_folded_once_more() -> None:
    gone, folded = Future[Any](), Future[Any]()
    gone.set_exception(distributed.comm.CommClosedError("gone"))
    folded.set_result("folded")

    with ThreadPoolExecutor(1) as threads:
        again = iter([gone, folded])
        parts = Replay(OnePart(), lambda _: next(again), 0, PART, Any, threads)(0, 1)  # type: ignore[arg-type]
        assert list(parts) == [(1, "folded")]

        twice = iter([gone, gone])
        with pytest.raises(WorkerLost, match="gone"):
            list(Replay(OnePart(), lambda _: next(twice), 0, PART, Any, threads)(0, 1))  # type: ignore[arg-type]


def test_no_other_executor_is_asked_whether_it_is_lost() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert lost(threads) is None


def test_a_scheduler_that_is_not_there_is_one_error_and_nothing_on_the_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"

    for each in (address, "nonsense://here", "tcp://127.0.0.1:notaport"):
        with pytest.raises(CannotReachScheduler, match=each), cluster(each, seconds=0.5):
            pass
    time.sleep(0.1)
    assert capfd.readouterr() == ("", "")
