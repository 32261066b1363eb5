"""The names of columns, and the types that hold all their values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from analytics_es.ingest.files.paths import ITEMS, Steps

# A number is what Python and the engine read without loss, written as numbers are: 007 is a text, and so is a time.
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_REAL = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_OWN = re.compile(
    r"__(row|place|size|let_.*|(each|kind)[0-9]+)", re.IGNORECASE
)  # names of columns beside those of a file
_SCALARS = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
MOST_NAMES = 100_000  # of columns that are not in use: rows may each have keys of their own
_NUMBERS = ("BIGINT", "HUGEINT", "DOUBLE")


def unique(names: Iterable[str]) -> list[str]:
    """Return names that differ in more than case: a, A, a and an empty one become a, A_1, a_2 and column3."""
    distinct, taken = list[str](), set[str]()
    for number, name in enumerate(names):
        base = name.strip() or f"column{number}"
        candidates = itertools.chain([base], (f"{base}_{i}" for i in itertools.count(1)))
        distinct.append(next(name for name in candidates if name.lower() not in taken and not _OWN.fullmatch(name)))
        taken.add(distinct[-1].lower())
    return distinct


def guess(cell: str | None) -> bool | int | float | str | None:
    """Return any value of the type that a CSV cell is written in."""
    if cell is None or len(cell) > 40:
        return cell
    if _INTEGER.fullmatch(cell):
        return 0
    return 0.5 if _REAL.fullmatch(cell) else cell.lower() in ("true", "false") or cell


def shapes(rows: Iterable[dict[str, Any]], names: frozenset[str], read: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the shape of each column that may be among the names, None for the others and those without any value.

    A shape is the name of a type, {key: shape} or [shape]; `read` tells for a value one of its type.
    """
    used = {"", *names, *(re.sub(r"_\d+$", "", name) for name in names)}
    shape_of: dict[str, Any] = {}
    for fields in rows:
        for key, value in fields.items():
            if key not in shape_of and len(shape_of) >= MOST_NAMES and key.strip().lower() not in used:
                continue  # it is only listed where a mapping fits no column
            shape = shape_of.setdefault(key, None)
            if value is not None and not (shape == "VARCHAR" and type(value) is str) and key.strip().lower() in used:
                shape_of[key] = widen(shape, read(value))
    return shape_of


def structure(shape: Any) -> Any:
    """Return a shape as json_transform takes it; an object whose keys a STRUCT cannot tell apart stays JSON."""
    if isinstance(shape, list):
        return [structure(shape[0])]
    if not isinstance(shape, dict):
        return shape or "NULL"
    keys = {key.lower() for key in shape if key and "\0" not in key}
    return {key: structure(inner) for key, inner in shape.items()} if 0 < len(keys) == len(shape) else "JSON"


def absent(shape: Any, steps: Steps) -> Steps:
    """Return the beginning of a path that no row has, () where the way is there, or nothing can be said of it."""
    for depth, step in enumerate(steps):
        if step is ITEMS and isinstance(shape, list):
            shape = shape[0]
        elif step is not ITEMS and isinstance(shape, dict):
            key = next((key for key in shape if key.lower() == step.lower()), None)
            if key is None:
                return steps[: depth + 1]
            shape = shape[key]
        else:
            return ()
    return ()


def complete(shape: Any, steps: Steps) -> Any:
    """Return a shape in which a path of names and elements can be asked for: what no row has is NULL of any type.

    A shape that is no object where the path has a name stays as it is.
    """
    if not steps:
        return shape
    name, below = steps[0], steps[1:]
    if name is ITEMS and isinstance(shape, list | None):
        return [complete(shape[0] if shape else None, below)]
    if name is not ITEMS and isinstance(shape, dict | None):
        shape = shape or {}
        key = next((key for key in shape if key.lower() == name.lower()), name)
        return {**shape, key: complete(shape.get(key), below)}
    return shape


def widen(shape: Any, value: Any, depth: int = 0) -> Any:
    """Return the shape that also holds this value."""
    if value is None or shape == "JSON":
        return shape
    if not isinstance(value, dict | list):
        return _wider(shape, value)
    if depth > 16 or not isinstance(shape, type(value) | None):
        return "JSON"
    if isinstance(value, list):
        first = shape[0] if shape else None
        return [reduce(lambda inner, member: widen(inner, member, depth + 1), value, first)]
    shape = {} if shape is None else shape
    for key, member in value.items():
        shape[key] = widen(shape.get(key), member, depth + 1)
    return shape if len(shape) <= 1000 else "JSON"


def _wider(shape: Any, scalar: Any) -> str:
    kind = _SCALARS[type(scalar)]
    if kind == "BIGINT" and not -(2**63) <= scalar < 2**63:
        kind = "HUGEINT"
    if shape is None or shape == kind:
        return kind
    if not isinstance(shape, str):
        return "JSON"
    return max(shape, kind, key=_NUMBERS.index) if {shape, kind} <= {*_NUMBERS} else "VARCHAR"
