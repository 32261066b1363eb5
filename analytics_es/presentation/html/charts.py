"""A chart on a page: the picture, its legend, and the same as data for the script that draws it anew."""

from __future__ import annotations

import json

import htpy as h

from analytics_es.presentation.charts import figure, palette, svg
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.texts import as_it_is, plain


def chart(drawn: Chart, links: Links | None, *, above: Chart | None = None) -> h.Node:
    """Return a chart; without links, as in a file or a notebook, it has the data for a script, too.

    What the legend of the one `above` says in the same colours is not said again.
    """
    picture, data = as_it_is(svg.picture(drawn)), as_it_is(_json(drawn))
    script = h.script(type="application/json")[data]
    return h.figure(".chart")[_legend(drawn, above), h.div(".drawing")[picture], script]


def _legend(drawn: Chart, above: Chart | None) -> h.Node:
    """Return in what the figures are, and the names of the series with their colours."""
    names: list[h.Node] = [
        h.li[h.i(class_=f"dot {palette.colour(place)}"), plain(row.name)] for place, row in enumerate(drawn.series)
    ]
    if _names(drawn) in ([drawn.unit_name], above and _names(above)):
        names = []  # which is said already
    noted = h.li[h.i(".dot.noted"), f"below: {plain(drawn.noted)}"] if _noted(drawn) else None
    if above and _noted(above) == _noted(drawn):
        noted = None
    return h.ul(".legend")[h.li[plain(drawn.unit_name)], names, noted]


def _names(drawn: Chart) -> list[str]:
    return [row.name for row in drawn.series]


def _noted(drawn: Chart) -> str:
    return drawn.noted if any(drawn.notes) else ""


def _json(drawn: Chart) -> str:
    """Return data that nothing in it can end: a script goes on to the first `</script`, whatever is around it."""
    text = json.dumps(figure.data(drawn), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
