"""Answers as CSV and as Markdown: what their tables hold, to the last digit."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import evolve, fields, frozen, has

from analytics_es.errors import BadWord
from analytics_es.events.codec import to_json
from analytics_es.presentation.words import safe
from analytics_es.types import Table, Tabular

_FORMULA = re.compile(r"^[-=+@\t\r]")  # what a spreadsheet would run, as in an exported file
_MARKDOWN = re.compile(r"([\\|<`*\[])")

Tables = Mapping[str, Callable[[], Table]]


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

    def chosen(self, name: str | None, mark: str = "") -> Table:
        """Return the table of this name, the main one without a name; raises BadWord, which tells which there are.

        `mark` is what stands before the word `table` where one is chosen.
        """
        name = name or self.main or ""
        if name not in self.tables:
            problem = f"{name!r} is no table of this answer" if name else "this answer has several tables"
            raise BadWord(problem=f"{problem}: choose one with {mark}table: {', '.join(self.tables)}.")
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


def as_csv(table: Table, clean: Callable[[str], str] = str) -> str:
    """Return RFC 4180 with "\\n" line ends; a text that a spreadsheet would run gets an apostrophe first.

    `clean` makes each cell fit for where it goes.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(_guarded, table.names))
    writer.writerows([clean(_guarded(cell)) for cell in row] for row in table.rows)
    return file.getvalue()


def _guarded(cell: Any) -> str:
    text = _exact(cell)
    return f"'{text}" if isinstance(cell, str) and _FORMULA.match(text) else text


def as_markdown(sheets: Sheets, lines: Sequence[str], chosen: str | None, mark: str = "") -> Iterator[str]:
    """Yield the parts of a page: a title, the tables that hold anything, what else is to be said."""
    title, *rest = lines or [""]
    if title:
        yield f"# {_escaped(title)}"
    if chosen:
        yield _section(chosen, sheets.chosen(chosen, mark))
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
