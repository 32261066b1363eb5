"""What was allocated, what is spent of it, and what remains: get_budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, localcontext
from typing import Any

from attrs import evolve, frozen

from analytics_es.cost.budgets import accounts
from analytics_es.cost.budgets.accounts import BUDGETS, Account, Allocation, money
from analytics_es.cost.budgets.credits import NOTHING, Burnt, Grant, burn
from analytics_es.cost.budgets.drafts import EVER, Draft, When, drafts
from analytics_es.cost.budgets.spending import COST, OpenContext, Spending, hours
from analytics_es.cost.budgets.together import Together
from analytics_es.errors import AnalyticsError, NotStored
from analytics_es.events.event import LATEST, time_of
from analytics_es.projection.calendar import Calendar
from analytics_es.queries.figures import DIGITS, trimmed
from analytics_es.types import BudgetReport, BudgetStatus, BudgetThreshold, Completeness, CreditStatus, TimePeriod
from analytics_es.types.sentences import of_error

DAY, SECOND, MICROSECOND = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=1)
PLACES = Decimal(1).scaleb(-9)  # of a rate


def budgets(open_context: OpenContext, budget: str | None, at: datetime | None) -> BudgetReport:
    """Answer get_budgets."""
    with open_context(BUDGETS, EVER) as context:
        calendar, now = context.calendar, context.clock()
        budget_id = None if budget is None else context.known_as("budget", budget)
        when = When(calendar, min(at or now, now), at)
        with context.question([BUDGETS], EVER, kept=False) as question:
            own = [
                draft
                for draft in drafts(question.snapshot, when, budget_id, ended=budget_id is not None and at is None)
                if budget_id in (None, draft.account.budget_id)
            ]
            completeness = question.completeness(family="budget.")  # of calls, that of what they cost says more
    told = statuses(open_context, own, when)
    parts = [completeness, *(part for _, part in told if part)]
    return BudgetReport(
        at=(at or now).astimezone(calendar.zone),
        budgets=sorted((status for status, _ in told), key=_turn),
        completeness=_of_all(parts),
    )


def statuses(
    open_context: OpenContext, own: Sequence[Draft], when: When
) -> list[tuple[BudgetStatus, Completeness | None]]:
    """Return how it is about each account, and what that stands on beside the read model of budgets."""
    with localcontext(DIGITS):
        together = Together.of(_alike(own, when))
        outcomes = [_outcome(open_context, draft, when, together) for draft in own]
        return [
            (_status(draft, outcome, when), outcome.cost.completeness)
            for draft, outcome in zip(own, outcomes, strict=True)
        ]


def _alike(own: Sequence[Draft], when: When) -> Iterator[tuple[Account, TimePeriod]]:
    """Yield the accounts that may be asked for with others, and the hours in which calls count."""
    for draft in own:
        with suppress(AnalyticsError):  # of one of which that cannot be told, it is said where it is its turn
            if not draft.account.is_of_nobody and (period := _counted(draft, when)):
                yield draft.account, period


def _turn(status: BudgetStatus) -> tuple[Any, ...]:
    """Return what budgets are told in the order of: the fullest first."""
    return -(status.used or 0.0), status.budget_id, status.currency, status.scope_id


def _of_all(parts: Sequence[Completeness]) -> Completeness:
    """Return what an answer stands on that stands on all of these; the rest is said by the first."""
    return evolve(
        parts[0],
        position=min(part.position for part in parts),
        lag_events=max(part.lag_events for part in parts),
        lag_seconds=max(part.lag_seconds for part in parts),
        unreadable=max(part.unreadable for part in parts),
        partial_calls=max(part.partial_calls for part in parts),
    )


# ── with what calls cost ────────────────────────────────────────────────────────────────────────────────────────


@frozen(kw_only=True)
class _Outcome:
    """What calls cost that count against an account, and what is spent and burnt with that; or the `problem`."""

    cost: Spending
    spent: Decimal | None = None
    burnt: Burnt | None = None
    problem: str | None = None


def _counted(draft: Draft, when: When) -> TimePeriod | None:
    """Return the hours in which calls count, None where they are to begin."""
    return when.counted(accounts.counted_period(draft.account, draft.allocation.first_at, when.calendar))


def _outcome(open_context: OpenContext, draft: Draft, when: When, together: Together) -> _Outcome:
    account, spent, cost, calendar = draft.account, draft.taken, Spending(), when.calendar
    try:
        if account.is_of_nobody:
            raise NotStored(scope=account.scope, what="which one the budget is for")
        cost = _cost(open_context, account, _counted(draft, when), calendar, together)
        if cost.nameless_calls:
            what = f"which one made {cost.nameless_calls:,} of the calls of its period"
            raise NotStored(scope=account.scope, what=what)
        if account.scope:
            spent = (spent or NOTHING) + cost.amounts.get(account.currency, NOTHING)
        burnt = _burnt(open_context, draft, calendar, together) if draft.grants else None
        return _Outcome(cost=cost, spent=spent, burnt=burnt)
    except AnalyticsError as error:
        return _Outcome(cost=cost, problem=of_error(error))


def _status(draft: Draft, outcome: _Outcome, when: When) -> BudgetStatus:
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


def _cost(
    open_context: OpenContext, account: Account, period: TimePeriod | None, calendar: Calendar, together: Together
) -> Spending:
    """Return what calls of its scope cost."""
    if period:
        hours(calendar, period)
    if not account.scope or not period:
        return Spending()
    with open_context(COST, period) as context:
        return together.spending(context, 0, account, period)


def _burnt(open_context: OpenContext, draft: Draft, calendar: Calendar, together: Together) -> Burnt:
    """Return what is left of each grant, and what they did not cover."""
    usage = []
    for period, taken in draft.phases:
        cost = _cost(open_context, draft.account, period, calendar, together)
        usage.append((period.start, taken + cost.amounts.get(draft.account.currency, NOTHING)))
    if not usage:
        return Burnt(balances=(NOTHING,) * len(draft.grants), overage=NOTHING)
    return burn(draft.grants, usage, start=draft.phases[0][0].start, end=draft.phases[-1][0].end)


def _rate(draft: Draft, spent: Decimal | None, now: datetime) -> Decimal | None:
    """Return what is spent a day, over what has passed of the period."""
    until = min(now, draft.account.period.end)
    if spent is None or draft.began is None or until <= draft.began:
        return None
    elapsed = until - draft.began
    return trimmed((spent * (DAY // MICROSECOND) / (elapsed // MICROSECOND)).quantize(PLACES))


def _exhausted(remaining: Decimal | None, rate: Decimal | None, end: datetime | None, when: When) -> datetime | None:
    """Return when nothing is left at this rate, None where that is not before the end, or was already."""
    if not remaining or not rate or remaining < 0 or rate < 0:
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
