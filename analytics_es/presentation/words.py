"""Figures and texts as people read them: what is not known is a dash, what is too small for its places says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

UNKNOWN = "–"
MANIFOLD = 9  # a relative change of which a percentage says little

_SPARKS = "▁▂▃▄▅▆▇█"


def safe(text: str) -> str:
    """Return a text on one line and without anything that could steer a terminal."""
    if text.isprintable():  # as nearly all are
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def count(number: int | None) -> str:
    """Return a whole number with its thousands apart."""
    return UNKNOWN if number is None else f"{number:,}"


def short(number: int | None) -> str:
    """Return a whole number with three digits and k, M or B for thousands, millions and billions."""
    if number is None or number < 1_000:
        return count(number)
    for limit, size, unit in ((999_500, 1_000, "k"), (999_500_000, 1_000_000, "M")):
        if number < limit:
            return f"{_three_digits(number / size)} {unit}"
    return f"{number / 1_000_000_000:,.2f} B"


def decimal(number: Decimal | None) -> str:
    """Return a number with at most three places."""
    return UNKNOWN if number is None else _trimmed(f"{number:,.3f}")


def exact(number: Decimal) -> str:
    """Return a number with all its places, and no zeros at their end."""
    return _trimmed(f"{number:,f}")


def _trimmed(text: str) -> str:
    whole, _, places = text.partition(".")
    return f"{whole}.{places}".rstrip("0").rstrip(".")


def percent(share: float | None) -> str:
    """Return a share with one place; neither nothing nor everything unless it is."""
    if share is None:
        return UNKNOWN
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    return f"{100 * share:.1f} %"


def change(relative: float | None) -> str:
    """Return a relative change with its sign; from ten times on, how many times what was before."""
    if relative is None:
        return UNKNOWN
    return f"× {relative + 1:,.0f}" if relative >= MANIFOLD else f"{100 * relative:+,.1f} %"


def duration(ms: Decimal | float | None) -> str:
    """Return milliseconds with three digits and the unit that suits them."""
    if ms is None:
        return UNKNOWN
    for limit, size, unit in ((999.5, 1, "ms"), (59_950, 1_000, "s"), (3_597_000, 60_000, "min")):
        if ms < limit:
            return f"{_three_digits(float(ms) / size)} {unit}"
    return f"{float(ms) / 3_600_000:,.1f} h"


def _three_digits(number: float) -> str:
    return f"{number:.{0 if number >= 99.95 else 1 if number >= 9.995 else 2}f}"


def places(amounts: Iterable[Decimal | None]) -> int:
    """Return how many places suit all amounts of one column."""
    most = max((abs(amount) for amount in amounts if amount is not None), default=Decimal(0))
    return 2 if most >= 1_000 else 4 if most >= 1 else 6


def places_by_currency(amounts: Iterable[tuple[str, Decimal | None]]) -> dict[str, int]:
    """Return how many places suit all amounts of each currency."""
    by_currency: dict[str, list[Decimal | None]] = {}
    for currency, amount in amounts:
        by_currency.setdefault(currency, []).append(amount)
    return {currency: places(amounts) for currency, amounts in by_currency.items()}


def money(amount: Decimal | None, currency: str, places: int) -> str:
    """Return an amount and its currency; an amount that is not 0 is never shown as 0."""
    if amount is None:
        return UNKNOWN
    least = Decimal(1).scaleb(-places)
    tiny = {True: f"<{least:f}", False: f">-{least:f}"}
    text = tiny[amount > 0] if 0 < abs(amount) < least else f"{amount:,.{places}f}"
    return f"{text} {safe(currency)}".rstrip()


def amount(spent: Decimal) -> str:
    """Return an amount to be seen at a glance, without its currency: two places unless it is small."""
    return money(spent, "", 2 if abs(spent) >= 1 else places([spent]))


def size(count: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    number, units = float(count), ["bytes", "kB", "MB", "GB"]
    while number >= 1_000 and len(units) > 1:
        number, units = number / 1_000, units[1:]
    return f"{number:.{0 if units[0] == 'bytes' else 1}f} {units[0]}"


def plural(number: int, word: str) -> str:
    """Return a count of things: 1 event, 2 events, 2 entries."""
    return f"{number:,} {word if number == 1 else word[:-1] + 'ies' if word.endswith(('ry', 'cy')) else word + 's'}"


def starts(instants: Sequence[datetime]) -> list[str]:
    """Return the starts of buckets: dates where they are days, of which the first may begin late, else hours.

    An hour that comes twice, as clocks are set back, has its offset.
    """
    if all(_is_midnight(instant) for instant in instants[1:]):
        return [f"{instant:%a %Y-%m-%d{'' if _is_midnight(instant) else ' %H:%M'}}" for instant in instants]
    texts = [f"{instant:%a %Y-%m-%d %H:%M}" for instant in instants]
    often = Counter(texts)
    return [f"{text} {at:%z}" if often[text] > 1 else text for text, at in zip(texts, instants, strict=True)]


def _is_midnight(instant: datetime) -> bool:
    return not (instant.hour or instant.minute)


def moment(instant: datetime | None) -> str:
    """Return a time to the second."""
    return UNKNOWN if instant is None else f"{instant:%Y-%m-%d %H:%M:%S}"


def sparks(numbers: Sequence[int]) -> str:
    """Return a line of bars, one a number; only nothing has the lowest."""
    most = max(numbers, default=0)
    return "".join(_SPARKS[-(-7 * number // most) if most else 0] for number in numbers)
