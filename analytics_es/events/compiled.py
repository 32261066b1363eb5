"""The check of data of one shape, compiled: events of a type come with the same fields over and over, and right ones.

It passes what is surely right, and nothing else: of all the rest `check_data` says what is kept, or what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

from analytics_es.errors import AnalyticsError
from analytics_es.events import checks, tiers
from analytics_es.events.checks import MAX_COUNT, MAX_DURATION_MS, MAX_INTEGER, MAX_TEXT, Check
from analytics_es.events.event import CORRECTED, OWN, facts
from analytics_es.events.fields import BUDGET, CALLS, FAMILIES, PARTIAL, PARTS, check_together, fields_of
from analytics_es.events.free import ONLY_TEXTS, attributes

MOST_FIELDS = 64  # of a shape that is compiled
MOST_LETTERS = 4096  # of all their names

# Makes of the data of an event, which it may change, what is kept of it; False where that is not sure.
QuickCheck = Callable[[dict[str, Any]], bool]

# Of most kinds of fields the value is kept as it is, where this is so.
_CONDITIONS: dict[Check, str] = {
    checks.text: f"type({{v}}) is str and 0 < len({{v}}) <= {MAX_TEXT}",
    checks.count: f"type({{v}}) is int and 0 <= {{v}} <= {MAX_COUNT}",
    checks.ordinal: f"type({{v}}) is int and 1 <= {{v}} <= {MAX_COUNT}",
    checks.boolean: "type({v}) is bool",
    checks.status: "type({v}) is str and {v} in STATUSES",
    checks.currency: "type({v}) is str and ({v} == 'USD' or CURRENCY({v}))",
}
_FREE = "(type({v}) is str or is_scalar({v}))"


def compiled(event_type: str, names: Sequence[str]) -> QuickCheck | None:
    """Return the check of data of a type that has these fields in this order; None where there is no quick one."""
    family = facts(event_type).family
    ours, fields = family in FAMILIES, fields_of(family)
    if event_type == CORRECTED or event_type.startswith(OWN) or not _may_be_right(family, names):
        return None
    kinds = {name: fields.get(name) for name in names}
    if any(kind and kind not in _CONDITIONS and kind not in _KEPT for kind in kinds.values()):
        return None
    values = {name: f"v{number}" for number, name in enumerate(names)}
    conditions = [
        _CONDITIONS[kind].format(v=values[name]) if kind else _FREE.format(v=values[name])
        for name, kind in kinds.items()
        if kind not in _KEPT
    ]
    lines = [f"{''.join(f'{value}, ' for value in values.values())} = data.values()"] if names else []
    if ours:
        conditions += _together(values)
    if conditions:
        lines.append(f"if not ({' and '.join(conditions)}): return False")
    for name, kind in kinds.items():
        if kind in _KEPT:  # these are names of the vocabulary
            lines += _kept(name, kind, values[name])
    if "attributes" in names and event_type.startswith(CALLS):
        lines.append(f"if {PARTIAL!r} in {values['attributes']}: return False")
    lines.append(f"return together({family!r}, data)" if ours and not PARTS.isdisjoint(names) else "return True")
    return _made(lines)


def is_small(names: Sequence[str]) -> bool:
    """Say whether data with these fields are of a shape that is worth to be compiled."""
    return len(names) <= MOST_FIELDS and sum(map(len, names)) <= MOST_LETTERS


def _may_be_right(family: str, names: Sequence[str]) -> bool:
    """Say whether an event with these fields can be right; what is rare is no matter of a quick look."""
    if family == "budget" and not BUDGET.keys().isdisjoint(names):
        return False
    if family == "provider" and "cost_change" in names:
        return False  # only corrections have one
    return family not in FAMILIES or "currency" in names or {"cost", "amount"}.isdisjoint(names)


def _together(values: Mapping[str, str]) -> list[str]:
    """Return what must be so of several fields together, but for rare ones."""
    conditions = []
    if cached := [values[name] for name in ("cache_read_tokens", "cache_creation_tokens") if name in values]:
        conditions.append(f"{' + '.join(cached)} <= {values.get('input_tokens', '0')}")
    if "reasoning_tokens" in values:
        conditions.append(f"{values['reasoning_tokens']} <= {values.get('output_tokens', '0')}")
    return conditions


def _kept(name: str, kind: Check | None, value: str) -> list[str]:
    """Return how a field is kept whose value may become another one."""
    kept = [f"if ({value} := {_KEPT[kind].__name__}({value})) is None: return False", f"data[{name!r}] = {value}"]
    if kind is not checks.milliseconds:
        return kept
    whole = f"type({value}) is int and 0 <= {value} <= {MAX_DURATION_MS}"
    return [f"if not ({whole}):", *(f"    {line}" for line in kept)]


def _made(lines: Sequence[str]) -> QuickCheck:
    scope: dict[str, Any] = {
        **{function.__name__: function for function in _KEPT.values()},
        "STATUSES": frozenset(checks.STATUSES),
        "CURRENCY": checks.CURRENCY.fullmatch,
        "is_scalar": is_scalar,
        "together": together,
    }
    exec("def check(data):\n    " + "\n    ".join(lines), scope)  # noqa: S102  # of our own words alone
    made: QuickCheck = scope["check"]
    return made


# ── what the compiled ones call ─────────────────────────────────────────────────────────────────────────────────


def milliseconds(value: Any) -> int | float | None:
    """Return a duration as it is kept."""
    if type(value) is int:
        return value if 0 <= value <= MAX_DURATION_MS else None
    if type(value) is not float or not 0 <= value <= MAX_DURATION_MS:
        return None
    rounded = round(value, 3)
    return int(rounded) if rounded.is_integer() else rounded


_WRITTEN = frozenset({str, float, Decimal})


def money(value: Any) -> str | None:
    """Return an amount as it is kept; what is below 0 is looked at once more."""
    digits = str(value) if type(value) in _WRITTEN else ""
    return digits if checks.PLAIN_MONEY.fullmatch(digits) else None


def decimal(value: Any) -> str | None:
    """Return a custom value as it is kept; what is below 0 is looked at once more."""
    digits = str(value) if type(value) in _WRITTEN else ""
    return digits if checks.PLAIN_DECIMAL.fullmatch(digits) else None


def tier(value: Any) -> str | None:
    """Return a tier of service as it is kept."""
    word = tiers.tier(value) if type(value) is str and len(value) <= MAX_TEXT else ""
    return word if 0 < len(word) <= tiers.LONGEST else None


def flat(values: Any) -> dict[str, Any] | None:
    """Return a copy of attributes that are plain already."""
    if type(values) is not dict:
        return None
    copy = values.copy()  # the caller's may change at any time
    if not ONLY_TEXTS.issuperset(map(type, copy)) or not all(map(is_scalar, copy.values())):
        return None
    return copy


def is_scalar(value: Any) -> bool:
    """Say whether a value that the vocabulary does not know is one that is kept as it is, and has no parts."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    return (kind is int and -MAX_INTEGER - 1 <= value <= MAX_INTEGER) or (kind is float and isfinite(value))


def together(family: str, data: dict[str, Any]) -> bool:
    """Say whether all fields of an event are right together."""
    try:
        check_together(family, data)
    except AnalyticsError:
        return False
    return True


# Of the other kinds of fields, what is kept may be another value.
_KEPT: dict[Check | None, Callable[[Any], Any]] = {
    checks.milliseconds: milliseconds,
    checks.money: money,
    checks.decimal: decimal,
    tiers.service_tier: tier,
    attributes: flat,
}
