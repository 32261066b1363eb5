"""The colours of charts, in the light and in the dark; a page has them as variables of the same names."""

from __future__ import annotations

LIGHT = {
    "c1": "#3b6fd4",
    "c2": "#e0803c",
    "c3": "#3f9a6f",
    "c4": "#9a6bc9",
    "c5": "#c2a02f",
    "c6": "#7d8590",
    "ink": "#1c1d20",
    "soft": "#6c6a65",
    "line": "#e7e4de",
    "panel": "#ffffff",
    "warn": "#b4531a",
}
DARK = {
    "c1": "#7f9cf0",
    "c2": "#ea9663",
    "c3": "#74c69d",
    "c4": "#b892e0",
    "c5": "#d9bf5f",
    "c6": "#9aa2ad",
    "ink": "#e9e8e4",
    "soft": "#9b9a95",
    "line": "#2e3036",
    "panel": "#1e2024",
    "warn": "#f0a06a",
}


def colour(place: int) -> str:
    """Return the name of the colour of the series at a place."""
    return f"c{place + 1}"


def variables() -> str:
    """Return all of them as variables of CSS, which follow the scheme."""
    return "".join(f"--{name}:light-dark({light},{DARK[name]});" for name, light in LIGHT.items())
