"""What was allocated, what is spent of it, and what remains: get_budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import evolve, frozen

from analytics_es.cost.budgets import accounts as kept
from analytics_es.cost.budgets.accounts import BUDGETS, Account, Allocation, Name, Rows, moment, money
from analytics_es.cost.budgets.credits import Grant, burn, phases
from analytics_es.cost.budgets.spending import COST, Answering, Spending, between, hours, spending
from analytics_es.cost.prices.quantities import trimmed
from analytics_es.errors import AnalyticsError
from analytics_es.events.event import LATEST
from analytics_es.projection.calendar import Calendar
from analytics_es.queries.question import Question, QuestionContext
from analytics_es.queries.rows import Values
from analytics_es.read_models import Snapshot, Tiling
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
        wanted = None if budget is None else source.known_as("budget", budget)
        asked = _Asked(calendar, min(at or now, now), at)
        drafts = [
            each
            for each in _drafts(snapshot, asked)
            if wanted in (None, each.account.budget_id)
            and (each.account.holds(at or now) or (wanted is not None and at is None))
        ]
        stands_on = _completeness(source, snapshot)
    found = []
    for draft in drafts:
        status, also = _status(answering, draft, asked)
        found.append(status)
        stands_on = _both(stands_on, also)
    found.sort(key=lambda each: (-(each.used or 0.0), each.budget_id, each.currency, each.scope_id))
    return BudgetReport(at=(at or now).astimezone(calendar.zone), budgets=found, completeness=stands_on)


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
class _Asked:
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


def _drafts(snapshot: Snapshot, asked: _Asked) -> list[_Draft]:
    """Return all accounts; also what was spent of nothing that was allocated, and credits of nothing else."""
    rows = kept.rows_of(snapshot)
    found = kept.accounts(rows)

    def taken(name: Name, period: TimePeriod) -> int:
        counted = asked.counted(period)
        return kept.spent(snapshot, *name, Tiling.of(asked.calendar, counted).spans()) if counted else 0

    drafts = [_draft(rows, account, each, asked, taken) for account, each in found.items()]
    for name in sorted({(keys[0], keys[1]) for keys, values in rows.items() if _is_used(values)}):
        of_it = [account for account in found if account.name == name]
        scope, whose = ("", "") if of_it else _scope_of_grants(rows, name)
        alone = Account(*name, scope, whose)
        outside = taken(name, EVER) - sum(taken(name, period) for period in _union(of_it)) if of_it else 0
        if outside or not of_it:
            draft = _draft(rows, alone, Allocation(), asked, taken)
            drafts.append(evolve(draft, taken=money(outside), grants=()) if of_it else draft)
    return drafts


def _is_used(values: Values) -> bool:
    return values["spent"] is not None or values["granted"] is not None


def _scope_of_grants(rows: Rows, name: Name) -> tuple[str, str]:
    told = [(keys[2], keys[3]) for keys, values in rows.items() if keys[:2] == name and values["granted"] is not None]
    return min(((scope, whose) for scope, whose in told if scope), default=("", ""))


def _union(of_it: Sequence[Account]) -> list[TimePeriod]:
    """Return the time that the periods of accounts cover, without what two of them share."""
    found: list[TimePeriod] = []
    for period in sorted((each.period for each in of_it), key=lambda each: each.start):
        if found and period.start <= found[-1].end:
            found[-1] = between(found[-1].start, max(period.end, found[-1].end))
        else:
            found.append(period)
    return found


def _draft(rows: Rows, account: Account, allocation: Allocation, asked: _Asked, taken: Taken) -> _Draft:
    of_it = [values for keys, values in rows.items() if keys[:2] == account.name]
    spent = [each["first_spent_at"] for each in of_it if each["first_spent_at"] is not None]
    firsts = [allocation.first_at, *([] if account.scope else spent)]
    first = min((each for each in firsts if each is not None), default=None)
    grants, end = kept.grants(rows, account.name, asked.calendar), asked.hour_after(asked.now)
    start = min((each.effective_at for each in grants), default=end)
    times = phases(grants, start, end) if start < end else []
    periods = [between(*each) for each in zip(times, [*times[1:], end], strict=True)] if times else []
    return _Draft(
        account=account,
        allocation=allocation,
        began=account.start or (None if first is None else moment(first)),
        taken=money(taken(account.name, account.period)) if spent else None,
        grants=grants,
        phases=[_Phase(period=each, taken=money(taken(account.name, each)) or NOTHING) for each in periods],
    )


# ── with what calls cost ────────────────────────────────────────────────────────────────────────────────────────


def _status(answering: Answering, draft: _Draft, asked: _Asked) -> tuple[BudgetStatus, Completeness | None]:
    calendar = asked.calendar
    account, allocation = draft.account, draft.allocation
    allocated = money(allocation.amount) if allocation.count else None
    spent, cost, burnt, problem = draft.taken, Spending(), None, None
    try:
        whole = kept.counted(account, allocation.first_at, calendar)
        cost = _cost(answering, account, asked.counted(whole), calendar)
        if account.scope:
            spent = (draft.taken or NOTHING) + cost.amounts.get(account.currency, NOTHING)
        if draft.grants:
            burnt = _burnt(answering, draft, calendar)
    except AnalyticsError as error:
        spent, problem = None, str(error)
    rate = _rate(draft, spent, asked.now)
    remaining = None if allocated is None or problem else allocated - (spent or NOTHING)
    status = BudgetStatus(
        budget_id=account.budget_id,
        currency=account.currency,
        scope=account.scope,
        scope_id=account.scope_id,
        starts_at=draft.began and draft.began.astimezone(calendar.zone),
        ends_at=account.end and account.end.astimezone(calendar.zone),
        allocated=allocated,
        spent=None if spent is None else trimmed(spent),
        remaining=None if remaining is None else trimmed(remaining),
        used=float((spent or NOTHING) / allocated) if allocated and not problem else None,
        burn_rate=rate,
        exhausted_at=_exhausted(remaining, rate, account.end, asked),
        unknown_calls=cost.unknown_calls,
        other_currencies={
            name: trimmed(amount) for name, amount in cost.amounts.items() if name != account.currency and amount
        },
        thresholds=_thresholds(allocation, calendar) if allocation.count else [],
        credits=[_credit(grant, left, calendar) for grant, left in zip(draft.grants, burnt[0], strict=True)]
        if burnt
        else [],
        overage=trimmed(burnt[1]) if burnt else None,
        problem=problem,
    )
    return status, cost.completeness


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


def _exhausted(remaining: Decimal | None, rate: Decimal | None, end: datetime | None, asked: _Asked) -> datetime | None:
    """Return when nothing is left at this rate, None where that is not before the end, or was already."""
    if not remaining or not rate or remaining < 0:
        return None
    days = remaining / rate
    last = end or LATEST
    if days >= Decimal((last - asked.now) // MICROSECOND) / (DAY // MICROSECOND):
        return None
    return (asked.now + timedelta(seconds=int(days * (DAY // SECOND)))).astimezone(asked.calendar.zone)


def _thresholds(allocation: Allocation, calendar: Calendar) -> list[BudgetThreshold]:
    def of(percent: Decimal) -> BudgetThreshold:
        position, at = allocation.told.get(percent, (None, None))
        when = None if at is None else moment(at).astimezone(calendar.zone)
        return BudgetThreshold(percent=percent, reached_at=when, position=position)

    return [of(percent) for percent in sorted({*allocation.thresholds, *allocation.told})]


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
