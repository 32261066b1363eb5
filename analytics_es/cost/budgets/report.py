"""What was allocated, what is spent of it, and what remains: get_budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import evolve, frozen

from analytics_es.cost.budgets import accounts
from analytics_es.cost.budgets.accounts import BUDGETS, Account, Allocation, Name, Rows, moment, money
from analytics_es.cost.budgets.credits import Grant, burn, phases
from analytics_es.cost.budgets.spending import COST, Answering, Spending, between, hours, spending
from analytics_es.cost.prices.quantities import trimmed
from analytics_es.errors import AnalyticsError
from analytics_es.events.event import LATEST
from analytics_es.projection.calendar import Calendar
from analytics_es.queries import Question, QuestionContext
from analytics_es.queries.rows import Values
from analytics_es.read_models import Snapshot
from analytics_es.read_models.tiling import Tiling
from analytics_es.types import BudgetReport, BudgetStatus, BudgetThreshold, Completeness, CreditStatus, TimePeriod

EVER = between(None, None)
DAY, SECOND, MICROSECOND = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=1)
NOTHING = Decimal(0)
PLACES = Decimal(1).scaleb(-9)  # of a rate

Taken = Callable[[Name, TimePeriod], int]  # what `budget.spent` events took, in billionths


def budgets(answering: Answering, budget: str | None, at: datetime | None) -> BudgetReport:
    """Answer get_budgets."""
    with answering(BUDGETS, EVER) as source, source.read_models.read() as snapshot:
        calendar, now = source.calendar, source.clock()
        budget_id = None if budget is None else source.known_as("budget", budget)
        when = _When(calendar, min(at or now, now), at)
        drafts = [
            draft
            for draft in _drafts(snapshot, when)
            if budget_id in (None, draft.account.budget_id)
            and (draft.account.holds(at or now) or (budget_id is not None and at is None))
        ]
        stands_on = _completeness(source, snapshot)
    statuses = []
    for draft in drafts:
        status, also = _status(answering, draft, when)
        statuses.append(status)
        stands_on = _both(stands_on, also)
    statuses.sort(key=lambda status: (-(status.used or 0.0), status.budget_id, status.currency, status.scope_id))
    return BudgetReport(at=(at or now).astimezone(calendar.zone), budgets=statuses, completeness=stands_on)


def _completeness(source: QuestionContext, snapshot: Snapshot) -> Completeness:
    tiling = Tiling.of(source.calendar, EVER)
    return Question(source, snapshot, snapshot.horizon(), tiling, EVER, [BUDGETS]).completeness()


def _both(one: Completeness, other: Completeness | None) -> Completeness:
    """Return what an answer stands on that stands on both."""
    if other is None:
        return one
    return evolve(
        one,
        position=min(one.position, other.position),
        lag_events=max(one.lag_events, other.lag_events),
        lag_seconds=max(one.lag_seconds, other.lag_seconds),
        unreadable=max(one.unreadable, other.unreadable),
    )


# ── what the read model of budgets says ─────────────────────────────────────────────────────────────────────────


@frozen
class _When:
    """When budgets are looked at: now, with all that is recorded, or `at` a time, with what occurred by then."""

    calendar: Calendar
    now: datetime
    at: datetime | None

    def counted(self, period: TimePeriod) -> TimePeriod | None:
        """Return what counts of a period, None where it begins later."""
        end = period.end if self.at is None else min(period.end, self.hour_after(self.at))
        return between(period.start, end) if period.start < end else None

    def hour_after(self, instant: datetime) -> datetime:
        """Return the end of the hour that holds an instant."""
        return self.calendar.local(self.calendar.next_hour(int(instant.timestamp())))


@frozen(kw_only=True)
class _Phase:
    """A stretch of time in which the same credits may be burnt, and what `budget.spent` events took in it."""

    period: TimePeriod
    taken: Decimal


@frozen(kw_only=True)
class _Draft:
    """What there is to say of one account before it is known what calls cost."""

    account: Account
    allocation: Allocation
    began: datetime | None
    taken: Decimal | None
    grants: Sequence[Grant]
    phases: Sequence[_Phase]


def _drafts(snapshot: Snapshot, when: _When) -> list[_Draft]:
    """Return all accounts; also what was spent of nothing that was allocated, and credits of nothing else."""
    rows = accounts.rows_of(snapshot)
    allocations = accounts.allocations(rows)

    def taken(name: Name, period: TimePeriod) -> int:
        counted = when.counted(period)
        return accounts.spent(snapshot, *name, Tiling.of(when.calendar, counted).spans()) if counted else 0

    drafts = [_draft(rows, account, allocation, when, taken) for account, allocation in allocations.items()]
    for name in sorted({(keys[0], keys[1]) for keys, values in rows.items() if _is_used(values)}):
        allocated = [account for account in allocations if account.name == name]
        scope, whose = ("", "") if allocated else _scope_of_grants(rows, name)
        alone = Account(*name, scope, whose)
        outside = taken(name, EVER) - sum(taken(name, period) for period in _union(allocated)) if allocated else 0
        if outside or not allocated:
            draft = _draft(rows, alone, Allocation(), when, taken)
            drafts.append(evolve(draft, taken=money(outside), grants=()) if allocated else draft)
    return drafts


def _is_used(values: Values) -> bool:
    return values["spent"] is not None or values["granted"] is not None


def _scope_of_grants(rows: Rows, name: Name) -> tuple[str, str]:
    granted = (keys for keys, values in rows.items() if keys[:2] == name and values["granted"] is not None)
    return min(((keys[2], keys[3]) for keys in granted if keys[2]), default=("", ""))


def _union(of_one_name: Sequence[Account]) -> list[TimePeriod]:
    """Return the time that the periods of accounts cover, without what two of them share."""
    periods: list[TimePeriod] = []
    for period in sorted((account.period for account in of_one_name), key=lambda period: period.start):
        if periods and period.start <= periods[-1].end:
            periods[-1] = between(periods[-1].start, max(period.end, periods[-1].end))
        else:
            periods.append(period)
    return periods


def _draft(rows: Rows, account: Account, allocation: Allocation, when: _When, taken: Taken) -> _Draft:
    firsts_spent = (values["first_spent_at"] for keys, values in rows.items() if keys[:2] == account.name)
    spent = [first for first in firsts_spent if first is not None]
    firsts = [allocation.first_at, *([] if account.scope else spent)]
    first = min((first for first in firsts if first is not None), default=None)
    grants, end = accounts.grants(rows, account.name, when.calendar), when.hour_after(when.now)
    start = min((grant.effective_at for grant in grants), default=end)
    times = phases(grants, start, end) if start < end else []
    periods = [between(*ends) for ends in zip(times, [*times[1:], end], strict=True)] if times else []
    return _Draft(
        account=account,
        allocation=allocation,
        began=account.start or (None if first is None else moment(first)),
        taken=money(taken(account.name, account.period)) if spent else None,
        grants=grants,
        phases=[_Phase(period=period, taken=money(taken(account.name, period)) or NOTHING) for period in periods],
    )


# ── with what calls cost ────────────────────────────────────────────────────────────────────────────────────────


@frozen(kw_only=True)
class _Spent:
    """What was spent of a budget, by calls and by events, and what that left of its grants and beyond them."""

    amount: Decimal | None
    cost: Spending
    balances: Sequence[Decimal] | None = None
    overage: Decimal | None = None
    problem: str | None = None


def _spent(answering: Answering, draft: _Draft, when: _When) -> _Spent:
    account, cost = draft.account, Spending()
    try:
        whole = accounts.counted(account, draft.allocation.first_at, when.calendar)
        cost = _cost(answering, account, when.counted(whole), when.calendar)
        balances, overage = _burnt(answering, draft, when.calendar) if draft.grants else (None, None)
    except AnalyticsError as error:
        return _Spent(amount=None, cost=cost, problem=str(error))
    amount = (draft.taken or NOTHING) + cost.amounts.get(account.currency, NOTHING) if account.scope else draft.taken
    return _Spent(amount=amount, cost=cost, balances=balances, overage=overage)


def _status(answering: Answering, draft: _Draft, when: _When) -> tuple[BudgetStatus, Completeness | None]:
    calendar, account, allocation = when.calendar, draft.account, draft.allocation
    allocated = money(allocation.amount) if allocation.count else None
    spent = _spent(answering, draft, when)
    rate = _rate(draft, spent.amount, when.now)
    remaining = None if allocated is None or spent.problem else allocated - (spent.amount or NOTHING)
    others = {name: amount for name, amount in spent.cost.amounts.items() if name != account.currency and amount}
    status = BudgetStatus(
        budget_id=account.budget_id,
        currency=account.currency,
        scope=account.scope,
        scope_id=account.scope_id,
        starts_at=draft.began and draft.began.astimezone(calendar.zone),
        ends_at=account.end and account.end.astimezone(calendar.zone),
        allocated=allocated,
        spent=None if spent.amount is None else trimmed(spent.amount),
        remaining=None if remaining is None else trimmed(remaining),
        used=float((spent.amount or NOTHING) / allocated) if allocated and not spent.problem else None,
        burn_rate=rate,
        exhausted_at=_exhausted(remaining, rate, account.end, when),
        unknown_calls=spent.cost.unknown_calls,
        other_currencies={name: trimmed(amount) for name, amount in others.items()},
        thresholds=_thresholds(allocation, calendar) if allocation.count else [],
        credits=[_credit(*of_grant, calendar) for of_grant in zip(draft.grants, spent.balances or (), strict=False)],
        overage=None if spent.overage is None else trimmed(spent.overage),
        problem=spent.problem,
    )
    return status, spent.cost.completeness


def _cost(answering: Answering, account: Account, period: TimePeriod | None, calendar: Calendar) -> Spending:
    """Return what calls of its scope cost."""
    if period:
        hours(calendar, period)
    if not account.scope or not period:
        return Spending()
    with answering(COST, period) as source:
        return spending(source, account.scope, account.scope_id, period)


def _burnt(answering: Answering, draft: _Draft, calendar: Calendar) -> tuple[Sequence[Decimal], Decimal]:
    """Return what is left of each grant, and what they did not cover."""
    usage = []
    for phase in draft.phases:
        cost = _cost(answering, draft.account, phase.period, calendar)
        usage.append((phase.period.start, phase.taken + cost.amounts.get(draft.account.currency, NOTHING)))
    if not usage:
        return [NOTHING for _ in draft.grants], NOTHING
    done = burn(draft.grants, usage, start=draft.phases[0].period.start, end=draft.phases[-1].period.end)
    return done.balances, done.overage


def _rate(draft: _Draft, spent: Decimal | None, now: datetime) -> Decimal | None:
    """Return what is spent a day, over what has passed of the period."""
    until = min(now, draft.account.period.end)
    if spent is None or draft.began is None or until <= draft.began:
        return None
    elapsed = until - draft.began
    return trimmed((spent * (DAY // MICROSECOND) / (elapsed // MICROSECOND)).quantize(PLACES))


def _exhausted(remaining: Decimal | None, rate: Decimal | None, end: datetime | None, when: _When) -> datetime | None:
    """Return when nothing is left at this rate, None where that is not before the end, or was already."""
    if not remaining or not rate or remaining < 0:
        return None
    days = remaining / rate
    last = end or LATEST
    if days >= Decimal((last - when.now) // MICROSECOND) / (DAY // MICROSECOND):
        return None
    return (when.now + timedelta(seconds=int(days * (DAY // SECOND)))).astimezone(when.calendar.zone)


def _thresholds(allocation: Allocation, calendar: Calendar) -> list[BudgetThreshold]:
    def of(percent: Decimal) -> BudgetThreshold:
        position, at = allocation.reached.get(percent, (None, None))
        when = None if at is None else moment(at).astimezone(calendar.zone)
        return BudgetThreshold(percent=percent, reached_at=when, position=position)

    return [of(percent) for percent in sorted({*allocation.thresholds, *allocation.reached})]


def _credit(grant: Grant, left: Decimal, calendar: Calendar) -> CreditStatus:
    return CreditStatus(
        grant_id=grant.id,
        amount=grant.amount,
        balance=trimmed(left),
        priority=grant.priority,
        starts_at=grant.effective_at.astimezone(calendar.zone),
        ends_at=grant.ends_at and grant.ends_at.astimezone(calendar.zone),
        voided=grant.voided_at is not None,
        recurs_hours=None if grant.recurs is None else grant.recurs // timedelta(hours=1),
    )
