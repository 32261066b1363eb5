"""The colours of charts, in the light and in the dark; a page has them as variables of the same names."""

from __future__ import annotations

LIGHT = {
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
DARK = {
    "c1": "#7f9cf0",
    "c2": "#ea9663",
    "c3": "#74c69d",
    "c4": "#b892e0",
    "c5": "#d9bf5f",
    "c6": "#9aa2ad",
    "ink": "#e9e8e4",
    "soft": "#a3a29d",
    "line": "#2e3036",
    "panel": "#1e2024",
    "warn": "#f0a06a",
}


def colour(place: int) -> str:
    """Return the name of the colour of the series at a place."""
    return f"c{place + 1}"
