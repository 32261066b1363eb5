"""Small pictures that stand in a line: a bar for a part of 1, and how a figure went."""

from __future__ import annotations

import math
from collections.abc import Sequence

import htpy as h
from markupsafe import Markup

from analytics_es.presentation.html.texts import as_it_is

_WIDE, _HIGH = 120, 28
_BAR = (
    '<svg class="bar{over}" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
    '<rect width="{width:.4g}" height="1"/></svg>'
)


def bar(part: float | None, *, over: bool = False) -> Markup | str:
    """Return a bar, full from 1 on; nothing where the part is not known. A part that is not 0 is never none of it."""
    if part is None or math.isnan(part):
        return ""
    width = 100 * min(max(part, 0.0), 1.0)
    return as_it_is(_BAR.format(over=" over" if over else "", width=max(width, 0.6) if width else 0))


def spark(numbers: Sequence[float]) -> h.Node:
    """Return a line through figures, from nothing up, with a dot at the last; nothing for fewer than two."""
    if len(numbers) < 2:
        return None
    most = max(*numbers, 0) or 1
    step = (_WIDE - 6) / (len(numbers) - 1)
    points = [
        (3 + place * step, _HIGH - 3 - (_HIGH - 6) * max(number, 0) / most) for place, number in enumerate(numbers)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return h.svg(".spark", {"viewBox": f"0 0 {_WIDE} {_HIGH}"}, aria_hidden="true")[
        h.polygon(points=f"3,{_HIGH} {line} {_WIDE - 3},{_HIGH}"),
        h.polyline(points=line),
        h.circle(cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.5"),
    ]
