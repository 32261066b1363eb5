"""The views of a projection, as its declaration has them: by hour and by day, of everyone, and of each kind of entity.

What a view holds adds up: rows of all events together, or those of one kind of entity, are never in one view.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from analytics_es.events.fields import named_by
from analytics_es.projection.declaration import Declaration, Measure
from analytics_es.read_models.views.dialects import Dialect

GRAINS = {"hour": "hourly", "day": "daily"}
LONGEST = 63  # characters of a name that PostgreSQL does not cut


@frozen(kw_only=True)
class View:
    """A view: its name, its columns with their expressions, and what they are read from."""

    name: str
    columns: Mapping[str, str]
    source: str

    @property
    def select(self) -> str:
        """The statement that it is."""
        return f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in self.columns.items())} FROM {self.source}"


@frozen(kw_only=True)
class Writing:
    """What the views of one store have in common: the database, and how far local time is from UTC.

    `offset` is the seconds between them at the start of a bucket.
    """

    dialect: Dialect
    offset: str

    def times(self, bucket: str) -> dict[str, str]:
        """Return the columns that tell when a bucket begins, and the day it lies in, in the store's zone."""
        day = self.dialect.date(f"{bucket} + {self.offset.format(bucket=bucket)}")
        return {"time": self.dialect.instant(bucket), "bucket": bucket, "day": day}


def view_name(projection: str, grain: str, entity: str = "") -> str:
    """Return the name of a view; where an entity cannot be written as it is, with a digest of it."""
    of = f"_by_{_slug(entity)}" if entity else ""
    return _fitting(f"v_{projection}_{GRAINS[grain]}{of}")


def _slug(text: str) -> str:
    """Return a text as a part of a name; no two are the same."""
    plain = text.removeprefix("attributes.").lower()
    slug = re.sub(r"[^a-z0-9_]+", "_", plain)
    return slug if slug == text.removeprefix("attributes.") else f"{slug[:40]}_{_digest(text)}"


def _fitting(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}_{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def entity_column(entity: str) -> str:
    """Return the name of the column of an entity's ids: that of the field of events."""
    return _slug(".".join(named_by(entity)))


def whose(declaration: Declaration) -> tuple[str, ...]:
    """Return whose rows there are: "" for everyone, and each kind of entity."""
    return ("", *declaration.entities)


def views(declaration: Declaration, writing: Writing) -> Iterator[View]:
    """Yield the views of a projection."""
    measures = _measures(declaration, writing.dialect)
    keys = [(key.name, key.name) for key in declaration.keys if not key.of_entity]
    for grain in GRAINS:
        for entity in whose(declaration):
            ids = [(entity_column(entity), declaration.entity_key("id"))] if entity else []
            yield View(
                name=view_name(declaration.name, grain, entity),
                columns=_apart([*writing.times("bucket").items(), *keys, *ids, *measures]),
                source=f"{declaration.table} WHERE grain = '{grain}'{of_entity(declaration, entity)}",
            )


def _apart(columns: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Give another name to a column that is called as one before it; no projection declares a name with k_."""
    apart: dict[str, str] = {}
    for name, sql in columns:
        while name in apart:
            name = f"k_{name}"
        apart[name] = sql
    return apart


def of_entity(declaration: Declaration, entity: str) -> str:
    """Return the end of a condition: rows of the entities of one kind, or of everyone."""
    if not declaration.entities:
        return ""
    each = f" AND {declaration.entity_key('id')} <> ''" if entity and declaration.rollup else ""  # not of all together
    return f" AND {declaration.entity_key('type')} = '{entity}'{each}"


# ── measures ────────────────────────────────────────────────────────────────────────────────────────────────────


def _measures(declaration: Declaration, dialect: Dialect) -> list[tuple[str, str]]:
    columns = [column for measure in declaration.measures for column in _columns(measure, dialect).items()]
    if {"calls", "failures"} <= {name for name, _ in columns}:  # of this row alone: rates are not to be averaged
        columns.append(("error_rate", f"{dialect.real('failures')} / nullif(calls, 0)"))
    return columns


def _columns(measure: Measure, dialect: Dialect) -> dict[str, str]:
    """Return the columns of a measure: a time, a number in its unit, or what a histogram says but for its buckets."""
    if measure.sql == "occurred_at" and measure.kind in ("smallest", "largest"):
        return {measure.name: dialect.moment(f"{measure.name}")}
    if measure.kind != "histogram":
        return dialect.numbers(_with_unit(measure), measure.name, measure.decimals)
    name, stored, decimals = _with_unit(measure), measure.name, measure.decimals
    return {
        f"{measure.name}_count": f"{stored}_count",
        **dialect.numbers(f"{name}_total", f"{stored}_sum", decimals),
        **dialect.numbers(f"{name}_min", f"{stored}_min", decimals),
        **dialect.numbers(f"{name}_max", f"{stored}_max", decimals),
        f"{name}_mean": f"{dialect.real(f'{stored}_sum', decimals)} / nullif({stored}_count, 0)",
    }


def _with_unit(measure: Measure) -> str:
    return measure.name if measure.unit != "ms" or measure.name.endswith("_ms") else f"{measure.name}_ms"
