"""One fold to verify and to seal: what was folded again to compare with is sealed, where it surely is what is sealed.

That is so where everything that occurred before one time is sealed for the projections that are live and declared, and
every event occurred when its key says. Else events are folded a second time, as `seal_fold` does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
from attrs import define, evolve, field, frozen

from analytics_es.errors import DoesNotVerify
from analytics_es.events.event import OWN, key_of_time, microseconds
from analytics_es.lifecycle.stuck import Adopted
from analytics_es.log import Horizon
from analytics_es.log.horizon import OTHERS, of_family
from analytics_es.log.seals import Definition, SealedRows
from analytics_es.projection.fold import WHOLE, Fold
from analytics_es.projection.loading import Day
from analytics_es.read_models import Snapshot, Span
from analytics_es.read_models.sealed_rows import pack
from analytics_es.store import Store
from analytics_es.types import ProjectionVerification, TimePeriod

if TYPE_CHECKING:
    import pyarrow as pa

Stretch = tuple[int, int]  # [start, end) in seconds: whole days
Derived = tuple[list[Definition], list[SealedRows], list[Day], list[Adopted]]
Refolding = Callable[
    [Sequence[str], TimePeriod, Sequence[Stretch], Callable[[int, "pa.Table"], None]],
    AbstractContextManager[tuple[list[ProjectionVerification], Snapshot]],
]

ALL = 2**31  # rows at once


def is_plain(store: Store, goal: Horizon, horizon: Horizon) -> bool:
    """Say whether all events are sealed up to one time, for projections that are all live as they are declared."""
    families = {*goal.refused, *horizon.sealed, OTHERS}
    together = all(
        len({of_family(times, family) for family in families}) == 1 for times in (goal.refused, horizon.sealed)
    )
    live = sorted(read_model.declaration.definition for read_model in store.read_models.everything_live())
    own = any(pattern.startswith(OWN) for declared in store.declarations for pattern in declared.consumes)
    return together and not own and live == sorted(declared.definition for declared in store.declarations)


@contextmanager
def sealing_once(
    store: Store, refolding: Refolding, period: TimePeriod, stretches: Sequence[Stretch], position: int
) -> Iterator[Refolded | None]:
    """Verify what is to be sealed, and keep what was folded for that; None where it may not be what is sealed.

    Raises DoesNotVerify, FoldFailed.
    """
    watched = _Watched(store.fold, position)
    with refolding(store.selected(None), period, stretches, watched) as (verified, snapshot):
        hours = [Span("hour", stretches[0][0], stretches[-1][1]), Span("hour", 0, 1)]  # 0 is that of what has no time
        pages = (snapshot.unreadable_page(declared, hours, after=[], limit=ALL) for declared in snapshot.live.values())
        left_out = any(field == WHOLE for page in pages for _, _, field in page)
        behind = any(checked.position < position for checked in verified)
        if watched.odd or left_out or behind or len(verified) < len(snapshot.live):
            yield None
            return
        if differing := [checked.projection for checked in verified if not checked.identical]:
            raise DoesNotVerify(projections=", ".join(differing))
        yield Refolded(store, snapshot, watched.days)


@frozen
class Refolded:
    """What was verified: the rows of all projections, and the days of the events that they are of, by stretch."""

    _store: Store
    _snapshot: Snapshot
    _days: dict[int, dict[int, Counter[str]]]

    def derived(self, seal: int, stretch: Stretch) -> Derived:
        """Return what a stretch adds to every definition, as `SealFold.derived` does; nothing is adopted."""
        definitions: list[Definition] = []
        rows: list[SealedRows] = []
        spans = [Span("hour", *stretch), Span("day", *stretch)]
        for live in self._store.read_models.everything_live():
            declared = evolve(live.declaration, generation=0)
            definitions.append(Definition(seal, declared.name, declared.fingerprint, declared.definition))
            own = self._snapshot.page(live.declaration, spans, after=[], limit=ALL)
            unreadable = self._snapshot.unreadable_page(live.declaration, spans, after=[], limit=ALL)
            rows += pack(declared, seal, own, unreadable, self._store.calendar)
        sums = self._days[stretch[0]]
        days = [(day, sums[day]["events"], sums[day]["checksum"]) for day in sorted(sums)]
        return definitions, rows, days, []


@define
class _Watched:
    """Counts the events of a fold that will be sealed, by stretch and day, and looks whether any is odd."""

    fold: Fold
    position: int
    odd: bool = False
    days: dict[int, dict[int, Counter[str]]] = field(factory=lambda: defaultdict(lambda: defaultdict(Counter)))

    def __call__(self, start: int, events: pa.Table) -> None:
        names = ("type", "position", "key", "state")
        columns = zip(*(events.column(name).to_pylist() for name in names), strict=True)
        older = [row for row in columns if not (row[0] or "").startswith(OWN)]
        self.odd = self.odd or any(at > self.position or not _is_placed(key, state) for _, at, key, state in older)
        for day, count, checksum in self.fold.count_days([key for _, _, key, _ in older]):
            self.days[start][day].update(events=count, checksum=checksum)


def _is_placed(key: str, state: bytes) -> bool:
    """Say whether an event is stored under the time that it says, written as we write it."""
    try:
        text = orjson.loads(state)["occurred_at"]
        at = datetime.fromisoformat(text)
        return text[10] == "T" and text[-1] == "Z" and key_of_time(microseconds(at)) == key[:12]
    except Exception:  # whatever is wrong with what is stored, the other fold will list it
        return False
