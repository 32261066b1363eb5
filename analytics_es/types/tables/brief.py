"""An answer on one line, and its main table in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from attrs import fields, has

from analytics_es.types.tables.rows import Table

WIDTH = 100  # characters of a line
SHOWN = 20  # rows in a notebook
_DASH = "–"
_CELL = "padding:2px 10px;text-align:{align};white-space:nowrap"


def line(answer: Any) -> str:
    """Return an answer on one line: which one, about when, how much of what."""
    parts = list(_of_list(answer) if not has(type(answer)) else _parts(answer))
    shown = f"<{type(answer).__name__}"
    for part in parts:
        shown += f" {part}" if len(shown) + len(part) < WIDTH - 3 else ""
    return f"{shown}>" if shown.endswith(parts[-1]) else f"{shown} …>"


def _of_list(answer: Any) -> Iterator[str]:
    yield f"of {len(answer)} {answer.of.__name__}:"
    yield from map(_text, answer.table().names)


def _parts(answer: Any) -> Iterator[str]:
    shown = (field.name for field in fields(type(answer)) if field.repr)
    cells = {name: getattr(answer, name) for name in shown}
    for name in sorted(cells, key=lambda name: (name != "period", name != "totals" or has(type(cells[name])))):
        cell = cells[name]
        if name == "period" and cell is not None:
            yield f"{_time(cell.start)} – {_time(cell.end)} {cell.start.tzinfo}"
        elif name in ("totals", "figures") and has(type(cell)):
            yield from _parts(cell)
        elif name == "totals":
            yield _text([f"{text(amount)} {currency}" for currency, amount in _amounts(cell)]) or "no cost known"
        elif isinstance(cell, list | tuple) and (not cell or not isinstance(cell[0], str | int | datetime)):
            yield f"{len(cell)} {name}"
        elif cell not in (None, "", 0, {}, ()) and not has(type(cell)):
            yield f"{name}={_text(cell)}"


def _amounts(totals: Any) -> list[tuple[str, Any]]:
    """Return what calls cost in each currency, or would at other prices."""
    if isinstance(totals, dict):
        return list(totals.items())
    return [(total.currency, total.cost if hasattr(total, "cost") else total.now) for total in totals]


def _text(cell: Any) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text(cell))


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if not (moment.hour or moment.minute or moment.second) else f"{moment:%Y-%m-%d %H:%M}"


def html(title: str, table: Table) -> str:
    """Return the first rows of a table for a notebook; whatever names hold, it is text."""
    numbers = [column.holds in (int, float, Decimal) for column in table.columns]
    head = _row("th", table.names, numbers)
    body = "".join(_row("td", [text(cell) for cell in row], numbers) for row in table.rows[:SHOWN])
    beyond = len(table.rows) - SHOWN
    more = f"<div>… {beyond:,} more</div>" if beyond > 0 else ""
    caption = f'<div style="opacity:0.7">{escape(title)}</div>'
    return f"<div>{caption}<table><thead>{head}</thead><tbody>{body}</tbody></table>{more}</div>"


def _row(tag: str, cells: Sequence[str], numbers: Sequence[bool]) -> str:
    styles = (_CELL.format(align="right" if number else "left") for number in numbers)
    texts = (f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell, style in zip(cells, styles, strict=True))
    return f"<tr>{''.join(texts)}</tr>"


def text(cell: Any) -> str:
    """Return a cell as people read it, with all its digits."""
    if cell is None:
        return _DASH
    if isinstance(cell, Decimal):
        whole, _, places = format(cell, "f").partition(".")
        return f"{whole}.{places}".rstrip("0").rstrip(".") if places else whole
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, dict):
        return ", ".join(f"{name}={text(inner)}" for name, inner in cell.items())
    if isinstance(cell, list | tuple):
        return ", ".join(map(text, cell))
    return str(cell)
