"""The prices of a stretch of buckets as SQL views are filled by them: what becomes of each row, whatever it counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve

from analytics_es.cost.cells import CellQuery
from analytics_es.cost.charges import USED
from analytics_es.cost.joined import STATEMENTS, parts_of
from analytics_es.cost.price_table import KEYS, NO_CLASS, Class, Join
from analytics_es.cost.pricing import Costing
from analytics_es.cost.turns import Name
from analytics_es.cost.verdicts import AS_ZERO, NO_CALL, REPORTED
from analytics_es.queries import Question
from analytics_es.read_models import Part, Price, RowPrice, RowPrices
from analytics_es.read_models.views.joining import COMPUTED, LEFT_OUT, UNKNOWN, UNKNOWN_CALLS
from analytics_es.read_models.views.joining import REPORTED as AS_REPORTED

MOST = 2**62  # of a factor in whole numbers
PROVIDER, MODEL, PRICING = map(KEYS.index, ("provider", "model", "pricing"))


def prices(costing: Costing, question: Question, grain: str) -> tuple[RowPrices | None, frozenset[Name]]:
    """Return the prices of a question's period, and the models of which they do not tell; None where of all."""
    query = CellQuery(tiling=question.tiling, where={}, granularity=grain)
    return costing.once(grain, question.tiling, lambda join: _prices(join, query, costing.decimals))


def _prices(join: Join, query: CellQuery, decimals: int) -> tuple[RowPrices | None, frozenset[Name]]:
    """Let all rows of a model have amounts of one scale: so the money of a group, which is one model's, adds up."""
    scales = _scales(join)
    parts = [_labelled(part, query) for part in parts_of(query, join)]
    priced = list(_priced(join, scales))
    if len(parts) > STATEMENTS or not priced or any(abs(factor) >= MOST for row in priced for factor in row.factors):
        return None, frozenset()
    used = [name for name in join.table.counted if name in USED]
    table = RowPrices(
        keys=KEYS,
        counted=join.table.counted,
        used=used,
        money=join.table.money,
        decimals=decimals,
        prices=priced,
        parts=parts,
    )
    return table, join.left


def _labelled(part: Part, query: CellQuery) -> Part:
    """Return a part with the bucket of its hours: a day may begin before its piece does."""
    if part.span.label is None:
        return part
    return evolve(part, span=evolve(part.span, label=query.label(part.span.label)[0]))


def _scales(join: Join) -> dict[Name, int]:
    """Return the decimals of each model's money: as many as any of its prices has."""
    scales: dict[Name, int] = {}
    for price in join.table.prices:
        if price.coarse != NO_CLASS and join.coarse[price.coarse].verdict.rate:
            name = _name(price)
            scales[name] = max(scales.get(name, 0), join.coarse[price.coarse].scale)
    return scales


def _priced(join: Join, scales: dict[Name, int]) -> Iterator[RowPrice]:
    for price in join.table.prices:
        if price.keys[PRICING]:  # what has none is no call
            alike = None if price.coarse == NO_CLASS else join.coarse[price.coarse]
            way, currency, reason = _becomes(alike)
            scale = scales.get(_name(price), 0)
            yield RowPrice(price.keys, price.piece, way, scale, currency, reason, _factors(price, alike, scale))


def _name(price: Price) -> Name:
    return price.keys[PROVIDER], price.keys[MODEL]


def _becomes(alike: Class | None) -> tuple[int, str, str]:
    """Return what becomes of rows, the currency of their money, and the reason why it is not known."""
    if alike is None or alike.verdict.way == NO_CALL:
        return LEFT_OUT, "", ""
    verdict = alike.verdict
    if verdict.way == REPORTED:
        return AS_REPORTED, verdict.currency, ""
    if verdict.rate:
        return COMPUTED, verdict.currency, ""
    return UNKNOWN_CALLS if verdict.way == AS_ZERO else UNKNOWN, "", verdict.reason


def _factors(price: Price, alike: Class | None, scale: int) -> Sequence[Any]:
    if alike is None or not alike.verdict.rate:
        return price.factors
    return tuple(factor * 10 ** (scale - alike.scale) for factor in price.factors)
