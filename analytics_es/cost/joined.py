"""Costs added up in SQL: prices go into the question as whole numbers, and what comes out is added up already.

A model of which rows do not surely tell its price, or whose price does not fit, is left to be read row by row: when its
price turns within an hour, at a threshold of its own, or where a correction settles a cost of 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import localcontext
from functools import lru_cache
from typing import Any, Literal, TypeVar

from attrs import define

from analytics_es.cost.cells import CellQuery, PricedCells
from analytics_es.cost.charges import USED, Costs
from analytics_es.cost.price_table import NO_CLASS, TOLD, Class, Join, Making
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.cost.turns import NEVER, Name
from analytics_es.cost.usage_cell import UsageCell
from analytics_es.cost.verdicts import Verdict
from analytics_es.projection.declaration import Column
from analytics_es.queries.figures import exact
from analytics_es.read_models import NotExact, NotListed, Part, Priced, Tiling

STATEMENTS = 200  # parts of one; SQLite takes at most 500
OWN = 60  # pieces of one model
PRICES = 6_000  # of one question: to hand over more takes longer than to read the rows
REMEMBERED = 8  # periods of one price book


T = TypeVar("T")
Groups = dict[tuple[Any, ...], Costs]
Detail = Literal["prices", "usage", "money"]  # of costs: all; without prices; without what was used, too


@define
class JoinedCosts:
    """Adds up one question's costs in SQL, as `cells` would read them, each with its `verdict`."""

    cells: PricedCells
    verdict: Callable[[UsageCell], Verdict]
    decimals: int  # of what is reported
    worked_out: dict[Any, Any]
    chosen: dict[Any, Join]  # by what was asked: made again, an answer is made from the same

    def __call__(self, query: CellQuery, *, detail: Detail) -> tuple[Groups, frozenset[Name]] | None:
        """Return costs by group, and the models that are left to be read; None where all are."""
        declaration = self.cells.declaration
        one_entity = declaration.entities and declaration.entity_key("id") in query.where
        if query.tiling.start >= query.tiling.end or one_entity:  # of which there are few rows
            return None
        asked = (self._place(query.tiling), *query.where.items(), None, *query.by, query.granularity, detail)
        for _ in range(2):
            join = self.chosen.setdefault(asked, self.chosen.get(asked) or self._join(query.tiling))
            try:
                return self._added_up(query, join, detail)
            except NotExact:
                return None
            except NotListed:  # rows tell more than when prices were worked out
                del self.chosen[asked]
                self.worked_out.get(Join, {}).pop(self._place(query.tiling), None)
        return None

    def _added_up(self, query: CellQuery, join: Join, detail: Detail) -> tuple[Groups, frozenset[Name]] | None:
        parts = list(parts_of(query, join))
        if len(parts) > STATEMENTS:
            return None
        columns = [column for column in self.cells.columns(query.tiling) if _is_counted(column.name, detail)]
        adding = _Adding(query, join, detail, columns)
        rows = Priced(self.cells.question.snapshot, self.cells.declaration, join.table).sums(
            columns,
            parts,
            where=query.where,
            by=adding.by,
            by_time=query.granularity is not None,
            fine=detail == "prices",
        )
        return adding.groups(rows), join.left

    # ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _join(self, tiling: Tiling) -> Join:
        """Return what is worked out once for a price book, as long as rows tell no more."""
        joins, place = self.worked_out.setdefault(Join, {}), self._place(tiling)
        join: Join | None = joins.get(place)  # which another thread may forget meanwhile
        if join is None:
            if len(joins) >= REMEMBERED:
                joins.clear()
            join = self._made(tiling)
            if join.table.prices:  # without any, nothing says that rows tell more
                joins[place] = join
        return join

    def once(self, what: str, tiling: Tiling, make: Callable[[Join], T]) -> T:
        """Return what is made of the prices of a period, once for a price book and for what its rows are about now."""
        made = self.worked_out.setdefault(JoinedCosts, {})
        place = (what, *self._place(tiling), *self.cells.about(tiling).keys)
        of_place: T | None = made.get(place)  # which another thread may forget meanwhile
        if of_place is None:
            if len(made) >= REMEMBERED:
                made.clear()
            of_place = made[place] = make(self._made(tiling))
        return of_place

    def _place(self, tiling: Tiling) -> tuple[Any, ...]:
        columns = tuple(column.name for column in self.cells.columns(tiling))
        horizon = self.cells.question.horizon
        return self.cells.declaration.table, tiling.start, tiling.end, tiling.calendar.zone, horizon.hours, columns

    def _made(self, tiling: Tiling) -> Join:
        about, of_all = self.cells.about(tiling), self.cells.columns(tiling)
        of_names: dict[Name, list[tuple[str, ...]]] = {}
        for key in about.keys:
            of_names.setdefault((key[0], key[1]), []).append(key)
        settles = any(column.name == "settled_calls" for column in of_all)
        columns = [column.name for column in of_all if column.name in USED]
        making = Making(self.verdict, self.decimals, tiling, settles, ["calls", *columns])
        apart = {name for name, turns in about.turning.items() if self.cells.is_apart(turns)}
        shared = self.cells.pieces(tiling, [turns for name, turns in about.turning.items() if name not in apart])
        making.add_pieces(shared, None)
        if len(about.keys) * len(shared) > PRICES:
            making.left |= of_names.keys()
            return making.join()
        for name, keys in of_names.items():
            turning = about.turning.get(name, NEVER)
            if name not in apart:
                making.add(name, keys, turning, shared, 0)
                continue
            making.leave_out(keys, len(shared))
            own = [] if self.cells.lacks(turning) else self.cells.pieces(tiling, [turning])
            if own and len(own) <= OWN:
                making.add(name, keys, turning, own, len(making.pieces))
            else:
                making.left.add(name)
        return making.join()


def parts_of(query: CellQuery, join: Join) -> Iterable[Part]:
    """Yield the buckets of each piece of prices, by what a query asks for."""
    told_by = (query.tiling, query.granularity or "total")
    if told_by not in join.spans:
        parts = (query.tiling.part(*piece) for piece, _ in join.pieces)
        join.spans[told_by] = [part.series(told_by[1])[0] for part in parts]
    for n, ((_, name), spans) in enumerate(zip(join.pieces, join.spans[told_by], strict=True)):
        where = dict(zip(("provider", "model"), name, strict=True)) if name else {}
        if name and not query.fits(name):
            continue
        yield from (Part(span=span, piece=n, where=where) for span in spans)


def _is_counted(name: str, detail: Detail) -> bool:
    return name == "calls" or (detail != "money" and name in USED)


@define
class _Adding:
    """Makes costs of rows that are added up."""

    query: CellQuery
    join: Join
    detail: Detail
    columns: Sequence[Column]

    @property
    def by(self) -> list[str]:
        """What they are grouped by in SQL: what rows with the same prices do not have in common."""
        return [word for word in self.query.by if self.detail != "prices" or word not in TOLD]

    def groups(self, rows: Iterable[tuple[Any, ...]]) -> Groups:
        """Return costs by group."""
        groups: Groups = defaultdict(Costs)
        by, width, as_asked = self.by, len(self.by), self.by == [*self.query.by]
        timed, names = self.query.granularity is not None, [column.name for column in self.columns]
        classes = self.join.fine if self.detail == "prices" else self.join.coarse
        label = lru_cache(maxsize=None)(self.query.label)
        with localcontext(EXACT):
            for row in rows:
                first, rest = (label(row[0]), row[1:]) if timed else ((), row)
                number = rest[width]
                if number == NO_CLASS:
                    continue
                alike = classes[number]
                counts = dict(zip(names, rest[width + 1 : -1], strict=True))
                if as_asked:
                    group = (*first, *rest[:width])
                else:
                    of_row = {**alike.keys, **dict(zip(by, rest, strict=False))}
                    group = (*first, *(of_row[word] for word in self.query.by))
                self._add(groups[group], alike, counts, row[-1] or 0)
        return dict(groups)

    def _add(self, costs: Costs, alike: Class, counts: Mapping[str, Any], money: int) -> None:
        verdict, amount = alike.verdict, exact(money, alike.scale)
        if self.detail == "prices" or not verdict.rate:
            verdict.add_to(costs, counts, amount)
        elif counts["calls"] or money or any(count is not None for kind, count in counts.items() if kind in USED):
            costs.charge(verdict.currency).add(counts, computed=amount)
