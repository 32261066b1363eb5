"""Figures that stand for themselves: tiles and meters."""

from __future__ import annotations

import htpy as h

from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.pictures import bar, spark
from analytics_es.presentation.html.tables import exactly
from analytics_es.presentation.html.texts import plain, told
from analytics_es.presentation.parts import Meter, Meters, Tile, Tiles

LONG = 60  # characters of a name, beyond which it is cut where it is shown


def tiles(part: Tiles, links: Links | None) -> h.Node:
    """Return tiles beside one another."""
    return h.dl(".tiles")[[_tile(tile, links) for tile in part.tiles]]


def _tile(tile: Tile, links: Links | None) -> h.Node:
    figure: h.Node = plain(tile.figure)
    if tile.exact is not None:
        figure = h.data(value=exactly(tile.exact))[figure]
    if links and (tile.behind or tile.link):
        address = links.behind(tile.behind) if tile.behind else links.to(tile.link) if tile.link else ""
        figure = h.a(href=address)[figure]
    return h.div(class_="tile warn" if tile.alarm else "tile")[
        h.dt(title=_long(tile.label))[plain(tile.label)],
        h.dd(".figure")[h.span[figure], spark(tile.spark)],
        h.dd(".note")[told(tile.note, links)],
    ]


def _long(text: str) -> str | None:
    return plain(text) if len(text) > LONG else None


def meters(part: Meters, links: Links | None) -> h.Node:
    """Return meters below one another."""
    return h.ul(".meters")[[_meter(meter, links) for meter in part.meters]]


def _meter(meter: Meter, links: Links | None) -> h.Node:
    name: h.Node = plain(meter.name)
    if links and meter.link:
        name = h.a(href=links.to(meter.link))[name]
    return h.li(class_="over" if meter.over else None)[
        h.p[h.span(".name")[name], h.span[plain(meter.figure)]],
        bar(meter.part, over=meter.over) or h.div(".bar.none"),
        meter.note and h.small[told(meter.note, links)],
    ]
