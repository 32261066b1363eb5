"""The words of a question, such as `user`, in the keys of a projection: what it filters and groups by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from attrs import evolve, frozen

from analytics_es.errors import BadValue, UnknownEntity, UnknownKey
from analytics_es.events.fields import TAG
from analytics_es.projection.declaration import Declaration, crossing_key


@frozen
class Grouping:
    """Keys to group by and to filter by, in the words of the projection, and the words that were asked with."""

    where: dict[str, str]
    by: list[str]
    words: list[str]


def grouping(declaration: Declaration, by: Sequence[str], where: Mapping[str, str]) -> Grouping:
    """Translate the words of a question: an entity such as `user` is short for its `entity_type` and `entity_id`.

    Raises UnknownKey. Without any word about entities, every event counts once.
    """
    own = {key.name for key in declaration.keys}
    filters: dict[str, str] = {}
    groups: list[str] = []
    for word, value in where.items():
        for key, text in _of_entity(declaration, own, word, check_text(word, str(value))):
            if filters.setdefault(key, text) != text:
                _unknown(declaration, word, crossing=True)
    for word in by:
        for key, text in _of_entity(declaration, own, word, None):
            if text is None:
                groups.append(key)
            elif filters.setdefault(key, text) != text:
                _unknown(declaration, word, crossing=True)
    if declaration.entities:
        type_key, id_key = declaration.entity_key("type"), declaration.entity_key("id")
        if not {type_key, id_key} & {*filters, *groups}:
            filters[type_key] = ""
    return Grouping(filters, groups, list(by))


def asked_by(where: Mapping[str, str], by: Iterable[str] = ()) -> list[str]:
    """Return what a question is asked by, an `entity_type` as the entity that it names."""
    named = [where["entity_type"]] if where.get("entity_type") else []
    return [*(word for word in {**where, **dict.fromkeys(by)} if not word.startswith("entity_")), *named]


def several(declaration: Declaration, words: Iterable[str]) -> tuple[str, ...]:
    """Return the entities that are asked for where they are more than one, in order; raises UnknownKey.

    Their rows are those of `Declaration.crossed`: a read model has rows of one entity alone, and none of what belongs
    to no such entity, which a filter may ask for by the id "".
    """
    nobody = isinstance(words, Mapping) and "" in words.values()
    words = list(words)
    own = {key.name for key in declaration.keys if not key.of_entity}
    entities = tuple(entity for entity in declaration.entities if entity in words and entity not in own)
    if len(entities) < 2 and not (nobody and entities):
        return ()
    for word in words:
        if word not in own and word not in entities:
            _unknown(declaration, word, crossing=True)
    return entities


def least(declaration: Declaration, words: Sequence[str] | None) -> Declaration:
    """Return a definition of no more rows than a question by these words needs; None: words that are not known.

    Raises UnknownKey.
    """
    entities = several(declaration, words or ())
    if entities or not declaration.entities:
        return declaration.crossed(entities)
    keys = {declaration.entity_key("type"), declaration.entity_key("id")}
    if words is None or keys & {*words}:
        return declaration
    entities = tuple(entity for entity in declaration.entities if entity in words)
    return evolve(declaration, entities=entities) if entities else declaration.crossed(())


def _of_entity(declaration: Declaration, own: set[str], word: str, value: str | None) -> list[tuple[str, Any]]:
    if word in own:
        return [(word, value)]
    if (crossed := crossing_key(word)) in own:
        return [(crossed, value)]
    if word in declaration.entities:
        return [(declaration.entity_key("type"), word), (declaration.entity_key("id"), value)]
    return _unknown(declaration, word)


def _unknown(declaration: Declaration, word: str, *, crossing: bool = False) -> NoReturn:
    names = [key.name for key in declaration.keys] + list(declaration.entities)
    hint = ""
    if crossing:
        hint = " (several entities are asked for by their own names, not by entity_type and entity_id)"
    elif word.startswith(TAG):
        hint = f"; attributes once declared, of cost by tags = [{word.removeprefix(TAG)!r}] (docs/dimensions.md)"
    raise UnknownKey(key=word, projection=declaration.name, keys=", ".join(names) + hint)


def check_text(key: str, value: str) -> str:
    """Return a text to look for; raises BadValue for one that no database can be asked for."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadValue(key=key, problem="half of a surrogate pair") from None
    if "\0" in value:
        raise BadValue(key=key, problem="a NUL character")
    return value


def check_entity(declaration: Declaration, entity: str | None, entity_id: str | None) -> None:
    """Raise UnknownEntity for what the projection does not spread over, and for an id of no type."""
    if entity not in declaration.entities and (entity, entity_id) != (None, None):
        raise UnknownEntity(entity=entity, projection=declaration.name, entities=", ".join(declaration.entities))
