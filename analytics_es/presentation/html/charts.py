"""A chart on a page: the picture, its legend, and the same as data for the script that draws it anew."""

from __future__ import annotations

import json

import htpy as h
from markupsafe import Markup

from analytics_es.presentation import words
from analytics_es.presentation.charts import figure, palette, svg
from analytics_es.presentation.charts.chart import Chart


def chart(drawn: Chart, *, script: bool = True) -> h.Node:
    """Return a chart; without the data for a script where none will run."""
    picture = Markup(svg.picture(drawn))  # noqa: S704  # escaped where it is drawn
    data = h.script(type="application/json")[Markup(_json(drawn))] if script else None  # noqa: S704  # escaped there
    return h.figure(".chart")[_legend(drawn), h.div(".drawing")[picture], data]


def _legend(drawn: Chart) -> h.Node:
    """Return in what the figures are, and the names of the series with their colours."""
    names = [h.li[_swatch(palette.colour(place)), words.safe(row.name)] for place, row in enumerate(drawn.series)]
    noted = h.li[_swatch("noted"), drawn.noted] if any(drawn.notes) else None
    alone = len(drawn.series) == 1
    return h.ul(".legend", aria_hidden="true")[h.li[drawn.unit_name], None if alone else names, noted]


def _swatch(colour: str) -> h.Node:
    return h.svg(".picture.swatch", width="9", height="9")[h.rect(class_=f"bar {colour}", width="9", height="9")]


def _json(drawn: Chart) -> str:
    """Return data that nothing in it can end: a script goes on to the first `</script`, whatever is around it."""
    text = json.dumps(figure.data(drawn), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
