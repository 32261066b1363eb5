"""Credits: prepaid grants, and in which order usage burns them down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from attrs import frozen

NOTHING = Decimal(0)

Usage = tuple[datetime, Decimal]  # when, and how much


@frozen(kw_only=True)
class Grant:
    """Credits that count from `effective_at` until they expire or are voided.

    Of lower `priority` is what burns first. With `recurs` it is granted anew every so often, counted from `anchor` (by
    default from when it takes effect): what is left of it is replaced, not added to.
    """

    id: str
    amount: Decimal
    priority: int = 0
    effective_at: datetime
    expires_at: datetime | None = None
    voided_at: datetime | None = None
    recurs: timedelta | None = None
    anchor: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When it ends, None where it never does."""
        return min(filter(None, (self.expires_at, self.voided_at)), default=None)

    def is_active(self, at: datetime) -> bool:
        """Say whether it may be burnt at a time."""
        return self.effective_at <= at and (self.ends_at is None or at < self.ends_at)

    def begins(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield when it is granted in (start, end), anew or for the first time."""
        if start < self.effective_at < end:
            yield self.effective_at
        if self.recurs:
            anchor = self.anchor or self.effective_at
            at = anchor + self.recurs * ((start - anchor) // self.recurs + 1)
            while at < end:
                if at > start and at != self.effective_at and self.is_active(at):
                    yield at
                at += self.recurs

    @property
    def turn(self) -> tuple[int, bool, datetime, datetime, str]:
        """Its place in the order in which grants burn: by priority, then what expires first, then what began first."""
        expires = self.expires_at or self.effective_at
        return self.priority, self.expires_at is None, expires, self.effective_at, self.id


@frozen(kw_only=True)
class Burnt:
    """What is left of each grant, in the order they were given in, and what was used beyond them all."""

    balances: tuple[Decimal, ...]
    overage: Decimal


def phases(grants: Sequence[Grant], start: datetime, end: datetime) -> list[datetime]:
    """Return the times in [start, end) at which what may be burnt changes, `start` first."""
    begins = {at for grant in grants for at in grant.begins(start, end)}
    ends = {grant.ends_at for grant in grants if grant.ends_at and start < grant.ends_at < end}
    return sorted({start} | begins | ends)


def burn(
    grants: Sequence[Grant],
    usage: Iterable[Usage],
    *,
    start: datetime,
    end: datetime,
    balances: Sequence[Decimal] | None = None,
) -> Burnt:
    """Burn grants down with what was used in [start, end); the state just before the end.

    `balances` are those at the start, by default the whole amounts. What is used beyond all grants is the overage: the
    next grant that begins, or begins anew, pays it first. Usage at the time of a change comes after it.
    """
    before = [grant.amount for grant in grants] if balances is None else balances
    left = [balance if grant.is_active(start) else NOTHING for grant, balance in zip(grants, before, strict=True)]
    begins = [set(grant.begins(start, end)) for grant in grants]
    used, overage = list(usage), NOTHING
    for at, until in pairwise([*phases(grants, start, end), end]):
        for place, grant in enumerate(grants):
            if at in begins[place]:
                left[place] = grant.amount
            elif not grant.is_active(at):
                left[place] = NOTHING
        due = overage + sum((amount for when, amount in used if at <= when < until), NOTHING)
        overage = _take(grants, left, at, due)
    return Burnt(balances=tuple(left), overage=max(overage, NOTHING))


def _take(grants: Sequence[Grant], left: list[Decimal], at: datetime, amount: Decimal) -> Decimal:
    """Take an amount from the balances, in their turn; returns what they did not cover.

    An amount below 0, of more refunds than usage, is given back to what burns last, up to what was granted; what is
    left of it is below 0, and pays for what is used next.
    """
    if amount < 0:
        return _give_back(grants, left, at, amount)
    for place in sorted(range(len(grants)), key=lambda place: grants[place].turn):
        if grants[place].is_active(at):
            taken = min(left[place], amount)
            left[place] -= taken
            amount -= taken
    return amount


def _give_back(grants: Sequence[Grant], left: list[Decimal], at: datetime, amount: Decimal) -> Decimal:
    for place in sorted(range(len(grants)), key=lambda place: grants[place].turn, reverse=True):
        if grants[place].is_active(at):
            given = min(grants[place].amount - left[place], -amount)
            left[place] += given
            amount += given
    return amount
