"""How a field's value is taken from the attributes that tell it: of several the first that says something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from analytics_es.ingest.otel.conventions.own import PREFIX
from analytics_es.ingest.otel.plan import COSTS, COUNTS, DURATIONS, NUMBERS, TRUTHS, Lookup, Plan
from analytics_es.ingest.otel.values import (
    MOST_ROUNDED,
    at,
    decimal,
    is_true,
    milliseconds,
    number,
    parsed,
    plain,
    remembered,
)
from analytics_es.ingest.providers import renamed

Places = tuple[Lookup, ...]
LONGEST = 128  # characters of a provider's name


class Told:
    """What the attributes of a span tell, field by field.

    fields: by field, what was taken.
    apart: by field, the attributes that tell something else: they are not taken.
    said: the fields whose attributes contradict one another.
    others: of these that are counts, what else is told.
    """

    __slots__ = ("apart", "fields", "others", "parsed", "said", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.fields: dict[str, Any] = {}
        self.apart: dict[str, list[str]] = {}
        self.said: list[str] = []
        self.others: dict[str, set[Any]] = {}
        self.parsed: dict[str, Any] = {}

    def follow(self, plan: Plan) -> None:
        """Take what a plan looks up; most fields are told once, as what they are: that is seen without more."""
        values, fields = self.values, self.fields
        for field, attribute in plan.texts:
            value = values[attribute]
            if type(value) is str and value.isascii() and "\0" not in value:
                if value:
                    fields[field] = value
            elif value is not None:
                fields[field] = plain(value)
        for field, attribute in plan.numbers:
            value = values[attribute]
            if type(value) is int:
                fields[field] = value
            elif value is not None and value != "":
                fields[field] = number(value)
        for field, places in plan.others:
            FOLLOWED.get(field, _text)(self, field, places)

    def at(self, places: Places) -> list[tuple[Lookup, Any]]:
        """Return what is told at some places, as far as something is."""
        told = []
        for place in places:
            value = self.values.get(place.attribute)
            if place.inside:
                if place.attribute not in self.parsed:
                    self.parsed[place.attribute] = parsed(value)
                value = at(self.parsed[place.attribute], place.inside)
            if place.words is not None:
                value = place.words.get(plain(value))
            if value is not None and value != "" and (place.zero or number(value) != 0):
                told.append((place, value))
        return told

    def leave(self, field: str, attributes: list[str]) -> None:
        """Leave attributes that tell a field something else."""
        if attributes:
            self.apart[field] = attributes


def _text(told: Told, field: str, places: Places) -> None:
    """Take a text."""
    if values := told.at(places):
        chosen = values[0][1]
        told.fields[field] = plain(chosen)
        if len(values) > 1:
            told.leave(field, [place.attribute for place, value in values if value != chosen and not place.inside])


def _provider(told: Told, field: str, places: Places) -> None:
    """Take the first that is no framework's name; where all are, the first, which may tell how models are written."""
    names = [(place, plain(value)) for place, value in told.at(places)]
    if len(names) == 1 and _is_provider(names[0][1][:LONGEST]):
        told.fields[field] = names[0][1]
    elif names:
        chosen = next((name for _, name in names if _is_provider(name[:LONGEST])), names[0][1])
        told.fields[field] = chosen
        others = [place.attribute for place, name in names if name != chosen or not _is_provider(name[:LONGEST])]
        told.leave(field, others)


@remembered
def _is_provider(name: str) -> bool:
    """Say whether a name is no framework's."""
    return bool(renamed(name))


def _count(told: Told, field: str, places: Places) -> None:
    """Take the first that is not zero; others that are not, and are not the same, contradict it."""
    counts = [(place, number(value)) for place, value in told.at(places)]
    if not counts:
        return
    chosen = told.fields[field] = next((count for _, count in counts if count), counts[0][1])
    if len(counts) > 1 and (others := [(place, count) for place, count in counts if count != chosen]):
        told.leave(field, [place.attribute for place, _ in others if not place.inside])
        if field in COUNTS and any(count for _, count in others):
            told.said.append(field)
            told.others[field] = {count if type(count) is int else "" for _, count in others if count}


def _cost(told: Told, field: str, places: Places) -> None:
    """Take an amount as it is told, and the currency that goes with its name; others of that contradict it."""
    if values := told.at(places):
        place, amount = values[0]
        told.fields[field] = amount
        told.fields.setdefault("currency", place.currency)
        if len(values) == 1:
            return
        told.leave(field, [place.attribute for place, value in values if value != amount and not place.inside])
        others = [value for other, value in values if other.currency == place.currency]
        # What an application says itself goes before what others reckon, and contradicts nothing.
        if field == "cost" and not place.attribute.startswith(PREFIX) and any(_differ(amount, cost) for cost in others):
            told.said.append(field)


def _differ(one: Any, other: Any) -> bool:
    """Say whether two amounts are of different costs: a zero is none, and one may be rounded."""
    amounts = [amount for amount in (decimal(one), decimal(other)) if amount]
    return len(amounts) == 2 and abs(amounts[0] - amounts[1]) > max(MOST_ROUNDED, abs(amounts[0]) * MOST_ROUNDED)


def _duration(told: Told, field: str, places: Places) -> None:
    """Take the first that is a duration, in milliseconds."""
    for place, value in told.at(places):
        if (duration := milliseconds(value, place.per_unit)) is not None:
            told.fields[field] = duration
            return


def _truth(told: Told, field: str, places: Places) -> None:
    if values := told.at(places):
        told.fields[field] = is_true(values[0][1])


def _currency(told: Told, field: str, places: Places) -> None:
    if values := told.at(places):
        told.fields[field] = plain(values[0][1]).upper()


FOLLOWED: Mapping[str, Callable[[Told, str, Places], None]] = {
    **dict.fromkeys(NUMBERS, _count),
    **dict.fromkeys(COSTS, _cost),
    **dict.fromkeys(DURATIONS, _duration),
    **dict.fromkeys(TRUTHS, _truth),
    "provider": _provider,
    "currency": _currency,
}
