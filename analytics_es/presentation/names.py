"""Names in the place of pseudonyms, for who has the vault: in answers, their tables, blocks and pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve, fields, has

from analytics_es.events.codec import to_json, to_plain
from analytics_es.presentation import Beside, Block, Grid, Line, words
from analytics_es.presentation.blocks import Behind
from analytics_es.presentation.parts import Choice, Code, Link, Page, Section, Tile
from analytics_es.presentation.rewriting import Rewrite, rewritten, texts
from analytics_es.presentation.sheets import Sheets
from analytics_es.types import Names
from analytics_es.types.sentences import Sentence, sentence

PSEUDONYM = re.compile(r"(?<![\w-])p_[A-Za-z0-9_-]{16}(?![\w-])")
MARK = "with names from the vault"

Vault = Callable[[Sequence[str]], Names]  # says who is behind pseudonyms; raises NoVaultKey and its like

T = TypeVar("T")

# What is no text that is shown: the words of addresses, and what is stored, which stays as it is.
_ADDRESSES: Mapping[type, Sequence[str]] = {
    Link: ("page", "words"),
    Choice: ("name", "chosen"),
    Section: ("answer", "table"),
    Tile: ("exact",),
    Page: ("name", "answers"),
}


def beside(answer: Any, vault: Vault) -> dict[str, Any]:
    """Return an answer as plain data, in which pseudonyms stay, and `names` of those that are in it."""
    plain = to_plain(answer)
    names = _names([to_json(plain)], vault).names
    return {"names": names, **(plain if isinstance(plain, dict) else {"answer": plain})}


def in_sheets(answer: Any, vault: Vault) -> Sheets:
    """Return the tables of an answer with names in the place of pseudonyms."""
    sheets = Sheets.of(answer)
    cells = (cell for table in sheets.tables.values() for row in table().rows for cell in row)
    return sheets.replaced(_replacing(_names((cell for cell in cells if isinstance(cell, str)), vault).names))


def in_blocks(blocks: Iterable[Block], vault: Vault) -> list[Block]:
    """Return blocks with names in the place of pseudonyms, marked in their title, and how many have none."""
    shown = list(blocks)
    known = _names((text for block in shown for text in texts(block)), vault)
    named = [rewritten(block, _replacing(known.names)) for block in shown]
    title = next((place for place, block in enumerate(named) if isinstance(block, Line) and block.text), None)
    if isinstance(line := None if title is None else named[title], Line) and title is not None:
        named[title] = evolve(line, text=sentence("{title}  {mark}", title=line.text, mark=MARK))
    return [*named, *(Line(text, "dim") for text in _without(known))]


def on_page(page: Page, vault: Vault) -> Page:
    """Return a page with names in the place of pseudonyms: in what is shown, not in addresses nor in what is stored."""
    known = _names(_shown(page), vault)
    named = _renamed(page, _replacing(known.names))
    sub = f"{named.sub} · {MARK}" if named.sub else MARK
    return evolve(named, sub=sub, foot=[*named.foot, *_without(known)])


def _names(texts: Iterable[str], vault: Vault) -> Names:
    pseudonyms = dict.fromkeys(pseudonym for text in texts for pseudonym in PSEUDONYM.findall(text))
    return vault(list(pseudonyms)) if pseudonyms else Names(subjects=[])


def _without(known: Names) -> Iterator[str]:
    if unnamed := len(known.unnamed):
        yield f"{words.plural(unnamed, 'pseudonym')} without a name: it was not kept when they came"
    if unknown := len(known.unknown):
        yield f"{words.plural(unknown, 'pseudonym')} that the vault does not know: forgotten, or of another"


def _replacing(names: Mapping[str, str]) -> Rewrite:
    def named(text: str) -> str:
        return PSEUDONYM.sub(lambda match: names.get(match[0], match[0]), text)

    return lambda text: text.renamed(named) if isinstance(text, Sentence) else named(text)


def _shown(part: Any) -> Iterator[str]:
    """Yield every text that a part shows."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Grid | Line | Beside):
        yield from texts(part)
    else:
        for inner in _within(part).values():
            yield from _shown(inner)


def _renamed(part: T, rename: Rewrite) -> T:
    """Return a part with each text that it shows as it is to be."""
    renamed: Any = part
    if isinstance(part, str):
        renamed = rename(part)
    elif isinstance(part, Grid | Line | Beside):
        renamed = rewritten(part, rename)
    elif isinstance(part, Mapping):
        renamed = {name: _renamed(inner, rename) for name, inner in part.items()}
    elif isinstance(part, Sequence):
        renamed = [_renamed(inner, rename) for inner in part]
    elif inner := _within(part):
        renamed = evolve(renamed, **{name: _renamed(inner, rename) for name, inner in inner.items()})
    return renamed  # type: ignore[no-any-return]


def _within(part: Any) -> Mapping[Any, Any]:
    """Return what lies in a part and may be shown, by its place."""
    if isinstance(part, Code | Behind | bytes):
        return {}
    if isinstance(part, Mapping):
        return part
    if isinstance(part, Sequence):
        return dict(enumerate(part))
    if not has(type(part)):
        return {}
    hidden = _ADDRESSES.get(type(part), ())
    return {field.name: getattr(part, field.name) for field in fields(type(part)) if field.name not in hidden}
