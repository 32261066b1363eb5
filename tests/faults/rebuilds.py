"""Rebuilds killed at random moments, beside a process that records and follows all the while."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from attrs import frozen

from analytics_es import AnalyticsService
from analytics_es.projection.fold import Folded
from tests.faults import worker
from tests.faults.storm import Life, living, processes
from tests.stores import OURS, PATIENCE, Contents, contents, derived, engine, eventually, only_live, views_of

FIRST, LONGEST = 0.5, 1.5  # seconds, and how often as long as a rebuild took: some are over by then, some are not


@frozen(kw_only=True)
class Rebuilt:
    """What became of the rebuilds."""

    seed: int
    kills: int
    promoted: int  # generations of read models that went live
    events: int


def kill_rebuilds(url: str, *, kills: int, seed: int) -> Rebuilt:
    """Kill so many lives of a process that rebuilds; after each, every read model is one fold of the log.

    Each life asserts, when it begins, that the one before has left nothing that is not live.
    """
    print(f"seed {seed}")
    chance = random.Random(seed)
    took = processes.Value("d", FIRST, lock=False)  # who is killed would keep one

    def begin() -> _Rebuilding:
        return _Rebuilding(url, chance.getrandbits(32), took)

    with AnalyticsService.open(url, follow=False, rebuild="manual", privacy="full") as service:
        service.record_events(worker.event(0, number) for number in range(40)).unwrap()
        service.catch_up()
        with living([Life(lambda: _process(worker.record_and_follow, url))]):
            _kill_one_after_the_other(service, begin, kills, chance)
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        only_live(service.store.read_models)
        service.catch_up()
        assert contents(service.store.read_models) == derived(service.store.log)  # type: ignore[arg-type]
        return Rebuilt(seed=seed, kills=kills, promoted=_promoted(service), events=service.store.log.head())


def _promoted(service: AnalyticsService) -> int:
    return sum(model.declaration.generation for model in service.store.read_models.live().values())


class _Rebuilding:
    """A process that stands by, begins to rebuild when told to, and is killed."""

    def __init__(self, url: str, seed: int, took: Any) -> None:
        self._took = took
        self._go, self._at_work = processes.Event(), processes.Event()
        self.process = _process(worker.rebuild, url, seed, self._go, self._at_work, took)
        self.process.start()

    def live(self, part: float) -> None:
        self._go.set()
        assert self._at_work.wait(PATIENCE), "the life before left something, or this one hangs"
        time.sleep(part * self._took.value)
        assert self.process.is_alive(), f"ended by itself with {self.process.exitcode}"

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


def _kill_one_after_the_other(
    service: AnalyticsService, begin: Callable[[], _Rebuilding], kills: int, chance: random.Random
) -> None:
    following = begin()
    try:
        for _ in range(kills):
            one, following = following, begin()
            try:
                one.live(chance.uniform(0, LONGEST))
            finally:
                one.kill()
            assert_each_is_one_fold(service)
        following.live(0)
        eventually(lambda: _promoted(service))  # the last one lives until it was of use
    finally:
        following.kill()


def _process(target: Callable[..., None], *arguments: Any) -> Any:
    return processes.Process(target=target, args=arguments, name=target.__name__, daemon=True)


def assert_each_is_one_fold(service: AnalyticsService) -> None:
    """Compare what is live, to the byte, with one fold of the log up to where it stands."""
    with service.store.read_models.read() as snapshot:
        positions = dict(snapshot.positions)
        found = {name: snapshot.rows(each) for name, each in snapshot.live.items()}
    expected: Contents = {}
    for position in set(positions.values()):
        expected |= _upto(service, position, [name for name, at in positions.items() if at == position])
    assert found == expected


def _upto(service: AnalyticsService, position: int, names: list[str]) -> Contents:
    events = service.store.log.scan(after=0, limit=position, upto=position)
    with views_of(service.store.log) as read_models:  # type: ignore[arg-type]
        for name, folded in engine(OURS)(events, names).items():
            assert isinstance(folded, Folded)
            read_models.commit(name, folded, expected=0, position=position)
        found = contents(read_models)
        return {name: found[name] for name in names}
