"""What is found out about the events of an import while they come in: why rows are refused, and what to doubt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import define, field, frozen

from analytics_es.cost import PriceBook
from analytics_es.errors import AnalyticsError
from analytics_es.events.fields import CALLS, CONTRADICTION, PARTIAL
from analytics_es.events.outcomes import BEGUN, VERDICTS

MOST_NAMES, MOST_REASONS, MOST_HOURS = 1000, 100, 50_000  # that are counted: a file may hold any number
OTHERS = "(others)"

_SPECIFIC = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\d[\d.,]*"
)  # what tells one row's reason from another's


@frozen(kw_only=True)
class Reason:
    """Why rows were refused: the first message that says so, which others may say of other values."""

    code: str
    rows: int
    message: str


@frozen(kw_only=True)
class NoPrice:
    """Calls of a model that told no cost and have no price at their time."""

    provider: str
    model: str
    calls: int


@define
class Findings:
    """What is found out about the events of an import; of any number of names so many are counted."""

    _book: Callable[[], PriceBook]
    contradictions: Counter[str] = field(factory=Counter)
    contradictory: int = 0
    partial_calls: int = 0
    _reasons: dict[tuple[str, str], Reason] = field(factory=dict)
    _used: Counter[tuple[str, str, str, bool, datetime]] = field(factory=Counter)
    _no_price: Counter[tuple[str, str]] = field(factory=Counter)

    def refuse(self, code: str, message: str) -> None:
        """Count a row that was refused."""
        key = code, _SPECIFIC.sub("…", message)
        if key not in self._reasons and len(self._reasons) >= MOST_REASONS:
            key, message = (code, OTHERS), OTHERS
        before = self._reasons.get(key)
        first = before.message if before else message
        self._reasons[key] = Reason(code=code, rows=1 + (before.rows if before else 0), message=first)

    @property
    def reasons(self) -> list[Reason]:
        """Why rows were refused, the most frequent first."""
        return sorted(self._reasons.values(), key=lambda reason: -reason.rows)

    def see(self, event: Mapping[str, Any]) -> None:
        """Look at an event that is recorded now."""
        data = event["data"]
        attributes = data.get("attributes")
        kind = event["event_type"]
        if isinstance(attributes, Mapping):
            self.partial_calls += attributes.get(PARTIAL) is True and kind.startswith(CALLS)
            self._see_contradiction(attributes.get(CONTRADICTION))
        if kind.startswith("provider.") and data.get("cost") is None and _may_have_price(kind, data):
            hour = event["occurred_at"].replace(minute=0, second=0, microsecond=0)
            tier, batch = data.get("service_tier"), data.get("batch") is True
            self._used[str(data.get("provider") or ""), str(data["model"]), str(tier or ""), batch, hour] += 1
            if len(self._used) > MOST_HOURS:
                self._price()

    def _see_contradiction(self, said: object) -> None:
        words = [word for word in said.split() if word != PARTIAL] if isinstance(said, str) else []
        self.contradictory += bool(words)
        for word in words:
            self.contradictions[word if len(self.contradictions) < MOST_NAMES else OTHERS] += 1

    def no_prices(self) -> list[NoPrice]:
        """Return the models of calls without a price, the most frequent first."""
        self._price()
        counted = sorted(self._no_price.items(), key=lambda counted: (-counted[1], counted[0]))
        return [NoPrice(provider=provider, model=model, calls=calls) for (provider, model), calls in counted]

    def _price(self) -> None:
        """Look for prices at the times of the calls so far."""
        if not self._used:
            return
        try:
            book = self._book()
        except AnalyticsError:  # the store fails, which is said: what came in until then is told without this
            return
        for (provider, model, tier, batch, at), calls in self._used.items():
            try:
                price = book.prices_at(provider or None, model, at, batch=batch, service_tier=tier or None)
            except AnalyticsError:  # a tier that contradicts: the door says what there is to say
                continue
            if price is None:
                key = (provider, model) if len(self._no_price) < MOST_NAMES else ("", OTHERS)
                self._no_price[key] += calls
        self._used.clear()


_USED = ("input_tokens", "output_tokens", "searches")


def _may_have_price(kind: str, data: Mapping[str, Any]) -> bool:
    verdict = VERDICTS.get(kind.rpartition(".")[2])
    ended = verdict != BEGUN and (verdict or data.get("status") or data.get("duration_ms") is not None)
    return bool(ended and data.get("model")) and any(data.get(name) for name in _USED)
