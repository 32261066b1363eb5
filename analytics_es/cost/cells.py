"""The read model `cost`, cut so that one price holds for all the calls of each part.

Periods are cut where prices change. What the read model cannot tell apart, an hour in which a price changes, or input
above a threshold that is none of its own, is derived from the log; where its events are gone, it is not known.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from typing import Any, NamedTuple

from attrs import define, evolve, field, frozen

from analytics_es.cost.charges import USED, Counts
from analytics_es.cost.rate_key import as_calls, rate_of
from analytics_es.cost.turns import NEVER, Name, Stretch, Turning, Turns, bands, moments, pieces, runs
from analytics_es.events.event import MICRO
from analytics_es.projection.declaration import Column, Declaration, shortened
from analytics_es.queries import Question
from analytics_es.queries.rows import columns_of, measures_of
from analytics_es.read_models import Tiling

HALF = 1800  # seconds of half an hour
SPANS = 300  # that one statement reads: SQLite takes at most 500
FEW = 24  # a model whose price changes more often is read by the hour, not to cut all others

# Keys that only tell apart what has a price of its own: no question groups or filters costs by them.
TOLD_APART = ("rate", "untold")
PRICED_BY = ("provider", "model", "currency", "pricing", "rate", "untold")
COUNTED = ("calls", "requests", "settled_calls", "settled_requests", "reported_cost", *USED)
NEEDED = (*PRICED_BY, "effort", *COUNTED, "not_ended")


class UsageCell(NamedTuple):
    """A merged row. Its calls have one price, in force since `at` (microseconds); None where that cannot be told.

    `group` begins with the start of the bucket, where there are any. `band`: their input is above so many tokens.
    `tier`: of service. `half`: the half of the hour in which they all were, `:00` or `:30` (UTC), where rows tell it.
    `pooled`: their events stand for many requests each.
    """

    group: tuple[Any, ...]
    provider: str
    model: str
    currency: str
    pricing: str
    band: int
    tier: str
    half: str
    pooled: bool
    untold: str
    at: int | None
    counts: Counts


@frozen(kw_only=True)
class CellQuery:
    """What is read: a period, filters and groups by keys, and the granularity of buckets; None for none."""

    tiling: Tiling
    where: Mapping[str, str]
    by: Sequence[str] = ()
    granularity: str | None = None

    def fits(self, name: Name) -> bool:
        """Say whether the filters let a model pass."""
        keys = zip(("provider", "model"), name, strict=True)
        return all(shortened(self.where.get(key, text)) == text for key, text in keys)

    def label(self, second: int) -> tuple[int, ...]:
        """Return the start of the bucket that holds a second, as groups begin."""
        return () if self.granularity is None else (self.tiling.label(self.granularity, second),)


@define
class PricedCells:
    """Reads one question's cells; `turns` says of a model when, and above which thresholds, its price changes."""

    question: Question
    declaration: Declaration
    turns: Turns
    _open: ExitStack = field(factory=ExitStack)
    _about_stretch: dict[Stretch, tuple[dict[Name, Turning], list[Column]]] = field(factory=dict)
    _derived: dict[Any, Any] = field(factory=dict)

    def close(self) -> None:
        """Let go of what was derived."""
        self._open.close()

    def __call__(self, query: CellQuery) -> Iterator[UsageCell]:
        """Yield what is asked for."""
        if query.tiling.start >= query.tiling.end:
            return
        turning, _ = self._about(query)
        turning = {name: changes for name, changes in turning.items() if query.fits(name)}
        apart = {name for name, changes in turning.items() if len(changes.turns) > FEW or self._lacks(changes)}
        bounds = sorted({turn for name, changes in turning.items() if name not in apart for turn in changes.turns})
        stretches = pieces(query.tiling, bounds, self.question.horizon.hours)
        doubtful: dict[Name, set[Stretch]] = {}
        cells = ((piece, cell) for piece, cell in self._read(query, stretches) if cell[1:3] not in apart)
        yield from _certain(cells, turning, query.tiling.start, doubtful)
        for name in sorted(apart):
            yield from self._alone(query, name, turning[name], doubtful)
        if doubtful:
            yield from self._exact(query, doubtful, turning)

    # ── what changes when ───────────────────────────────────────────────────────────────────────────────────────

    def _about(self, query: CellQuery) -> tuple[dict[Name, Turning], list[Column]]:
        """Return the models with calls in the period whose price changes, and the columns that tell anything in it."""
        stretch = (query.tiling.start, query.tiling.end)
        if stretch not in self._about_stretch:
            counted = columns_of(measures_of(self.declaration, COUNTED))
            spans, where = query.tiling.spans(), dict.fromkeys(self._entity_type(), "")
            rows = self.question.snapshot.sums(self.declaration, counted, spans, where=where, by=["provider", "model"])
            start, end = query.tiling.local(stretch[0]), query.tiling.local(stretch[1])
            changes = {(provider, model): self.turns((provider, model), start, end) for provider, model, *_ in rows}
            turning = {name: turns for name, turns in changes.items() if turns != NEVER}
            sums = zip(*(row[2:] for row in rows), strict=True)
            columns = [column for column, own in zip(counted, sums, strict=False) if column.name == "calls" or any(own)]
            self._about_stretch[stretch] = (turning, columns)
        return self._about_stretch[stretch]

    def _entity_type(self) -> list[str]:
        return [key.name for key in self.declaration.keys if key.of_entity == "type"]

    def _entities(self, query: CellQuery) -> tuple[str, ...]:
        """Return the entities that events must be spread over for a query: at least one, if there are any."""
        kinds = [query.where[key] for key in self._entity_type() if key in query.where]
        entities = self.declaration.entities
        return tuple(entity for entity in entities if entity in kinds) or (entities[:1] if kinds else entities)

    def _lacks(self, turning: Turning) -> bool:
        """Say whether a threshold is none that the read model keeps apart."""
        return not set(turning.thresholds) <= _thresholds(self.declaration)

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, query: CellQuery, stretches: Sequence[Stretch]) -> Iterator[tuple[Stretch, UsageCell]]:
        starts = [start for start, _ in stretches]
        tilings = [query.tiling.part(*piece) for piece in stretches]
        spans = [span for tiling in tilings for span in tiling.series(query.granularity or "total")[0]]
        for first in range(0, len(spans), SPANS):
            some = spans[first : first + SPANS]
            for second, cell in self._rows(self.question.snapshot, self.declaration, query, some, query.where):
                yield stretches[bisect_right(starts, second) - 1], cell

    def _rows(
        self, snapshot: Any, declaration: Declaration, query: CellQuery, spans: Any, where: Mapping[str, str]
    ) -> Iterator[tuple[int, UsageCell]]:
        """Yield the rows of buckets, each with the bucket's start, as cells that are priced by that."""
        turning, columns = self._about(query)
        names = [column.name for column in columns]
        finer = [key.name for key in declaration.keys if key.name in _FINER]
        by, width = [*query.by, *PRICED_BY, *finer], len(query.by) + 1
        priced, counted, start = width + len(PRICED_BY), len(by) + 1, query.tiling.start
        label = lru_cache(maxsize=None)(query.label)
        for row in snapshot.sums(declaration, columns, spans, where=where, by=by, by_time=True):
            provider, model, currency, pricing, rate, untold = row[width:priced]
            rated = rate_of(rate)
            at = row[0] * MICRO
            band = rated.band
            if finer:
                band, at = max(band, int(row[priced + 1])), max(at, int(row[priced]))
            turns = turning.get((provider, model), NEVER)
            counts = as_calls(dict(zip(names, row[counted:], strict=False)), pooled=rated.pooled)
            group = (*label(row[0]), *row[1:width])
            at = turns.last(at, start * MICRO)
            about = (provider, model, currency, pricing, *rated._replace(band=band), untold)
            yield row[0], UsageCell(group, *about, at, counts)

    def _alone(
        self, query: CellQuery, name: Name, turning: Turning, doubtful: dict[Name, set[Stretch]]
    ) -> Iterator[UsageCell]:
        """Read a model by the hour, if its price changes often; leave to the log what cannot be told apart."""
        tiling = query.tiling
        if self._lacks(turning):
            sealed = self.question.horizon.until * MICRO
            doubtful[name] = set(pieces(tiling, [*turning.turns, sealed], self.question.horizon.hours))
            return
        stretches = pieces(tiling, turning.turns, self.question.horizon.hours)
        turned = {piece[0]: piece for piece in stretches if turning.within(*piece)}
        where = {**query.where, "provider": name[0], "model": name[1]}
        since = max(tiling.start, min(self.question.horizon.hours, tiling.end))  # before it, only days are kept
        days, hours = tiling.part(tiling.start, since), tiling.part(since, tiling.end)
        spans = [*days.series("day")[0], *hours.series("hour")[0]] if since > tiling.start else hours.series("hour")[0]
        rows = self._rows(self.question.snapshot, self.declaration, query, spans, where)
        cells = ((turned.get(second, (second, second)), cell) for second, cell in rows)
        yield from _certain(cells, {name: turning}, tiling.start, doubtful)

    # ── from the log ────────────────────────────────────────────────────────────────────────────────────────────

    def _exact(
        self, query: CellQuery, doubtful: Mapping[Name, set[Stretch]], turning: Mapping[Name, Turning]
    ) -> Iterator[UsageCell]:
        """Yield the cells of these models in these stretches as the log has them, with their own bounds."""
        tiling, sealed = query.tiling, self.question.horizon.until
        stretches = sorted({stretch for of_model in doubtful.values() for stretch in of_model})
        turns = sorted({turn for name in doubtful for turn in turning[name].turns})
        thresholds = sorted({threshold for name in doubtful for threshold in turning[name].thresholds}, reverse=True)
        keys = (*self.declaration.keys, moments(turns), bands(thresholds))
        where = _only(self.declaration.where, {model for _, model in doubtful})
        finer = evolve(self.declaration, keys=keys, entities=self._entities(query), where=where)
        for start, end in runs([stretch for stretch in stretches if stretch[0] >= sealed]):
            run = tiling.part(start, end)
            snapshot = self._derive(finer, run)
            if snapshot is None:
                continue
            for second, cell in self._rows(snapshot, finer, query, run.series("hour")[0], query.where):
                name = (cell.provider, cell.model)
                if any(first <= second < last for first, last in doubtful.get(name, ()) if first >= sealed):
                    yield cell
        for name, own in sorted(doubtful.items()):  # each by itself: stretches of one lie in those of another
            gone = sorted(stretch for stretch in own if stretch[0] < sealed)
            only = evolve(query, where={**query.where, "provider": name[0], "model": name[1]})
            for piece, cell in self._read(only, gone):
                decided = _decided(cell, piece, turning[name], tiling.start)
                yield decided if decided and not self._straddles(cell, turning[name]) else cell._replace(at=None)

    def _straddles(self, cell: UsageCell, turning: Turning) -> bool:
        """Say whether the calls of a cell may be on both sides of a threshold."""
        if cell.pooled:  # which are taken to be above none
            return False
        upper = min((bound for bound in _thresholds(self.declaration) if bound > cell.band), default=None)
        return any(bound > cell.band and (upper is None or bound < upper) for bound in turning.of(cell.tier).thresholds)

    def _derive(self, finer: Declaration, tiling: Tiling) -> Any:
        """Return what the log says of a stretch, up to where the question's snapshot is; None while that is open."""
        key = (finer.fingerprint, tiling.start, tiling.end)
        if key not in self._derived:
            position = self.question.snapshot.positions[self.declaration.name]
            read_models = self.question.derived(finer, tiling, position)
            if read_models is None:
                return None
            self._open.callback(read_models.close)
            self._derived[key] = self._open.enter_context(read_models.read())
        return self._derived[key]


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────────

_FINER = ("moment", "band")
_HALVES = {":00": 0, ":30": HALF}


def _certain(
    cells: Iterable[tuple[Stretch, UsageCell]],
    turning: Mapping[Name, Turning],
    start: int,
    doubtful: dict[Name, set[Stretch]],
) -> Iterator[UsageCell]:
    """Yield the cells of a model in a piece of time if each has one price, else none: then the piece is `doubtful`.

    What is doubtful is read again, as a whole.
    """
    waiting: dict[tuple[Name, Stretch], list[UsageCell]] = {}
    for piece, cell in cells:
        name = (cell.provider, cell.model)
        changes = turning.get(name, NEVER)
        if not changes.within(*piece):
            yield cell
        elif decided := _decided(cell, piece, changes, start):
            waiting.setdefault((name, piece), []).append(decided)
        else:
            doubtful.setdefault(name, set()).add(piece)
    for (name, piece), decided_cells in waiting.items():
        if piece not in doubtful.get(name, ()):
            yield from decided_cells


def _decided(cell: UsageCell, piece: Stretch, turning: Turning, start: int) -> UsageCell | None:
    """Return a cell of a piece of time with the price that is in force; None where the price changes in between."""
    turning = turning.of(cell.tier)
    if not turning.within(*piece):
        return cell
    if piece[1] - piece[0] != 2 * HALF or piece[0] % HALF or not cell.half:
        return None
    first = piece[0] + (_HALVES[cell.half] - piece[0]) % (2 * HALF)  # an hour of a zone may begin at :30
    if turning.within(first, first + HALF):
        return None
    return cell._replace(at=turning.last(first * MICRO, start * MICRO))


def _only(where: str | None, models: Collection[str]) -> str | None:
    """Narrow a condition on events to some models, unless rows have the name of one shortened."""
    if any("…" in model for model in models):
        return where
    names = ", ".join("'" + model.replace("'", "''") + "'" for model in sorted(models))
    return f"({where or 'true'}) AND coalesce(model, '') IN ({names})"


def _thresholds(declaration: Declaration) -> set[int]:
    """Return the thresholds that a read model tells apart, as its definition has them."""
    sql = next(key.sql for key in declaration.keys if key.name == "rate")
    return {int(threshold) for threshold in re.findall(r"input_tokens > (\d+)", sql)}
