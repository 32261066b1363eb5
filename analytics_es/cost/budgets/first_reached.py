"""First reached: the first position of the log by which so much of a budget was spent.

What a budget was at a position follows from what it is now, without what came after: the cost of calls up to there,
at the prices that were published by then, and what was allocated by then. So the position depends on the log alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal, localcontext
from typing import Any

from attrs import define, evolve, field, frozen

from analytics_es.cost.budgets import accounts
from analytics_es.cost.budgets.accounts import BUDGETS, Account, Allocation, Keys, Rows, money
from analytics_es.cost.budgets.credits import NOTHING
from analytics_es.cost.budgets.spending import COST, Spending, amounts_by, hours, spending
from analytics_es.cost.budgets.together import Together
from analytics_es.cost.context import CostContext
from analytics_es.cost.price_log import PricesThen
from analytics_es.cost.prices.book import PriceBook
from analytics_es.events.event import MICRO
from analytics_es.log import LogSlice
from analytics_es.projection.declaration import Declaration, Key
from analytics_es.projection.fold_sql import OCCURRED
from analytics_es.projection.rows import by_name
from analytics_es.queries import QuestionContext
from analytics_es.queries.derived import DerivedReadModels
from analytics_es.queries.figures import DIGITS
from analytics_es.queries.rows import Values
from analytics_es.read_models import Seeds, Tiling
from analytics_es.store import Store
from analytics_es.types import TimePeriod

HUNDRED = 100
PAGE = 50_000  # events read at once
PLACE = Key(name="place", sql="position")  # tells events apart

_How = tuple[int, TimePeriod]  # how often prices had been published, and the period that counts
_Changes = tuple[list[tuple[int, Keys, Values]], list[tuple[int, int]]]


@frozen(kw_only=True)
class State:
    """A budget as of a position: what was allocated by then, and what was spent of it.

    `prices`: how often prices had been published. `cost` of calls is None where nobody needed it.
    """

    position: int
    rows: Rows
    allocation: Allocation
    taken: int = 0
    prices: int = 0
    reduced: int = 0
    cost: Decimal | None = None

    @property
    def allocated(self) -> Decimal:
        """What was allocated."""
        return money(self.allocation.amount) or NOTHING

    @property
    def spent(self) -> Decimal:
        """What calls cost, and what `budget.spent` events took."""
        return DIGITS.add(money(self.taken) or NOTHING, self.cost or NOTHING)

    def has_reached(self, percent: Decimal) -> bool:
        """Say whether so much of it was spent, and that was a threshold of it."""
        has_threshold = percent in self.allocation.thresholds and self.allocated > 0
        return has_threshold and self.spent * HUNDRED >= percent * self.allocated


BEGINNING = State(position=0, rows={}, allocation=Allocation())


@frozen(kw_only=True)
class PriceHistory:
    """When prices were published: positions next to each other are one time, as one file is published at once."""

    book: PriceBook
    ends: Sequence[int]
    _after: dict[int, PricesThen] = field(factory=dict, init=False, eq=False)  # a book remembers what it was asked

    @classmethod
    def of(cls, book: PriceBook) -> PriceHistory:
        """Read the positions of a book."""
        positions = {published.position for published in book.published if published.position}
        return cls(book=book, ends=sorted(position for position in positions if position + 1 not in positions))

    def count(self, position: int) -> int:
        """Say how often prices had been published by a position."""
        return bisect_right(self.ends, position)

    def after(self, count: int) -> PricesThen:
        """Return the prices as they were after so many times."""
        if count not in self._after:
            self._after[count] = PricesThen(book=self.book.upto(self.ends[count - 1] if count else 0))
        return self._after[count]


@define(kw_only=True)
class BudgetHistory:
    """One budget at any position between two: the last that was looked at before, and the last of the read model."""

    store: Store
    context: CostContext
    account: Account
    price_history: PriceHistory
    earlier: State
    latest: State
    together: Together = field(factory=Together)
    _costs: dict[_How, tuple[int, Decimal]] = field(factory=dict, init=False)
    _states: dict[int, State] = field(factory=dict, init=False)
    _changed: _Changes | None = field(default=None, init=False)
    _by_position: dict[tuple[_How, int, int], dict[int, Decimal]] = field(factory=dict, init=False)

    @classmethod
    def of(cls, *, latest: State, **parts: Any) -> BudgetHistory:
        """Return the history of a budget; where nothing is priced, it does not matter when prices were published."""
        history = cls(latest=latest, **parts)
        if history.account.scope:
            with localcontext(DIGITS):
                history._price(latest)
        return history

    def _price(self, latest: State) -> None:
        """Say what the calls until now cost, at the prices of now."""
        prices = self.price_history.count(latest.position)
        period = self._period(latest.allocation)
        spent = self._spent(prices, period)
        prices = prices if spent.priced else 0
        self._costs[prices, period] = _up_to(spent), self._amount(spent)
        self.latest = evolve(latest, prices=prices)
        self.latest = self._with_cost(self.latest)

    def first(self, percent: Decimal) -> State | None:
        """Return the state at the first position by which so much was reached, None where it never was."""
        with localcontext(DIGITS):
            return self._first(self.earlier, self.latest, percent)

    def _first(self, before: State, after: State, percent: Decimal) -> State | None:
        if not self._may_reach(before, after, percent):
            return None
        if after.position <= before.position + 1:
            after = self._with_cost(after)
            return after if after.has_reached(percent) else None
        middle = self._between(before, after)
        return self._first(before, middle, percent) or self._first(middle, after, percent)

    def _may_reach(self, before: State, after: State, percent: Decimal) -> bool:
        """Say whether it can have been reached at any position between; a bound that is cheap to know."""
        if not after.allocation.amount:
            return False
        least = before.allocation.amount or after.allocation.least or 0
        if before.prices == after.prices:
            most, reduced = self._with_cost(after).spent, after.reduced - before.reduced
        else:
            times = range(min(before.prices, after.prices), max(before.prices, after.prices) + 1)
            costs = [self._cost(time, after.allocation)[1] for time in times]
            most, reduced = max(costs) + (money(after.taken) or NOTHING), after.reduced
        return (most + (money(reduced) or NOTHING)) * HUNDRED >= percent * (money(least) or NOTHING)

    # ── what it was ─────────────────────────────────────────────────────────────────────────────────────────────

    def _between(self, before: State, after: State) -> State:
        """Return the state in the middle."""
        position = (before.position + after.position) // 2
        if position not in self._states:
            self._states[position] = self._state(position, before, after)
        return self._states[position]

    def _state(self, position: int, before: State, after: State) -> State:
        rows, takings = self._changes()
        merged = accounts.merged(
            [*self.earlier.rows.items(), *((keys, values) for place, keys, values in rows if place <= position)],
            self.context.read_models.declarations[BUDGETS],
        )
        state = State(
            position=position,
            rows=merged,
            allocation=accounts.allocations(merged).get(self.account, Allocation()),
            taken=self.earlier.taken + sum(taken for place, taken in takings if place <= position),
            prices=self.price_history.count(position) if self.latest.prices else 0,
            reduced=accounts.reduced(merged, self.account.currency),
        )
        period = self._period(state.allocation)
        if after.cost is None or state.prices != after.prices or period != self._period(after.allocation):
            return state
        cost = self._cost_of(state.prices, period, position, after.position, since=before.position)
        return evolve(state, cost=after.cost - cost)

    def _changes(self) -> _Changes:
        """Return what the log holds of the budget between the two positions: rows, and what was taken, and where."""
        if self._changed is None:
            tiling = Tiling.of(self.store.calendar, self.account.period)
            rows, takings = [], []
            for grain, bucket, keys, values in self._folded():
                position = values.get("position", 0)
                if grain == "day" and accounts.concerns(keys, self.account):
                    rows.append((position, keys, values))
                elif grain == "hour" and keys[:2] == self.account.name and tiling.start <= bucket < tiling.end:
                    takings.append((position, values["spent"] or 0))
            self._changed = rows, takings
        return self._changed

    def _folded(self) -> Iterator[tuple[str, int, Keys, Values]]:
        """Fold what the log holds of budgets between the two positions; before the first is what is sealed."""
        log, declaration = self.store.log, self.context.read_models.declarations[BUDGETS]
        after = self.earlier.position
        if not after:
            yield from accounts.rows_folded(Seeds(log)(declaration), declaration)
        while (batch := log.scan(after=after, upto=self.latest.position, limit=PAGE)).num_rows:
            after = batch.column("position")[-1].as_py()
            for event in by_name(self.store.fold.by_event(batch, declaration, {})):
                keys = tuple(event[key] for key in accounts.KEYS)
                yield from ((grain, event[OCCURRED] // MICRO, keys, event) for grain in ("hour", "day"))

    # ── what calls cost ─────────────────────────────────────────────────────────────────────────────────────────

    def _period(self, allocation: Allocation) -> TimePeriod:
        return accounts.counted_period(self.account, allocation.first_at, self.store.calendar)

    def _with_cost(self, state: State) -> State:
        """Return a state with what calls had cost by then."""
        if state.cost is not None:
            return state
        looked_at = self._states.get(state.position)
        if looked_at and looked_at.cost is not None:
            return looked_at
        position, cost = self._cost(state.prices, state.allocation)
        period = self._period(state.allocation)
        if position >= state.position:
            cost -= self._cost_of(state.prices, period, state.position, position)
        else:
            cost += self._cost_of(state.prices, period, position, state.position)
        self._states[state.position] = state = evolve(state, cost=cost)
        return state

    def _cost(self, prices: int, allocation: Allocation) -> tuple[int, Decimal]:
        """Return up to where the read model is now, and what its calls cost at the prices of then."""
        key = (prices, self._period(allocation))
        if key not in self._costs:
            spent = self._spent(*key)
            self._costs[key] = _up_to(spent), self._amount(spent)
        return self._costs[key]

    def _cost_of(self, prices: int, period: TimePeriod, after: int, upto: int, *, since: int | None = None) -> Decimal:
        """Return what the calls between two positions cost; of few, more may be asked `since` an earlier one."""
        if after == upto or not self.account.scope:
            return NOTHING
        for (how, first, last), costs in self._by_position.items():
            if how == (prices, period) and first <= after and upto <= last:
                return sum((cost for position, cost in costs.items() if after < position <= upto), NOTHING)
        first = after if since is None else since
        if upto - first > PAGE:
            with self._part(prices, period, after, upto, self.context.read_models.declarations[COST]) as context:
                return self._amount(self._spending(context, period))
        declaration = self.context.read_models.declarations[COST]
        of_scope = tuple(entity for entity in declaration.entities if entity == self.account.scope)
        finer = evolve(declaration, keys=(*declaration.keys, PLACE), entities=of_scope or declaration.entities[:1])
        with self._part(prices, period, first, upto, finer) as context:
            whose = self.account.scope, self.account.scope_id
            amounts = amounts_by(context, *whose, period, self.account.currency, PLACE.name)
        self._by_position[(prices, period), first, upto] = {int(position): cost for position, cost in amounts.items()}
        return self._cost_of(prices, period, after, upto)

    @contextmanager
    def _part(
        self, prices: int, period: TimePeriod, after: int, upto: int, declaration: Declaration
    ) -> Iterator[QuestionContext]:
        """Open what answers about the calls between two positions are made from, at the prices of then."""
        part, tiling = LogSlice(self.store.log, after=after, upto=upto), hours(self.store.calendar, period)
        with closing(DerivedReadModels.build(part, declaration, tiling, self.store.fold)) as read_models:
            yield evolve(
                self.context,
                read_models=read_models,
                prices=self.price_history.after(prices),
                derive=lambda declaration, tiling, _: DerivedReadModels.build(part, declaration, tiling),
            )

    def _spent(self, prices: int, period: TimePeriod) -> Spending:
        context = evolve(self.context, prices=self.price_history.after(prices))
        return self.together.spending(context, prices, self.account, period)

    def _spending(self, context: QuestionContext, period: TimePeriod) -> Spending:
        if not self.account.scope:
            return Spending()
        return spending(context, self.account.scope, self.account.scope_id, period)

    def _amount(self, spent: Spending) -> Decimal:
        return spent.amounts.get(self.account.currency, NOTHING)


def _up_to(spent: Spending) -> int:
    return spent.completeness.position if spent.completeness else 0
