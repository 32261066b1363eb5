"""Totals and parts of tokens: as the emitter counts them, checked by what it tells besides, as our vocabulary does.

Ours hold their parts: the input what was cached, the output the thoughts. Where what is told contradicts itself, that
is said by the name of the field; nothing is left out of a figure without it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from analytics_es.errors import SubsetAboveTotal
from analytics_es.events.fields import PART_OF, check_together
from analytics_es.ingest.otel.conventions.declaration import Emitter

IN, OUT, ALL = "input_tokens", "output_tokens", "total_tokens"
READ, WRITTEN, THOUGHTS = "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"
HOUR, MINUTES = "cache_creation_1h_tokens", "cache_creation_5m_tokens"
REMEMBERED = 1024  # emitters, each with providers
OF_TOTALS = ((READ, IN), (WRITTEN, IN), (THOUGHTS, OUT))
ONE_SIDED = frozenset({"embeddings", "rerank"})  # operations that have no output

Tokens = dict[str, Any]


class Layout(NamedTuple):
    """Which parts an emitter counts beside its totals, which its grand total leaves out; whether that is certain."""

    beside: frozenset[str]
    total_without: frozenset[str]
    certain: bool


def layout_of(emitter: Emitter, provider: str | None, written: str | None = None) -> Layout:
    """Return how an emitter counts calls of a provider; `written` is its own name of it, which may tell more."""
    return _layout(emitter, (provider or "")[:128], (written or "")[:128])


@functools.lru_cache(maxsize=REMEMBERED)
def _layout(emitter: Emitter, provider: str, written: str) -> Layout:
    beside, without = emitter.beside, emitter.total_without
    for name in (*_prefixes(provider), *_prefixes(written)):
        beside = emitter.beside_of.get(name, beside)
        without = emitter.total_without_of.get(name, without)
    return Layout(beside, without, emitter.certain)


def _prefixes(provider: str) -> Iterator[str]:
    """Yield a provider's name as far as each of its dots, the whole last."""
    end = provider.find(".")
    while end >= 0:
        yield provider[:end]
        end = provider.find(".", end + 1)
    yield provider


def add_up(told: Mapping[str, Any], layout: Layout, operation: str | None) -> tuple[Tokens, list[str]]:
    """Return the counts in our vocabulary, and the fields whose figures contradict one another.

    What is no count stays as it is told, for the door to refuse.
    """
    tokens = dict(told)
    total, minutes = tokens.pop(ALL, None), tokens.pop(MINUTES, None)
    said = [name for name, count in ((ALL, total), (MINUTES, minutes)) if count is not None and not _is_count(count)]
    total = total if total and ALL not in said else None  # a zero beside others tells nothing
    minutes = minutes if MINUTES not in said else None
    for count in tokens.values():
        if type(count) is not int or count < 0:
            return tokens, said
    if not tokens.get(WRITTEN) and (tokens.get(HOUR) or minutes):
        tokens[WRITTEN] = (tokens.get(HOUR) or 0) + (minutes or 0)
    _complete(tokens, layout, total, operation, said)
    _include_parts(tokens, layout, total, said)
    _check_special(tokens, said)
    return tokens, said


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _complete(tokens: Tokens, layout: Layout, total: int | None, operation: str | None, said: list[str]) -> None:
    """Add a total that is not told, where the rest leaves no doubt about it; else it is at least what its parts are."""
    missing = [name for name in (IN, OUT) if tokens.get(name) is None]
    if not missing:
        return
    parts = {whole: sum(tokens.get(part) or 0 for part, of in OF_TOTALS if of == whole) for whole in missing}
    if total and not layout.beside:
        if len(missing) == 1:
            rest = total - tokens[OUT if missing == [IN] else IN]
            if rest >= parts[missing[0]] and (rest or operation not in ONE_SIDED):
                tokens[missing[0]] = rest
        elif missing and operation in ONE_SIDED:
            tokens[IN] = total
    for part, whole in OF_TOTALS:
        if tokens.get(part) and tokens.get(whole) is None:
            tokens[whole] = 0  # its parts are above it, and are added
            if part not in layout.beside:
                said.append(whole)


def _include_parts(tokens: Tokens, layout: Layout, total: int | None, said: list[str]) -> None:
    """Make the totals hold their parts: as declared, unless only another reading makes what is told possible."""
    parts = {part: tokens[part] for part, whole in OF_TOTALS if tokens.get(part)}
    if not parts:
        if total and IN in tokens and OUT in tokens and tokens[IN] + tokens[OUT] != total:
            said.append(ALL)
        return
    beside = layout.beside & parts.keys()
    if not beside and _holds(tokens, parts, total):  # most are so: that is seen without more
        return
    chosen = declared = _reading(tokens, parts, beside, layout)
    if not declared.possible or (total and declared.total != total):  # most are as declared
        chosen = _other(tokens, parts, layout, total, declared, said)
    for whole, count in ((IN, chosen.input), (OUT, chosen.output)):
        if whole in tokens:
            tokens[whole] = count


def _holds(tokens: Tokens, parts: Mapping[str, int], total: int | None) -> bool:
    """Say whether totals hold their parts as they are, and make the grand total."""
    taken, given = tokens.get(IN) or 0, tokens.get(OUT) or 0
    cached = parts.get(READ, 0) + parts.get(WRITTEN, 0)
    return cached <= taken and parts.get(THOUGHTS, 0) <= given and total in (None, taken + given)


class _Reading(NamedTuple):
    input: int
    output: int
    total: int  # what the grand total would be
    possible: bool  # no part is above its total
    beside: frozenset[str]


def _other(
    tokens: Tokens, parts: Mapping[str, int], layout: Layout, total: int | None, declared: _Reading, said: list[str]
) -> _Reading:
    """Return the reading that makes what is told possible, and say what contradicts the one that is declared."""
    readings = [declared, *_readings(tokens, parts, layout)]
    possible = [reading for reading in readings if reading.possible] or readings
    fitting = [reading for reading in possible if reading.total == total]
    chosen = (fitting or possible)[0]
    if total and (not fitting or (chosen is not declared and layout.certain)):
        said.append(ALL)
    elif chosen is not declared and layout.certain:
        said += [part for part in parts if part in chosen.beside ^ declared.beside]
    return chosen


def _readings(tokens: Tokens, parts: Mapping[str, int], layout: Layout) -> list[_Reading]:
    """Return what else the totals may mean: what is common before what is not."""
    cached, thoughts = {READ, WRITTEN} & parts.keys(), {THOUGHTS} & parts.keys()
    ways: list[set[str]] = [set(), cached, thoughts, cached | thoughts]
    ways += [{part, *more} for part in sorted(cached) for more in (set[str](), thoughts)]
    return [_reading(tokens, parts, frozenset(way), layout) for way in ways]


def _reading(tokens: Tokens, parts: Mapping[str, int], beside: frozenset[str], layout: Layout) -> _Reading:
    told, given, thoughts = tokens.get(IN) or 0, tokens.get(OUT) or 0, parts.get(THOUGHTS, 0)
    read, written = parts.get(READ, 0), parts.get(WRITTEN, 0)
    within = (0 if READ in beside else read) + (0 if WRITTEN in beside else written)
    taken = told + read + written - within
    possible = within <= told and (THOUGHTS in beside or thoughts <= given)
    given += thoughts if THOUGHTS in beside else 0
    left_out = sum(parts[part] for part in beside & layout.total_without) if beside else 0
    return _Reading(taken, given, taken + given - left_out, possible, beside)


def _check_special(tokens: Tokens, said: list[str]) -> None:
    """Leave out what is above what it is a part of: audio, images, what is cached for an hour."""
    special = [name for name in tokens if name in PART_OF and tokens[name] is not None]
    while special:
        try:
            check_together("provider", {name: count for name, count in tokens.items() if count is not None})
            return
        except SubsetAboveTotal as error:
            above = [name for name in special if name in str(error.details["parts"]).split()] or special
            special = [name for name in special if name not in above]
            for name in above:
                del tokens[name]
                said.append(name)
