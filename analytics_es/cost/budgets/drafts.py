"""Drafts: what the read model `budgets` says of each account, before it is known what calls cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from attrs import evolve, frozen

from analytics_es.cost.budgets import accounts
from analytics_es.cost.budgets.accounts import Account, Allocation, Keys, Name, Rows, money
from analytics_es.cost.budgets.credits import NOTHING, Grant, phases
from analytics_es.cost.budgets.spending import between
from analytics_es.events.event import EARLIEST, time_of
from analytics_es.projection.calendar import Calendar
from analytics_es.queries.rows import Values
from analytics_es.read_models import Snapshot, Span, Tiling
from analytics_es.types import TimePeriod

EVER = between(None, None)

Taken = Callable[[Name, TimePeriod], int]  # what `budget.spent` events took, times 10^18


@frozen
class When:
    """When budgets are looked at: now, with all that is recorded, or `at` a time, with what occurred by then."""

    calendar: Calendar
    now: datetime
    at: datetime | None

    @property
    def moment(self) -> datetime:
        """The time that is looked at, which may be later than now."""
        return self.at or self.now

    def counted(self, period: TimePeriod) -> TimePeriod | None:
        """Return what counts of a period, None where it begins later."""
        end = period.end if self.at is None else min(period.end, self.hour_after(self.at))
        return between(period.start, end) if period.start < end else None

    def until(self, snapshot: Snapshot) -> list[Span]:
        """Return the buckets of all time until then."""
        if (end := self.hour_after(self.now)) <= EARLIEST:
            return []
        tiling = Tiling.of(self.calendar, between(None, end))
        return tiling.coarsened(snapshot.horizon().hours).spans()

    def began(self, draft: Draft) -> bool:
        """Say whether anything of an account had occurred by then."""
        return self.at is None or draft.began is None or draft.began <= self.hour_after(self.at)

    def hour_after(self, instant: datetime) -> datetime:
        """Return the end of the hour that holds an instant."""
        return self.calendar.local(self.calendar.next_hour(int(instant.timestamp())))


@frozen(kw_only=True)
class Draft:
    """What there is to say of one account before it is known what calls cost.

    `phases`: stretches of time in which the same credits may be burnt, and what `budget.spent` events took in each.
    """

    account: Account
    allocation: Allocation
    began: datetime | None
    taken: Decimal | None
    grants: Sequence[Grant]
    phases: Sequence[tuple[TimePeriod, Decimal]]


def drafts(snapshot: Snapshot, when: When, budget_id: str | None = None, *, ended: bool = False) -> Iterator[Draft]:
    """Yield the accounts that hold then, also those that have `ended` or are to begin: of all budgets, or of one.

    Also what was spent of nothing that was allocated, and credits of nothing else. Raises StaleReadModel.
    """
    where = None if budget_id is None else {"budget_id": budget_id}
    ever = _by_budget(accounts.rows_of(snapshot, where=where))
    then = ever if when.at is None else _by_budget(accounts.rows_of(snapshot, when.until(snapshot), where=where))
    for named, rows in ever.items():
        own = _of_budget(snapshot, when, rows, then.get(named, {}), ended)
        yield from filter(when.began, own)


def _by_budget(rows: Rows) -> dict[str, dict[Keys, Values]]:
    by_budget: dict[str, dict[Keys, Values]] = {}
    for keys, values in rows.items():
        by_budget.setdefault(keys[0], {})[keys] = values
    return by_budget


def _of_budget(snapshot: Snapshot, when: When, ever: Rows, rows: Rows, ended: bool) -> list[Draft]:
    """Return the accounts of one budget, from its rows of all time, and those by then."""
    allocations = accounts.allocations(rows)

    def taken(name: Name, period: TimePeriod) -> int:
        counted = when.counted(period)
        return accounts.spent(snapshot, *name, Tiling.of(when.calendar, counted).spans()) if counted else 0

    own = [
        _draft(rows, account, allocation, when, taken)
        for account, allocation in allocations.items()
        if ended or account.holds(when.moment)
    ]
    used = (keys for keys, values in ever.items() if values["spent"] is not None or values["granted"] is not None)
    for name in sorted({(keys[0], keys[1]) for keys in used}):
        periods = [account.period for account in allocations if account.name == name]
        if not periods:
            account = Account(*name, *_scope_of_grants(ever, name))
            own.append(_draft(ever, account, Allocation(), when, taken))
        elif outside := taken(name, EVER) - sum(taken(name, period) for period in _union(periods)):
            draft = _draft(rows, Account(*name), Allocation(), when, taken)
            own.append(evolve(draft, taken=money(outside), grants=()))
    return own


def _scope_of_grants(rows: Rows, name: Name) -> Sequence[str]:
    scopes = (keys[2:4] for keys, values in rows.items() if keys[:2] == name and values["granted"] is not None)
    return min((scope for scope in scopes if scope[0]), default=())


def _union(periods: Sequence[TimePeriod]) -> list[TimePeriod]:
    """Return the time that periods cover, without what two of them share."""
    union: list[TimePeriod] = []
    for period in sorted(periods, key=lambda period: period.start):
        if union and period.start <= union[-1].end:
            union[-1] = between(union[-1].start, max(period.end, union[-1].end))
        else:
            union.append(period)
    return union


def _draft(rows: Rows, account: Account, allocation: Allocation, when: When, taken: Taken) -> Draft:
    firsts = [values["first_spent_at"] for keys, values in rows.items() if keys[:2] == account.name]
    is_spent = any(first is not None for first in firsts)
    first = accounts.least(allocation.first_at, *([] if account.scope else firsts))
    grants, end = accounts.grants(rows, account.name, when.calendar), when.hour_after(when.now)
    start = min((grant.effective_at for grant in grants), default=end)
    times = phases(grants, start, end) if start < end else []
    periods = [between(*bounds) for bounds in pairwise([*times, end])]
    return Draft(
        account=account,
        allocation=allocation,
        began=account.start or (None if first is None else time_of(first)),
        taken=money(taken(account.name, account.period)) if is_spent else None,
        grants=grants,
        phases=[(period, money(taken(account.name, period)) or NOTHING) for period in periods],
    )
