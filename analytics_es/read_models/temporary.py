"""Temporary read models: in memory, of a period and a part of the log, for one question or a few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from analytics_es.log import EventLog
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, Folded
from analytics_es.read_models.halving import Intake, into
from analytics_es.read_models.seeds import NOTHING, Seeds, check_exact
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.read_models.store import ReadModels
from analytics_es.read_models.tiling import Tiling
from analytics_es.types import Progress

if TYPE_CHECKING:
    import pyarrow as pa


def derive(
    log: EventLog,
    declarations: Sequence[Declaration],
    fold: Fold,
    tiling: Tiling,
    *,
    seeds: Seeds | None = None,
    seen: Callable[[pa.Table], None] = lambda batch: None,
    progress: Progress | None = None,
) -> ReadModels:
    """Return read models in memory that hold just a period, folded from the log up to its head.

    They begin with the rows of sealed events, or with other `seeds`. What is folded is `seen` first. Where events are
    sealed meanwhile, it is done again: some would be in neither. Raises SealedPeriod where sealed events would have to
    be told apart by position.
    """
    while True:
        sealed = log.seals.horizon().sealed
        read_models = _derived(log, declarations, fold, tiling, seeds, seen, progress)
        try:
            if log.seals.horizon().sealed == sealed:
                return read_models
        except BaseException:
            read_models.close()
            raise
        read_models.close()


def _derived(
    log: EventLog,
    declarations: Sequence[Declaration],
    fold: Fold,
    tiling: Tiling,
    seeds: Seeds | None,
    seen: Callable[[pa.Table], None],
    progress: Progress | None,
) -> ReadModels:
    head, days = log.head(), tiling.whole_days()
    if seeds is None and not log.begins:
        check_exact(log, days[0], head, "an answer as of then, with the period before,")
    if seeds is None:
        seeds = NOTHING if log.begins else Seeds(log, within=days)
    read_models = SQLiteReadModels(
        None, declarations, log=log.identity, timezone=str(tiling.calendar.zone), seeds=seeds
    )
    position, intake = 0, Intake(lambda: fold)
    names = [declaration.name for declaration in declarations]
    for batch in log.scan_period(*tiling.within, upto=head):
        last = batch.column("position")[-1].as_py()
        seen(batch)
        result = fold(batch, names, within=tiling.within)
        for declaration in declarations:
            take = into(read_models, declaration, expected=position, position=last)
            intake(declaration, result[declaration.name], batch, take, within=tiling.within)
        position = last
        if progress:
            progress("deriving", position, head)
    for declaration in declarations:
        if position < head:
            read_models.commit(declaration.name, Folded(rows=[], unreadable=[]), expected=position, position=head)
    return read_models
