"""The read model `cost`, cut so that one price holds for all the calls of each part.

Periods are cut where prices change. What the read model cannot tell apart, an hour in which a price changes, or input
above a threshold that is none of its own, is derived from the log; where its events are gone, it is not known.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from typing import Any, NamedTuple

from attrs import define, evolve, field, frozen

from analytics_es.cost.charges import USED
from analytics_es.cost.rate_key import as_calls, rate_of
from analytics_es.cost.turns import NEVER, Name, Stretch, Turning, Turns, bands, moments, pieces, runs
from analytics_es.cost.usage_cell import UsageCell, certain, decided
from analytics_es.events.event import MICRO
from analytics_es.projection.declaration import Column, Declaration, shortened
from analytics_es.queries import Question
from analytics_es.queries.rows import columns_of, measures_of
from analytics_es.read_models import Tiling, different
from analytics_es.read_models import told as told_columns

SPANS = 300  # that one statement reads: SQLite takes at most 500
MANY = 3  # models that are read one by one
FEW = 2  # a model whose price changes more often is read by itself, not to cut the days of all others

# Keys that only tell apart what has a price of its own: no question groups or filters costs by them.
TOLD_APART = ("rate", "untold")
PRICED_BY = ("provider", "model", "currency", "pricing", "rate", "untold")
EFFORT = "effort"  # what most groups are told apart by
COUNTED = ("calls", "requests", "settled_calls", "settled_requests", "reported_cost", *USED)
NEEDED = (*PRICED_BY, EFFORT, *COUNTED, "not_ended")


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

    def of(self, name: Name) -> CellQuery:
        """Return the same of one model."""
        return evolve(self, where={**self.where, "provider": name[0], "model": name[1]})

    def label(self, second: int) -> tuple[int, ...]:
        """Return the start of the bucket that holds a second, as groups begin."""
        return () if self.granularity is None else (self.tiling.label(self.granularity, second),)


class About(NamedTuple):
    """What rows of a period are about: models whose price changes in it, and all keys."""

    turning: dict[Name, Turning]
    keys: list[tuple[str, ...]]


@define
class PricedCells:
    """Reads one question's cells; `turns` says of a model when, and above which thresholds, its price changes."""

    question: Question
    declaration: Declaration
    turns: Turns
    _open: ExitStack = field(factory=ExitStack)
    _about: dict[Stretch, About] = field(factory=dict)
    _told: dict[Stretch, list[Column]] = field(factory=dict)
    _derived: dict[Any, Any] = field(factory=dict)

    def close(self) -> None:
        """Let go of what was derived."""
        self._open.close()

    def __call__(self, query: CellQuery, names: Collection[Name] | None = None) -> Iterator[UsageCell]:
        """Yield what is asked for, of models of these names, or of all."""
        if query.tiling.start >= query.tiling.end:
            return
        turning = {
            name: turns
            for name, turns in self.about(query.tiling).turning.items()
            if query.fits(name) and (names is None or name in names)
        }
        apart = {name for name, turns in turning.items() if self.is_apart(turns)}
        doubtful: dict[Name, set[Stretch]] = {}
        for some, of_some in self._together(query, names, apart):
            stretches = self.pieces(query.tiling, [turns for name, turns in turning.items() if some(name)])
            cells = ((piece, cell) for piece, cell in self._read(of_some, stretches) if some(cell[1:3]))
            yield from certain(cells, turning, query.tiling.start, doubtful)
        for name in sorted(apart):
            yield from self._alone(query, name, turning[name], doubtful)
        if doubtful:
            yield from self._exact(query, doubtful, turning)

    def _together(
        self, query: CellQuery, names: Collection[Name] | None, apart: Collection[Name]
    ) -> Iterator[tuple[Callable[[Name], bool], CellQuery]]:
        """Yield what is read at once: all models that are not apart, or one after the other where they are few."""
        if names is None or len(names) > MANY:
            yield (lambda name: name not in apart and (names is None or name in names)), query
            return
        for name in sorted(set(names) - {*apart}):
            if query.fits(name):
                yield name.__eq__, query.of(name)

    # ── what changes when ───────────────────────────────────────────────────────────────────────────────────────

    def about(self, tiling: Tiling) -> About:
        """Return what the rows of a period are about."""
        stretch = (tiling.start, tiling.end)
        if stretch not in self._about:
            snapshot, spans = self.question.snapshot, tiling.spans()
            keys = different(snapshot, self.declaration, (*PRICED_BY, EFFORT), spans, self._of_all())
            start, end = tiling.local(stretch[0]), tiling.local(stretch[1])
            changes = {name: self.turns(name, start, end) for name in dict.fromkeys(key[:2] for key in keys)}
            self._about[stretch] = About({name: turns for name, turns in changes.items() if turns != NEVER}, keys)
        return self._about[stretch]

    def columns(self, tiling: Tiling) -> list[Column]:
        """Return the columns that rows of a period tell anything in, and those that all answers need."""
        told = self._columns(tiling)
        counted = columns_of(measures_of(self.declaration, COUNTED))
        return [column for column in counted if column in told or column.name in ("calls", "reported_cost")]

    def tells(self, tiling: Tiling, name: str) -> bool:
        """Say whether any row of a period tells something in a column, of those that are `NEEDED`."""
        return any(column.name == name for column in self._columns(tiling))

    def _columns(self, tiling: Tiling) -> list[Column]:
        stretch = (tiling.start, tiling.end)
        if stretch not in self._told:
            counted = columns_of(measures_of(self.declaration, (*COUNTED, "not_ended")))
            of_all = self._of_all()
            self._told[stretch] = told_columns(
                self.question.snapshot, self.declaration, counted, tiling.spans(), of_all
            )
        return self._told[stretch]

    def is_apart(self, turning: Turning) -> bool:
        """Say whether a model is read by itself: its price turns often, or at no threshold that rows tell."""
        return len(turning.turns) > FEW or self.lacks(turning)

    def pieces(self, tiling: Tiling, turning: Iterable[Turning]) -> list[Stretch]:
        """Cut a period where prices of these models turn."""
        bounds = sorted({turn for turns in turning for turn in turns.turns})
        return pieces(tiling, bounds, self.question.horizon.hours)

    def _of_all(self) -> dict[str, str]:
        return dict.fromkeys(self._entity_type(), "")

    def _entity_type(self) -> list[str]:
        return [key.name for key in self.declaration.keys if key.of_entity == "type"]

    def _entities(self, query: CellQuery) -> tuple[str, ...]:
        """Return the entities that events must be spread over for a query: at least one, if there are any."""
        kinds = [query.where[key] for key in self._entity_type() if key in query.where]
        entities = self.declaration.entities
        return tuple(entity for entity in entities if entity in kinds) or (entities[:1] if kinds else entities)

    def lacks(self, turning: Turning) -> bool:
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
        turning, columns = self.about(query.tiling).turning, self.columns(query.tiling)
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
        if self.lacks(turning):
            sealed = self.question.horizon.until * MICRO
            doubtful[name] = set(pieces(tiling, [*turning.turns, sealed], self.question.horizon.hours))
            return
        stretches = pieces(tiling, turning.turns, self.question.horizon.hours)
        turned = {piece[0]: piece for piece in stretches if turning.within(*piece)}
        since = max(tiling.start, min(self.question.horizon.hours, tiling.end))  # before it, only days are kept
        days, hours = tiling.part(tiling.start, since), tiling.part(since, tiling.end)
        spans = [*days.series("day")[0], *hours.series("hour")[0]] if since > tiling.start else hours.series("hour")[0]
        rows = self._rows(self.question.snapshot, self.declaration, query, spans, query.of(name).where)
        cells = ((turned.get(second, (second, second)), cell) for second, cell in rows)
        yield from certain(cells, {name: turning}, tiling.start, doubtful)

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
            for piece, cell in self._read(query.of(name), gone):
                sure = decided(cell, piece, turning[name], tiling.start)
                yield sure if sure and not self._straddles(cell, turning[name]) else cell._replace(at=None)

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
