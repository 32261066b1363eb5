"""Colours can be told from what they stand on, in the light and in the dark (WCAG 2, level AA)."""

from __future__ import annotations

import re

import pytest

from analytics_es.presentation.html import stylesheet

TEXT, PICTURE = 4.5, 3.0  # to one
SCHEMES = ("light", "dark")
ON = ("bg", "panel", "hover", "wash")


def colours(scheme: str) -> dict[str, str]:
    """Return the palette of a scheme."""
    pairs = re.findall(r"--([\w-]+):light-dark\((#\w+),(#\w+)\)", stylesheet())
    return {name: pair[SCHEMES.index(scheme)] for name, *pair in pairs}


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, to one."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert (contrast("#000", "#fff"), round(contrast("#777777", "#fff"), 2)) == (21, 4.48)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ON)
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "warn", "bad"])
def test_texts_can_be_read(scheme: str, ground: str, ink: str) -> None:
    palette = colours(scheme)

    assert contrast(palette[ink], palette[ground]) >= TEXT


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("part", ["c1", "c2", "c3", "c4", "c5", "c6", "edge"])
def test_parts_of_pictures_and_edges_of_fields_can_be_seen(scheme: str, part: str) -> None:
    palette = colours(scheme)

    assert contrast(palette[part], palette["panel"]) >= PICTURE


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_stands_on_the_button_can_be_read(scheme: str) -> None:
    palette = colours(scheme)

    assert contrast(palette["panel"], palette["accent"]) >= TEXT
