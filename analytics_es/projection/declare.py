"""How a projection is declared: by a class of keys and measures, which is checked when its module is imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, NoReturn, TypeVar

import attrs

from analytics_es.errors import BadDeclaration, NotAProjection, SameName
from analytics_es.events.fields import DOCUMENTED, ENTITIES, EXACT, FIELDS, LEFT_OUT, OPEN_FIELDS, TAG, TEXT
from analytics_es.events.outcomes import EDITION
from analytics_es.projection import engine, expressions, growth
from analytics_es.projection.declaration import MONEY, MOST_KEYS, Declaration, Key, Kind, Measure
from analytics_es.projection.decoding import Needed
from analytics_es.types.arguments import naming_arguments

C = TypeVar("C", bound=type)

NUMERIC = re.compile(r"(TINY|SMALL|BIG|HUGE|U\w+)?INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT")
LONGEST_NAME = 63  # that PostgreSQL does not cut
ROOM_FOR_GENERATION = 8  # of a table's name: _g999999
_NAME = re.compile(r"(?!k_)[a-z][a-z0-9_]{0,62}")
_TAG = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_PATTERN = re.compile(r"([a-z0-9_]+|\*)(\.([a-z0-9_]+|\*))*(\.>)?|>")
_RESERVED = {"grain", "bucket", "hour", "day", "position", "projection", "field"}


# ── declaring ───────────────────────────────────────────────────────────────────────────────────────────────────


def key(sql: str) -> Any:
    """Tell rows apart by an expression (as text, "" where it is NULL), or by `entity.type` and `entity.id`."""
    return attrs.field(metadata={"part": ("key", {"sql": sql})})


def _measure(kind: Kind, sql: str | None, where: str | None, unit: str, decimals: int) -> Any:
    part = {"kind": kind, "sql": sql, "where": where, "unit": unit, "decimals": decimals}
    return attrs.field(metadata={"part": ("measure", part)})


def count(*, where: str | None = None, unit: str = "events") -> Any:
    """Count events."""
    return _measure("count", None, where, unit, 0)


def total(sql: str, *, where: str | None = None, unit: str = "1", decimals: int = 0) -> Any:
    """Add up a number, kept to so many decimals (rounded half away from zero); None where no event has it."""
    return _measure("total", sql, where, unit, decimals)


def smallest(sql: str, *, where: str | None = None, unit: str = "1", decimals: int = 0) -> Any:
    """Keep the smallest value of a number."""
    return _measure("smallest", sql, where, unit, decimals)


def largest(sql: str, *, where: str | None = None, unit: str = "1", decimals: int = 0) -> Any:
    """Keep the largest value of a number."""
    return _measure("largest", sql, where, unit, decimals)


def histogram(sql: str, *, where: str | None = None, unit: str = "1", decimals: int = 0) -> Any:
    """Keep how a number (0 or more) spreads: any percentile within 1.1 %, exact count, sum, smallest and largest."""
    return _measure("histogram", sql, where, unit, decimals)


def projection(
    *,
    version: int,
    consumes: Sequence[str],
    where: str | None = None,
    entities: Sequence[str] = (),
    carries: Sequence[int] = (),
    unread: bool = False,
    rollup: bool = False,
) -> Callable[[C], C]:
    """Declare a projection. Its class becomes a frozen attrs class whose instances are rows.

    `consumes`: patterns of event types (`*` one part, `>` the rest). `where`: a filter for all of it. `entities`: what
    one event is spread over, for keys on `entity.type` and `entity.id`. `carries`: earlier versions whose rows of
    sealed events, which cannot be folded again, are taken as they are, by the names of keys and measures; they have all
    the keys, and a measure that they have not is at its zero. `unread`: spread events of our families over the names of
    their fields that are none of the vocabulary's, too. `rollup`: keep a row of all entities of each kind, too, so that
    what they come to together is read at once, however many there are. Raises BadDeclaration, naming the field.
    """

    def declare(cls: C) -> C:
        row_class = attrs.frozen(kw_only=True)(cls)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        parts = {field.name: field.metadata.get("part") for field in attrs.fields(row_class)}
        for field, part in parts.items():
            if part is None:
                _refuse(name, field, "give it a key or a measure, such as count()")
        for option, texts in (("consumes", consumes), ("entities", entities)):
            if isinstance(texts, str):
                _refuse(name, option, f"must be a list of texts, such as ({texts!r},)")
        declaration = Declaration(
            name=name,
            version=version,
            consumes=tuple(consumes),
            where=where,
            entities=tuple(entities),
            keys=tuple(Key(name=field, **part[1]) for field, part in parts.items() if part and part[0] == "key"),
            measures=tuple(
                Measure(name=field, **part[1]) for field, part in parts.items() if part and part[0] == "measure"
            ),
            row_class=row_class,
            carries=tuple(carries),
            known=tuple(sorted(DOCUMENTED - {LEFT_OUT})) if unread else (),
            rollup=rollup,
        )
        if not _was_checked(declaration):
            check(declaration)
        declaration = _of_today(declaration)
        row_class.__analytics__ = declaration  # type: ignore[attr-defined]  # read back by declaration_of
        return row_class

    return declare


def _was_checked(declaration: Declaration) -> bool:
    """Say whether a definition is one of our own, which was checked when its expressions were kept."""
    try:
        return expressions.is_kept(declaration.fingerprint)
    except TypeError:  # what says no text, such as a version that is no number: the check says what is wrong
        return False


def _of_today(declaration: Declaration) -> Declaration:
    """Note of what edition the words are that it reads: another edition makes other rows of the same events."""
    reads = {path for sql in declaration.expressions for path in expressions.references(sql)}
    return attrs.evolve(declaration, outcomes=EDITION) if ("outcome",) in reads else declaration


def declaration_of(cls: Any) -> Declaration:
    """Return what a projection class declares; raises NotAProjection."""
    declaration = getattr(cls, "__analytics__", None)
    if not isinstance(declaration, Declaration):
        raise NotAProjection(name=getattr(cls, "__name__", repr(cls)))
    return declaration


@naming_arguments
def declarations_of(classes: Sequence[Any]) -> tuple[Declaration, ...]:
    """Return the declarations of these classes, by name; raises SameName."""
    declarations = tuple(sorted(map(declaration_of, classes), key=lambda declaration: declaration.name))
    for one, other in pairwise(declarations):
        if one.name == other.name:
            raise SameName(name=one.name)
    check_spelling(declarations)
    return declarations


# ── checking ────────────────────────────────────────────────────────────────────────────────────────────────────


def _refuse(projection: str, field: str, problem: str) -> NoReturn:
    raise BadDeclaration(projection=projection, field=field, problem=problem)


def check(declaration: Declaration) -> None:
    """Refuse what cannot be folded or kept: raises BadDeclaration."""
    name = declaration.name
    if type(declaration.version) is not int or declaration.version < 1:
        _refuse(name, "version", "must be a whole number from 1")
    if not all(type(earlier) is int and 1 <= earlier < declaration.version for earlier in declaration.carries):
        _refuse(name, "carries", "must be numbers of earlier versions")
    if not declaration.measures:
        _refuse(name, "measures", "declare at least one, such as events: int = count()")
    _check_patterns(declaration)
    _check_names(declaration)
    _check_entities(declaration)
    if declaration.where:
        _check_expression(name, "where", declaration.where, "text", "BOOLEAN")
    for row_key in declaration.keys:
        if not row_key.of_entity:
            _check_expression(name, row_key.name, row_key.sql, "text", None)
    for measure in declaration.measures:
        _check_measure(declaration, measure)
    check_spelling([declaration])


def check_spelling(declarations: Sequence[Declaration]) -> None:
    """Fields must not differ by case alone, your own or those of events: to the engine they are one."""
    spelled: dict[str, str] = {}
    for declaration in declarations:
        named = {".".join(path) for path in _paths(declaration)}
        for name in sorted(named | {f"{TAG}{tag}" for tag in declaration.tags}):
            spelling = spelled.setdefault(name.lower(), name)
            if spelling != name:
                _refuse(declaration.name, name, f"is also written {spelling}: write it in one way")
    if clash := Needed.by(declarations).clash:
        whose = next(own for own in declarations if any(path == ("data", clash) for path in _paths(own)))
        _refuse(whose.name, f"data.{clash}", f"differs from the field {clash.lower()} by case alone: use another name")


def _paths(declaration: Declaration) -> Iterator[tuple[str, ...]]:
    for sql in declaration.expressions:
        yield from expressions.references(sql)


def _check_patterns(declaration: Declaration) -> None:
    if not declaration.consumes:
        _refuse(declaration.name, "consumes", 'name at least one pattern of event types, such as "job.*"')
    for pattern in declaration.consumes:
        if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
            problem = f"{pattern!r} is not a pattern: use parts, * for one part, > for the rest"
            _refuse(declaration.name, "consumes", problem)


def _check_names(declaration: Declaration) -> None:
    if len(declaration.keys) > MOST_KEYS:
        _refuse(declaration.name, "keys", f"{len(declaration.keys)} are more than the {MOST_KEYS} that an index holds")
    if len(declaration.table) + ROOM_FOR_GENERATION > LONGEST_NAME:
        _refuse(
            declaration.name,
            "class",
            f"its table {declaration.table} has a name of more than {LONGEST_NAME - ROOM_FOR_GENERATION} characters",
        )
    names = [row_key.name for row_key in declaration.keys] + [column.name for column in declaration.columns]
    for field in names:
        if not _NAME.fullmatch(field) or field in _RESERVED:
            _refuse(declaration.name, field, "is not a free name of lower-case letters, digits and _")
        if field in expressions.words():
            _refuse(declaration.name, field, "is a word of SQL: choose another name")
        if names.count(field) > 1:
            _refuse(declaration.name, field, "is the name of two columns")


def _check_entities(declaration: Declaration) -> None:
    spread = {row_key.name: row_key.of_entity for row_key in declaration.keys if row_key.of_entity}
    if not spread and not declaration.entities:
        if declaration.rollup:
            _refuse(declaration.name, "rollup", "takes entities=(…): it is a row of all entities of a kind")
        return
    if sorted(spread.values()) != ["id", "type"] or not declaration.entities:
        field = next(iter(spread), "entities")
        _refuse(declaration.name, field, "spreading takes entities=(…) and two keys, entity.type and entity.id")
    for entity in declaration.entities:
        if entity.startswith(TAG):
            check_tag(declaration.name, entity.removeprefix(TAG))
        elif entity not in ENTITIES:
            _refuse(declaration.name, "entities", f"{entity!r} is unknown: use {', '.join(ENTITIES)}, attributes.…")
        if declaration.entities.count(entity) > 1:
            _refuse(declaration.name, "entities", f"{entity!r} is there twice")


def check_tag(name: str, tag: str) -> None:
    """Refuse the name of an attribute that cannot be asked for: raises BadDeclaration."""
    if not _TAG.fullmatch(tag):
        _refuse(name, f"{TAG}{tag}", "is no name of an attribute: use up to 128 letters, digits and _ . : / -")


def _check_measure(declaration: Declaration, measure: Measure) -> None:
    name = declaration.name
    if measure.unit == MONEY and MONEY not in {row_key.name for row_key in declaration.keys}:
        _refuse(name, measure.name, 'is money, which takes a key: currency: str = key("currency")')
    if not 0 <= measure.decimals <= 18:
        _refuse(name, measure.name, "decimals must be between 0 and 18")
    if measure.where:
        _check_expression(name, measure.name, measure.where, "text", "BOOLEAN")
    if measure.sql:
        kind = _check_expression(name, measure.name, measure.sql, "number", None)
        if not NUMERIC.fullmatch(kind):
            _refuse(name, measure.name, f"{measure.sql} is {kind}, not a number")


def _check_expression(name: str, field: str, sql: str, open_as: Literal["text", "number"], must_be: str | None) -> str:
    if not isinstance(sql, str):
        _refuse(name, field, f"must be an SQL expression, a text, not {sql!r:.40}")
    try:
        paths = expressions.references(sql)
        for path in paths:
            _check_reference(path)
        growth.check(expressions.tree(sql), growth.EVENT)
        kind = expressions.type_of(sql, columns_for(paths, open_as))
    except ValueError as error:
        _refuse(name, field, str(error))
    if must_be and kind != must_be:
        _refuse(name, field, f"{sql} is {kind}, not a condition")
    return kind


def _check_reference(path: tuple[str, ...]) -> None:
    if len(path) == 2 and path[0] in OPEN_FIELDS:
        if path[0] == "data" and path[1] in FIELDS:
            raise ValueError(f"data.{path[1]} is a field of every event: write {path[1]}")
        return
    if len(path) != 1 or path[0] not in FIELDS:
        raise ValueError(f"{'.'.join(path)} is not a field of events: use attributes.x or data.x for your own")


def columns_for(paths: Sequence[tuple[str, ...]], open_as: Literal["text", "number"]) -> dict[str, str]:
    """Return the typed columns these references need; your own fields are texts in keys and filters, else numbers."""
    columns = {path[0]: FIELDS[path[0]] for path in paths if len(path) == 1}
    own = TEXT if open_as == "text" else EXACT
    for outer in OPEN_FIELDS:
        names = sorted({path[1] for path in paths if path[0] == outer and len(path) == 2})
        if names:
            columns[outer] = "STRUCT(" + ", ".join(f"{engine.quote_name(inner)} {own}" for inner in names) + ")"
    return columns or {"type": TEXT}
