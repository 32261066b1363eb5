"""Values that a typed read leaves out without a word: what events tell, beside what was read of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from analytics_es.events.fields import FAMILIES
from analytics_es.projection import engine
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.decoding import APART, Needed
from analytics_es.projection.engine import quote_name, sql_list

Told = Iterable[tuple[Sequence[str], int]]  # the names of fields, and how many events of our families have just these

_SHAPES = "SELECT shape, count(*) FROM decoded WHERE ({taken}) AND shape IS NOT NULL GROUP BY shape"
_STATES = (
    "SELECT json_keys(any_value(state), '$.data'), count(*) FROM batch JOIN types USING (type) WHERE {events} "
    "GROUP BY hash(json_keys(state, '$.data'))"
)


class Omissions:
    """Says of a batch whether a number of a family of ours is there and was not read.

    The door lets none of these in. Another hand may have stored them, an older version, or a copy that was restored.
    """

    def __init__(self, declarations: Sequence[Declaration]) -> None:
        needed = Needed.by(declarations)
        self._shaped, self._numbers = needed.shaped, needed.numbers
        taken = " OR ".join(f"for_{declaration.name}" for declaration in declarations) or "false"
        events = f"family IN {FAMILIES} AND ({taken})"
        counts = sql_list([f"count({quote_name(name)})" for name in self._numbers])
        self._shapes, self._states = _SHAPES.format(taken=taken), _STATES.format(events=events)
        self._read = f"SELECT {counts} FROM decoded WHERE {events}"

    def told(self, connection: engine.Connection, *, shaped: bool = False) -> Told:
        """Return which fields the events of `decoded` have; where these do not say it, those of `batch`."""
        if shaped or self._shaped:
            return [(shape.split(APART), events) for shape, events in connection.execute(self._shapes).fetchall()]
        return [(names or [], events) for names, events in connection.execute(self._states).fetchall()]

    def any(self, connection: engine.Connection, told: Told) -> bool:
        """Say whether fewer numbers were read than are told. A null is told as well: who looks then finds nothing."""
        there = Counter[str]()
        for names, events in told:
            there.update(dict.fromkeys(names, events))
        (read,) = connection.execute(self._read).fetchall()
        return any(count < there[name] for name, count in zip(self._numbers, read, strict=True))
