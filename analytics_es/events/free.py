"""Fields that the vocabulary does not know: any JSON, within limits, by names that are texts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from analytics_es.errors import BadField, TooDeep
from analytics_es.events.checks import MAX_DEPTH, is_finite, kind_of, shown, whole, written_decimal
from analytics_es.types.values import PLAIN, SCALARS, plain, written


def attributes(name: str, value: Any) -> dict[str, Any]:
    """Keep a flat mapping of names to plain values."""
    if not isinstance(value, Mapping):
        raise BadField(field=name, problem=f"must map names to plain values, not {kind_of(value)}")
    for attribute, content in value.items():
        if isinstance(content, Mapping | list | tuple) and type(plain(content)) not in SCALARS:
            problem = "must be a text, number or boolean: attributes are flat"
            raise BadField(field=f"{name}.{attribute}", problem=problem)
    return dict(free(name, value, 2))


def free(name: str, value: Any, depth: int) -> Any:
    """Keep what the vocabulary does not know: any JSON, within limits."""
    kind = type(value)
    if kind not in PLAIN:
        value = written(plain(value))
        kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return whole(name, value)
    if kind is float or kind is Decimal:
        if not is_finite(value):
            raise BadField(field=name, problem="must be a finite number", actual=str(value))
        return value if kind is float else written_decimal(name, value)
    if depth > MAX_DEPTH:
        raise TooDeep(field=name.partition(".")[0], limit=MAX_DEPTH)
    if isinstance(value, Mapping):
        named = by_name(name, value)
        return {key: free(f"{name}.{key}", content, depth + 1) for key, content in named.items()}
    if isinstance(value, list | tuple):
        return [free(name, content, depth + 1) for content in value]
    raise BadField(field=name, problem=f"must be a JSON value, not {kind_of(value)}")


def field_name(key: Any) -> str:
    """Keep the name of a field."""
    name = plain(key)
    if type(name) is not str:
        raise BadField(field=shown(key), problem=f"field names must be texts, not {kind_of(key)}")
    return name


ONLY_TEXTS = frozenset({str})


def by_name(place: str, values: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Return values by names that are texts and nothing but texts; names that differ as objects may be one as texts."""
    if ONLY_TEXTS.issuperset(map(type, values)):
        return values
    named: dict[str, Any] = {}
    for key, content in values.items():
        name = field_name(key)
        if name in named:
            raise BadField(field=f"{place}.{name}" if place else name, problem="is there twice")
        named[name] = content
    return named
