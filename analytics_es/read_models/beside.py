"""Read models beside the live ones: begun with seeds, promoted in one transaction when filled, and cleared away."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress

from attrs import evolve

from analytics_es.errors import AnalyticsError, RebuildLost, StoreFailed
from analytics_es.log import Horizon
from analytics_es.log.database import Cursor
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.loading import Day
from analytics_es.read_models import registry
from analytics_es.read_models.registry import WRITE_ABOUT, Live
from analytics_es.read_models.seeds import NOTHING, Seeds
from analytics_es.read_models.snapshot import HORIZON, PARTIAL
from analytics_es.read_models.store import ADD_TO_LEDGER, SEAL, ReadModels

logger = logging.getLogger("analytics_es")

NO_HORIZON = Horizon().write()


def begin(read_models: ReadModels, names: Iterable[str], seeds: Seeds | None = None) -> list[Declaration]:
    """Create a read model with nothing but seeds beside the live one of each projection, of today's definition."""
    with read_models.writing() as cursor:
        generation = _next_generation(read_models, cursor)
        beside = [evolve(read_models.declarations[name], generation=generation) for name in names]
        for declaration in beside:
            read_models.drop(cursor, read_models.log, declaration.table)
            read_models.create_anew(cursor, declaration, NOTHING)
            registry.set_aside(cursor, declaration.table, read_models.log)
    for declaration in beside:
        _sow(read_models, declaration, seeds or read_models.seeds)
    return beside


def _sow(read_models: ReadModels, declaration: Declaration, seeds: Seeds) -> None:
    """Sow in many transactions: nobody asks for what is beside, and others want to write."""
    horizon = seeds.horizon()
    for folded in seeds(declaration):
        with read_models.writing() as cursor:
            read_models.merge(cursor, declaration, folded)
    with read_models.writing() as cursor:
        read_models.note_seeds(cursor, declaration, seeds, horizon)


def _next_generation(read_models: ReadModels, cursor: Cursor) -> int:
    """Take a number that no read model had before: who believes in that one must not find another."""
    generations = [live.declaration.generation for live in read_models.live_in(cursor).values()]
    generation = max([int(read_models.about(cursor)["generation"]), *generations]) + 1
    cursor.execute(WRITE_ABOUT, ("generation", str(generation)))
    return generation


def promote(read_models: ReadModels, beside: Sequence[Declaration]) -> bool:
    """Swap read models in, all in one transaction; False, with nothing changed, where a live one is further.

    Raises RebuildLost where somebody has cleared them away.
    """
    with read_models.writing() as cursor:
        live = read_models.live_in(cursor)
        checkpoints = [read_models.checkpoint_name(declaration) for declaration in beside]
        positions = read_models.checkpoints.positions(cursor, checkpoints)
        tables = registry.aside(cursor)
        for declaration, checkpoint in zip(beside, checkpoints, strict=True):
            if declaration.table not in tables:
                raise RebuildLost(projection=declaration.name)
            before = read_models.checkpoint_name(live[declaration.name].declaration)
            if read_models.checkpoints.hold(cursor, before) > positions[checkpoint]:
                return False
        for declaration in beside:
            _take_over(read_models, cursor, declaration, live[declaration.name])
        read_models.shown.follow(cursor, read_models.attempting)
    return True


def _take_over(read_models: ReadModels, cursor: Cursor, declaration: Declaration, before: Live) -> None:
    registry.promote(cursor, declaration, before)
    read_models.checkpoints.forget(cursor, read_models.checkpoint_name(before.declaration))


def settle(read_models: ReadModels) -> list[str]:
    """Begin again, with what is sealed, where a read model was created while events were being sealed.

    It may have taken in some of them and not the others; raises DamagedSeal.
    """
    horizon = read_models.seeds.horizon()
    with read_models.reading() as cursor:
        noted = read_models.about(cursor).get(HORIZON, NO_HORIZON) == horizon.write()
        if noted and not _unsettled(read_models, cursor, horizon.seal):
            return []
    with read_models.writing() as cursor:
        cursor.execute(WRITE_ABOUT, (HORIZON, horizon.write()))  # from here on nobody else does so
        horizon = read_models.seeds.horizon()
        cursor.execute(WRITE_ABOUT, (HORIZON, horizon.write()))
        unsettled = _unsettled(read_models, cursor, horizon.seal)
        for live in unsettled:
            anew = evolve(live.declaration, generation=_next_generation(read_models, cursor))
            read_models.drop(cursor, read_models.log, anew.table)
            read_models.create_anew(cursor, anew)
            _take_over(read_models, cursor, anew, live)
        read_models.shown.follow(cursor, read_models.attempting)
    tidy(read_models)
    return [live.declaration.name for live in unsettled]


def _unsettled(read_models: ReadModels, cursor: Cursor, seal: int) -> list[Live]:
    about = read_models.about(cursor)
    ours = [live for live in registry.live(cursor).values() if live.log == read_models.log]
    return [live for live in ours if int(about.get(f"{SEAL}{live.declaration.table}", 0)) < seal]


def note_missed(read_models: ReadModels, declaration: Declaration, days: Iterable[Day], until: int) -> None:
    """Note events that are gone before a read model could take them in; `until` when (seconds) it lacks some."""
    with read_models.writing() as cursor:
        for day in days:
            cursor.execute(ADD_TO_LEDGER, (declaration.table, *day))
        if until:
            cursor.execute(WRITE_ABOUT, (f"{PARTIAL}{declaration.table}", str(until)))


def clear_away(read_models: ReadModels) -> list[str]:
    """Remove the read models that are no longer or not yet live; only for who is `rebuilding`.

    One that somebody's own view is of stays, until that is gone.
    """
    with read_models.reading() as cursor:
        tables, behind = registry.aside(cursor), read_models.shown.is_behind(cursor)
    if behind:
        with read_models.writing() as cursor:
            read_models.shown.follow(cursor, read_models.attempting)
    cleared = []
    for table, log in tables.items():
        try:
            with read_models.writing() as cursor:
                read_models.drop(cursor, log, table)
                registry.forget(cursor, table)
            cleared.append(table)
        except StoreFailed as error:
            logger.warning("The table %s is not live and stays: %s", table, error)
    return cleared


def tidy(read_models: ReadModels) -> None:
    """Remove what a rebuild that did not end has left, unless one is under way."""
    with read_models.reading() as cursor:
        left = registry.aside(cursor)
    if left:
        with suppress(AnalyticsError), read_models.rebuilding(patience=0):  # whatever is wrong, it can wait
            clear_away(read_models)
