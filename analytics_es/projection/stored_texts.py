"""What the log's own database can see of a row: which texts its events have stored, and how their types begin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from analytics_es.events.codec import UPCASTERS
from analytics_es.events.fields import FIELDS, OPEN_FIELDS, TEXT
from analytics_es.projection.declaration import LONGEST_KEY, Declaration, Key
from analytics_es.projection.decoding import DERIVED

_NAME = r'"?[a-z_]+"?(?:\."?[^"\s,()]+"?)?'
_PLAIN = re.compile(rf"{_NAME}|coalesce\({_NAME}(?:, {_NAME})*\)")
_WORD = re.compile(r"[A-Za-z]")
_OTHER_THAN_TEXTS = {"true", "false", "null", "nan", "inf", "infinity"}  # which a key may be, and no text is stored


def texts_of(declaration: Declaration, where: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return texts that each event of the rows with these keys has stored as they are, unless it has escapes.

    A key tells of none where it is made otherwise than of stored texts, or the text may be a number's.
    """
    if UPCASTERS:  # what is read is not what is stored
        return ()
    keys = {key.name: key for key in declaration.keys}
    return tuple(text.encode() for name, text in where.items() if _is_stored(declaration, keys[name], where, text))


def _is_stored(declaration: Declaration, key: Key, where: Mapping[str, str], text: str) -> bool:
    plain = _WORD.match(text) and text.lower() not in _OTHER_THAN_TEXTS and text.isprintable()
    if not plain or any(sign in text for sign in '"\\…') or len(text.encode()) > LONGEST_KEY:
        return False
    if key.of_entity:
        return key.of_entity == "id" and where.get(declaration.entity_key("type")) in declaration.entities
    return all(_is_text(path) for path in _paths(key.sql))


def _paths(sql: str) -> Iterator[tuple[str, ...]]:
    """Yield the fields that an expression takes the first of that is there; one that is none, if it is another one."""
    if not _PLAIN.fullmatch(sql):
        yield ()
        return
    for name in re.findall(_NAME, sql.removeprefix("coalesce")):
        yield tuple(part.strip('"') for part in name.split(".", 1))


def _is_text(path: tuple[str, ...]) -> bool:
    if len(path) == 2:
        return path[0] in OPEN_FIELDS
    return bool(path) and FIELDS.get(path[0]) == TEXT and path[0] not in DERIVED


def beginnings_of(declaration: Declaration) -> tuple[str, ...]:
    """Return how the types begin that a projection takes; nothing where any type may be one."""
    starts = tuple(dict.fromkeys(re.split(r"[*>]", pattern)[0] for pattern in declaration.consumes))
    return starts if all(starts) else ()
