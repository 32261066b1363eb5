"""--names: the names behind pseudonyms, from the vault to who asks, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click
from attrs import evolve

from analytics_es.cli.display import Form
from analytics_es.cli.store import Place, existing
from analytics_es.events.codec import to_json, to_plain
from analytics_es.presentation import Block, Line, words
from analytics_es.presentation.rewriting import rewritten, texts
from analytics_es.presentation.sheets import Sheets
from analytics_es.types import Names

PSEUDONYM = re.compile(r"(?<![\w-])p_[A-Za-z0-9_-]{16}(?![\w-])")
MARK = "with names from the vault"

names_option = click.option(
    "--names",
    is_flag=True,
    help="Show the names behind pseudonyms, as far as the vault keeps them; needs its key.",
)


def named(db: Place, answer: Any, blocks: Iterable[Block], as_json: bool) -> tuple[Any, Iterable[Block]]:
    """Return what is printed with names: an answer as JSON has them beside it, blocks have them in their place."""
    if as_json:
        return _beside(db, answer), blocks
    return (_in_sheets(db, answer) if Form.asked().is_sheet else answer), _in_place(db, blocks)


def _in_sheets(db: Place, answer: Any) -> Sheets:
    """Return the tables of an answer with names in the place of pseudonyms."""
    sheets = Sheets.of(answer)
    cells = (cell for table in sheets.tables.values() for row in table().rows for cell in row)
    return sheets.replaced(_replacing(_names(db, filter(_is_text, cells)).names))


def _is_text(cell: Any) -> bool:
    return isinstance(cell, str)


def _in_place(db: Place, blocks: Iterable[Block]) -> list[Block]:
    """Return blocks with names in the place of pseudonyms, marked in their title, and how many have none."""
    shown = list(blocks)
    found = _names(db, (text for block in shown for text in texts(block)))
    named = [rewritten(block, _replacing(found.names)) for block in shown]
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
        return Names(subjects=[])
    with existing(db) as store:
        return store.service.names_of(list(pseudonyms)).unwrap()


def _without(found: Names) -> Iterator[Block]:
    if unnamed := len(found.unnamed):
        yield Line(f"{words.plural(unnamed, 'pseudonym')} without a name: it was not kept when they came", "dim")
    if unknown := len(found.unknown):
        yield Line(
            f"{words.plural(unknown, 'pseudonym')} that the vault does not know: forgotten, or of another", "dim"
        )


def _replacing(names: dict[str, str]) -> Callable[[str], str]:
    return lambda text: PSEUDONYM.sub(lambda match: names.get(match[0], match[0]), text)
