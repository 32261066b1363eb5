"""What explanations stand on: the stretch of the log behind a number, what each event adds, and the first of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from attrs import define, evolve, field, frozen

from analytics_es.errors import BadLimit, UnreadableEvent
from analytics_es.events import RecordedEvent
from analytics_es.events.codec import decode
from analytics_es.log import EventLog, Holding, gathered
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold
from analytics_es.projection.stored_texts import beginnings_of, texts_of
from analytics_es.queries import Question, QuestionContext
from analytics_es.queries.grouping import Words, asked_by, grouping, several
from analytics_es.read_models import calendar_of, check_exact
from analytics_es.types import Completeness, Progress, TimePeriod


@frozen
class Evidence:
    """A question about one projection, up to where that is, how it is defined, and the keys of the rows to explain.

    Its snapshot is closed: reading the log may take longer than a database keeps one.
    """

    log: EventLog
    question: Question
    position: int
    declaration: Declaration
    where: Mapping[str, str]
    completeness: Completeness
    left_out: Sequence[int]  # the positions of events that are in no row, since they could not be folded or merged

    @classmethod
    def of(
        cls,
        context: QuestionContext,
        log: EventLog,
        declared: Declaration,
        needed: Iterable[str],
        period: TimePeriod,
        where: Mapping[str, str],
    ) -> Evidence:
        """Look where the read model is; raises UnknownKey, StaleReadModel."""
        context = evolve(context, calendar=calendar_of(period, context.calendar))  # events know no zone
        entities = several(declared, Words(where=where))
        with context.question([declared.name], period) as question:
            declaration = question.declaration(declared.name, needed)
            if entities:
                declaration = declaration.crossed(entities)
            position = question.snapshot.positions[declaration.name]
            keys, left_out = grouping(declaration, [], where).where, question.snapshot.set_aside(declaration)
            return cls(log, question, position, declaration, keys, question.completeness(asked_by(where)), left_out)

    def batches(
        self, fold: Fold, declaration: Declaration, progress: Progress | None
    ) -> Iterator[tuple[pa.Table, pa.Table]]:
        """Yield the batches of the period, up to the read model's checkpoint, and what their events add to the rows.

        Raises SealedPeriod, at the end too: what was sealed meanwhile is in no batch.
        """
        within = self.question.tiling.within
        holding = Holding(texts_of(self.declaration, self.where), beginnings_of(self.declaration))
        self._check_exact()
        for batch in gathered(self.log.scan_period(*within, upto=self.position, holding=holding)):
            last = batch.column("position")[-1].as_py()  # the batch may hold nothing else than what is left out
            if self.left_out:
                left_out = pc.is_in(batch.column("position"), pa.array(self.left_out, pa.int64()))
                batch = batch.filter(pc.invert(left_out))
            yield batch, fold.by_event(batch, declaration, self.where, within=within)
            if progress:
                progress("explaining", last, self.position)
        self._check_exact()

    def _check_exact(self) -> None:
        check_exact(self.log, self.question.tiling.start, 0, "an explanation")


class AtPosition(Protocol):
    """What an event comes to."""

    @property
    def position(self) -> int:
        """Its position in the log."""


E = TypeVar("E", bound=AtPosition)


@define
class First(Generic[E]):
    """The first events of all batches, by position or in another order, each with what is stored of it."""

    limit: int
    order: Callable[[E], Any] | None = None
    events: list[tuple[E, Mapping[str, Any]]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        if self.limit < 0:
            raise BadLimit(limit=self.limit)

    def add(self, batch: pa.Table, events: Sequence[E]) -> None:
        """Take events of the next batch, which come by position."""
        order = self.order
        if order is None:
            self.events += _with_stored(batch, events[: self.limit - len(self.events)])
            return
        self.events += _with_stored(batch, heapq.nsmallest(self.limit, events, key=order))
        self.events = heapq.nsmallest(self.limit, self.events, key=lambda pair: order(pair[0]))


def _with_stored(batch: pa.Table, events: Sequence[E]) -> list[tuple[E, Mapping[str, Any]]]:
    positions = pa.array([event.position for event in events], pa.int64())
    places = pc.index_in(positions, batch.column("position").combine_chunks()).to_pylist()
    rows = [batch.slice(place, 1).to_pylist()[0] for place in places]  # `take` would copy the whole batch first
    return list(zip(events, rows, strict=True))


def read_stored(stored: Mapping[str, Any]) -> RecordedEvent:
    """Return a stored event; raises UnreadableEvent."""
    try:
        return decode(stored["position"], stored["type"], stored["state"])
    except Exception as error:
        raise UnreadableEvent(position=stored["position"], problem=error) from error
