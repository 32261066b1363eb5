"""The colours of charts in a notebook; a page has them as variables of the same names, for the dark too."""

from __future__ import annotations

COLOURS = {
    "c1": "#3b6fd4",
    "c2": "#d0702c",
    "c3": "#37916a",
    "c4": "#9a6bc9",
    "c5": "#a38420",
    "c6": "#747c87",
    "ink": "#1c1d20",
    "soft": "#676560",
    "line": "#e7e4de",
    "panel": "#fff",
    "warn": "#a84b14",
}


def colour(place: int) -> str:
    """Return the name of the colour of the series at a place."""
    return f"c{place + 1}"
