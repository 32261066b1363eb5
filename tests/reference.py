"""What answers are to be, worked out in plain Python, one event after the other: nothing here is the package's.

An event is told by the dict that it was recorded with. Prices are per million tokens, each from a time on.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

Event = Mapping[str, Any]
Names = tuple[str, ...]

FIELD_OF = {"user": "user_id", "tenant": "tenant_id", "job": "job_id", "task": "task_id"}
UNKNOWN = ""  # the currency of a cost that is not known


class Price(NamedTuple):
    """What a model's tokens cost from a time on, per million."""

    model: str
    currency: str
    since: datetime
    input: Decimal
    output: Decimal


class Charge(NamedTuple):
    """What an event adds to costs: a call or none, and money in a currency, or none that is known."""

    calls: int
    currency: str
    cost: Decimal


def text_of(event: Event, word: str) -> str:
    """Return what an event says under a word of a question, "" for nothing; a long text as rows have it."""
    data = event["data"]
    if word == "event_type":
        return str(event["event_type"])
    if word in ("effort", "pricing"):
        return effort(event) if word == "effort" else pricing(event)
    if word.startswith("attributes."):
        value = data.get("attributes", {}).get(word.removeprefix("attributes."))
    else:
        value = data.get(FIELD_OF.get(word, word))
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return short(text)


def short(text: str) -> str:
    """Return a text above 256 bytes as its first 40 characters and a digest."""
    raw = text.encode()
    return text if len(raw) <= 256 else f"{text[:40]}…{hashlib.sha256(raw).hexdigest()[:32]}"


def is_call(event: Event) -> bool:
    """Say whether an event is a call of a model that ended."""
    return event["event_type"] in ("provider.call.completed", "provider.call.failed")


def effort(event: Event) -> str:
    """Say whether a call failed, or was made again; a correction is of its call's effort."""
    if not is_call(event):
        return str(event.get("effort", ""))
    if event["event_type"] == "provider.call.failed":
        return "failed"
    return "retried" if event["data"].get("attempt", 1) > 1 else ""


def pricing(event: Event) -> str:
    """Say what a call told of its cost; a correction is of its call's kind."""
    if "was" in event:
        return "reported" if event["was"] else "zero"
    data = event["data"]
    if not is_call(event) or "cost" not in data:
        return "none" if is_call(event) else ""
    used = any(data.get(kind) for kind in ("input_tokens", "output_tokens"))
    return "reported" if Decimal(data["cost"]) or not used else "zero"


def charge(event: Event, prices: Iterable[Price]) -> Charge | None:
    """Return what an event adds to costs, None for what is no call and corrects none."""
    data = event["data"]
    if event["event_type"] == "provider.cost.corrected":
        return Charge(0, data["currency"], Decimal(data["cost_change"]))
    if not is_call(event):
        return None
    used = [data.get("input_tokens"), data.get("output_tokens")]
    if "settled" in event:  # a cost of 0 that was corrected
        return Charge(1, data["currency"], Decimal(event["settled"]))
    if "cost" in data:
        free = not Decimal(data["cost"]) and any(used)
        return Charge(1, UNKNOWN, Decimal(0)) if free else Charge(1, data["currency"], Decimal(data["cost"]))
    held = [price for price in prices if price.model == data.get("model") and price.since <= event["occurred_at"]]
    if not held or used == [None, None]:
        return Charge(1, UNKNOWN, Decimal(0))
    price = max(held, key=lambda one: one.since)
    millionths = (used[0] or 0) * price.input + (used[1] or 0) * price.output
    return Charge(1, price.currency, millionths / 1_000_000)


def chosen(events: Iterable[Event], start: datetime, end: datetime, where: Mapping[str, str]) -> list[Event]:
    """Return the events of a period that say what is asked for."""
    wanted = {word: short(text) for word, text in where.items()}
    return [
        event
        for event in events
        if start <= event["occurred_at"] < end and all(text_of(event, word) == text for word, text in wanted.items())
    ]


def grouped(events: Iterable[Event], by: Sequence[str], add: Callable[[Event], int]) -> dict[Names, int]:
    """Return sums by what events say under words; what adds nothing is left out."""
    sums: dict[Names, int] = defaultdict(int)
    for event in events:
        sums[tuple(text_of(event, word) for word in by)] += add(event)
    return {names: added for names, added in sums.items() if added}


def costs(
    events: Iterable[Event], by: Sequence[str], prices: Sequence[Price], currency: str | None = None
) -> dict[tuple[Names, str], tuple[int, Decimal]]:
    """Return calls and money by what events say under words, and by the currency of the cost, or in one alone."""
    sums: dict[tuple[Names, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for event in events:
        added = charge(event, prices)
        if added and currency in (None, added.currency):
            group = (tuple(text_of(event, word) for word in by), added.currency)
            calls, cost = sums[group]
            sums[group] = calls + added.calls, cost + added.cost
    return {group: sums for group, sums in sums.items() if any(sums)}
