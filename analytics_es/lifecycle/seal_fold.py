"""The fold of what is to be sealed: the rows of every definition, in place of the events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc
from attrs import evolve, frozen

from analytics_es.errors import FoldFailed, RowsRefused
from analytics_es.events.event import MICRO, key_of_time
from analytics_es.lifecycle.stuck import Adopted, Stuck
from analytics_es.log import Horizon
from analytics_es.log.seals import Definition, SealedRows
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.loading import Day
from analytics_es.read_models import Live, ReadModels
from analytics_es.read_models.halving import Intake, into
from analytics_es.read_models.sealed_rows import pack
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.store import Store


@frozen
class SealFold:
    """Folds the events up to a position that occurred before their family's time."""

    store: Store
    stuck: Stuck
    until: Mapping[str, int]
    position: int
    report: Callable[[str, int, int], None]

    def derived(self, horizon: Horizon) -> tuple[list[Definition], list[SealedRows], list[Day], list[Adopted]]:
        """Fold what is to be sealed, for every definition that is live or declared; adopt the rows where that fails."""
        seal, zone = horizon.seal + 1, str(self.store.calendar.zone)
        definitions: list[Definition] = []
        rows: list[SealedRows] = []
        days: list[Day] = []
        adopted: list[Adopted] = []
        live, coming = self._groups()
        for group in filter(None, ([evolve(read_model.declaration, generation=0) for read_model in live], coming)):
            with closing(SQLiteReadModels(None, group, log=self.store.log.identity, timezone=zone)) as read_models:
                failed = self._fold_into(read_models, group)
                with read_models.read() as snapshot:
                    for declared in (declared for declared in group if declared.name not in failed):
                        definitions.append(Definition(seal, declared.name, declared.fingerprint, declared.definition))
                        unreadable = snapshot.unreadable_page(declared, [], after=[], limit=2**31)
                        rows += pack(declared, seal, snapshot.rows(declared), unreadable, self.store.calendar)
                        days = [(day, events, checksum) for day, events, checksum in snapshot.ledger(declared.name)]
            if group is not coming:
                left = [read_model for read_model in live if read_model.declaration.name in failed]
                adopted = [self.stuck.adopt(one, horizon, self.until, self._older()) for one in left]
        definitions += [one.definition for one in adopted]
        rows += [packed for one in adopted for packed in one.rows]
        return definitions, rows, days, adopted

    def _groups(self) -> tuple[list[Live], list[Declaration]]:
        """Return what is live, and what is declared and not live yet: each by its own name only once."""
        live = self.store.read_models.everything_live()
        definitions = {read_model.declaration.definition for read_model in live}
        return live, [declared for declared in self.store.declarations if declared.definition not in definitions]

    def _fold_into(self, read_models: ReadModels, group: list[Declaration]) -> set[str]:
        """Fold what is to be sealed; returns the projections that could not be, as they could not before."""
        fold, reached, failed = self.store.fold.of(group), 0, set[str]()
        intake = Intake(lambda: fold)
        for older in self._older():
            last = reached + older.num_rows  # read models of nobody else: any step forward will do
            result = fold(older)
            for declared in (declared for declared in group if declared.name not in failed):
                try:
                    take = into(read_models, declared, expected=reached, position=last)
                    intake(declared, result[declared.name], older, take)
                except (FoldFailed, RowsRefused) as error:
                    if not self.stuck.may_fail(declared.name):
                        raise
                    self.stuck.errors.setdefault(declared.name, error)
                    failed.add(declared.name)
            reached = last
            self.report("sealing", reached, 0)
        return failed

    def _older(self) -> Iterator[pa.Table]:
        """Yield what is to be sealed."""
        end = max(self.until.values()) * MICRO
        for batch in self.store.log.scan_period(0, end, upto=self.position, checked=True):
            yield _older(batch, self.until)


def _older(batch: pa.Table, until: Mapping[str, int]) -> pa.Table:
    """Return the events that occurred before their family's time."""
    horizon = Horizon(refused=until)
    types = batch.column("type")
    bounds = {name: key_of_time(horizon.time_of(name) * MICRO) for name in types.unique().to_pylist()}
    limits = pa.array([bounds[name] for name in types.to_pylist()], pa.string())
    return batch.filter(pc.less(batch.column("key"), limits))
