"""Whatever happens in whatever order, read models at a position are one fold of the log up to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.log import EventLog
from analytics_es.projection.fold import Folded
from tests.examples import examples
from tests.faults.crash import Crash, crashing
from tests.faults.storm import Identity, identities
from tests.servers import Server
from tests.stores import Contents, contents, engine, only_live, views_of
from tests.test_laws import ALL, EDGES, happened, near

TIMES = near(EDGES[2:4])
PERIOD = TimePeriod(EDGES[2] - timedelta(hours=1), EDGES[2] + timedelta(hours=1))

actors = st.integers(0, 1)
sizes = st.integers(1, 7)
moments = st.integers(1, 14)
rebuilt = st.sampled_from([None, None, ["usage"], ["performance", "cost"]])
fresh = st.lists(happened(TIMES), max_size=4)


class Store(RuleBasedStateMachine):
    """A store that two processes have open, each of which records and follows in batches of its own size."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.place = Path(self.folder.name) / "0"
        self.place.mkdir()
        self.services = [self.opened(), self.opened()]
        self.sent: list[dict[str, Any]] = []  # everything, with its identity
        self.logged: list[Identity] = []  # what must be in the log, in this order

    def opened(self) -> AnalyticsService:
        return AnalyticsService.open(self.place / "a.db", projections=ALL, follow=False)

    def recorded(self, actor: int) -> list[Identity]:
        """Return what the log holds, without what the service says of itself."""
        return [identity for identity in identities(self.services[actor].store.log) if identity[0] == "test"]

    def teardown(self) -> None:
        self.close()
        self.folder.cleanup()

    def close(self) -> None:
        for service in self.services:
            service.close()

    # ── what happens ────────────────────────────────────────────────────────────────────────────────────────────

    @initialize(one=sizes, other=sizes)
    def begin(self, one: int, other: int) -> None:
        self.change_batch_size(0, one)
        self.change_batch_size(1, other)

    @rule(actor=actors, events=fresh, again=st.lists(st.integers(0, 30), max_size=3), data=st.data())
    def record(self, actor: int, events: list[dict[str, Any]], again: list[int], data: st.DataObject) -> None:
        batch = self.batch(events, again, data)
        receipt = self.services[actor].record_events(batch).unwrap()

        new = self.new(batch)
        assert (receipt.recorded, receipt.duplicates) == (len(new), len(batch) - len(new))
        self.logged += new

    @rule(actor=actors, events=fresh, again=st.lists(st.integers(0, 30), max_size=3), data=st.data(), moment=moments)
    def record_and_crash(self, actor: int, events: Any, again: list[int], data: st.DataObject, moment: int) -> None:
        batch = self.batch(events, again, data)
        if self.crashed(actor, moment, lambda service: service.record_events(batch).unwrap(), data):
            found = self.recorded(actor)
            assert found in (self.logged, [*self.logged, *self.new(batch)])  # whole, or absent
            self.logged = found
        else:
            self.logged += self.new(batch)

    @rule(actor=actors)
    def step(self, actor: int) -> None:
        self.services[actor].store.runner.step()

    @rule(actor=actors)
    def step_and_be_overtaken(self, actor: int) -> None:
        with during_fold(self.services[actor], self.services[1 - actor].store.runner.step):
            self.services[actor].store.runner.step()

    @rule(actor=actors, moment=moments, data=st.data())
    def step_and_crash(self, actor: int, moment: int, data: st.DataObject) -> None:
        self.crashed(actor, moment, lambda service: service.store.runner.step(), data)

    @rule(actor=actors, moment=moments, data=st.data())
    def derive_a_period_again_and_crash(self, actor: int, moment: int, data: st.DataObject) -> None:
        self.crashed(actor, moment, lambda service: service.run_aggregation(PERIOD).unwrap(), data)

    @rule(actor=actors, names=rebuilt, size=sizes)
    def rebuild(self, actor: int, names: Sequence[str] | None, size: int) -> None:
        self.services[actor].rebuild(names, batch_size=8 * size, set_aside=True).unwrap()
        only_live(self.services[actor].store.read_models)

    @rule(actor=actors, names=rebuilt, size=sizes)
    def rebuild_and_be_overtaken(self, actor: int, names: Sequence[str] | None, size: int) -> None:
        def overtake(*_: object) -> None:
            self.services[1 - actor].store.runner.step()

        self.services[actor].rebuild(names, batch_size=8 * size, set_aside=True, progress=overtake).unwrap()

    @rule(actor=actors, names=rebuilt, size=sizes, moment=st.integers(1, 60), data=st.data())
    def rebuild_and_crash(self, actor: int, names: Any, size: int, moment: int, data: st.DataObject) -> None:
        def rebuild(service: AnalyticsService) -> None:
            service.rebuild(names, batch_size=8 * size, set_aside=True).unwrap()

        self.crashed(actor, moment, rebuild, data)
        only_live(self.services[actor].store.read_models)

    @rule(actor=actors)
    def restart(self, actor: int) -> None:
        self.services[actor].close()
        self.services[actor] = self.opened()

    @precondition(lambda self: self.logged)
    @rule()
    def delete_the_read_models(self) -> None:
        self.close()
        self.delete_read_models()
        self.services = [self.opened(), self.opened()]

    def delete_read_models(self) -> None:
        for file in self.place.glob("a.views.db*"):
            file.unlink()

    @rule(actor=actors, size=sizes)
    def change_batch_size(self, actor: int, size: int) -> None:
        self.services[actor].store.runner._batch = size

    # ── what is so ──────────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def the_log_holds_what_was_acknowledged(self) -> None:
        assert self.recorded(0) == self.logged

    @invariant()
    def read_models_at_a_position_are_one_fold_up_to_it(self) -> None:
        service = self.services[0]
        with service.store.read_models.read() as snapshot:
            positions = dict(snapshot.positions)
        found = contents(service.store.read_models)  # type: ignore[arg-type]
        for position in set(positions.values()):
            expected = derived_upto(service.store.log, position)
            for name in (name for name, at in positions.items() if at == position):
                assert of(found, name) == of(expected, name), (name, position)

    # ── how it happens ──────────────────────────────────────────────────────────────────────────────────────────

    def batch(self, events: list[dict[str, Any]], again: list[int], data: st.DataObject) -> list[dict[str, Any]]:
        """Mix new events with some that were sent before, recorded or not."""
        known = [self.sent[n % len(self.sent)] for n in again] if self.sent else []
        new = [{**each, "source": "test", "id": f"{len(self.sent) + n}"} for n, each in enumerate(events)]
        self.sent += new
        return data.draw(st.permutations([*known, *new]))

    def new(self, batch: list[dict[str, Any]]) -> list[Identity]:
        """Return what of a batch is not in the log yet, each once."""
        return [each for each in dict.fromkeys(map(identity, batch)) if each not in self.logged]

    def crashed(self, actor: int, moment: int, work: Callable[[AnalyticsService], object], data: st.DataObject) -> bool:
        """Say whether a process ended while it did its work; then it, or the machine with all, is started again."""
        machine = data.draw(st.booleans(), label="with the whole machine")
        left = self.place.with_name(str(int(self.place.name) + 1))
        with crashing(self.services[actor], moment, lambda: machine and shutil.copytree(self.place, left)):
            try:
                work(self.services[actor])
                return False
            except Crash:
                pass
        if machine:
            self.close()
            self.restart_machine(left)
        else:
            self.restart(actor)
        return True

    def restart_machine(self, left: Path) -> None:
        self.place = left
        self.services = [self.opened(), self.opened()]


class StoreOnPostgres(Store):
    """The same on a server, where only processes end; that a server may, too, tests/log/test_postgres.py shows."""

    server: Server

    def opened(self) -> AnalyticsService:
        if not hasattr(self, "schema"):
            self.schema = self.server.schema()
        return AnalyticsService.open(self.server.url, schema=self.schema, projections=ALL, follow=False)

    def delete_read_models(self) -> None:
        for table in ("about", "tracking", "unreadable", "registry", "aside", "ledger"):
            self.server.run(f"DELETE FROM {self.schema}.{table}")
        kept = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename ~ '_v[0-9]+(_g[0-9]+)?$'"
        for (table,) in self.server.run(kept, self.schema):
            self.server.run(f"DROP TABLE {self.schema}.{table} CASCADE")  # SQL views are of it


def identity(event: dict[str, Any]) -> Identity:
    return event["source"], event["id"]


@contextmanager
def during_fold(service: AnalyticsService, what: Callable[[], object]) -> Iterator[None]:
    """Let something happen once a batch is folded and before it is committed."""
    fold = service.store.runner._fold

    def slow(events: Any, names: Sequence[str]) -> Any:
        folded = fold(events, names)
        what()
        return folded

    service.store.runner._fold = slow  # type: ignore[assignment]
    try:
        yield
    finally:
        service.store.runner._fold = fold


def derived_upto(log: EventLog, position: int) -> Contents:
    """Return what one fold of the log up to a position gives."""
    with views_of(log, ALL) as read_models:  # type: ignore[arg-type]
        if position:
            for name, folded in engine(ALL)(log.scan(after=0, limit=position, upto=position)).items():
                assert isinstance(folded, Folded)
                assert read_models.commit(name, folded, expected=0, position=position)
        return contents(read_models)


def of(found: Contents, name: str) -> tuple[Any, Any]:
    """Return the part of a projection: its rows, and what it could not read."""
    return found[name], [row for row in found["unreadable"] if row[0] == name]


steps = {
    "stateful_step_count": 15,
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes; add it to look into a failure
}


def test_on_sqlite() -> None:
    run_state_machine_as_test(Store, settings=examples(7, **steps))


@pytest.mark.usefixtures("vault_key")
def test_on_postgres(postgres: Server) -> None:
    StoreOnPostgres.server = postgres
    run_state_machine_as_test(StoreOnPostgres, settings=examples(3, **steps))
