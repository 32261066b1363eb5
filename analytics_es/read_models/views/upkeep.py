"""The views of all live read models, made anew in the transaction that makes another read model the live one.

What else is called as one of them, such as a view of somebody else's, is left alone.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date
from functools import partial

import orjson
from attrs import frozen

from analytics_es.errors import AnalyticsError, StoreBusy
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.log.database import Cursor
from analytics_es.projection.calendar import DAY, Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.read_models.registry import FORGET_ABOUT, WRITE_ABOUT
from analytics_es.read_models.views import budgets, priced, statements
from analytics_es.read_models.views.dialects import Dialect
from analytics_es.read_models.views.statements import View, Writing

logger = logging.getLogger("analytics_es")

VIEWS, ZONE, BEHIND = "views", "zone of views", "views behind"
PROJECTIONS = "v_projections"

# How far the clocks of the store's zone are from UTC, from when on; so that dates are those of days.
CREATE_OFFSETS = "CREATE TABLE IF NOT EXISTS zone_offsets (since {0} PRIMARY KEY, seconds {0} NOT NULL)"
FORGET_OFFSETS = "DELETE FROM zone_offsets"
WRITE_OFFSET = "INSERT INTO zone_offsets VALUES (?, ?)"
OFFSET = "(SELECT seconds FROM zone_offsets WHERE since <= {bucket} ORDER BY since DESC LIMIT 1)"

Digest = tuple[str, str]  # of a view's columns, and of all of it
Attempting = Callable[[Cursor], AbstractContextManager[None]]
_EPOCH = date(1970, 1, 1).toordinal()


def tables(dialect: Dialect) -> list[str]:
    """Return the statements that create what is read by the views of every read model."""
    return [CREATE_OFFSETS.format(dialect.integer_type), budgets.table(dialect)]


def wanted(live: Iterable[Declaration], dialect: Dialect, timezone: str) -> list[View]:
    """Return the views of these read models."""
    writing = Writing(dialect=dialect, offset="0" if timezone == "UTC" else OFFSET)
    views = [
        view
        for declaration in live
        for view in (priced if priced.is_priced(declaration) else statements).views(declaration, writing)
    ]
    return [*views, budgets.view(dialect), _projections()]


def _projections() -> View:
    """Return the view of how far read models are."""
    return View(
        name=PROJECTIONS,
        columns={
            "projection": "projection",
            "position": "coalesce(notification_id, 0)",
            "unreadable": "(SELECT count(*) FROM unreadable AS u WHERE u.projection = read_model)",
            "buckets_to_price": "(SELECT count(*) FROM to_price AS t WHERE t.read_model = registry.read_model)",
            "timezone": "(SELECT value FROM about WHERE name = 'timezone')",
        },
        source="registry LEFT JOIN tracking ON application_name = log || ':' || read_model",
    )


def follow(
    cursor: Cursor, live: Iterable[Declaration], about: Mapping[str, str], dialect: Dialect, attempting: Attempting
) -> None:
    """Make views be of what is live: those that are changed anew, and none of what is not there any more.

    One that cannot be, because somebody else's view depends on it, stays as it was. Where somebody reads one for long,
    all that are left are `behind`, until this is done again.
    """
    zone = about.get("timezone", "UTC")
    making = _Making.of(cursor, live, about, dialect)
    if making.done:
        return
    if about.get(ZONE) != zone:
        _write_offsets(cursor, zone)
    cursor.execute(FORGET_ABOUT, (BEHIND,))
    cursor.execute(dialect.impatient)
    try:
        making(partial(attempting, cursor))
    except StoreBusy as error:
        logger.warning("SQL views are as they were for now: %s", error)
        cursor.execute(WRITE_ABOUT, (BEHIND, ""))
    cursor.execute(WRITE_ABOUT, (VIEWS, orjson.dumps(making.noted).decode()))


def is_behind(cursor: Cursor, live: Iterable[Declaration], about: Mapping[str, str], dialect: Dialect) -> bool:
    """Say whether there is anything to make."""
    return not _Making.of(cursor, live, about, dialect).done


def made(cursor: Cursor, live: Iterable[Declaration], about: Mapping[str, str], dialect: Dialect) -> list[View]:
    """Return the views that are made."""
    making = _Making.of(cursor, live, about, dialect)
    return [view for name, view in making.views.items() if name in making.noted and name in making.there]


@frozen(kw_only=True)
class _Making:
    """Makes views: those that are wanted, and what is noted of those that were made, by name, and what is there."""

    cursor: Cursor
    dialect: Dialect
    views: Mapping[str, View]
    noted: dict[str, Digest]
    there: Collection[str]

    @classmethod
    def of(cls, cursor: Cursor, live: Iterable[Declaration], about: Mapping[str, str], dialect: Dialect) -> _Making:
        """Compare."""
        views = wanted(live, dialect, about.get("timezone", "UTC"))
        noted = orjson.loads(about.get(VIEWS, "{}"))
        return cls(
            cursor=cursor,
            dialect=dialect,
            views={view.name: view for view in views},
            noted={name: (columns, whole) for name, (columns, whole) in noted.items()},
            there=dialect.relations(cursor),
        )

    @property
    def done(self) -> bool:
        """Whether every view is as it is wanted, or cannot be made, as something else is called so."""
        return self.noted.keys() <= self.views.keys() and all(map(self._is_made, self.views.values()))

    def _is_made(self, view: View) -> bool:
        noted, there = self.noted.get(view.name), view.name in self.there
        return there if noted is None else there and noted == _digest(view)

    def __call__(self, attempt: Callable[[], AbstractContextManager[None]]) -> None:
        """Make them; raises StoreBusy where somebody reads one for long."""
        for name in self.noted.keys() - self.views.keys():
            if self._attempt(attempt, name, partial(self.dialect.drop, self.cursor, name)):
                del self.noted[name]
        for name, view in self.views.items():
            if name in self.there and name not in self.noted:
                logger.warning("There is something else called %s: the SQL view of that name is not made.", name)
            elif not self._is_made(view):
                same = name in self.there and self.noted[name][0] == _digest(view)[0]
                replace = partial(self.dialect.replace, self.cursor, name, view.select, same=same)
                if self._attempt(attempt, name, replace):
                    self.noted[name] = _digest(view)

    def _attempt(
        self, attempt: Callable[[], AbstractContextManager[None]], name: str, work: Callable[[], None]
    ) -> bool:
        """Do something with one view; what cannot be is said, and is no reason not to go on."""
        try:
            with attempt():
                work()
        except StoreBusy:
            raise
        except AnalyticsError as error:
            logger.warning("The SQL view %s stays as it is: %s", name, error)
            return False
        return True


def remove(cursor: Cursor, about: Mapping[str, str], dialect: Dialect) -> None:
    """Remove all views that are ours, before the tables that they are of."""
    for name in orjson.loads(about.get(VIEWS, "{}")):
        dialect.drop(cursor, name)
    cursor.execute(WRITE_ABOUT, (VIEWS, "{}"))


def _digest(view: View) -> Digest:
    return _of(view.name, *view.columns), _of(view.name, view.select)


def _of(*texts: str) -> str:
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=8).hexdigest()


def _write_offsets(cursor: Cursor, zone: str) -> None:
    cursor.execute(FORGET_OFFSETS)
    for since, seconds in [] if zone == "UTC" else offsets(Calendar(zone)):
        cursor.execute(WRITE_OFFSET, (since, seconds))
    cursor.execute(WRITE_ABOUT, (ZONE, zone))


def offsets(calendar: Calendar) -> Iterator[tuple[int, int]]:
    """Yield from when on how many seconds make a UTC time that of the day which holds it."""
    first = calendar.day_start(int(EARLIEST.timestamp()))
    for segment in calendar.segments(first, int(LATEST.timestamp())):
        since = max(segment.since, first)
        day = calendar.local(calendar.day_start(since)).toordinal() - _EPOCH
        begins = day * DAY - segment.offset  # by these clocks: later than now, where they went back to the day before
        if begins > since:
            yield since, day * DAY - since
        yield max(begins, since), segment.offset
