"""What a question is answered from: one snapshot, so that every answer says which position it stands on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from attrs import Factory, define, frozen

from analytics_es.errors import (
    HERE,
    MissingProjection,
    NoLongerKept,
    ReplacedReadModel,
    SealedPeriod,
    StaleReadModel,
    StoreDamaged,
)
from analytics_es.events.fields import PARTIAL, TAG
from analytics_es.log import Horizon
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, Measure
from analytics_es.queries.policies import Policies
from analytics_es.queries.unread import Counted, concerns, contradictions, left_out_of, of_fields, unread_fields
from analytics_es.read_models import ReadModels, Remembered, Snapshot, Span, Tiling, remembering
from analytics_es.types import Completeness, TimePeriod, UnreadField

Derive = Callable[[Declaration, Tiling, int], ReadModels]
Lag = Callable[..., tuple[int, float]]  # of a position, and of a cursor in the log's database where there is one
TOGETHER = 100  # spans of one statement: SQLite takes at most 500
UNREAD_SHOWN = 10
TRIES = 5  # to answer from the log, while more and more of it is sealed

T = TypeVar("T")


def _underivable(declaration: Declaration, tiling: Tiling, position: int) -> ReadModels:
    raise MissingProjection(projection=declaration.name)


@frozen(kw_only=True)
class QuestionContext:
    """What answers are made from: the read models, the calendar they keep, how far they lag, and what time it is.

    `known_as` says under which name the log knows an entity: its pseudonym, where it has one. `derive` folds a period
    from the log up to a position, for another declaration than that of a read model; who asks closes it. `policies` are
    those of privacy that events were recorded under. `by_hours`:
    days of the calendar are added up from hours, because the days of the read models are another zone's. `in_memory`
    returns read models that answer in the place of the store's; with the period before, if that is compared.
    """

    read_models: ReadModels
    calendar: Calendar
    lag: Lag
    clock: Callable[[], datetime]
    known_as: Callable[[str, str], str] = lambda _, name: name
    derive: Derive = _underivable
    policies: Callable[[], Policies] = Policies
    declarations: Sequence[Declaration] = ()  # all of the store, where what none of them reads is told
    by_hours: bool = False
    in_memory: Callable[[bool], ReadModels] | None = None

    def as_logged(self, where: Mapping[str, str]) -> dict[str, str]:
        """Return filters with entities by the names under which the log knows them."""
        return {word: self.known_as(word, text) for word, text in where.items()}

    def declaration(self, name: str) -> Declaration:
        """Return a projection's declaration; raises MissingProjection."""
        if name not in self.read_models.declarations:
            raise MissingProjection(projection=name)
        return self.read_models.declarations[name]

    @contextmanager
    def question(
        self, names: Sequence[str], period: TimePeriod, *, kept: bool = True, compared: bool = False
    ) -> Iterator[Question]:
        """Open one snapshot for one answer about a period, of what is `kept` of it; raises MissingProjection.

        Only one that is to be `compared` knows the period before. A database has few snapshots at a time, and ends one
        that idles: what takes longer is done afterwards.
        """
        read_models = self.in_memory(compared) if self.in_memory else self.read_models
        for name in names:
            if name not in read_models.declarations:
                raise MissingProjection(projection=name)
        policies = self.policies()  # before there is a snapshot: nobody waits for the log with one
        with remembering(read_models) as (snapshot, remembered):
            horizon = snapshot.horizon()
            tiling = Tiling.of(self.calendar, period, by_hours=self.by_hours)
            tiling = tiling.coarsened(horizon.hours) if kept else tiling
            position = min(snapshot.positions[name] for name in names)
            behind = self.lag(position, *([snapshot.of_log] if snapshot.of_log else []))
            from_log = _FromLog(remembered)
            question = Question(
                self, snapshot, horizon, tiling, period, names, behind, from_log, policies, compared=compared
            )
            if kept:
                question.check_kept()
            yield question

    def answer(
        self, names: Sequence[str], period: TimePeriod, answered: Callable[[Question], T], *, compared: bool = False
    ) -> T:
        """Answer from one snapshot, and from the log up to its position, which is read when the snapshot is closed.

        The answer is then made once more from the same rows, so what it asks the snapshot for must not depend on what
        the log says. Where events of the period are sealed meanwhile, it is begun again.
        """
        for left in reversed(range(TRIES)):
            with self.question(names, period, compared=compared) as question:
                answer = answered(question)
            if not question.from_log.left_out:
                return answer
            try:
                return answered(question)
            except SealedPeriod:
                if not left:
                    raise
        raise AssertionError  # one of the tries has returned or raised


def stale(declared: Declaration, live: Declaration, retired: Collection[str], missing: str) -> StaleReadModel:
    """Return the failure of a question by what a live read model lacks: it is older than what is declared, or newer."""
    replaced = declared.fingerprint in retired or declared.version < live.version
    return (ReplacedReadModel if replaced else StaleReadModel)(projection=declared.name, missing=missing)


def _together(spans: Sequence[Span]) -> Iterator[Sequence[Span]]:
    """Yield the spans of each statement; those of one label are never apart, so that each point is one row of keys."""
    first = 0
    while first < len(spans):
        end = first + TOGETHER
        while end < len(spans) and spans[end].label is not None and spans[end].label == spans[end - 1].label:
            end += 1
        yield spans[first:end]
        first = end


@define
class _FromLog:
    """Whether the snapshot of a question is open, and whether what the log says was left out of its answer for that."""

    remembered: Remembered
    left_out: bool = False


@frozen
class Question:
    """One question: a snapshot, what it no longer holds, the period as it is kept, and the projections.

    `behind`: how many events the log held beyond the snapshot, and how many seconds the first of them had waited.
    `notes`: what else an answer is made from, so that it is the same when it is made again.
    """

    context: QuestionContext
    snapshot: Snapshot
    horizon: Horizon
    tiling: Tiling
    requested: TimePeriod
    names: Sequence[str]
    behind: tuple[int, float]
    from_log: _FromLog
    policies: Policies = Factory(Policies)
    compared: bool = False
    notes: dict[Any, Any] = Factory(dict)

    def derived(self, declaration: Declaration, tiling: Tiling, position: int) -> ReadModels | None:
        """Fold a stretch of the log, once the snapshot is closed; until then None, and the answer is made again.

        Who asks closes it. Raises SealedPeriod.
        """
        if self.from_log.remembered.is_open:
            self.from_log.left_out = True
            return None
        return self.context.derive(declaration, tiling, position)

    @property
    def period(self) -> TimePeriod:
        """The period that is answered for: whole hours, or days where those are all that is kept."""
        return self.tiling.period(self.requested)

    def declaration(self, name: str, needed: Iterable[str]) -> Declaration:
        """Return how a projection's live read model is defined; raises StaleReadModel where that lacks a name."""
        declaration = self.snapshot.live[name]
        names = {key.name for key in declaration.keys} | {measure.name for measure in declaration.measures}
        if missing := sorted(set(needed) - names):
            # From the snapshot that is open: the one connection of a store in memory cannot be asked beside it.
            declared = self.context.read_models.declarations[name]
            raise stale(declared, declaration, self.snapshot.retired.get(name, ()), ", ".join(missing))
        return declaration

    def measure(self, projection: str, name: str) -> tuple[Declaration, Measure]:
        """Return how the live read model defines a measure; raises StaleReadModel."""
        declaration = self.declaration(projection, [name])
        return declaration, next(measure for measure in declaration.measures if measure.name == name)

    def points(
        self, declaration: Declaration, measures: Sequence[Measure], where: Mapping[str, str], by: Sequence[str] = ()
    ) -> dict[tuple[int, ...], list[tuple[Any, ...]]]:
        """Return the series: for every bucket in order, its rows of keys and merged columns (none, one or several)."""
        spans, labels = self.tiling.series(self.requested.granularity)
        columns = [column for measure in measures for column in measure.columns]
        rows: dict[tuple[int, ...], list[tuple[Any, ...]]] = {(label,): [] for label in labels}
        for together in _together(spans):
            for row in self.snapshot.sums(declaration, columns, together, where=where, by=by, by_time=True):
                if (row[0],) not in rows:
                    raise StoreDamaged(path=HERE, problem=f"{declaration.table} has a row of the second {row[0]}")
                rows[(row[0],)].append(row[1:])
        return rows

    def check_kept(self) -> None:
        """Raise NoLongerKept where the answer needs buckets that retention has removed."""
        needed = [*self.tiling.spans(), *self.tiling.series(self.requested.granularity)[0]]
        by_day = " in the zone that the store keeps days of" if self.tiling.by_hours else ", or by the day"
        for grain, since, instead in (("hour", self.horizon.hours, by_day), ("day", self.horizon.days, "")):
            if any(span.grain == grain and span.start < since for span in needed):
                raise NoLongerKept(grain=grain, since=self.tiling.local(since), instead=instead)

    def before(self) -> Tiling | None:
        """Return the period before, of one that goes on the same stretch of it; None where that is no longer kept.

        Nor is there one where nothing of the period has passed. Only who said that it compares may ask.
        """
        assert self.compared, "the period before may not be in the read models"  # noqa: S101
        before = self.tiling.before(self.context.clock().timestamp())
        since = {"hour": self.horizon.hours, "day": self.horizon.days}
        gone = any(span.start < since[span.grain] for span in before.spans())
        return None if gone or before.start >= before.end else before

    def passed(self) -> float:
        """Return how many seconds of the period have passed, 0 where it has not begun."""
        return max(min(self.context.clock().timestamp(), self.tiling.end) - self.tiling.start, 0.0)

    def not_stored(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return the words, such as `user`, that a policy of privacy did not let be stored of some of the events."""
        position = min(self.snapshot.positions[name] for name in self.names)
        words = tuple(words)
        dropped = self.policies.not_stored(words, self.tiling.local(self.tiling.start), position)
        tags = [word for word in words if word.startswith(TAG) and word not in dropped]
        lost = left_out_of(self.snapshot, tags, self.tiling.spans()) if tags else set()
        return tuple(sorted({*dropped, *lost}))

    def completeness(self, words: Iterable[str] = (), family: str = "") -> Completeness:
        """Say what the answer to a question by these words stands on; of what nothing reads, of one family alone."""
        start, partial = self.tiling.start, self.snapshot.partial() if self.horizon.seal else {}
        since = max((partial.get(name, 0) for name in self.names), default=0)
        position = min(self.snapshot.positions[name] for name in self.names)
        events, seconds = self.behind
        unreadable = sum(self.snapshot.unreadable(name, self.tiling.start, self.tiling.end) for name in self.names)
        fields = of_fields(self.snapshot, self.tiling.spans())
        unread = self._unread(fields, family)
        own = [self.snapshot.live[name] for name in self.names]
        said = contradictions([entry for entry in fields or () if entry[0].startswith(family)], own)
        partial_calls = said.pop(PARTIAL, 0)
        return Completeness(
            position=position,
            lag_events=events,
            lag_seconds=seconds,
            unreadable=unreadable,
            open_buckets=self.tiling.end > self.context.clock().timestamp(),
            sealed_until=self.tiling.local(self.horizon.until) if start < self.horizon.until else None,
            complete_from=self.tiling.local(since) if start < since else None,
            not_stored=self.not_stored(words),
            unread=None if unread is None else sum(entry.events for entry in unread),
            unread_fields=tuple((unread or ())[:UNREAD_SHOWN]),
            contradictions=sum(said.values()),
            contradicting=tuple(said)[:UNREAD_SHOWN],
            partial_calls=partial_calls,
        )

    def _unread(self, fields: Sequence[Counted] | None, family: str) -> list[UnreadField] | None:
        """Return what no projection reads of what these projections are about; None where that is not counted."""
        declarations = self.context.declarations
        unread = unread_fields(self.snapshot, declarations, self.tiling.spans(), fields) if declarations else None
        own = [self.snapshot.live[name] for name in self.names]
        return unread and [entry for entry in unread if any(concerns(entry, projection, family) for projection in own)]
