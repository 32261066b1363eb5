"""Paths into JSON, as people write them (`data.results`, `"a.b".c`, `pages[].results`) and as expressions read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.projection.expressions import nodes

ITEMS = None  # a step into every element of a list

Step = str | None
Steps = tuple[Step, ...]

MAX_TEXT, MAX_STEPS = 1024, 16
_STEP = re.compile(r'(?:"((?:[^"]|"")+)"|([^".\[\]]+))((?:\[\])*)')
_LEADING = re.compile(r"(?:\[\])+\.?")
_PLAIN = re.compile(r"[^\W\d]\w*")


def read_steps(text: str) -> Steps:
    """Return the steps of a path; raises ValueError, which says how one is written, for what is none."""
    steps = list[Step]()
    at = 0
    if isinstance(text, str) and (leading := _LEADING.match(text)):
        steps += [ITEMS] * leading[0].count("[")
        at = leading.end()
    while isinstance(text, str) and at < len(text) <= MAX_TEXT and (step := _STEP.match(text, at)):
        name = step[1].replace('""', '"') if step[1] else step[2].strip()
        steps += [name, *([ITEMS] * step[3].count("["))]
        at = step.end()
        if at < len(text) and text[at] == "." and at + 1 < len(text):
            at += 1
        elif at < len(text):
            break
    if not steps or at < len(text) or len(steps) > MAX_STEPS or "" in steps:
        example = 'names with dots between them, such as data.results or "my.key".rows'
        raise ValueError(f"must be a path to a list: {example}")
    return tuple(steps)


def written(steps: Steps) -> str:
    """Return a path as `read_steps` reads it."""
    text = ""
    for step in steps:
        if step is ITEMS:
            text += "[]"
        else:
            name = step if _PLAIN.fullmatch(step) else '"' + step.replace('"', '""') + '"'
            text += f".{name}" if text else name
    return text


def as_sql(steps: Steps) -> str:
    """Return the expression of a path that goes through objects alone."""
    return ".".join('"' + str(step).replace('"', '""') + '"' for step in steps)


def inside(fields: Mapping[str, Any], steps: Steps) -> tuple[Any, Steps]:
    """Return what is at a path through objects, and, where something else stands in the way, the path to that.

    The path that comes back is empty where the way is free: what is missing is None. Capitals of names do not count.
    """
    part: Any = fields
    for depth, step in enumerate(steps):
        if part is None:
            return None, ()
        if not isinstance(part, Mapping):
            return part, steps[:depth]
        part = part[step] if step in part else _without_case(part, str(step))
    return part, ()


def _without_case(part: Mapping[str, Any], step: str) -> Any:
    lower = step.lower()
    return next((inner for name, inner in part.items() if name.lower() == lower), None)


def paths_read(tree: Any) -> Iterator[Steps]:
    """Yield the paths that an expression reads, from the names of columns; beginnings of paths, too."""
    for node in nodes(tree):
        if path := _path(node):
            yield path


def _path(node: Any) -> Steps:
    """Return the path that a part of an expression is, () where it is something else."""
    if not isinstance(node, Mapping):
        return ()
    if node.get("class") == "COLUMN_REF":
        return tuple(node["column_names"])
    if node.get("type") not in ("STRUCT_EXTRACT", "ARRAY_EXTRACT") or len(node.get("children", ())) != 2:
        return ()
    above, below = node["children"]
    literal = below.get("literal", {})
    if not (path := _path(above)):
        return ()
    return (*path, str(literal["text"])) if literal.get("kind") == "STRING" else (*path, ITEMS)
