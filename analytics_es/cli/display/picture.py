"""A picture of what a terminal shows, as SVG that loads nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from analytics_es.cli.display.layout import Room, lines
from analytics_es.presentation import Block

WIDTH = 104  # characters: all columns of every table of a report fit
_FONTS = re.compile(r"\s*@font-face {.*?}\n", re.DOTALL)  # from another host


def picture(title: str, blocks: Iterable[Block]) -> str:
    """Return blocks as a terminal of a hundred characters shows them, the same SVG for the same blocks."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console
    from rich.terminal_theme import DIMMED_MONOKAI
    from rich.text import Text

    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    room = Room(width=WIDTH, bars=True)
    rows = [row for block in blocks for row in lines(block, room)]
    while rows and not rows[-1]:
        rows.pop()
    for row in rows:
        console.print(Text.assemble(*((part.text, part.style) for part in row)), soft_wrap=True)
    return console.export_svg(title=title, theme=DIMMED_MONOKAI, code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT))
