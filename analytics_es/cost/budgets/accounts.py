"""Accounts: what the read model `budgets` holds, put together by budget and period."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from attrs import evolve, frozen

from analytics_es.cost.budgets.credits import Grant
from analytics_es.cost.budgets.spending import between
from analytics_es.errors import StaleReadModel
from analytics_es.events.checks import MAX_HOURS, SCOPES
from analytics_es.events.event import MICRO, time_of
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import MONEY, Declaration, Measure
from analytics_es.projection.fold import Folded
from analytics_es.queries.figures import exact, trimmed
from analytics_es.queries.rows import Values, columns_of, measures_of, named, together
from analytics_es.read_models import Snapshot, Span
from analytics_es.types import TimePeriod

BUDGETS = "budgets"
KEYS = (
    *("budget_id", "currency", "scope", "scope_id", "starts_at", "ends_at", "thresholds"),
    *("grant_id", "priority", "recurs_hours"),
)
MEASURES = (
    *("allocations", "allocated", "least_allocated", "first_allocated_at", "spent", "first_spent_at"),
    *("granted", "first_granted_at", "voided_at", "reached_position", "reached_at", "reduced"),
)
DEFAULT_THRESHOLDS = (Decimal(50), Decimal(80), Decimal(100))
EVER = Span("day", -(2**40), 2**40)
ATTO = 18  # decimals of money
HOUR_US = 3_600_000_000

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:00Z")
_PERCENTS = re.compile(r"[0-9.]+(,[0-9.]+)*")

Keys = tuple[str, ...]
Rows = Mapping[Keys, Values]


Name = tuple[str, str]  # of a budget, and of the currency it is in


@frozen
class Account:
    """A budget of one scope in one period of its own, which begins with the first allocation unless it says when."""

    budget_id: str
    currency: str
    scope: str = ""
    scope_id: str = ""
    starts_at: str = ""
    ends_at: str = ""

    @property
    def name(self) -> Name:
        """What events name it by: the budget and the currency."""
        return self.budget_id, self.currency

    @property
    def start(self) -> datetime | None:
        """When its period starts, where it says so."""
        return _time(self.starts_at)

    @property
    def end(self) -> datetime | None:
        """When its period ends, None where it never does."""
        return _time(self.ends_at)

    @property
    def period(self) -> TimePeriod:
        """Its period; on a side where it does not end, all time."""
        return between(self.start, self.end)

    @property
    def is_of_nobody(self) -> bool:
        """Whether it is that of a tenant, user or model, of which a policy of privacy did not store which one."""
        return bool(SCOPES.get(self.scope)) and not self.scope_id

    def holds(self, at: datetime) -> bool:
        """Say whether a time is in its period."""
        return self.period.start <= at < self.period.end


@frozen(kw_only=True)
class Allocation:
    """What was allocated to an account, the thresholds that were asked for with it, and those that were told of."""

    count: int = 0
    amount: int = 0  # times 10^18, as all amounts here
    least: int | None = None
    first_at: int | None = None  # microseconds
    percents: frozenset[Decimal] = frozenset()
    reached: Mapping[Decimal, tuple[int | None, int]] = {}  # by percent: the position, and microseconds

    @property
    def thresholds(self) -> list[Decimal]:
        """The percents to tell of."""
        return sorted(self.percents or DEFAULT_THRESHOLDS)


def rows_of(
    snapshot: Snapshot, spans: Sequence[Span] = (EVER,), *, where: Mapping[str, str] | None = None
) -> dict[Keys, Values]:
    """Return the rows of all time, or of these buckets, by their keys, of all or by filters; raises StaleReadModel."""
    declaration = snapshot.live[BUDGETS]
    names = {key.name for key in declaration.keys} | {measure.name for measure in declaration.measures}
    if missing := {*KEYS, *MEASURES} - names:
        raise StaleReadModel(projection=BUDGETS, missing=", ".join(sorted(missing)))
    measures = measures_of(declaration, MEASURES)
    rows = snapshot.sums(declaration, columns_of(measures), spans, where=where, by=KEYS)
    return {row[: len(KEYS)]: _in_attos(measures, named(measures, row[len(KEYS) :])) for row in rows}


def turns(snapshot: Snapshot) -> list[datetime]:
    """Return the times at which accounts or credits begin or end, as far as events say so."""
    rows = snapshot.sums(snapshot.live[BUDGETS], [], [EVER], by=["starts_at", "ends_at"])
    return [time for time in (_time(text) for row in rows for text in row[:2]) if time]


def _in_attos(measures: Sequence[Measure], values: Values) -> Values:
    """Return amounts times 10^18; a read model of an earlier definition, until it is rebuilt, has fewer decimals."""
    amounts = [own for own in measures if own.unit == MONEY and own.decimals < ATTO and values[own.name] is not None]
    return {**values, **{own.name: values[own.name] * 10 ** (ATTO - own.decimals) for own in amounts}}


def rows_folded(parts: Iterable[Folded], declaration: Declaration) -> Iterator[tuple[str, int, Keys, Values]]:
    """Yield folded rows by the names of their columns: the grain, the bucket's start, the keys, and the measures."""
    names = [*declaration.row_key, *(column.name for column in declaration.columns)]
    measures = measures_of(declaration, MEASURES)
    for part in parts:
        for row in part.rows:
            values = _in_attos(measures, dict(zip(names, row, strict=True)))
            yield values["grain"], values["bucket"], tuple(values[key] for key in KEYS), values


def merged(rows: Iterable[tuple[Keys, Values]], declaration: Declaration) -> dict[Keys, Values]:
    """Merge rows of the same keys."""
    measures, groups = measures_of(declaration, MEASURES), dict[Keys, list[Values]]()
    for keys, values in rows:
        groups.setdefault(keys, []).append(values)
    return {keys: together(measures, parts) for keys, parts in groups.items()}


def allocations(rows: Rows) -> dict[Account, Allocation]:
    """Return the accounts that something was allocated to, and what."""
    by_account: dict[Account, Allocation] = {}
    for keys, values in rows.items():
        if values["allocations"] or values["reached_at"] is not None:
            account, percents = Account(*keys[:6]), _percents(keys[KEYS.index("thresholds")])
            by_account[account] = _more(by_account.get(account, Allocation()), percents, values)
    return {account: allocation for account, allocation in by_account.items() if allocation.count}


def _percents(text: str) -> frozenset[Decimal]:
    return frozenset(map(Decimal, text.split(","))) if _PERCENTS.fullmatch(text) else frozenset()


@lru_cache(maxsize=4_096)
def _time(text: str) -> datetime | None:
    """Read a time as the door writes it; what an older event says in such a field is not one."""
    return datetime.fromisoformat(text) if _TIME.fullmatch(text) else None


def _more(before: Allocation, percents: frozenset[Decimal], values: Values) -> Allocation:
    if values["reached_at"] is not None:
        reached = dict.fromkeys(percents, (values["reached_position"], values["reached_at"]))
        before = evolve(before, reached={**before.reached, **reached})
    if not values["allocations"]:
        return before
    return evolve(
        before,
        count=before.count + values["allocations"],
        amount=before.amount + (values["allocated"] or 0),
        least=least(before.least, values["least_allocated"]),
        first_at=least(before.first_at, values["first_allocated_at"]),
        percents=before.percents | percents,
    )


def least(*numbers: int | None) -> int | None:
    """Return the least of those that there are."""
    return min((number for number in numbers if number is not None), default=None)


def grants(rows: Rows, name: Name, calendar: Calendar) -> list[Grant]:
    """Return the credits of a budget, in the order in which they burn; a voided one ends with the hour of that."""
    voids = {
        keys[7]: values["voided_at"] for keys, values in rows.items() if keys[0] == name[0] and values["voided_at"]
    }
    granted = (
        _grant(keys, values, voids.get(keys[7]), calendar)
        for keys, values in rows.items()
        if keys[:2] == name and values["granted"] is not None
    )
    return sorted(granted, key=lambda grant: grant.turn)


def _grant(keys: Sequence[str], values: Values, voided_us: int | None, calendar: Calendar) -> Grant:
    fields = dict(zip(KEYS, keys, strict=True))
    first = time_of(values["first_granted_at"] // HOUR_US * HOUR_US)
    voided = None if voided_us is None else calendar.next_hour(voided_us // MICRO)
    return Grant(
        id=fields["grant_id"],
        amount=money(values["granted"]) or Decimal(0),
        priority=int(fields["priority"] or 0),
        effective_at=_time(fields["starts_at"]) or first,
        expires_at=_time(fields["ends_at"]),
        voided_at=None if voided is None else calendar.local(voided),
        recurs=_hours(fields["recurs_hours"]),
    )


def _hours(text: str) -> timedelta | None:
    """Read hours as the door keeps them; what an older event says beyond that is none."""
    return timedelta(hours=int(text)) if text and int(text) <= MAX_HOURS else None


def reduced(rows: Rows, currency: str) -> int:
    """Return by how much corrections and credits have reduced what was spent, times 10^18, from 0 up."""
    return -sum(values["reduced"] or 0 for keys, values in rows.items() if keys[1] == currency)


def concerns(keys: Keys, account: Account) -> bool:
    """Say whether a row is of an account's budget, or says by how much calls cost less."""
    return keys[:2] == account.name or keys[:2] == ("", account.currency)


def counted_period(account: Account, first_us: int | None, calendar: Calendar) -> TimePeriod:
    """Return the period in which calls count; one that does not say when it starts begins with its first hour."""
    if account.start or first_us is None:
        return account.period
    return between(calendar.local(calendar.hour_start(first_us // MICRO)), account.end)


def spent(snapshot: Snapshot, budget_id: str, currency: str, spans: Sequence[Span]) -> int:
    """Return what `budget.spent` events took from a budget in these buckets, times 10^18."""
    declaration = snapshot.live[BUDGETS]
    measures = measures_of(declaration, ["spent"])
    where = {"budget_id": budget_id, "currency": currency}
    sums = snapshot.sums(declaration, columns_of(measures), spans, where=where)
    return int(_in_attos(measures, named(measures, sums[0]))["spent"] or 0) if sums else 0


def money(attos: int | None) -> Decimal | None:
    """Return a stored amount as what it stands for."""
    return None if attos is None else trimmed(exact(attos, ATTO))
