"""What a projection is made of; every measure has a zero and a merge that neither order nor batches change."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import attrs
from attrs import frozen

from analytics_es.events.event import OWN, matches
from analytics_es.events.fields import ENTITIES, FIELDS, TAG, WHOLE, named_by

Merge = Literal["sum", "min", "max", "histogram"]
Kind = Literal["count", "total", "smallest", "largest", "histogram"]

# The unit of money, and the key that tells its currency.
MONEY = "currency"

# A text longer than this many bytes is shortened where it is a key: PostgreSQL's indexes end at 2,704 bytes a row.
LONGEST_KEY, SHORT, MOST_KEYS = 256, 40, 10


def crossing_key(entity: str) -> str:
    """Return the name of a key of an entity's ids; no key that is declared has such a name."""
    digest = hashlib.blake2b(entity.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"_{entity if entity in ENTITIES else digest}"


def _expression(path: Sequence[str]) -> str:
    return ".".join(f'"{name}"' for name in path)


def shortened(text: str) -> str:
    """Return a text as the key of a row: one above 256 bytes is its first 40 characters and a digest of all of it."""
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= LONGEST_KEY else f"{text[:SHORT]}…{hashlib.sha256(raw).hexdigest()[:32]}"


@frozen(kw_only=True)
class Histogram:
    """What a histogram measure holds. Values are integers: the number times 10^decimals of the measure.

    count: how many values, exactly.
    sum: of all values; None of none.
    min: the smallest; None of none.
    max: the largest; None of none.
    buckets: how many values by bucket: i of OpenTelemetry's scale 5 is (2^(i/32), 2^((i+1)/32)], -2 holds the zeros.
    """

    count: int
    sum: int | None
    min: int | None
    max: int | None
    buckets: dict[int, int]


@frozen
class Column:
    """A stored column of a measure and how two of its values merge; a `wide` one may pass 64 bits."""

    name: str
    merge: Merge
    wide: bool = False


@frozen(kw_only=True)
class Key:
    """What rows of a projection are told apart by."""

    name: str
    sql: str

    @property
    def of_entity(self) -> str | None:
        """`type` or `id` where the key comes from the list of entities, else None."""
        return self.sql.partition("entity.")[2] or None if self.sql.startswith("entity.") else None


# What is stored of each kind of measure: the end of the column's name, and its merge.
_STORED: dict[Kind, dict[str, Merge]] = {
    "count": {"": "sum"},
    "total": {"": "sum"},
    "smallest": {"": "min"},
    "largest": {"": "max"},
    "histogram": {"_count": "sum", "_sum": "sum", "_min": "min", "_max": "max", "_buckets": "histogram"},
}


@frozen(kw_only=True)
class Measure:
    """What a projection adds up. Values are integers: the number times 10^decimals."""

    name: str
    kind: Kind
    sql: str | None
    where: str | None
    unit: str
    decimals: int
    columns: tuple[Column, ...] = attrs.field(init=False, repr=False)

    @columns.default
    def _columns_of_kind(self) -> tuple[Column, ...]:
        stored = _STORED[self.kind].items()
        return tuple(Column(f"{self.name}{suffix}", merge, self._is_wide(suffix)) for suffix, merge in stored)

    def _is_wide(self, suffix: str) -> bool:
        """Counts of events fit 64 bits, and so do single values that a histogram takes; sums may pass them."""
        if self.kind in ("smallest", "largest"):
            return bool(self.decimals) or FIELDS.get(self.sql or "") != WHOLE
        return self.kind == "total" or suffix == "_sum"


# What definitions of before say nothing of, and what that means.
_WITHOUT: dict[str, Any] = {"carries": (), "outcomes": 1, "known": (), "rollup": False}


@frozen(kw_only=True, cache_hash=True)
class Declaration:
    """A projection as declared: everything about it follows from here."""

    name: str
    version: int
    consumes: tuple[str, ...]
    where: str | None
    entities: tuple[str, ...]
    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]
    row_class: type = attrs.field(default=object, eq=False)
    carries: tuple[int, ...] = ()  # versions whose sealed rows are rows of this one
    outcomes: int = 1  # the edition of the words that say how an activity ended, where it reads `outcome`
    known: tuple[str, ...] = ()  # fields; under the entity `field` it counts all others of our families
    rollup: bool = False  # of each kind of entity, a row of all of them too, whose id is ""
    generation: int = 0  # which of its read models: a rebuild fills the next one beside the live one

    @property
    def table(self) -> str:
        """The name of its read model."""
        return f"{self.name}_v{self.version}" + (f"_g{self.generation}" if self.generation else "")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The stored columns of all measures."""
        return tuple(column for measure in self.measures for column in measure.columns)

    @property
    def row_key(self) -> tuple[str, ...]:
        """The columns that tell rows apart, in the order of the index: the entity's type comes before the time."""
        first = [key.name for key in self.keys if key.of_entity == "type"]
        return ("grain", *first, "bucket", *(key.name for key in self.keys if key.name not in first))

    @property
    def fingerprint(self) -> str:
        """What tells this definition from every other."""
        return hashlib.blake2b(self.definition.encode(), digest_size=8).hexdigest()

    @functools.cached_property
    def definition(self) -> str:
        """The whole definition as a text that `defined` reads again, in another process or a year later."""
        left_out = {"row_class", "generation", "columns"}
        left_out |= {name for name, without in _WITHOUT.items() if getattr(self, name) == without}
        return json.dumps(attrs.asdict(self, filter=lambda attribute, _: attribute.name not in left_out))

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of the attributes among its entities."""
        return tuple(entity.removeprefix(TAG) for entity in self.entities if entity.startswith(TAG))

    @property
    def expressions(self) -> Iterator[str]:
        """Every SQL expression in it, but for those on the list of entities."""
        yield from (key.sql for key in self.keys if not key.of_entity)
        yield from (sql for measure in self.measures for sql in (measure.sql, measure.where) if sql)
        if self.where:
            yield self.where

    def crossed(self, entities: Sequence[str]) -> Declaration:
        """Return a definition of rows that are told apart by each of these entities at once, "" where there is none."""
        own = [key for key in self.keys if not key.of_entity]
        added = [Key(name=crossing_key(entity), sql=_expression(named_by(entity))) for entity in entities]
        return attrs.evolve(self, entities=(), known=(), rollup=False, keys=(*own, *added))

    def entity_key(self, part: Literal["type", "id"]) -> str:
        """Return the name of the key that holds the entity's type or id."""
        return next(key.name for key in self.keys if key.of_entity == part)


def consumes(declaration: Declaration, event_type: str) -> bool:
    """Say whether a projection takes events of this type; what the service says of itself, only where it is named.

    An event without one, such as one that is damaged, may have been anybody's: each lists it as what is no event.
    """
    if not event_type:
        return True
    if event_type.startswith(OWN) and not any(pattern.startswith(OWN) for pattern in declaration.consumes):
        return False
    return any(matches(pattern, event_type) for pattern in declaration.consumes)


@functools.lru_cache(maxsize=256)
def defined(definition: str, generation: int = 0) -> Declaration:
    """Return what a definition declares, without its class."""
    parts: dict[str, Any] = json.loads(definition)
    parts["keys"] = [Key(**key) for key in parts["keys"]]
    parts["measures"] = [Measure(**measure) for measure in parts["measures"]]
    names = ("consumes", "entities", "keys", "measures", "carries", "known")
    lists = {name: tuple(parts[name]) for name in names if name in parts}
    return Declaration(**{**parts, **lists}, generation=generation)


def differences(old: Declaration, new: Declaration) -> list[str]:
    """Say in words what changed from one definition to another."""
    changes = [f"version {old.version} → {new.version}"] if old.version != new.version else []
    for kind, before, after in (("key", old.keys, new.keys), ("measure", old.measures, new.measures)):
        was, now = {part.name: part for part in before}, {part.name: part for part in after}
        changes += [f"added {kind} {name}" for name in now if name not in was]
        changes += [f"removed {kind} {name}" for name in was if name not in now]
        changes += [f"changed {kind} {name}" for name in now if name in was and was[name] != now[name]]
        if set(was) == set(now) and list(was) != list(now):
            changes.append(f"{kind}s in another order")
    compared = ("consumes", "where", "entities", "known", "rollup")
    options = (name for name in compared if getattr(old, name) != getattr(new, name))
    changes += [f"changed {name}" for name in options]
    return changes or (["changed outcomes"] if old.outcomes != new.outcomes else [])
