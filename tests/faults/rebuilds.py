"""Rebuilds killed at random moments, beside a process that records and follows all the while."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from attrs import frozen

from analytics_es import AnalyticsService
from analytics_es.fold import Folded
from tests.faults import worker
from tests.faults.storm import PATIENCE, Life, living, processes
from tests.stores import OURS, Contents, contents, derived, engine, only_live, views_of

LONGEST = 0.1  # seconds that a life goes on once it has begun: some rebuilds are over by then, some are not


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
    at_work = processes.Event()
    with AnalyticsService.open(url, follow=False, rebuild="manual") as service:
        service.record_events(worker.event(0, number) for number in range(40)).unwrap()
        service.catch_up()
        rebuilding = Life(lambda: _process(worker.rebuild, url, chance.getrandbits(32), at_work))
        with living([Life(lambda: _process(worker.record_and_follow, url)), rebuilding]):
            for _ in range(kills):
                assert at_work.wait(PATIENCE), "the life before left something, or hangs"
                time.sleep(chance.uniform(0, LONGEST))
                rebuilding.kill()
                at_work.clear()
                rebuilding.start()
                assert_each_is_one_fold(service)
    with AnalyticsService.open(url, follow=False) as service:
        only_live(service._views)
        service.catch_up()
        assert contents(service._views) == derived(service._log)  # type: ignore[arg-type]
        promoted = sum(each.declaration.generation for each in service._views.live().values())
        return Rebuilt(seed=seed, kills=kills, promoted=promoted, events=service._log.head())


def _process(target: Callable[..., None], *arguments: Any) -> Any:
    return processes.Process(target=target, args=arguments, name=target.__name__, daemon=True)


def assert_each_is_one_fold(service: AnalyticsService) -> None:
    """Compare what is live, to the byte, with one fold of the log up to where it stands."""
    with service._views.read() as snapshot:
        positions = dict(snapshot.positions)
        found = {name: snapshot.rows(each) for name, each in snapshot.live.items()}
    expected: Contents = {}
    for position in set(positions.values()):
        expected |= _upto(service, position, [name for name, at in positions.items() if at == position])
    assert found == expected


def _upto(service: AnalyticsService, position: int, names: list[str]) -> Contents:
    events = service._log.scan(after=0, limit=position, upto=position)
    with views_of(service._log) as views:  # type: ignore[arg-type]
        for name, folded in engine(OURS)(events, names).items():
            assert isinstance(folded, Folded)
            views.commit(name, folded, expected=0, position=position)
        found = contents(views)
        return {name: found[name] for name in names}
