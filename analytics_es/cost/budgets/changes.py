"""Changes: which budgets the events between two positions can have changed; all others are as they were before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, field

from analytics_es.cost.budgets.accounts import BUDGETS, Account
from analytics_es.cost.budgets.spending import COST
from analytics_es.cost.price_log import PUBLISHED
from analytics_es.events import RecordedEvent, codec
from analytics_es.events.checks import SCOPES
from analytics_es.log import EventLog
from analytics_es.projection.declaration import Declaration, consumes, shortened

HOUR = timedelta(hours=1)  # a period is widened to whole hours, which begin at half past in some zones
FEW = 20  # budgets that are read one by one; of more, all are
MANY = 2_000  # events, of which each is read: of more, it takes less to look at all budgets

SPENT, REACHED = "budget.spent", "budget.threshold.reached"

Whose = tuple[str, str]  # a scope, and which one of it
Times = tuple[datetime, datetime]  # the first and the last
EVER: Times = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
NEVER: Times = (EVER[1], EVER[0])


@define
class Changes:
    """What some events are about: it may be more than what they have changed, never less.

    `calls`: whose calls, or what else counts as cost, and between which times. `budgets`: which ones are named; what
    takes from one counts in its time alone, and that a threshold was reached changes nothing of what is spent.
    """

    prices: bool = False
    budgets: dict[str, Times] = field(factory=dict)
    calls: dict[Whose, Times] = field(factory=dict)

    @classmethod
    def between(cls, log: EventLog, after: int, upto: int, live: Mapping[str, Declaration]) -> Changes | None:
        """Return what the events in (after, upto] are about, None where that cannot be told of each, or not soon."""
        cost = live.get(COST)
        if upto - after > MANY or (cost and not _is_named_by(cost, "model")):
            return None
        events = log.scan(after=after, upto=upto, limit=MANY)
        if events.num_rows < upto - after:  # some of them are sealed by now
            return None
        kinds = {
            kind: [own.name for own in live.values() if consumes(own, kind)] for kind in set(events["type"].to_pylist())
        }
        changes = cls(prices=PUBLISHED in kinds)
        try:
            for row in events.to_pylist():
                if names := kinds[row["type"]]:
                    changes._add(codec.decode(row["position"], row["type"], row["state"]), names)
        except Exception:  # what is stored is no event, or says in these fields what nobody expects
            return None
        return changes

    def _add(self, event: RecordedEvent, names: list[str]) -> None:
        at = (event.occurred_at, event.occurred_at)
        if BUDGETS in names:
            times = {SPENT: at, REACHED: NEVER}.get(event.type, EVER)
            _extend(self.budgets, _text(event.data.get("budget_id")), times)
        if COST in names:
            for scope, whose in SCOPES.items():
                _extend(self.calls, (scope, _text(event.data.get(whose)) if whose else ""), at)

    def concern(self, account: Account) -> bool:
        """Say whether they may have changed what is spent of an account, or what it is."""
        if self.prices and account.scope:
            return True
        whose = self.calls.get((account.scope, account.scope_id))
        times = [when for when in (self.budgets.get(account.budget_id), whose) if when]
        start, end = account.period.start, account.period.end
        return any(start - last < HOUR and first - end < HOUR for first, last in times)


def _extend(times: dict[Any, Times], key: Any, more: Times) -> None:
    first, last = times.get(key, more)
    times[key] = min(first, more[0]), max(last, more[1])


def _is_named_by(declaration: Declaration, name: str) -> bool:
    """Say whether a key is the field of its name, as it is stored."""
    return any(key.name == key.sql == name for key in declaration.keys)


def _text(said: Any) -> str:
    """Return what a field says as the key of a row; raises TypeError where it is no text."""
    if said is not None and type(said) is not str:
        raise TypeError
    return shortened(said or "")
