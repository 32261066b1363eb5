"""The words of a question, such as `user`, in the keys of a projection: what it filters and groups by."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from attrs import evolve, field, frozen

from analytics_es.errors import GUIDE, BadQuestion, BadValue, UnknownEntity, UnknownKey
from analytics_es.events.checks import MAX_INTEGER, shown
from analytics_es.events.fields import TAG
from analytics_es.projection.declaration import Declaration, crossing_key
from analytics_es.types.values import plain


@frozen(kw_only=True)
class Words:
    """What a question groups by and filters by: names of keys and of entities, each once, and texts.

    The text "" is asked for by what does not tell: of an entity, it means events that belong to none.
    """

    by: tuple[str, ...] = ()
    where: Mapping[str, str] = field(factory=dict)

    @property
    def names(self) -> list[str]:
        """All names."""
        return [*self.by, *self.where]


@frozen
class Grouping:
    """Keys to group by and to filter by, in the words of the projection, and the words that were asked with."""

    where: dict[str, str]
    by: list[str]
    words: list[str]


# ── reading a question ──────────────────────────────────────────────────────────────────────────────────────────


def read_words(declaration: Declaration, by: Sequence[str] = (), where: Mapping[str, Any] | None = None) -> Words:
    """Return the words of a question as they are meant; raises BadQuestion, BadValue, UnknownKey, UnknownEntity.

    Whether there are such names, only the read model that answers says: it may know more tags than this process.

    An entity is asked for by its name. A filter by its type alone means events that belong to any of that type; by type
    and id it is one by its name. An id alone says not whose it is, and rows by types would hold an event several times.
    """
    names, filters = _read_names(by), read_filters(where)
    if declaration.entities:
        type_key, id_key = declaration.entity_key("type"), declaration.entity_key("id")
        for word in (type_key, id_key):
            if word in names or (word == id_key in filters and type_key not in filters):
                _unknown(declaration, word, "an entity is asked for by its name")
        if type_key in filters:
            check_entity(declaration, filters[type_key])
        if id_key in filters:
            entity, name = filters.pop(type_key), filters.pop(id_key)
            if filters.setdefault(entity, name) != name:
                _unknown(declaration, id_key, f"{entity} is somebody else already")
    return Words(by=names, where=filters)


def _read_names(by: Iterable[str]) -> tuple[str, ...]:
    by = [by] if isinstance(by, str) else by
    names: tuple[Any, ...] = tuple(map(plain, by)) if isinstance(by, Iterable) else (None,)
    if not all(type(name) is str for name in names):
        raise BadQuestion(what="What is grouped by", expected="a list of names, such as ['user']", value=shown(by))
    return tuple(dict.fromkeys(names))


def read_filters(where: Mapping[str, Any] | None) -> dict[str, str]:
    """Return filters with the texts to look for; raises BadQuestion and BadValue."""
    if where is None:
        return {}
    if not isinstance(where, Mapping):
        expected = "names with texts, such as {'user': 'ada'}"
        raise BadQuestion(what="What is filtered by", expected=expected, value=shown(where))
    filters = {plain(word): text for word, text in where.items()}
    if not all(type(word) is str for word in filters):
        raise BadQuestion(what="What is filtered by", expected="names with texts", value=shown(where))
    return {word: read_text(word, text) for word, text in filters.items()}


def read_text(word: str, text: Any) -> str:
    """Return the text that a key is to have; a whole number is the text that an event keeps of it.

    Raises BadQuestion for what is no text, and BadValue for one that no event can hold.
    """
    said = plain(text)
    if type(said) is int and abs(said) <= MAX_INTEGER:
        said = str(said)
    if type(said) is not str:
        expected = "a text ('' is for events that do not tell it)"
        raise BadQuestion(what=f"The {word!s:.60} asked for", expected=expected, value=shown(text))
    try:
        said.encode()
    except UnicodeEncodeError:
        raise BadValue(key=word, problem="half of a surrogate pair") from None
    if "\0" in said:
        raise BadValue(key=word, problem="a NUL character")
    return said


def check_entity(declaration: Declaration, entity: str | None, entity_id: str | None = None) -> None:
    """Raise UnknownEntity for what the projection does not spread over, and for an id of no type."""
    if entity not in declaration.entities and (entity, entity_id) != (None, None):
        raise UnknownEntity(entity=entity, projection=declaration.name, entities=", ".join(declaration.entities))


# ── in the keys of a projection ─────────────────────────────────────────────────────────────────────────────────


def grouping(declaration: Declaration, by: Sequence[str], where: Mapping[str, str]) -> Grouping:
    """Translate the words of a question: an entity such as `user` is short for its `entity_type` and `entity_id`.

    Raises UnknownKey. Without any word about entities, every event counts once.
    """
    own = {key.name for key in declaration.keys}
    filters: dict[str, str] = {}
    groups: list[str] = []
    for word, value in where.items():
        for key, text in _of_entity(declaration, own, word, value):
            if filters.setdefault(key, text) != text:
                _unknown(declaration, word, _SEVERAL)
    for word in by:
        for key, text in _of_entity(declaration, own, word, None):
            if text is None:
                groups.append(key)
            elif filters.setdefault(key, text) != text:
                _unknown(declaration, word, _SEVERAL)
    if declaration.entities:
        type_key, id_key = declaration.entity_key("type"), declaration.entity_key("id")
        if not {type_key, id_key} & {*filters, *groups}:
            filters[type_key] = ""
    return Grouping(filters, groups, list(by))


def asked_by(where: Mapping[str, str], by: Iterable[str] = ()) -> list[str]:
    """Return what a question is asked by, an `entity_type` as the entity that it names."""
    named = [where["entity_type"]] if where.get("entity_type") else []
    return [*(word for word in {**where, **dict.fromkeys(by)} if not word.startswith("entity_")), *named]


def several(declaration: Declaration, words: Words) -> tuple[str, ...]:
    """Return the entities that are asked for where a read model cannot tell, in order; raises UnknownKey.

    Their rows are those of `Declaration.crossed`: a read model has rows of one entity alone, and none of what belongs
    to no such entity, which a filter may ask for by the id "".
    """
    own, names = _own(declaration), words.names
    entities = tuple(entity for entity in declaration.entities if entity in names and entity not in own)
    if len(entities) < 2 and not any(words.where.get(entity) == "" for entity in entities):
        return ()
    for word in names:
        if word not in own and word not in entities:
            _unknown(declaration, word, _SEVERAL)
    return entities


def least(declaration: Declaration, words: Words | None) -> Declaration:
    """Return a definition of no more rows than a question by these words needs; None: words that are not known.

    Raises UnknownKey.
    """
    entities = several(declaration, words or Words())
    if entities or not declaration.entities:
        return declaration.crossed(entities)
    keys = {declaration.entity_key("type"), declaration.entity_key("id")}
    if words is None or keys & {*words.names}:
        return declaration
    entities = tuple(entity for entity in declaration.entities if entity in words.names)
    return evolve(declaration, entities=entities) if entities else declaration.crossed(())


def kinds_of(declaration: Declaration, words: Words | None) -> tuple[str, ...] | None:
    """Return the kinds of entities whose rows a question by these words reads; None: of words that are not known."""
    if words is None:
        return None
    named = {*words.names, *(text for key, text in words.where.items() if key.startswith("entity_"))}
    return tuple(kind for kind in declaration.entities if kind in named)


def _own(declaration: Declaration) -> list[str]:
    return [key.name for key in declaration.keys if not key.of_entity]


def _of_entity(declaration: Declaration, own: set[str], word: str, value: str | None) -> list[tuple[str, Any]]:
    if word in own:
        return [(word, value)]
    if (crossed := crossing_key(word)) in own:
        return [(crossed, value)]
    if word in declaration.entities:
        if value == "":
            _unknown(declaration, word, "of events that belong to none, this read model has no rows")
        return [(declaration.entity_key("type"), word), (declaration.entity_key("id"), value)]
    return _unknown(declaration, word)


_SEVERAL = "several entities are asked for by their own names, not by entity_type and entity_id"


def _unknown(declaration: Declaration, word: Any, why: str = "") -> NoReturn:
    """Say that a word is none of a projection, why, and which are close."""
    names = [*_own(declaration), *declaration.entities]
    hint = f" ({why})" if why else ""
    tagged = f"{TAG}{word}"
    if close := [tagged] if tagged in names else difflib.get_close_matches(str(word), names, n=2):
        hint += f" (did you mean {' or '.join(close)}?)"
    if str(word).startswith(TAG):
        hint += f"; attributes once declared, of cost by tags = [{word.removeprefix(TAG)!r}] ({GUIDE}/dimensions.md)"
    raise UnknownKey(key=word, projection=declaration.name, keys=", ".join(names) + hint)
