"""Answers as CSV and as Markdown: what their tables hold, to the last digit."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import click
from attrs import evolve, fields, frozen, has

from analytics_es.cli.display.blocks import Block, Line
from analytics_es.cli.display.words import safe
from analytics_es.events.codec import to_json
from analytics_es.types import Table, Tabular

FORMATS = ("table", "json", "csv", "md")
_KEY = "analytics_es.form"
_FORMULA = re.compile(r"^[-=+@\t\r]")  # what a spreadsheet would run, as in an exported file
_MARKDOWN = re.compile(r"([\\|<`*\[])")

Tables = Mapping[str, Callable[[], Table]]


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


@frozen
class Sheets:
    """The tables of an answer by name, the main one first; without a main one, one must be chosen for CSV."""

    tables: Tables
    main: str | None = None

    @classmethod
    def of(cls, answer: Any) -> Sheets:
        """Return the tables of an answer, or of several answers by their names."""
        if isinstance(answer, Sheets):
            return answer
        if isinstance(answer, Tabular):
            return cls({name: _named(answer, name) for name in answer.tables()}, answer.tables()[0])
        parts = (
            answer if isinstance(answer, Mapping) else {one.name: getattr(answer, one.name) for one in _fields(answer)}
        )
        tables: dict[str, Callable[[], Table]] = {}
        for part, inner in parts.items():
            if isinstance(inner, Tabular):
                first, *others = inner.tables()
                tables[part] = _named(inner, first)
                tables |= {f"{part}.{name}": _named(inner, name) for name in others}
        return cls(tables, next(iter(tables), None) if isinstance(answer, Mapping) else None)

    def chosen(self, name: str | None) -> Table:
        """Return the table of this name, the main one without a name; which there are is told to who must choose."""
        name = name or self.main or ""
        if name not in self.tables:
            problem = f"{name!r} is no table of this answer" if name else "this answer has several tables"
            raise click.UsageError(f"{problem}: choose one with --table: {', '.join(self.tables)}.")
        return self.tables[name]()

    def replaced(self, replace: Callable[[str], str]) -> Sheets:
        """Return them with other texts in their cells."""
        return evolve(self, tables={name: _replaced(table, replace) for name, table in self.tables.items()})


def _fields(answer: Any) -> Sequence[Any]:
    return fields(type(answer)) if has(type(answer)) else ()


def _named(answer: Tabular, name: str) -> Callable[[], Table]:
    return lambda: answer.table(name)


def _replaced(table: Callable[[], Table], replace: Callable[[str], str]) -> Callable[[], Table]:
    def replaced() -> Table:
        shown = table()
        rows = [tuple(replace(cell) if isinstance(cell, str) else cell for cell in row) for row in shown.rows]
        return evolve(shown, rows=rows)

    return replaced


# ── printing ────────────────────────────────────────────────────────────────────────────────────────────────────


def print_sheet(answer: Any, blocks: Iterable[Block], form: Form) -> None:
    """Print an answer as CSV, with what stands out of its blocks on standard error, or as Markdown."""
    sheets, lines = Sheets.of(answer), [block for block in blocks if isinstance(block, Line) and block.text]
    if form.name == "csv":
        text = _csv(sheets.chosen(form.table))
        for line in lines:
            if "yellow" in line.style or "red" in line.style:
                click.echo(safe(f"note: {line.text}"), err=True)
    else:
        said = [line.text for line in lines if not line.terminal_only]
        text = "\n\n".join(_markdown(sheets, said, form.table)) + "\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def _csv(table: Table) -> str:
    """Return RFC 4180 with "\\n" line ends; a text that a spreadsheet would run gets an apostrophe first."""
    clean = safe if sys.stdout.isatty() else str
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(_guarded, table.names))
    writer.writerows([clean(_guarded(cell)) for cell in row] for row in table.rows)
    return file.getvalue()


def _guarded(cell: Any) -> str:
    text = _exact(cell)
    return f"'{text}" if isinstance(cell, str) and _FORMULA.match(text) else text


def _markdown(sheets: Sheets, lines: Sequence[str], chosen: str | None) -> Iterator[str]:
    """Yield the parts of a page: a title, the tables that hold anything, what else is to be said."""
    title, *rest = lines or [""]
    if title:
        yield f"# {_escaped(title)}"
    if chosen:
        yield _section(chosen, sheets.chosen(chosen))
    else:
        for name, make in sheets.tables.items():
            table = make()
            if name == sheets.main or (table.rows and not name.endswith("answer")):
                yield _section(name, table)
    yield from map(_escaped, rest)


def _section(name: str, table: Table) -> str:
    aligned = ["---:" if column.holds in (int, float, Decimal) else "---" for column in table.columns]
    rows = [
        [_escaped(name) for name in table.names],
        aligned,
        *([_escaped(_exact(cell)) for cell in row] for row in table.rows),
    ]
    return "\n".join([f"## {_escaped(name)}", "", *(f"| {' | '.join(row)} |" for row in rows)])


def _escaped(text: str) -> str:
    lines = text.replace("\r\n", "\n").split("\n")
    return "<br>".join(safe(_MARKDOWN.sub(r"\\\1", line)) for line in lines)


def _exact(cell: Any) -> str:
    """Return a cell with all its digits, as JSON has it; nothing for what is not known."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime):
        return cell.isoformat()
    return to_json(cell, indent=False) if isinstance(cell, list | dict) else str(cell)
