"""Seeds: the sealed rows of events that are gone, to which the rows of all other events are added."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from analytics_es.errors import SealedPeriod
from analytics_es.log import EventLog, Horizon
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Folded
from analytics_es.projection.loading import Day
from analytics_es.projection.rows import Row
from analytics_es.read_models.rollups import each_alone, rolled_up
from analytics_es.read_models.sealed_rows import EVER, UNREADABLE, carried, carries, carries_all, sealed_as, unpack

Days = tuple[int, int]  # those that start in [start, end), in seconds


@frozen
class Seeds:
    """The rows of a log's sealed events, but for the days in `without`; without a log there are none."""

    log: EventLog | None = None
    within: Days = EVER
    without: Days = (0, 0)

    def horizon(self) -> Horizon:
        """Return up to when events are sealed."""
        return self.log.seals.horizon() if self.log else Horizon()

    def __call__(self, declaration: Declaration) -> Iterator[Folded]:
        """Yield what a read model begins with, day by day; raises DamagedSeal."""
        if self.log is None:
            return
        chosen = self._chosen(declaration)
        for sealed in self.log.seals.rows(declaration.name, *self.within):
            old = chosen.get(sealed.seal)
            if old is None or sealed.definition != old.fingerprint or self._left_out(sealed.day):
                continue
            rows = unpack(sealed)
            if sealed.grain == UNREADABLE:
                yield Folded(rows=[], unreadable=[(position, hour, field) for hour, position, field in rows])
            else:
                rows = list(map(carried(old, declaration), _of_entities(rows, old, declaration)))
                rows = _of_kinds(rows, old, declaration)
                for part in _distinct(rows, len(declaration.row_key)):
                    yield Folded(rows=part, unreadable=[])

    def _chosen(self, declaration: Declaration) -> dict[int, Declaration]:
        """Return for each seal the definition whose rows are taken: this very one, else one that can be carried.

        Raises DamagedSeal.
        """
        chosen: dict[int, Declaration] = {}
        for text in self.log.seals.definitions(declaration.name) if self.log else ():
            old = sealed_as(text)
            if carries(old, declaration) and (text.seal not in chosen or text.definition == declaration.fingerprint):
                chosen[text.seal] = old
        return chosen

    def days(self) -> list[Day]:
        """Return how many events of each day are sealed, and the sum of their checksums."""
        if self.log is None:
            return []
        start, end = self.within
        return [day for day in self.log.seals.days() if start <= day[0] < end and not self._left_out(day[0])]

    def _left_out(self, day: int) -> bool:
        return self.without[0] <= day < self.without[1]

    def complete(self, declaration: Declaration) -> bool:
        """Say whether a read model of this definition begins with all that sealed events add."""
        whole = [seal for seal, old in self._chosen(declaration).items() if carries_all(old, declaration)]
        return len(whole) == self.horizon().seal


def _of_entities(rows: list[Row], old: Declaration, new: Declaration) -> list[Row]:
    """Leave out the rows of entities that are none any more."""
    gone = set(old.entities) - set(new.entities)
    if not gone:
        return rows
    of_type = old.row_key.index(old.entity_key("type"))
    return [row for row in rows if row[of_type] not in gone]


def _of_kinds(rows: list[Row], old: Declaration, new: Declaration) -> list[Row]:
    """Add the rows of all entities of a kind where there were none yet, leave them out where there are none now."""
    if new.rollup and not old.rollup:
        return [*rows, *rolled_up(new, rows)]
    return each_alone(new, rows) if old.rollup and not new.rollup and new.entities else rows


def _distinct(rows: list[Row], width: int) -> Iterator[list[Row]]:
    """Divide rows so that none has the key of another, as some have that were masked."""
    first: dict[Row, Row] = {}
    again: list[Row] = []
    for row in rows:
        if first.setdefault(row[:width], row) is not row:
            again.append(row)
    yield list(first.values())
    if again:
        yield from _distinct(again, width)


NOTHING = Seeds()


def sealed_until(log: EventLog, calendar: Calendar) -> datetime | None:
    """Return the time before which events are gone, None where none are."""
    until = log.seals.horizon().until
    return calendar.local(until) if until else None


def check_exact(log: EventLog, start: int, upto: int, question: str) -> None:
    """Raise SealedPeriod for a question about what the log held up to a position, where some of that is gone."""
    horizon = log.seals.horizon()
    if start < horizon.until and upto < horizon.position:
        raise SealedPeriod.of(horizon.until, question)
