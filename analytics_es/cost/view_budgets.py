"""The budgets that the SQL view of them shows: as the answer about budgets says them, asked anew where they changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import define, field

from analytics_es.cost.budgets import accounts
from analytics_es.cost.budgets.accounts import BUDGETS, Account
from analytics_es.cost.budgets.changes import FEW, Changes
from analytics_es.cost.budgets.drafts import Draft, When, drafts
from analytics_es.cost.budgets.report import statuses
from analytics_es.cost.context import COST, CostContext
from analytics_es.events.checks import SCOPES
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.log import EventLog
from analytics_es.queries import QuestionContext
from analytics_es.queries.figures import written
from analytics_es.queries.policies import InForce, Policies
from analytics_es.read_models import BudgetsToShow, Live
from analytics_es.types import BudgetStatus

SHOWN = (BUDGETS, COST)

Row = tuple[Any, ...]


@define(kw_only=True)
class _Kept:
    """What was shown last, and what it is the answer for: of what has not changed, it is the answer still."""

    state: str  # as the read models say what it is shown for
    about: tuple[str | None, int, tuple[InForce, ...]]  # which prices, which hour, which policies of privacy
    now: datetime
    positions: Mapping[str, int]
    stands_on: Any
    turn: datetime = LATEST  # when the next account begins or ends
    drafts: dict[str, list[Draft]] = field(factory=dict)  # by budget, as all of these
    told: dict[str, list[BudgetStatus]] = field(factory=dict)
    again: set[str] = field(factory=set)  # of which something could not be told
    costly: set[str] = field(factory=set)  # which stand on what calls cost, too

    def take(self, own: Iterable[Draft]) -> None:
        """Take all accounts."""
        for draft in own:
            self.drafts.setdefault(draft.account.budget_id, []).append(draft)

    def turns(self, times: Iterable[datetime]) -> None:
        """Take when accounts begin and end."""
        self.turn = min((time for time in times if time > self.now), default=LATEST)

    def go_on(self, before: _Kept) -> None:
        """Begin with what was shown before."""
        self.turn, self.drafts, self.told = before.turn, before.drafts, before.told
        self.again, self.costly = before.again, before.costly


class ViewBudgets:
    """Shows what is spent of budgets; after more events only those that these are about are asked for again.

    That is so while it is the same hour, no account begins or ends, and nobody else has shown budgets, published
    prices, or put rows in the place of others: else all that hold now are asked for.
    """

    def __init__(self, context: CostContext, log: EventLog) -> None:
        self._context, self._log = context, log
        self._kept: _Kept | None = None

    def show(self) -> None:
        """Write what is spent of budgets, unless that was written since anything has changed, or an hour has begun."""
        context, read_models = self._context, self._context.read_models
        if not {*SHOWN} <= read_models.declarations.keys():
            return
        now = context.clock()
        hour = context.calendar.hour_start(int(now.timestamp()))
        with read_models.reading() as cursor:
            to_show = read_models.shown.budgets_to_show(cursor, SHOWN, hour)
        if to_show is None:
            return
        before, self._kept = self._kept, None  # where this fails, all are asked for
        kept, asked = self._read(before, to_show, now, hour)
        self._ask(kept, kept.drafts.keys() if asked is None else asked)
        changed = None if asked is None or before is None else (before.state, {name: kept.told[name] for name in asked})
        self._write(kept, changed)
        self._kept = kept

    # ── what there is to ask ────────────────────────────────────────────────────────────────────────────────────

    def _read(
        self, before: _Kept | None, to_show: BudgetsToShow, now: datetime, hour: int
    ) -> tuple[_Kept, set[str] | None]:
        """Return the budgets that there are now, and which of them are to be asked for, None for all."""
        read_models, when = self._context.read_models, When(self._context.calendar, now, None)
        live = {name: own for name, own in read_models.live().items() if name in SHOWN}
        policies = self._context.policies().in_force
        about = (to_show.prices, hour, tuple(policy for policy in policies if policy.position <= live[COST].position))
        changes = None
        if before and before.state == to_show.shown and before.about == about and before.now <= now < before.turn:
            changes = self._changes(before, live)
        with read_models.read() as snapshot:
            kept = _Kept(
                state=to_show.state,
                about=about,
                now=now,
                positions={name: own.position for name, own in live.items()},
                stands_on=[snapshot.stands_on(name) for name in SHOWN],
            )
            if before is None or changes is None or len(changes.budgets) > FEW or kept.stands_on != before.stands_on:
                kept.take(drafts(snapshot, when))
                kept.turns(accounts.turns(snapshot))
                return kept, None
            kept.go_on(before)
            for budget_id in changes.budgets:
                kept.drafts[budget_id] = list(drafts(snapshot, when, budget_id))
            if changes.budgets:
                kept.turns(accounts.turns(snapshot))
        return kept, self._concerned(before, changes)

    def _changes(self, before: _Kept, live: Mapping[str, Live]) -> Changes | None:
        """Return what has changed since, None where all may have."""
        reached = {name: own.position for name, own in live.items()}
        if any(before.positions[name] > reached[name] for name in SHOWN):
            return None
        declarations = {name: own.declaration for name, own in live.items()}
        return Changes.between(self._log, min(before.positions.values()), max(reached.values()), declarations)

    def _concerned(self, before: _Kept, changes: Changes) -> set[str]:
        """Return the budgets of which what is shown may have changed; that of who is not named may be anybody's."""
        policies = Policies(before.about[-1])
        dropped = policies.not_stored(SCOPES, EARLIEST, before.positions[COST])

        def is_concerned(account: Account) -> bool:
            nameless = account.scope in dropped and (account.scope, "") in changes.calls
            return nameless or changes.concern(account)

        called = (name for name, own in before.drafts.items() if any(is_concerned(draft.account) for draft in own))
        return {*changes.budgets, *called, *before.again}

    # ── asking, and writing ─────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, kept: _Kept, asked: Collection[str]) -> None:
        def opened(*_: Any) -> AbstractContextManager[QuestionContext]:
            return nullcontext(self._context)

        own = [draft for name in asked for draft in kept.drafts[name]]
        kept.told.update((name, []) for name in asked)
        kept.again, kept.costly = kept.again - {*asked}, kept.costly - {*asked}
        for status, stands_on in statuses(opened, own, When(self._context.calendar, kept.now, None)):
            kept.told[status.budget_id].append(status)
            if status.problem:
                kept.again.add(status.budget_id)
            if stands_on:
                kept.costly.add(status.budget_id)

    def _write(self, kept: _Kept, changed: tuple[str, Mapping[str, Sequence[BudgetStatus]]] | None) -> None:
        """Write what has changed since a state, or all."""
        position = min(kept.positions.values()) if kept.costly else kept.positions[BUDGETS]
        at, shown = int(kept.now.timestamp()), self._context.read_models.shown
        since, asked = changed or (None, {})
        with self._context.read_models.writing() as cursor:
            if since and len(asked) <= FEW and shown.budgets_are_shown_for(cursor, since):
                rows = {name: _rows(told, position, at) for name, told in asked.items()}
                shown.change_budgets(cursor, rows, position, at, kept.state)
            else:
                told = [status for of_budget in kept.told.values() for status in of_budget]
                shown.write_budgets(cursor, _rows(told, position, at), kept.state)


def _rows(told: Iterable[BudgetStatus], position: int, at: int) -> list[Row]:
    return [
        (
            *(budget.budget_id, budget.currency, budget.scope, budget.scope_id),
            *(_seconds(budget.starts_at), _seconds(budget.ends_at)),
            *(None if amount is None else written(amount) for amount in _money(budget)),
            *(budget.unknown_calls, position, at),
            budget.problem,
        )
        for budget in told
    ]


def _money(budget: BudgetStatus) -> Sequence[Decimal | None]:
    return budget.allocated, budget.spent, budget.remaining, budget.overage


def _seconds(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp())
