"""What events say that nothing reads, and what they said that was not stored."""

from __future__ import annotations

from attrs import frozen

from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class UnreadField(ValueObject):
    """A field of one type of event that no projection reads, or a type that is meant to be another.

    type: of the events.
    field: its name in `data`; "type" where it is the type itself.
    events: how many events have it.
    suggestion: what it was most likely meant to be, in words; None where nothing is near.
    """

    type: str
    field: str
    events: int
    suggestion: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class LeftOutField(ValueObject):
    """A field of one type of event that the policy of privacy left out: for what it holds, or for what its name says.

    type: of the events.
    field: its path, such as `attributes.comment`; "…" stands for those of which an event had too many, or odd names.
    events: how many events lost something there; of "…", how many fields, at the most.
    allow: the rule that keeps it from now on, for `[privacy.rules]`.
    """

    type: str
    field: str
    events: int
    allow: str | None = None
