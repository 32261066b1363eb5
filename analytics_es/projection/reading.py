"""Which fields of an event the projections read: those of the vocabulary, and your own that their expressions name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

from analytics_es.events.event import matches
from analytics_es.events.fields import DOCUMENTED, FAMILIES, OPEN_FIELDS
from analytics_es.events.suggestions import attribute_meant, field_meant, type_meant
from analytics_es.projection import expressions
from analytics_es.projection.declaration import Declaration, consumes

TYPE, IN_ATTRIBUTES = "type", "attributes."


@frozen(kw_only=True)
class Reading:
    """What is read of one type of event.

    ours: it is of a family that the vocabulary defines.
    calls: it is of the family of calls of providers.
    names: of the fields that are read, documented ones and those of expressions.
    attributes: names of attributes that are read.
    meant: what the type was most likely meant to be; None where it is one that somebody asks for.
    """

    ours: bool
    calls: bool
    names: frozenset[str]
    attributes: frozenset[str]
    meant: str | None


# What this package records itself for who reads the log: no projection has to.
_FOR_PEOPLE = {"budget.threshold.reached": {"allocated", "spent"}}


def of(declarations: Iterable[Declaration], event_type: str) -> Reading:
    """Return what these projections read of a type of event."""
    consumers = [declaration for declaration in declarations if consumes(declaration, event_type)]
    paths = {path for own in consumers for sql in own.expressions for path in expressions.references(sql)}
    family = event_type.partition(".")[0]
    return Reading(
        ours=family in FAMILIES,
        calls=family == "provider",
        names=DOCUMENTED | _FOR_PEOPLE.get(event_type, set()) | {path[1] for path in paths if path[0] == "data"},
        attributes=frozenset(path[1] for path in paths if path[0] == "attributes").union(
            *(own.tags for own in consumers)
        ),
        meant=None if _asked_for(consumers, event_type) else type_meant(event_type),
    )


def own_fields(declaration: Declaration) -> list[str]:
    """Return the paths of your own fields that a projection reads: `verdict` for data.verdict, `attributes.team`."""
    named = (sql for sql in declaration.expressions if any(f"{field}." in sql for field in OPEN_FIELDS))
    paths = {path for sql in named for path in expressions.references(sql) if path[0] in OPEN_FIELDS}
    return sorted(".".join(path).removeprefix("data.") for path in paths if len(path) > 1)


def _asked_for(consumers: Sequence[Declaration], event_type: str) -> bool:
    """Say whether a projection names this very type, or a family that is not one of the vocabulary's."""
    return any(
        pattern == event_type
        or (matches(pattern, event_type) and pattern.partition(".")[0] not in (*FAMILIES, "*", ">"))
        for own in consumers
        for pattern in own.consumes
    )


def meant(event_type: str, name: str) -> str | None:
    """Say what a field of a type was most likely meant to be; of the field "type", the type."""
    if name == TYPE:
        return type_meant(event_type)
    if name.startswith(IN_ATTRIBUTES):
        ours = attribute_meant(name.removeprefix(IN_ATTRIBUTES))
        return f"{ours}, at the top of data" if ours else None
    return field_meant(name)
