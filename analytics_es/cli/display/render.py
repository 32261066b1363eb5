"""What is printed on standard output: with colours and bars on a terminal, plain and aligned anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

import click

from analytics_es.cli.display.layout import Room, Row, lines, plain
from analytics_es.cli.display.sheets import Form, print_sheet
from analytics_es.cli.hints import complete
from analytics_es.events.codec import to_json
from analytics_es.presentation import Block
from analytics_es.presentation.rewriting import rewritten
from analytics_es.presentation.sheets import Sheets

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def print_answer(
    answer: Any, blocks: Iterable[Block], as_json: bool, *, indent: bool = True, sheets: Sheets | None = None
) -> None:
    """Print an answer: as JSON where that is asked for, on one line unless to `indent`, else as blocks for people.

    Where CSV or Markdown is asked for, it is what the answer's tables hold, or these `sheets`.
    """
    form = Form.asked()
    if as_json:
        click.echo(to_json(answer, indent=indent))
    elif form.is_sheet:
        print_sheet(sheets or answer, (rewritten(block, complete) for block in blocks), form)
    else:
        show(blocks)


def show(blocks: Iterable[Block]) -> None:
    """Print blocks on standard output, with commands that name the store that was asked."""
    limited = os.environ.get("COLUMNS", "").isdigit()
    console = make_console() if limited or may_be_terminal(sys.stdout) else None
    room = _room(console, limited)
    rows = (row for block in blocks for row in lines(rewritten(block, complete), room))
    text = "\n".join(_coloured(console, row) if console and room.bars else plain(row) for row in rows)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.rstrip("\n").encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def drawn(blocks: Iterable[Block], console: Console) -> Text:
    """Return blocks as a console draws them again and again."""
    from rich.text import Text

    room = Room(width=max(console.width, 20), bars=True)
    rows = [Text.assemble(*((part.text, part.style) for part in row)) for block in blocks for row in lines(block, room)]
    return Text("\n").join(rows)


def may_be_terminal(output: TextIO | None) -> bool:
    """Say whether an output is a terminal, or was declared one: what surely is none needs nothing that draws."""
    declared = any(name in os.environ for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))
    return declared or (output is not None and output.isatty())


def make_console(*, stderr: bool = False) -> Console:
    """Return the console of an output; what it prints is text, never markup."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def _room(console: Console | None, limited: bool) -> Room:
    is_terminal = console is not None and console.is_terminal
    blocks = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    elsewhere = ", or with --format csv" if Form.offered() else ""
    width = max(console.width, 20) if console and (limited or is_terminal) else None
    return Room(width=width, bars=is_terminal, blocks=blocks, elsewhere=elsewhere)


def _coloured(console: Console, row: Row) -> str:
    from rich.text import Text

    with console.capture() as capture:
        console.print(Text.assemble(*((part.text, part.style) for part in row)), soft_wrap=True, end="")
    return capture.get().rstrip()
