"""What a span tells of usage, and what is left of it where spans inside it tell the same usage."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator, Mapping, MutableMapping
from decimal import Decimal
from typing import Any, NamedTuple

from analytics_es.ingest.models import canonical, same_provider
from analytics_es.ingest.otel.values import decimal

COST, CALLS, UNCOSTED = "cost", "calls", "uncosted"
MOST = 10**12  # of one kind of token: more is refused at the door, and tells nothing here
_NONE = Decimal(0)  # a rest of a cost, of tokens that are left: their cost is not one that could be computed
LONGEST = 512  # characters of a name: one that is longer is remembered as far
MODELS = 64  # in one span: usage of further ones is known to lie in spans that name neither model nor provider
ROUNDING = Decimal("1e-9")  # a rest of a cost, as a part of it, that is one of computing

# What is a part of what, in the order in which a rest is made to fit.
PARTS = (
    ("cache_read_tokens", "input_tokens"),
    ("cache_creation_tokens", "input_tokens"),
    ("cache_creation_1h_tokens", "cache_creation_tokens"),
    ("reasoning_tokens", "output_tokens"),
    ("input_audio_tokens", "input_tokens"),
    ("input_image_tokens", "input_tokens"),
    ("output_audio_tokens", "output_tokens"),
    ("output_image_tokens", "output_tokens"),
    ("cache_read_audio_tokens", "cache_read_tokens"),
    ("cache_read_image_tokens", "cache_read_tokens"),
    ("cache_read_audio_tokens", "input_audio_tokens"),
    ("cache_read_image_tokens", "input_image_tokens"),
)
TOTALS = ("input_tokens", "output_tokens", "searches")
KINDS = frozenset({*TOTALS, *(part for part, _ in PARTS)})
WHOLE_OF = {**{part: "input_tokens" for part, whole in PARTS if whole != "output_tokens"}, **{
    part: "output_tokens" for part, whole in PARTS if whole == "output_tokens"}}  # fmt: skip

Amounts = dict[str, Any]  # tokens by kind, and a cost
Sum = dict[str, Any]  # the same of many spans, costs by currency, and how many calls, and usages without a cost


class Who(NamedTuple):
    """Whose usage it is: the models by what all their names have in common, none where none is told; the provider."""

    models: frozenset[str]
    provider: str | None


class Usage(NamedTuple):
    """What a span tells: kinds of tokens and how many of each, packed; a cost and its currency."""

    who: Who
    kinds: tuple[str, ...] = ()
    counts: bytes = b""
    cost: Decimal | None = None
    currency: str | None = None

    @property
    def tells(self) -> bool:
        """Whether it tells any; zeros tell nothing that could be counted twice."""
        return self.cost is not None or any(self.counts)

    def amounts(self) -> Amounts:
        """Return what is told, by kind."""
        amounts: Amounts = dict(zip(self.kinds, struct.unpack(f"<{len(self.kinds)}q", self.counts), strict=True))
        return amounts if self.cost is None else {**amounts, COST: self.cost}


NOBODY = Who(frozenset(), None)
OTHERS = Who(frozenset({""}), "")  # of further models: they match who names neither model nor provider


def usage_of(who: Who, data: Mapping[str, Any]) -> Usage:
    """Return what the fields of an event tell; nothing where they are none that could be recorded."""
    told = {kind: count for kind, count in data.items() if kind in KINDS and count is not None}
    for count in told.values():
        if type(count) is not int or not 0 <= count <= MOST:
            return Usage(who)
    cost = _amount(data.get(COST))
    return Usage(who, _same(tuple(told)), struct.pack(f"<{len(told)}q", *told.values()), cost, data.get("currency"))


def who_is(provider: str | None, *models: str | None) -> Who:
    """Return whose usage is told by the names of a provider and of models, the ones asked for and that answered."""
    for name in (provider, *models):
        if name and len(name) > LONGEST:
            return _who(*[name and name[:LONGEST] for name in (provider, *models)])
    return _who(provider, *models)


@functools.lru_cache(maxsize=4096)
def _who(provider: str | None, *models: str | None) -> Who:
    return Who(frozenset(canonical(model) for model in models if model), provider or None)


@functools.lru_cache(maxsize=1024)
def _same(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return one object of all equal ones: many spans tell the same kinds."""
    return kinds


def _amount(cost: Any) -> Decimal | None:
    """Return a cost; zeros and credits tell nothing that could be counted twice."""
    exact = decimal(cost)
    return exact if exact is not None and exact > 0 else None


@functools.lru_cache(maxsize=4096)
def matches(outer: Who, inner: Who) -> bool:
    """Say whether usage of one may be repeated by a span of the other: of the same model, or of nobody's else."""
    if outer.models and inner.models:
        return not outer.models.isdisjoint(inner.models)
    return (not outer.models and not outer.provider) or same_provider(outer.provider, inner.provider)


def left(told: Usage, within: Sum) -> tuple[Amounts, bool]:
    """Return what counts of what a span tells, given the sum of what counts within it; and whether it is a repetition.

    It is where the inner ones are no more than the outer, in every kind that this tells: then the rest counts.
    """
    amounts = told.amounts()
    inner = {kind: count for kind, count in within.items() if count and kind in KINDS}
    costs = [name for name in within if name.startswith(COST) and within[name]]
    if not inner and not costs:
        return amounts, False
    cost = amounts.pop(COST, None)
    if any(inner.get(kind, 0) > count for kind, count in amounts.items()):
        return told.amounts(), False
    rest = {kind: count - inner.get(kind, 0) for kind, count in amounts.items()}
    _fit(rest)
    if cost is not None and within.get(UNCOSTED, 0) <= 0 and costs == [_in(told.currency)]:
        more = cost - within[costs[0]]
        rest[COST] = more if more > cost * ROUNDING else _NONE
    elif cost is not None and not inner and not amounts:
        return told.amounts(), False
    tokens = {kind: count for kind, count in rest.items() if count and kind != COST}
    return {**tokens, COST: rest[COST]} if COST in rest and (tokens or rest[COST]) else tokens, True


def together(own: Usage, within: Sum) -> Usage:
    """Return what a span told of which this is the rest, as far as it is known."""
    counts = own.amounts()
    counts.pop(COST, None)
    whole = [min(count + within.get(kind, 0), MOST) for kind, count in counts.items()]
    return own._replace(counts=struct.pack(f"<{len(whole)}q", *whole))


def fitting(more: Amounts) -> Amounts:
    """Return amounts that come later without what is a part of nothing that comes with it."""
    more = {**dict.fromkeys((whole for _, whole in PARTS), 0), **more}
    _fit(more)
    return {kind: count for kind, count in more.items() if count}


def _fit(rest: Amounts) -> None:
    """Make parts no more than their totals: an inner call may tell less of its parts than the outer one."""
    for part, whole in PARTS:
        if part in rest and whole in rest:
            beside = rest.get("cache_read_tokens", 0) if part == "cache_creation_tokens" else 0
            beside = rest.get(part.replace("image", "audio"), 0) if part.endswith("put_image_tokens") else beside
            rest[part] = min(rest[part], max(rest[whole] - beside, 0))
    _fit_media(rest)


def _fit_media(rest: Amounts) -> None:
    """Make audio, images and what was cached of neither no more than the input, where it is told what is both."""
    media = {part: part.replace("input", "cache_read") for part in ("input_image_tokens", "input_audio_tokens")}
    if any(rest.get(part) and cached not in rest for part, cached in media.items()):
        return
    fresh = {part: rest[part] - rest.get(cached, 0) for part, cached in media.items() if rest.get(part)}
    over = rest.get("cache_read_tokens", 0) + sum(fresh.values()) - rest.get("input_tokens", 0)
    for part, count in fresh.items():
        less = min(max(over, 0), count)
        rest[part] -= less
        over -= less


# ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────────


def counted(told: Usage, own: Amounts, *, calls: int) -> Sum:
    """Return what a span adds to the sum of those around it."""
    more: Sum = {kind: count for kind, count in own.items() if kind != COST}
    if COST in own:
        more[_in(told.currency)] = own[COST]
    elif any(more.values()):
        more[UNCOSTED] = 1
    if calls:
        more[CALLS] = calls
    return more


def add(sums: MutableMapping[Who, Sum], who: Who, more: Sum, sign: int = 1) -> None:
    """Add to the sum of somebody's usage; with a sign of -1 take away."""
    if who not in sums and len(sums) >= MODELS:
        who = OTHERS
    total = sums.setdefault(who, {})
    for kind, count in more.items():
        total[kind] = total.get(kind, 0) + sign * count


def matching(sums: Mapping[Who, Sum], who: Who) -> Sum:
    """Return the sum of all that may be repeated by a span of somebody's."""
    found = [more for inner, more in sums.items() if matches(who, inner)]
    if len(found) == 1:
        return found[0]
    total: Sum = {}
    for kind, count in _all(found):
        total[kind] = total.get(kind, 0) + count
    return total


def _all(sums: list[Sum]) -> Iterator[tuple[str, Any]]:
    for more in sums:
        yield from more.items()


def _in(currency: str | None) -> str:
    return f"{COST} {currency or ''}"
