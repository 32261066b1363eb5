"""Writers and runners in processes of their own, killed at random moments and started again."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from attrs import field, frozen, mutable

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.log import EventLog
from analytics_es.testing import NOON, tool_call
from tests.faults import worker
from tests.stores import PATIENCE

WRITERS, RUNNERS = 8, 3
ALWAYS = TimePeriod(NOON.replace(year=2020), NOON.replace(year=2030), "total")

Identity = tuple[str, str]

# A process that has imported everything once and is forked: a life begins within milliseconds.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["pytest", worker.__name__, "tests.faults.dying"])


@frozen(kw_only=True)
class Survived:
    """What a storm did, and what it left behind."""

    seed: int
    kills: int
    acknowledged: int
    sent_again: int  # recorded in one life, sent again in the next
    logged: int
    counted: int | None  # usage.events, summed from the read models
    lost: frozenset[Identity]
    doubled: frozenset[Identity]


@mutable
class Life:
    """One process of many that do the same, one after the other."""

    begin: Callable[[], Any]
    process: Any = field(init=False, default=None)

    def start(self) -> None:
        self.process = self.begin()
        self.process.start()

    def kill(self) -> None:
        assert self.process.is_alive(), f"{self.process.name} ended by itself with {self.process.exitcode}"
        self.process.kill()
        self.process.join()


def writing(url: str, writer: int, notes: Path, seed: int, *, deadly: bool = False) -> Any:
    """Return the process of a writer."""
    return processes.Process(
        target=worker.write, args=(url, writer, notes, seed, deadly), name=f"writer {writer}", daemon=True
    )


def _following(url: str, runner: int) -> Any:
    return processes.Process(target=worker.follow, args=(url,), name=f"runner {runner}", daemon=True)


def storm(url: str, folder: Path, *, seconds: float, kills: int, seed: int) -> Survived:
    """Let writers and runners work on a store for so long, and kill one of them so many times, at random moments.

    Asserts that nobody ended by himself, and that each runner, alone, still brings the read models up to date.
    """
    print(f"seed {seed}")
    chance = random.Random(seed)
    with AnalyticsService.open(url, follow=False, privacy="full"):
        pass
    notes = [folder / f"writer-{n}.txt" for n in range(WRITERS)]
    writers = [Life(lambda n=n: writing(url, n, notes[n], chance.getrandbits(32))) for n in range(WRITERS)]  # type: ignore[misc]
    runners = [Life(lambda n=n: _following(url, n)) for n in range(RUNNERS)]  # type: ignore[misc]
    with living(writers), living(runners):
        _kill_at_random([*writers, *runners], _moments(chance, seconds, kills), chance)
        for each in writers:
            each.kill()
        _check_that_each_goes_on(url, runners)
    told = [worker.acknowledged(each) for each in notes]
    return _survived(url, seed, kills, {n: size for n, (size, _) in enumerate(told)}, sum(again for _, again in told))


@contextmanager
def living(lives: list[Life]) -> Iterator[None]:
    """Start processes, and kill them in the end."""
    try:
        for each in lives:
            each.start()
        yield
    finally:
        for each in lives:
            each.process.kill()
            each.process.join()


def _moments(chance: random.Random, seconds: float, kills: int) -> list[float]:
    begin = time.monotonic()
    return [*sorted(begin + chance.uniform(0, seconds) for _ in range(kills - 1)), begin + seconds]


def _kill_at_random(lives: list[Life], moments: list[float], chance: random.Random) -> None:
    for moment in moments:
        time.sleep(max(0.0, moment - time.monotonic()))
        victim = chance.choice(lives)
        victim.kill()
        victim.start()


def _check_that_each_goes_on(url: str, runners: list[Life]) -> None:
    """Leave one runner after the other alone with an event more."""
    for n, last in enumerate(runners):
        for other in runners:
            if other is not last:
                other.kill()
        with AnalyticsService.open(url, follow=False, privacy="full") as service:
            service.record_event(**tool_call(), id=f"after-{n}", source="check").unwrap()
            service.wait_until_caught_up(PATIENCE)
        for other in runners:
            if other is not last:
                other.start()


def _survived(url: str, seed: int, kills: int, acknowledged: dict[int, int], again: int) -> Survived:
    with AnalyticsService.open(url, privacy="full") as service:
        service.wait_until_caught_up(PATIENCE)
        found = Counter(identities(service.store.log))
        counted = service.get_summary("usage.events", ALWAYS).unwrap().figures.count
    noted = {(f"writer-{writer}", str(n)) for writer, size in acknowledged.items() for n in range(size)}
    return Survived(
        seed=seed,
        kills=kills,
        acknowledged=len(noted),
        sent_again=again,
        logged=found.total(),
        counted=counted,
        lost=frozenset(noted - set(found)),
        doubled=frozenset(each for each, times in found.items() if times > 1),
    )


def identities(log: EventLog) -> list[Identity]:
    """Return source and id of every event of a log, in order."""
    states = map(orjson.loads, log.scan(after=0, limit=10**9).column("state").to_pylist())
    return [(state["source"], state["id"]) for state in states]
