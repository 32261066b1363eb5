"""What calls of one day, agent, model, project or block are, in figures that add up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from attrs import Factory, define

from analytics_es.types import CostRow


@define(kw_only=True)
class Figures:
    """Sums of calls; those of which the cost is not known are in no cost.

    calls: how many; unknown_calls: how many of them have a cost that is not known.
    input_tokens, output_tokens: of all of them; cache_read_tokens: a part of the input.
    costs: by currency.
    """

    calls: int = 0
    unknown_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    costs: dict[str, Decimal] = Factory(dict)

    def add(self, other: Figures) -> None:
        """Add others up with these."""
        self.calls += other.calls
        self.unknown_calls += other.unknown_calls
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cache_read_tokens += other.cache_read_tokens
        for currency, cost in other.costs.items():
            self.costs[currency] = self.costs.get(currency, Decimal(0)) + cost

    def charge(self, calls: int, currency: str, cost: Decimal | None) -> None:
        """Add calls with what they cost, None where that is not known."""
        self.calls += calls
        if cost is None:
            self.unknown_calls += calls
        else:
            self.costs[currency] = self.costs.get(currency, Decimal(0)) + cost

    @property
    def most(self) -> Decimal:
        """The cost in the currency with the most, to order by."""
        return max(self.costs.values(), default=Decimal(-1))


@define(kw_only=True)
class Named(Figures):
    """Figures of what has a name: an agent, a model, a project, a machine; "" where calls do not tell it."""

    name: str


@define(kw_only=True)
class Bucket(Figures):
    """Figures of a day or an hour: where it begins, and when the first event in it was, where that was asked."""

    start: datetime
    first: datetime | None = None


def by_name(rows: Iterable[CostRow], key: str) -> list[Named]:
    """Return figures by name, what costs most first; a name has a row for each currency, and one of unknown cost."""
    named: dict[str, Named] = {}
    for row in rows:
        figures = named.setdefault(row.keys[key], Named(name=row.keys[key]))
        figures.charge(row.calls, row.currency, row.cost)
        figures.input_tokens += row.tokens.input or 0
        figures.output_tokens += row.tokens.output or 0
        figures.cache_read_tokens += row.tokens.cache_read or 0
    return sorted(named.values(), key=lambda figures: (-figures.most, -figures.calls, figures.name))
