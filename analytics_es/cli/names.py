"""--names: the names behind pseudonyms, from the vault to who asks, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click
from attrs import evolve

from analytics_es.cli.display import Beside, Block, Cell, Column, Grid, Line, Share, Styled, words
from analytics_es.cli.store import Place, existing
from analytics_es.events.codec import to_json, to_plain
from analytics_es.types import Names

Replace = Callable[[str], str]

PSEUDONYM = re.compile(r"(?<![\w-])p_[A-Za-z0-9_-]{16}(?![\w-])")
MARK = "with names from the vault"

names_option = click.option(
    "--names",
    is_flag=True,
    help="Show the names behind pseudonyms, as far as the vault keeps them; needs its key.",
)


def named(db: Place, answer: Any, blocks: Iterable[Block], as_json: bool) -> tuple[Any, Iterable[Block]]:
    """Return what is printed with names: an answer as JSON has them beside it, blocks have them in their place."""
    return (_beside(db, answer), blocks) if as_json else (answer, _in_place(db, blocks))


def _in_place(db: Place, blocks: Iterable[Block]) -> list[Block]:
    """Return blocks with names in the place of pseudonyms, marked in their title, and how many have none."""
    shown = list(blocks)
    found = _names(db, (text for block in shown for text in _texts(block)))
    named = [_replaced(block, _replacing(found.names)) for block in shown]
    title = next((place for place, block in enumerate(named) if isinstance(block, Line) and block.text), None)
    if isinstance(line := None if title is None else named[title], Line) and title is not None:
        named[title] = evolve(line, text=f"{line.text}  {MARK}")
    return [*named, *_without(found)]


def _beside(db: Place, answer: Any) -> dict[str, Any]:
    """Return an answer as plain data, in which pseudonyms stay, and `names` of those that are in it."""
    plain = to_plain(answer)
    names = _names(db, [to_json(plain)]).names
    return {"names": names, **(plain if isinstance(plain, dict) else {"answer": plain})}


def _names(db: Place, texts: Iterable[str]) -> Names:
    pseudonyms = dict.fromkeys(pseudonym for text in texts for pseudonym in PSEUDONYM.findall(text))
    if not pseudonyms:
        return Names()
    with existing(db) as store:
        return store.service.names_of(pseudonyms).unwrap()


def _without(found: Names) -> Iterator[Block]:
    if unnamed := len(found.unnamed):
        yield Line(f"{words.plural(unnamed, 'pseudonym')} without a name: it was not kept when they came", "dim")
    if unknown := len(found.unknown):
        yield Line(
            f"{words.plural(unknown, 'pseudonym')} that the vault does not know: forgotten, or of another", "dim"
        )


# ── texts of blocks ─────────────────────────────────────────────────────────────────────────────────────────────


def _replacing(names: dict[str, str]) -> Replace:
    return lambda text: PSEUDONYM.sub(lambda match: names.get(match[0], match[0]), text)


def _texts(block: Block) -> Iterator[str]:
    """Return every text of a block."""
    if isinstance(block, Line):
        yield block.text
    elif isinstance(block, Beside):
        yield from (*_texts(block.left), *_texts(block.right))
    else:
        yield from (block.title, block.remark)
        cells = (column.cell(row) for column in block.columns for row in block.rows)
        yield from (cell.text if isinstance(cell, Styled) else cell for cell in cells if not isinstance(cell, Share))


def _replaced(block: Block, replace: Replace) -> Block:
    if isinstance(block, Line):
        return evolve(block, text=replace(block.text))
    if isinstance(block, Beside):
        return Beside(_grid(block.left, replace), _grid(block.right, replace))
    return _grid(block, replace)


def _grid(grid: Grid[Any], replace: Replace) -> Grid[Any]:
    columns = [_column(column, replace) for column in grid.columns]
    return evolve(grid, title=replace(grid.title), remark=replace(grid.remark), columns=columns)


def _column(column: Column[Any], replace: Replace) -> Column[Any]:
    def cell(row: Any) -> Cell:
        shown = column.cell(row)
        if isinstance(shown, Share):
            return shown
        return evolve(shown, text=replace(shown.text)) if isinstance(shown, Styled) else replace(shown)

    return evolve(column, cell=cell)
