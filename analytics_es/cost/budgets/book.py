"""The book of accounts: what the read model `budgets` holds, kept from one look to the next, read again where named."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attrs import define, field

from analytics_es.cost.budgets import accounts
from analytics_es.cost.budgets.accounts import BUDGETS, Account, Allocation, Keys, Name
from analytics_es.cost.budgets.changes import FEW, Changes, Whose
from analytics_es.cost.budgets.first_reached import State
from analytics_es.cost.budgets.spending import COST
from analytics_es.projection.calendar import Calendar
from analytics_es.queries.rows import Values
from analytics_es.read_models import Snapshot, Tiling


@define
class AccountBook:
    """Rows of all time by the name of their budget, and the accounts that they are of."""

    _rows: dict[Name, dict[Keys, Values]] = field(factory=dict)
    _allocations: dict[Name, dict[Account, Allocation]] = field(factory=dict)
    _of_whose: dict[Whose, set[Account]] = field(factory=dict)
    _reduced: dict[str, int] = field(factory=dict)
    _stands_on: Any = None

    def read(self, snapshot: Snapshot, changes: Changes | None) -> Collection[Account]:
        """Read what may have changed, all without `changes`; returns the accounts of which anything may have.

        These are all, too, where rows were put in the place of others. Raises StaleReadModel.
        """
        stands_on = [snapshot.stands_on(name) for name in (BUDGETS, COST) if name in snapshot.live]
        if changes is None or stands_on != self._stands_on:
            self._stands_on = None
            self._read_all(snapshot)
            self._stands_on = stands_on
            return [account for own in self._allocations.values() for account in own]
        if len(changes.budgets) > FEW:
            self._read_all(snapshot)
        else:
            for budget_id in changes.budgets:
                self._put(budget_id, accounts.rows_of(snapshot, where={"budget_id": budget_id}))
        return self._concerned(changes)

    def _read_all(self, snapshot: Snapshot) -> None:
        rows = accounts.rows_of(snapshot)
        self._rows, self._allocations, self._of_whose, self._reduced = {}, {}, {}, {}
        self._take(rows)

    def _put(self, budget_id: str, rows: dict[Keys, Values]) -> None:
        """Put the rows of one budget, in all its currencies, in the place of those of before."""
        for name in [name for name in self._rows if name[0] == budget_id]:
            del self._rows[name]
            for account in self._allocations.pop(name):
                self._of_whose[account.scope, account.scope_id].discard(account)
        self._reduced = {}
        self._take(rows)

    def _take(self, rows: dict[Keys, Values]) -> None:
        for keys, values in rows.items():
            self._rows.setdefault((keys[0], keys[1]), {})[keys] = values
        for name in {(keys[0], keys[1]) for keys in rows}:
            self._allocations[name] = accounts.allocations(self._rows[name])
            for account in self._allocations[name]:
                self._of_whose.setdefault((account.scope, account.scope_id), set()).add(account)

    def _concerned(self, changes: Changes) -> Collection[Account]:
        if changes.prices:
            return [account for own in self._allocations.values() for account in own if changes.concern(account)]
        named = (account for name, own in self._allocations.items() if name[0] in changes.budgets for account in own)
        called = (account for whose in changes.calls for account in self._of_whose.get(whose, ()))
        return {account for account in (*named, *called) if changes.concern(account)}

    def state(self, snapshot: Snapshot, account: Account, position: int, calendar: Calendar) -> State | None:
        """Return an account as the read model has it at a position, None where there is none any more."""
        allocation = self._allocations.get(account.name, {}).get(account)
        if allocation is None:
            return None
        own = self._rows[account.name]
        is_spent = any(values["spent"] is not None for values in own.values())
        spans = Tiling.of(calendar, account.period).spans() if is_spent else []
        return State(
            position=position,
            rows={**self._rows.get(("", account.currency), {}), **own},
            allocation=allocation,
            taken=accounts.spent(snapshot, *account.name, spans) if is_spent else 0,
            reduced=self._reduced_in(account.currency),
        )

    def _reduced_in(self, currency: str) -> int:
        """Return by how much corrections and credits have reduced what was spent in a currency."""
        if currency not in self._reduced:
            of_currency = (rows for name, rows in self._rows.items() if name[1] == currency)
            self._reduced[currency] = sum(accounts.reduced(rows, currency) for rows in of_currency)
        return self._reduced[currency]
