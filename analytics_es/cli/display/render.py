"""What is printed on standard output: with colours and bars on a terminal, plain and aligned anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from analytics_es.cli.display.blocks import Block
from analytics_es.cli.display.layout import Room, Row, lines, plain
from analytics_es.cli.display.rewriting import rewritten
from analytics_es.cli.display.sheets import Form, Sheets, print_sheet
from analytics_es.cli.hints import complete
from analytics_es.events.codec import to_json


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
    console = make_console()
    room = _room(console)
    rows = (row for block in blocks for row in lines(rewritten(block, complete), room))
    text = "\n".join(_coloured(console, row) if room.bars else plain(row) for row in rows)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.rstrip("\n").encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def make_console(*, stderr: bool = False) -> Console:
    """Return the console of an output; what it prints is text, never markup."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def _room(console: Console) -> Room:
    limited = console.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    blocks = console.encoding.lower().startswith("utf")
    elsewhere = ", or with --format csv" if Form.offered() else ""
    width = max(console.width, 20) if limited else None
    return Room(width=width, bars=console.is_terminal, blocks=blocks, elsewhere=elsewhere)


def _coloured(console: Console, row: Row) -> str:
    with console.capture() as capture:
        console.print(Text.assemble(*((part.text, part.style) for part in row)), soft_wrap=True, end="")
    return capture.get().rstrip()
