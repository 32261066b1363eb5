"""--format: answers printed as CSV and as Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click
from attrs import frozen

from analytics_es.presentation import Block, Line
from analytics_es.presentation.sheets import Sheets, as_csv, as_markdown
from analytics_es.presentation.words import safe

FORMATS = ("table", "json", "csv", "md")
_KEY = "analytics_es.form"
MARK = "--"  # before the name of an option


@frozen
class Form:
    """How an answer is printed: as one of FORMATS, and which table of it, where it has several."""

    name: str = "table"
    table: str | None = None

    @classmethod
    def asked(cls) -> Form:
        """Return the form that the running command was asked for."""
        context = click.get_current_context(silent=True)
        form: Form = context.meta.get(_KEY, cls()) if context else cls()
        return form

    @classmethod
    def offered(cls) -> bool:
        """Say whether the running command can be asked for a form."""
        context = click.get_current_context(silent=True)
        return context is not None and _KEY in context.meta

    def keep(self) -> None:
        """Let it be the form of what the running command prints."""
        click.get_current_context().meta[_KEY] = self

    @property
    def is_sheet(self) -> bool:
        """Whether it is CSV or Markdown."""
        return self.name in ("csv", "md")


def print_sheet(answer: Any, blocks: Iterable[Block], form: Form) -> None:
    """Print an answer as CSV, with what stands out of its blocks on standard error, or as Markdown."""
    sheets, lines = Sheets.of(answer), [block for block in blocks if isinstance(block, Line) and block.text]
    if form.name == "csv":
        text = as_csv(sheets.chosen(form.table, MARK), safe if sys.stdout.isatty() else str)
        for line in lines:
            if "yellow" in line.style or "red" in line.style:
                click.echo(safe(f"note: {line.text}"), err=True)
    else:
        said = [line.text for line in lines if not line.terminal_only]
        text = "\n\n".join(as_markdown(sheets, said, form.table, MARK)) + "\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()
