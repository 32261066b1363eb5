"""What questions are put to, and how a period and a time are meant there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import frozen

from analytics_es.errors import MissingProjection
from analytics_es.types import TimePeriod
from analytics_es.types.arguments import PERIODS, Moment, Period, bad, read_moment, read_period
from analytics_es.types.values import plain

if TYPE_CHECKING:
    from analytics_es.audit.rows import Answer
    from analytics_es.projection.declaration import Declaration
    from analytics_es.queries import QuestionContext
    from analytics_es.store import Store

A_DAY = timedelta(days=1)  # around a time, which a calendar may look at


@frozen(kw_only=True)
class Contexts:
    """What opens contexts: `open` takes a projection, a period, the words of the question, if told, and progress.

    `evidence` opens what says up to where a read model explains a period; the events are read from the log of `store`.
    """

    declarations: Sequence[Declaration]
    open: Callable[..., AbstractContextManager[QuestionContext]]
    evidence: Callable[[str, TimePeriod], AbstractContextManager[QuestionContext]]
    store: Store
    now: Callable[[], datetime]

    def declared(self, projection: str) -> Declaration:
        """Return a projection of those there are; raises MissingProjection."""
        for declaration in self.declarations:
            if declaration.name == projection:
                return declaration
        raise MissingProjection(projection=projection)

    def period(self, period: Period) -> TimePeriod:
        """Return a period as it is meant in the store's zone; raises BadPeriod."""
        return read_period(period, self.store.calendar.zone, self.now())

    def moment(self, name: str, at: Moment) -> datetime:
        """Return a time, of a date or of what says no zone in the store's; raises BadArgument."""
        moment = read_moment(name, at, self.store.calendar.zone)
        try:
            _ = moment.astimezone(UTC) - A_DAY, moment.astimezone(UTC) + A_DAY
        except (OverflowError, ValueError):
            raise bad(name, "a time in the years 1 to 9999", at) from None
        return moment

    def about(self, about: Period | Answer) -> TimePeriod | Answer:
        """Return a period as it is meant; an answer, which has one, as it is."""
        said: Period | Answer = plain(about)
        return self.period(said) if isinstance(said, PERIODS) else said
