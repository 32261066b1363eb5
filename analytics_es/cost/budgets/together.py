"""What the accounts of one look cost: those of one scope and one period are asked for in one question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, field

from analytics_es.cost.budgets.accounts import Account
from analytics_es.cost.budgets.spending import Spending, spending, spendings
from analytics_es.errors import AnalyticsError
from analytics_es.queries import QuestionContext
from analytics_es.types import TimePeriod

SEVERAL = 2  # accounts that are worth a question about all that is like them

_Alike = tuple[str, TimePeriod]  # a scope, and the period that counts


@define
class Together:
    """Answers for each account of a look what its calls cost, at prices of which it is said how many there were."""

    _wanted: dict[_Alike, list[str]] = field(factory=dict, init=False)
    _answers: dict[tuple[int, _Alike], dict[str, Spending]] = field(factory=dict, init=False)

    @classmethod
    def of(cls, accounts: Iterable[tuple[Account, TimePeriod]]) -> Together:
        """Take the accounts with the periods that count for them."""
        together = cls()
        for account, period in accounts:
            together._wanted.setdefault((account.scope, period), []).append(account.scope_id)
        return together

    def spending(self, context: QuestionContext, prices: int, account: Account, period: TimePeriod) -> Spending:
        """Return what an account's calls cost; one that fails with others is asked for by itself, and says why."""
        if not account.scope:
            return Spending()
        alike = (account.scope, period)
        names = self._wanted.get(alike, [])
        if len(names) >= SEVERAL and account.scope_id in names:
            if (prices, alike) not in self._answers:
                self._answers[prices, alike] = self._asked(context, *alike, names)
            if answer := self._answers[prices, alike].get(account.scope_id):
                return answer
        return spending(context, account.scope, account.scope_id, period)

    @staticmethod
    def _asked(context: QuestionContext, scope: str, period: TimePeriod, names: Sequence[str]) -> dict[str, Spending]:
        try:
            return spendings(context, scope, names, period)
        except AnalyticsError:
            return {}
