"""What was allocated, what is spent of it, and what remains: get_budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, localcontext
from itertools import pairwise

from attrs import evolve, frozen

from analytics_es.cost.budgets import accounts
from analytics_es.cost.budgets.accounts import BUDGETS, Account, Allocation, Name, Rows, money
from analytics_es.cost.budgets.credits import NOTHING, Burnt, Grant, burn, phases
from analytics_es.cost.budgets.spending import COST, OpenContext, Spending, between, hours, spending
from analytics_es.errors import AnalyticsError, NotStored
from analytics_es.events.event import EARLIEST, LATEST, time_of
from analytics_es.projection.calendar import Calendar
from analytics_es.queries.figures import DIGITS, trimmed
from analytics_es.read_models import Snapshot, Span, Tiling
from analytics_es.types import BudgetReport, BudgetStatus, BudgetThreshold, Completeness, CreditStatus, TimePeriod

EVER = between(None, None)
DAY, SECOND, MICROSECOND = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=1)
PLACES = Decimal(1).scaleb(-9)  # of a rate

Taken = Callable[[Name, TimePeriod], int]  # what `budget.spent` events took, times 10^18


def budgets(open_context: OpenContext, budget: str | None, at: datetime | None) -> BudgetReport:
    """Answer get_budgets."""
    with open_context(BUDGETS, EVER) as context:
        calendar, now = context.calendar, context.clock()
        budget_id = None if budget is None else context.known_as("budget", budget)
        when = _When(calendar, min(at or now, now), at)
        with context.question([BUDGETS], EVER, kept=False) as question:
            drafts = [
                draft
                for draft in _drafts(question.snapshot, when)
                if budget_id in (None, draft.account.budget_id)
                and when.began(draft)
                and (draft.account.holds(at or now) or (budget_id is not None and at is None))
            ]
            own = question.completeness()
    with localcontext(DIGITS):
        outcomes = [_outcome(open_context, draft, when) for draft in drafts]
        statuses = [_status(draft, outcome, when) for draft, outcome in zip(drafts, outcomes, strict=True)]
    statuses.sort(key=lambda status: (-(status.used or 0.0), status.budget_id, status.currency, status.scope_id))
    return BudgetReport(
        at=(at or now).astimezone(calendar.zone),
        budgets=statuses,
        completeness=_of_all([own, *(outcome.cost.completeness for outcome in outcomes if outcome.cost.completeness)]),
    )


def _of_all(parts: Sequence[Completeness]) -> Completeness:
    """Return what an answer stands on that stands on all of these; the rest is said by the first."""
    return evolve(
        parts[0],
        position=min(part.position for part in parts),
        lag_events=max(part.lag_events for part in parts),
        lag_seconds=max(part.lag_seconds for part in parts),
        unreadable=max(part.unreadable for part in parts),
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

    def until(self, snapshot: Snapshot) -> list[Span]:
        """Return the buckets of all time until then."""
        if (end := self.hour_after(self.now)) <= EARLIEST:
            return []
        tiling = Tiling.of(self.calendar, between(None, end))
        return tiling.coarsened(snapshot.horizon().hours).spans()

    def began(self, draft: _Draft) -> bool:
        """Say whether anything of an account had occurred by then."""
        return self.at is None or draft.began is None or draft.began <= self.hour_after(self.at)

    def hour_after(self, instant: datetime) -> datetime:
        """Return the end of the hour that holds an instant."""
        return self.calendar.local(self.calendar.next_hour(int(instant.timestamp())))


@frozen(kw_only=True)
class _Draft:
    """What there is to say of one account before it is known what calls cost.

    `phases`: stretches of time in which the same credits may be burnt, and what `budget.spent` events took in each.
    """

    account: Account
    allocation: Allocation
    began: datetime | None
    taken: Decimal | None
    grants: Sequence[Grant]
    phases: Sequence[tuple[TimePeriod, Decimal]]


def _drafts(snapshot: Snapshot, when: _When) -> list[_Draft]:
    """Return all accounts; also what was spent of nothing that was allocated, and credits of nothing else."""
    ever = accounts.rows_of(snapshot)
    rows = ever if when.at is None else accounts.rows_of(snapshot, when.until(snapshot))
    allocations = accounts.allocations(rows)

    def taken(name: Name, period: TimePeriod) -> int:
        counted = when.counted(period)
        return accounts.spent(snapshot, *name, Tiling.of(when.calendar, counted).spans()) if counted else 0

    drafts = [_draft(rows, account, allocation, when, taken) for account, allocation in allocations.items()]
    used = (keys for keys, values in ever.items() if values["spent"] is not None or values["granted"] is not None)
    for name in sorted({(keys[0], keys[1]) for keys in used}):
        periods = [account.period for account in allocations if account.name == name]
        if not periods:
            account = Account(*name, *_scope_of_grants(ever, name))
            drafts.append(_draft(ever, account, Allocation(), when, taken))
        elif outside := taken(name, EVER) - sum(taken(name, period) for period in _union(periods)):
            draft = _draft(rows, Account(*name), Allocation(), when, taken)
            drafts.append(evolve(draft, taken=money(outside), grants=()))
    return drafts


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


def _draft(rows: Rows, account: Account, allocation: Allocation, when: _When, taken: Taken) -> _Draft:
    firsts = [values["first_spent_at"] for keys, values in rows.items() if keys[:2] == account.name]
    is_spent = any(first is not None for first in firsts)
    first = accounts.least(allocation.first_at, *([] if account.scope else firsts))
    grants, end = accounts.grants(rows, account.name, when.calendar), when.hour_after(when.now)
    start = min((grant.effective_at for grant in grants), default=end)
    times = phases(grants, start, end) if start < end else []
    periods = [between(*bounds) for bounds in pairwise([*times, end])]
    return _Draft(
        account=account,
        allocation=allocation,
        began=account.start or (None if first is None else time_of(first)),
        taken=money(taken(account.name, account.period)) if is_spent else None,
        grants=grants,
        phases=[(period, money(taken(account.name, period)) or NOTHING) for period in periods],
    )


# ── with what calls cost ────────────────────────────────────────────────────────────────────────────────────────


@frozen(kw_only=True)
class _Outcome:
    """What calls cost that count against an account, and what is spent and burnt with that; or the `problem`."""

    cost: Spending
    spent: Decimal | None = None
    burnt: Burnt | None = None
    problem: str | None = None


def _outcome(open_context: OpenContext, draft: _Draft, when: _When) -> _Outcome:
    account, spent, cost, calendar = draft.account, draft.taken, Spending(), when.calendar
    try:
        if account.is_of_nobody:
            raise NotStored(scope=account.scope, what="which one the budget is for")
        period = accounts.counted_period(account, draft.allocation.first_at, calendar)
        cost = _cost(open_context, account, when.counted(period), calendar)
        if cost.nameless_calls:
            what = f"which one made {cost.nameless_calls:,} of the calls of its period"
            raise NotStored(scope=account.scope, what=what)
        if account.scope:
            spent = (spent or NOTHING) + cost.amounts.get(account.currency, NOTHING)
        return _Outcome(cost=cost, spent=spent, burnt=_burnt(open_context, draft, calendar) if draft.grants else None)
    except AnalyticsError as error:
        return _Outcome(cost=cost, problem=str(error))


def _status(draft: _Draft, outcome: _Outcome, when: _When) -> BudgetStatus:
    account, allocation, zone = draft.account, draft.allocation, when.calendar.zone
    spent, burnt, amounts = outcome.spent, outcome.burnt, outcome.cost.amounts
    allocated = money(allocation.amount) if allocation.count else None
    remaining = None if allocated is None or outcome.problem else allocated - (spent or NOTHING)
    rate = _rate(draft, spent, when.now)
    balances = zip(draft.grants, burnt.balances, strict=True) if burnt else ()
    return BudgetStatus(
        budget_id=account.budget_id,
        currency=account.currency,
        scope=account.scope,
        scope_id=account.scope_id,
        starts_at=draft.began and draft.began.astimezone(zone),
        ends_at=account.end and account.end.astimezone(zone),
        allocated=allocated,
        spent=None if spent is None else trimmed(spent),
        remaining=None if remaining is None else trimmed(remaining),
        used=float((spent or NOTHING) / allocated) if allocated and not outcome.problem else None,
        burn_rate=rate,
        exhausted_at=_exhausted(remaining, rate, account.end, when),
        unknown_calls=outcome.cost.unknown_calls,
        other_currencies={name: trimmed(cost) for name, cost in amounts.items() if name != account.currency and cost},
        thresholds=_thresholds(allocation, zone) if allocation.count else [],
        credits=[_credit(grant, balance, zone) for grant, balance in balances],
        overage=trimmed(burnt.overage) if burnt else None,
        problem=outcome.problem,
    )


def _cost(open_context: OpenContext, account: Account, period: TimePeriod | None, calendar: Calendar) -> Spending:
    """Return what calls of its scope cost."""
    if period:
        hours(calendar, period)
    if not account.scope or not period:
        return Spending()
    with open_context(COST, period) as context:
        return spending(context, account.scope, account.scope_id, period)


def _burnt(open_context: OpenContext, draft: _Draft, calendar: Calendar) -> Burnt:
    """Return what is left of each grant, and what they did not cover."""
    usage = []
    for period, taken in draft.phases:
        cost = _cost(open_context, draft.account, period, calendar)
        usage.append((period.start, taken + cost.amounts.get(draft.account.currency, NOTHING)))
    if not usage:
        return Burnt(balances=(NOTHING,) * len(draft.grants), overage=NOTHING)
    return burn(draft.grants, usage, start=draft.phases[0][0].start, end=draft.phases[-1][0].end)


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
    if days >= Decimal(((end or LATEST) - when.now) // MICROSECOND) / (DAY // MICROSECOND):
        return None
    return (when.now + timedelta(seconds=int(days * (DAY // SECOND)))).astimezone(when.calendar.zone)


def _thresholds(allocation: Allocation, zone: tzinfo) -> list[BudgetThreshold]:
    return [
        BudgetThreshold(percent=percent, reached_at=None if at is None else time_of(at, zone), position=place)
        for percent in sorted({*allocation.thresholds, *allocation.reached})
        for place, at in [allocation.reached.get(percent, (None, None))]
    ]


def _credit(grant: Grant, balance: Decimal, zone: tzinfo) -> CreditStatus:
    return CreditStatus(
        grant_id=grant.id,
        amount=grant.amount,
        balance=trimmed(balance),
        priority=grant.priority,
        starts_at=grant.effective_at.astimezone(zone),
        ends_at=grant.ends_at and grant.ends_at.astimezone(zone),
        voided=grant.voided_at is not None,
        recurs_hours=None if grant.recurs is None else grant.recurs // timedelta(hours=1),
    )
