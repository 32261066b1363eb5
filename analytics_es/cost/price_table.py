"""The prices of a period as a table that rows are joined with: whole numbers, by the keys of rows and by time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from analytics_es.cost.cells import EFFORT, PRICED_BY
from analytics_es.cost.prices.prices import Rate
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.cost.rate_key import rate_of
from analytics_es.cost.turns import Name, Stretch, Turning
from analytics_es.cost.usage_cell import UsageCell, decided
from analytics_es.cost.verdicts import AS_ZERO, COMPUTED, REPORTED, Verdict
from analytics_es.events.event import MICRO
from analytics_es.read_models import Price, PriceTable, Span, Tiling

SCALES = (9, 12, 15, 18)  # decimals of a price, as few as do
MOST = 2**62  # of a price in whole numbers
KEYS = ("model", "rate", "effort", "untold", "pricing", "provider", "currency")  # those first that tell most apart
TOLD = ("provider", "model", EFFORT)  # what rows that are added up have in common, beside their prices
NOTHING, WAYS, NO_CLASS = 0, {COMPUTED: 2, REPORTED: 1}, -1


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
    spans: dict[Any, list[list[Span]]] = field(factory=dict)  # of the pieces, by what they are told by


@define
class Making:
    """Prices as they are worked out, model by model."""

    verdict: Callable[[UsageCell], Verdict]
    decimals: int  # of what is reported
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
                    self.leave_out(keys, 0 if first else len(stretches))
                    return
                prices.append(Price(price[0], first + n, *price[1:]))
        self.prices += prices
        if first:
            self.add_pieces(stretches, name)

    def leave_out(self, keys: Iterable[tuple[str, ...]], pieces: int) -> None:
        """List keys without a price in the first pieces, which are of all models: their rows are not added up there."""
        factors = (0,) * len(self.counted)
        self.prices += [
            Price(_in_table(key), n, NOTHING, NO_CLASS, NO_CLASS, factors) for key in keys for n in range(pieces)
        ]

    def _priced(self, key: tuple[str, ...], piece: Stretch, at: int, turning: Turning) -> tuple[Any, ...] | None:
        """Return the price of rows with these keys but for its piece; None where they do not surely have one."""
        provider, model, currency, pricing, rate, untold, _ = key
        cell = UsageCell((), provider, model, currency, pricing, *rate_of(rate), untold, at, {})
        sure = None if cell.pooled else decided(cell, piece, turning, self.tiling.start)
        if sure is None:
            return None
        verdict = self.verdict(sure)
        scaled = _scaled(verdict.rate)
        if scaled is None or (self.settles and verdict.way == AS_ZERO):
            return None
        scale, factors = scaled if verdict.rate else (self.decimals, {})
        places = dict(zip((*PRICED_BY, EFFORT), key, strict=True))
        return (
            _in_table(key),
            WAYS.get(verdict.way, NOTHING),
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


def _in_table(key: Sequence[str]) -> tuple[str, ...]:
    places = dict(zip((*PRICED_BY, EFFORT), key, strict=True))
    return tuple(places[name] for name in KEYS)


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
