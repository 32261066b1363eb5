"""How far every projection is, how large, and what it could not read."""

from __future__ import annotations

from collections.abc import Callable

from analytics_es.projection.declaration import Declaration, differences
from analytics_es.projection.fold import Fold
from analytics_es.read_models.catch_up import Runner
from analytics_es.read_models.snapshot import Snapshot
from analytics_es.read_models.store import ReadModels
from analytics_es.types import Listing, ProjectionStatus, UnreadableValue


def projection_status(
    read_models: ReadModels, runner: Runner, fold: Fold, problem: Callable[[str], str | None]
) -> Listing[ProjectionStatus]:
    """Say how far every projection is; `problem` says what keeps one from going on, if anything does."""
    with read_models.read() as snapshot:
        declared = read_models.declarations.items()
        folds = fold.of(snapshot.live.values())
        statuses = [_status(snapshot, declaration, runner, folds, problem(name)) for name, declaration in declared]
    return Listing(statuses, of=ProjectionStatus)


def _status(
    snapshot: Snapshot, declared: Declaration, runner: Runner, fold: Fold, problem: str | None
) -> ProjectionStatus:
    name, live = declared.name, snapshot.live[declared.name]
    lag_events, lag_seconds = runner.lag(snapshot.positions[name], snapshot.of_log)
    changed = differences(live, declared)
    return ProjectionStatus(
        name=name,
        version=live.version,
        position=snapshot.positions[name],
        lag_events=lag_events,
        lag_seconds=lag_seconds,
        rows=snapshot.size(live),
        unreadable=snapshot.unreadable(name),
        error=problem,
        few_events=f"duckdb: {reason}" if (reason := fold.small.reasons.get(name)) else "python",
        stale=f"definition changed ({', '.join(changed)})" if changed else None,
    )


def unreadable_values(read_models: ReadModels, limit: int) -> Listing[UnreadableValue]:
    """List the first values that projections could not read and left out."""
    with read_models.read() as snapshot:
        rows = snapshot.unreadable_values(limit)
    values = [UnreadableValue(projection=name, position=position, field=field) for name, position, field in rows]
    return Listing(values, of=UnreadableValue)
