"""Costs added up in SQL: prices go into the question as whole numbers, and what comes out is added up already.

A model of which rows do not surely tell its price, or whose price does not fit, is left to be read row by row: when its
price turns within an hour, at a threshold of its own, or where a correction settles a cost of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import localcontext
from functools import lru_cache
from typing import Any, Literal

from attrs import define, field, frozen

from analytics_es.cost.cells import EFFORT, PRICED_BY, About, CellQuery, PricedCells
from analytics_es.cost.charges import USED, Costs
from analytics_es.cost.prices.prices import Rate
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.cost.rate_key import rate_of
from analytics_es.cost.turns import NEVER, Name, Stretch, Turning
from analytics_es.cost.usage_cell import UsageCell, decided
from analytics_es.cost.verdicts import AS_ZERO, COMPUTED, REPORTED, Verdict
from analytics_es.events.event import MICRO
from analytics_es.projection.declaration import Column
from analytics_es.queries.figures import exact
from analytics_es.read_models import NotExact, Part, Price, Priced, PriceTable, Tiling

SCALES = (9, 12, 15, 18)  # decimals of a price, as few as do
MOST = 2**62  # of a price in whole numbers
STATEMENTS = 200  # parts of one; SQLite takes at most 500
OWN = 60  # pieces of one model
PRICES = 6_000  # of one question: to hand over more takes longer than to read the rows
REMEMBERED = 8  # periods of one price book
KEYS = ("model", "rate", "effort", "untold", "pricing", "provider", "currency")  # those first that tell most apart

TOLD = ("provider", "model", EFFORT)  # what rows that are added up have in common, beside their prices

Groups = dict[tuple[Any, ...], Costs]
Detail = Literal["prices", "usage", "money"]  # of costs: all; without prices; without what was used, too
WAYS = {COMPUTED: 2, REPORTED: 1}


@frozen(kw_only=True)
class Class:
    """Rows that are added up: what becomes of them, the decimals of their money, and the keys they have in common."""

    verdict: Verdict
    scale: int
    keys: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Join:
    """The prices of a period, the pieces in which they hold, and of which models they are not told."""

    table: PriceTable
    fine: Sequence[Class]
    coarse: Sequence[Class]
    pieces: Sequence[tuple[Stretch, Name | None]]  # whose they are, where a model has its own
    left: frozenset[Name]


@define
class JoinedCosts:
    """Adds up one question's costs in SQL, as `cells` would read them, each with its `verdict`."""

    cells: PricedCells
    verdict: Callable[[UsageCell], Verdict]
    decimals: int  # of what is reported
    worked_out: dict[Any, Any]
    _joins: dict[Stretch, Join] = field(factory=dict)

    def __call__(self, query: CellQuery, *, detail: Detail) -> tuple[Groups, frozenset[Name]] | None:
        """Return costs by group, and the models that are left to be read; None where all are."""
        declaration = self.cells.declaration
        one_entity = declaration.entities and declaration.entity_key("id") in query.where
        if query.tiling.start >= query.tiling.end or one_entity:  # of which there are few rows
            return None
        join, columns = self._join(query.tiling), self.cells.about(query.tiling).columns
        parts = list(_parts(query, join))
        if len(parts) > STATEMENTS:
            return None
        adding = _Adding(query, join, detail, [column for column in columns if _is_counted(column.name, detail)])
        try:
            rows = Priced(self.cells.question.snapshot, declaration, join.table).sums(
                adding.columns,
                parts,
                where=query.where,
                by=adding.by,
                by_time=query.granularity is not None,
                fine=detail == "prices",
            )
        except NotExact:
            return None
        return adding.groups(rows), join.left

    # ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _join(self, tiling: Tiling) -> Join:
        stretch = (tiling.start, tiling.end)
        if stretch not in self._joins:
            self._joins[stretch] = self._remembered(tiling, self.cells.about(tiling))
        return self._joins[stretch]

    def _remembered(self, tiling: Tiling, about: About) -> Join:
        """Return what is worked out once for a price book, as long as rows tell no more."""
        horizon, columns = self.cells.question.horizon, tuple(column.name for column in about.columns)
        place = (
            self.cells.declaration.table,
            *(tiling.start, tiling.end, tiling.calendar.zone, horizon.hours),
            *(tuple(about.keys), columns),
        )
        joins = self.worked_out.setdefault(Join, {})
        join: Join | None = joins.get(place)  # which another thread may forget meanwhile
        if join is None:
            if len(joins) >= REMEMBERED:
                joins.clear()
            join = joins[place] = self._made(tiling, about)
        return join

    def _made(self, tiling: Tiling, about: About) -> Join:
        of_names: dict[Name, list[tuple[str, ...]]] = {}
        for key in about.keys:
            of_names.setdefault((key[0], key[1]), []).append(key)
        settles = any(column.name == "settled_calls" for column in about.columns)
        columns = [column.name for column in about.columns if column.name in USED]
        making = _Making(self, tiling, settles, ["calls", *columns])
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
            elif not self.cells.lacks(turning):
                own = self.cells.pieces(tiling, [turning])
                if len(own) <= OWN:
                    making.add(name, keys, turning, own, len(making.pieces))
                else:
                    making.left.add(name)
            else:
                making.left.add(name)
        return making.join()


@define
class _Making:
    """Prices as they are worked out, model by model."""

    costs: JoinedCosts
    tiling: Tiling
    settles: bool
    counted: Sequence[str]
    prices: list[Price] = field(factory=list)
    pieces: list[tuple[Stretch, Name | None]] = field(factory=list)
    left: set[Name] = field(factory=set)
    _fine: dict[tuple[Any, ...], int] = field(factory=dict)
    _coarse: dict[tuple[Any, ...], int] = field(factory=dict)
    _classes: tuple[list[Class], list[Class]] = field(factory=lambda: ([], []))

    def add_pieces(self, stretches: Iterable[Stretch], name: Name | None) -> None:
        """Add pieces of all models, or of one."""
        self.pieces += [(stretch, name) for stretch in stretches]

    def add(
        self, name: Name, keys: Sequence[tuple[str, ...]], turning: Turning, stretches: Sequence[Stretch], first: int
    ) -> None:
        """Add the prices of a model in pieces of time, or leave it to be read."""
        places = [turning.last(start * MICRO, self.tiling.start * MICRO) for start, _ in stretches]
        # Where a price holds for the whole of its piece, all that tells pieces apart is since when it is in force.
        certain = not any(turning.within(*piece) for piece in stretches)
        worked_out: dict[tuple[int, int], tuple[Any, ...] | None] = {}
        prices = []
        for number, key in enumerate(keys):
            for n, (piece, at) in enumerate(zip(stretches, places, strict=True)):
                place = (number, at) if certain else (number, -n)
                if place not in worked_out:
                    worked_out[place] = self._priced(key, piece, at, turning)
                price = worked_out[place]
                if price is None:
                    self.left.add(name)
                    return
                prices.append(Price(price[0], first + n, *price[1:]))
        self.prices += prices
        if first:
            self.add_pieces(stretches, name)

    def _priced(self, key: tuple[str, ...], piece: Stretch, at: int, turning: Turning) -> tuple[Any, ...] | None:
        """Return the price of rows with these keys but for its piece; None where they do not surely have one."""
        provider, model, currency, pricing, rate, untold, _ = key
        cell = UsageCell((), provider, model, currency, pricing, *rate_of(rate), untold, at, {})
        sure = None if cell.pooled else decided(cell, piece, turning, self.tiling.start)
        if sure is None:
            return None
        verdict = self.costs.verdict(sure)
        scaled = _scaled(verdict.rate)
        if scaled is None or (self.settles and verdict.way == AS_ZERO):
            return None
        scale, factors = scaled if verdict.rate else (self.costs.decimals, {})
        places = dict(zip((*PRICED_BY, EFFORT), key, strict=True))
        return (
            tuple(places[name] for name in KEYS),
            WAYS.get(verdict.way, 0),
            self._class(0, verdict, scale, {word: places[word] for word in TOLD}),
            self._class(1, verdict, scale, {}),
            tuple(factors.get("requests" if name == "calls" else name, 0) for name in self.counted),
        )

    def _class(self, coarse: int, verdict: Verdict, scale: int, keys: Mapping[str, str]) -> int:
        numbers, classes = (self._fine, self._coarse)[coarse], self._classes[coarse]
        alike = (*verdict.alike(fine=not coarse), scale, *keys.values())
        if alike not in numbers:
            numbers[alike] = len(classes)
            classes.append(Class(verdict=verdict, scale=scale, keys=keys))
        return numbers[alike]

    def join(self) -> Join:
        """Return what was worked out."""
        table = PriceTable(keys=KEYS, counted=self.counted, money="reported_cost", prices=self.prices)
        fine, coarse = self._classes
        return Join(table=table, fine=fine, coarse=coarse, pieces=self.pieces, left=frozenset(self.left))


def _parts(query: CellQuery, join: Join) -> Iterable[Part]:
    for n, (piece, name) in enumerate(join.pieces):
        where = dict(zip(("provider", "model"), name, strict=True)) if name else {}
        if name and not query.fits(name):
            continue
        for span in query.tiling.part(*piece).series(query.granularity or "total")[0]:
            yield Part(span=span, piece=n, where=where)


def _scaled(rate: Rate | None) -> tuple[int, dict[str, int]] | None:
    """Return factors as whole numbers of so many decimals; None where they do not fit."""
    if rate is None:
        return 0, {}
    places = max((-int(factor.normalize(EXACT).as_tuple().exponent) for _, factor in rate.factors), default=0)
    scale = next((scale for scale in SCALES if places <= scale), None)
    if scale is None:
        return None
    factors = {kind: int(factor.scaleb(scale, EXACT)) for kind, factor in rate.factors}
    return (scale, factors) if all(abs(factor) < MOST for factor in factors.values()) else None


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
        groups: Groups = {}
        timed, names = self.query.granularity is not None, [column.name for column in self.columns]
        classes = self.join.fine if self.detail == "prices" else self.join.coarse
        label = lru_cache(maxsize=None)(self.query.label)
        with localcontext(EXACT):
            for row in rows:
                first, rest = (label(row[0]), row[1:]) if timed else ((), row)
                alike = classes[rest[len(self.by)]]
                of_row = {**alike.keys, **dict(zip(self.by, rest, strict=False))}
                counts = dict(zip(names, rest[len(self.by) + 1 : -1], strict=True))
                group = (*first, *(of_row[word] for word in self.query.by))
                self._add(groups.setdefault(group, Costs()), alike, counts, row[-1] or 0)
        return groups

    def _add(self, costs: Costs, alike: Class, counts: Mapping[str, Any], money: int) -> None:
        verdict, amount = alike.verdict, exact(money, alike.scale)
        if self.detail == "prices" or not verdict.rate:
            verdict.add_to(costs, counts, amount)
        elif counts["calls"] or money or any(count is not None for kind, count in counts.items() if kind in USED):
            costs.charge(verdict.currency).add(counts, computed=amount)
