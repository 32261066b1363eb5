"""Charts to start from, and what is drawn in a picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from hypothesis import strategies as st

from analytics_es.presentation import words
from analytics_es.presentation.charts import svg
from analytics_es.presentation.charts.chart import Chart, Figure, Level, Series

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script>\u2028<b onclick='x'>&amp; \x00\x1b[31m\ud800 $x$"
_PART = re.compile(r"M([\d.]+) ([-\d.]+)h([\d.]+)V([-\d.]+)h-[\d.]+z")
_POINT = re.compile(r"([ML])([\d.]+) ([-\d.]+)")


def days(number: int) -> list[datetime]:
    return [MONDAY + timedelta(days=day) for day in range(number)]


def series(name: str, figures: Sequence[Figure | None]) -> Series:
    return Series(name=name, figures=figures, texts=["–" if figure is None else f"{figure} USD" for figure in figures])


def chart(*rows: Sequence[Figure | None], **changes: Any) -> Chart:
    """Return a chart of bars in dollars, of three days unless rows of figures say otherwise."""
    shown = rows or ([1, 2, 3], [Decimal("0.5"), None, 1])
    starts = days(len(shown[0]))
    told: dict[str, Any] = {
        "title": "Cost by the day",
        "kind": "bars",
        "starts": starts,
        "labels": words.starts(starts),
        "series": [series(f"model-{place}", row) for place, row in enumerate(shown)],
        "unit": "USD",
    }
    return Chart(**{**told, **changes})


def hostile() -> Chart:
    return chart(
        [1, 2],
        [3, 4],
        title=HOSTILE,
        unit=HOSTILE,
        series=[Series(name=HOSTILE, figures=[1, 2], texts=[HOSTILE, HOSTILE])],
        levels=[Level(name=HOSTILE, figure=3, text=HOSTILE)],
        notes=["", HOSTILE],
        noted=HOSTILE,
    )


def parsed(picture: str) -> Any:
    return ElementTree.fromstring(picture.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314


def by_class(picture: str, name: str) -> list[Any]:
    return [element for element in parsed(picture).iter() if name in element.get("class", "").split()]


def bars(drawn: Chart) -> list[list[tuple[float, float, float]]]:
    """Return of each series that has any the bars of a picture: the middle, the top and the foot of each."""
    paths = [path.get("d") for path in by_class(svg.picture(drawn), "stack")]
    parts = [[tuple(map(float, part)) for part in _PART.findall(path)] for path in paths]
    return [[(x + wide / 2, top, foot) for x, top, wide, foot in row] for row in parts]


def lines(drawn: Chart) -> list[list[tuple[str, float, float]]]:
    """Return of each series that has any the points of its line in a picture; M where it begins anew."""
    paths = [path.get("d") for path in by_class(svg.picture(drawn), "course") if "lonely" not in path.get("class")]
    return [[(how, float(x), float(y)) for how, x, y in _POINT.findall(path)] for path in paths]


FIGURES = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    st.decimals(-(10**9), 10**9, places=9),
    st.floats(-1e9, 1e9, allow_nan=False, allow_infinity=False),
)


@st.composite
def charts(draw: st.DrawFn, kind: str | None = None) -> Chart:
    buckets = draw(st.one_of(st.integers(1, 12), st.just(400)))
    few = draw(st.lists(FIGURES, min_size=1, max_size=12))
    number = draw(st.integers(1, 6))
    rows = [[few[(place * (row + 1) + row) % len(few)] for place in range(buckets)] for row in range(number)]
    return chart(*rows, kind=kind or draw(st.sampled_from(["bars", "lines"])))
