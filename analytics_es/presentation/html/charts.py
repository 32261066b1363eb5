"""A chart on a page: the picture, its legend, and the same as data for the script that draws it anew."""

from __future__ import annotations

import json

import htpy as h

from analytics_es.presentation.charts import figure, palette, svg
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.texts import as_it_is, plain


def chart(drawn: Chart, links: Links | None) -> h.Node:
    """Return a chart; without links, as in a file or a notebook, it has the data for a script, too."""
    picture, data = as_it_is(svg.picture(drawn)), as_it_is(_json(drawn))
    return h.figure(".chart")[_legend(drawn), h.div(".drawing")[picture], h.script(type="application/json")[data]]


def _legend(drawn: Chart) -> h.Node:
    """Return in what the figures are, and the names of the series with their colours."""
    names: list[h.Node] = [
        h.li[h.i(class_=f"dot {palette.colour(place)}"), plain(row.name)] for place, row in enumerate(drawn.series)
    ]
    if [row.name for row in drawn.series] == [drawn.unit_name]:
        names = []  # which is said already
    noted = h.li[h.i(".dot.noted"), f"below: {plain(drawn.noted)}"] if any(drawn.notes) else None
    return h.ul(".legend")[h.li[plain(drawn.unit_name)], names, noted]


def _json(drawn: Chart) -> str:
    """Return data that nothing in it can end: a script goes on to the first `</script`, whatever is around it."""
    text = json.dumps(figure.data(drawn), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
