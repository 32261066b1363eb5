"""Within which values of a field no projection lists it as unreadable: beyond, the engine folds."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from analytics_es.events.checks import MAX_INTEGER
from analytics_es.events.fields import FIELDS, TEXT
from analytics_es.projection import expressions
from analytics_es.projection.certain import MOST
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.decoding import IN_MICROSECONDS
from analytics_es.projection.translation import SCALES


@frozen(kw_only=True)
class Bounds:
    """Within which values of a field it is sure that no projection of a fold lists them as unreadable."""

    least: int
    most: int


def bounds_of(declarations: Sequence[Declaration]) -> dict[str, Bounds]:
    """Return the bounds of every number: what a histogram is of is scaled into 64 bits, and is not below 0."""
    measures = [own for declaration in declarations for own in declaration.measures if own.kind == "histogram"]
    decimals: dict[str, int] = {}
    for measure in measures:
        for path in expressions.references(measure.sql or ""):
            if len(path) == 1:
                decimals[path[0]] = max(decimals.get(path[0], 0), measure.decimals)
    return {name: _bounds(name, kind, decimals) for name, kind in FIELDS.items() if kind != TEXT}


def _bounds(name: str, kind: str, decimals: dict[str, int]) -> Bounds:
    stored = IN_MICROSECONDS.get(name, name)
    aliases = {stored, *(alias for alias, told in IN_MICROSECONDS.items() if told == stored)}
    scale = 3 if name in IN_MICROSECONDS else SCALES[kind]
    most = min(MOST if scale else MAX_INTEGER, *(MAX_INTEGER // 10 ** decimals.get(alias, 0) for alias in aliases))
    most *= 10**scale
    return Bounds(least=-most if aliases.isdisjoint(decimals) else 0, most=most)
