"""Read models → answers. Every answer is read from one snapshot and says which position it stands on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn, Protocol

from attrs import Factory, evolve, frozen

from analytics_es.errors import (
    BadValue,
    MissingProjection,
    NoLongerKept,
    StaleReadModel,
    UnknownEntity,
    UnknownKey,
    UnknownMetric,
)
from analytics_es.events.fields import TAG
from analytics_es.log import Horizon
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import MONEY, Declaration, Measure, crossing_key
from analytics_es.queries.figures import change, distribution, nothing
from analytics_es.read_models import ReadModels, Snapshot, Tiling
from analytics_es.types import (
    Completeness,
    Distribution,
    MetricGroup,
    MetricInfo,
    MetricPoint,
    MetricSummary,
    PricesUsed,
    PriceUsed,
    TimePeriod,
)

Derive = Callable[[Declaration, Tiling, int], ReadModels]
Lag = Callable[[int], tuple[int, float]]
KnownAs = Callable[[str, str], str]


def as_given(entity: str, value: str) -> str:
    """Take an entity by the name that is asked for."""
    return value


TOGETHER = 100  # spans of one statement: SQLite takes at most 500


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return now, aware."""


class Prices(Protocol):
    """Knows prices, and is told which of them an answer was computed with."""

    def book(self) -> Any:
        """Return the price book."""

    def used(self, prices: Sequence[PriceUsed], *, announce: bool = True) -> PricesUsed:
        """Say what an answer was computed with, and, unless it is only supposed, record that."""


class NoPrices:
    """Where nobody asks for costs."""

    def book(self) -> Any:
        """Raise: there is none."""
        raise MissingProjection(projection="cost")

    def used(self, prices: Sequence[PriceUsed], *, announce: bool = True) -> PricesUsed:
        """Raise: there is none."""
        raise MissingProjection(projection="cost")


def _underivable(declaration: Declaration, tiling: Tiling, position: int) -> ReadModels:
    raise MissingProjection(projection=declaration.name)


@frozen(kw_only=True)
class QuestionContext:
    """What answers are made from: the read models, the calendar they keep, how far they lag, and what time it is.

    `known_as` says under which name the log knows an entity: its pseudonym, where it has one. `derive` folds a period
    from the log up to a position, for another declaration than that of a read model; who asks closes it. `by_hours`:
    days of the calendar are added up from hours, because the days of the read models are another zone's.
    """

    read_models: ReadModels
    calendar: Calendar
    lag: Lag
    clock: Clock
    known_as: KnownAs = as_given
    prices: Prices = Factory(NoPrices)
    derive: Derive = _underivable
    by_hours: bool = False

    def known(self, where: Mapping[str, str]) -> dict[str, str]:
        """Return filters with entities by the names under which the log knows them."""
        entity = str(where.get("entity_type", ""))
        kinds = {word: entity if word == "entity_id" else word for word in where}
        return {word: self.known_as(kinds[word], str(value)) for word, value in where.items()}

    def declaration(self, name: str) -> Declaration:
        """Return a projection's declaration; raises MissingProjection."""
        if name not in self.read_models.declarations:
            raise MissingProjection(projection=name)
        return self.read_models.declarations[name]

    @contextmanager
    def question(self, names: Sequence[str], period: TimePeriod) -> Iterator[Question]:
        """Open one snapshot for one answer about a period; raises MissingProjection."""
        for name in names:
            self.declaration(name)
        with self.read_models.read() as snapshot:
            horizon = snapshot.horizon()
            tiling = Tiling.of(self.calendar, period, by_hours=self.by_hours).coarsened(horizon.hours)
            question = Question(self, snapshot, horizon, tiling, period, names)
            question.check_kept()
            yield question


@frozen
class Question:
    """One question: a snapshot, what it no longer holds, the period as it is kept, and the projections asked."""

    source: QuestionContext
    snapshot: Snapshot
    horizon: Horizon
    tiling: Tiling
    asked: TimePeriod
    names: Sequence[str]

    @property
    def period(self) -> TimePeriod:
        """The period that is answered for: whole hours, or days where those are all that is kept."""
        return self.tiling.period(self.asked)

    def declaration(self, name: str, needed: Iterable[str]) -> Declaration:
        """Return how a projection's live read model is defined; raises StaleReadModel where that lacks a name."""
        declaration = self.snapshot.live[name]
        known = {key.name for key in declaration.keys} | {measure.name for measure in declaration.measures}
        if missing := sorted(set(needed) - known):
            raise StaleReadModel(projection=name, missing=", ".join(missing))
        return declaration

    def measure(self, declared: Declaration, wanted: Measure) -> tuple[Declaration, Measure]:
        """Return how the live read model defines a measure; raises StaleReadModel."""
        declaration = self.declaration(declared.name, [wanted.name])
        return declaration, next(each for each in declaration.measures if each.name == wanted.name)

    def points(
        self, declaration: Declaration, measures: Sequence[Measure], where: Mapping[str, str], by: Sequence[str] = ()
    ) -> dict[tuple[int, ...], list[tuple[Any, ...]]]:
        """Return the series: for every bucket in order, its rows of keys and merged columns (none, one or several)."""
        spans, labels = self.tiling.series(self.asked.granularity)
        columns = [column for measure in measures for column in measure.columns]
        found: dict[tuple[int, ...], list[tuple[Any, ...]]] = {(label,): [] for label in labels}
        for first in range(0, len(spans), TOGETHER):
            some = spans[first : first + TOGETHER]
            for row in self.snapshot.sums(declaration, columns, some, where=where, by=by, by_time=True):
                found[(row[0],)].append(row[1:])
        return found

    def check_kept(self) -> None:
        """Raise NoLongerKept where the answer needs buckets that retention has removed."""
        needed = [*self.tiling.spans(), *self.tiling.series(self.asked.granularity)[0]]
        instead = " in the zone that the store keeps days of" if self.tiling.by_hours else ", or by the day"
        kept = (("hour", self.horizon.hours, instead), ("day", self.horizon.days, ""))
        for grain, since, instead in kept:
            if any(span.grain == grain and span.start < since for span in needed):
                raise NoLongerKept(grain=grain, since=self.tiling.local(since), instead=instead)

    def before(self) -> Tiling | None:
        """Return the period before, None where its buckets are no longer kept."""
        before = self.tiling.before()
        since = {"hour": self.horizon.hours, "day": self.horizon.days}
        return None if any(span.start < since[span.grain] for span in before.spans()) else before

    def completeness(self) -> Completeness:
        """Say what the answer stands on."""
        start, partial = self.tiling.start, self.snapshot.partial() if self.horizon.seal else {}
        since = max((partial.get(name, 0) for name in self.names), default=0)
        position = min(self.snapshot.positions[name] for name in self.names)
        events, seconds = self.source.lag(position)
        unreadable = sum(self.snapshot.unreadable(name, self.tiling.start, self.tiling.end) for name in self.names)
        return Completeness(
            position=position,
            lag_events=events,
            lag_seconds=seconds,
            unreadable=unreadable,
            open_buckets=self.tiling.end > self.source.clock().timestamp(),
            sealed_until=self.tiling.local(self.horizon.until) if start < self.horizon.until else None,
            complete_from=self.tiling.local(since) if start < since else None,
        )


# ── keys and entities ───────────────────────────────────────────────────────────────────────────────────────────


@frozen
class Grouping:
    """Keys to group by and to filter by, in the words of the projection, and the words that were asked with."""

    where: dict[str, str]
    by: list[str]
    words: list[str]


def grouping(declaration: Declaration, by: Sequence[str], where: Mapping[str, str]) -> Grouping:
    """Translate asked keys: an entity such as `user` is short for its `entity_type` and `entity_id`.

    Raises UnknownKey. Without any word about entities, every event counts once.
    """
    own = {key.name for key in declaration.keys}
    filters: dict[str, str] = {}
    groups: list[str] = []
    for word, value in where.items():
        for key, wanted in _of_entity(declaration, own, word, check_text(word, str(value))):
            if filters.setdefault(key, wanted) != wanted:
                _unknown(declaration, word, one=True)
    for word in by:
        for key, wanted in _of_entity(declaration, own, word, None):
            if wanted is None:
                groups.append(key)
            elif filters.setdefault(key, wanted) != wanted:
                _unknown(declaration, word, one=True)
    if declaration.entities:
        type_key, id_key = declaration.entity_key("type"), declaration.entity_key("id")
        if not {type_key, id_key} & {*filters, *groups}:
            filters[type_key] = ""
    return Grouping(filters, groups, list(by))


def several(declaration: Declaration, words: Iterable[str]) -> tuple[str, ...]:
    """Return the entities that are asked for where they are more than one, in order; raises UnknownKey.

    Their rows are those of `Declaration.crossed`: a read model has rows of one entity alone, and none of what belongs
    to no such entity, which a filter may ask for by the id "".
    """
    nobody = isinstance(words, Mapping) and "" in words.values()
    words = list(words)
    own = {key.name for key in declaration.keys if not key.of_entity}
    entities = tuple(each for each in declaration.entities if each in words and each not in own)
    if len(entities) < 2 and not (nobody and entities):
        return ()
    for word in words:
        if word not in own and word not in entities:
            _unknown(declaration, word, one=True)
    return entities


def least(declaration: Declaration, words: Sequence[str] | None) -> Declaration:
    """Return a definition of no more rows than a question by these words needs; None: words that are not known.

    Raises UnknownKey.
    """
    entities = several(declaration, words or ())
    if entities or not declaration.entities:
        return declaration.crossed(entities)
    keys = {declaration.entity_key("type"), declaration.entity_key("id")}
    if words is None or keys & {*words}:
        return declaration
    one = tuple(each for each in declaration.entities if each in words)
    return evolve(declaration, entities=one) if one else declaration.crossed(())


def _of_entity(declaration: Declaration, own: set[str], word: str, value: str | None) -> list[tuple[str, Any]]:
    if word in own:
        return [(word, value)]
    if (crossed := crossing_key(word)) in own:
        return [(crossed, value)]
    if word in declaration.entities:
        return [(declaration.entity_key("type"), word), (declaration.entity_key("id"), value)]
    return _unknown(declaration, word)


def _unknown(declaration: Declaration, word: str, *, one: bool = False) -> NoReturn:
    names = [key.name for key in declaration.keys] + list(declaration.entities)
    hint = ""
    if one:
        hint = " (several entities are asked for by their own names, not by entity_type and entity_id)"
    elif word.startswith(TAG):
        hint = f"; attributes once declared, of cost by tags = [{word.removeprefix(TAG)!r}] (docs/dimensions.md)"
    raise UnknownKey(key=word, projection=declaration.name, keys=", ".join(names) + hint)


def check_text(key: str, value: str) -> str:
    """Return a text to look for; raises BadValue for one that no database can be asked for."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadValue(key=key, problem="half of a surrogate pair") from None
    if "\0" in value:
        raise BadValue(key=key, problem="a NUL character")
    return value


def check_entity(declaration: Declaration, entity: str | None, entity_id: str | None) -> None:
    """Raise UnknownEntity for what the projection does not spread over, and for an id of no type."""
    if entity not in declaration.entities and (entity, entity_id) != (None, None):
        raise UnknownEntity(entity=entity, projection=declaration.name, entities=", ".join(declaration.entities))


# ── metrics ─────────────────────────────────────────────────────────────────────────────────────────────────────


def metrics(declarations: Sequence[Declaration]) -> list[MetricInfo]:
    """List every metric that can be asked for."""
    return [
        MetricInfo(
            name=f"{each.name}.{measure.name}",
            kind=measure.kind,
            unit=measure.unit,
            projection=each.name,
            keys=[*(key.name for key in each.keys if not key.of_entity), *each.entities],
        )
        for each in declarations
        for measure in each.measures
    ]


def find_metric(declarations: Sequence[Declaration], metric: str) -> tuple[Declaration, Measure]:
    """Return where a metric comes from; raises UnknownMetric, naming the close ones."""
    known = {f"{each.name}.{measure.name}": (each, measure) for each in declarations for measure in each.measures}
    if metric in known:
        return known[metric]
    close = difflib.get_close_matches(str(metric), known, n=3, cutoff=0.4)
    hint = f": did you mean {' or '.join(close)}?" if close else ""
    raise UnknownMetric(metric=metric, hint=hint)


def summary(
    source: QuestionContext, metric: str, period: TimePeriod, *, group_by: Sequence[str], where: Mapping[str, str]
) -> MetricSummary:
    """Answer get_summary."""
    declared, wanted = find_metric(list(source.read_models.declarations.values()), metric)
    where = source.known(where)
    with source.question([declared.name], period) as question:
        declaration, measure = question.measure(declared, wanted)
        asked = grouping(declaration, group_by, where)
        once = grouping(declaration, [], where)
        whole = _summary(question, declaration, measure, asked, once.where, metric)
        if measure.unit != MONEY:
            return whole
        return _by_currency(question, declaration, measure, asked, once.where, whole)


def _by_currency(
    question: Question,
    declaration: Declaration,
    measure: Measure,
    asked: Grouping,
    once: Mapping[str, str],
    whole: MetricSummary,
) -> MetricSummary:
    """Money of different currencies is never added: one summary each, and figures only where there is one currency."""
    rows = question.snapshot.sums(declaration, measure.columns, question.tiling.spans(), where=once, by=[MONEY])
    currencies = [row[0] for row in rows if any(value is not None for value in row[1:])]
    each = [
        evolve(
            _summary(
                question,
                declaration,
                measure,
                evolve(asked, where={**asked.where, MONEY: currency}),
                {**once, MONEY: currency},
                whole.metric,
            ),
            currency=currency,
        )
        for currency in currencies
    ]
    if len(each) == 1:
        return evolve(each[0], by_currency=each)
    empty = nothing(measure)
    return evolve(
        whole,
        by_currency=each,
        figures=empty,
        previous=empty,
        change=None,
        groups=[],
        series=[evolve(point, figures=empty) for point in whole.series],
    )


def _summary(
    question: Question,
    declaration: Declaration,
    measure: Measure,
    asked: Grouping,
    once: Mapping[str, str],
    metric: str,
) -> MetricSummary:
    def of(tiling: Tiling | None) -> Distribution:
        if tiling is None:
            return Distribution()
        rows = question.snapshot.sums(declaration, measure.columns, tiling.spans(), where=once)
        return distribution(measure, rows[0]) if rows else nothing(measure)

    figures, previous = of(question.tiling), of(question.before())
    series = question.points(declaration, [measure], once)
    return MetricSummary(
        metric=metric,
        unit=measure.unit,
        period=question.period,
        figures=figures,
        series=[
            MetricPoint(
                start=question.tiling.local(start),
                figures=distribution(measure, rows[0]) if rows else nothing(measure),
            )
            for (start,), rows in series.items()
        ],
        groups=_groups(question, declaration, measure, asked) if asked.by else [],
        previous=previous,
        change=change(figures.total, previous.total),
        currency=None,
        by_currency=[],
        completeness=question.completeness(),
    )


def _groups(question: Question, declaration: Declaration, measure: Measure, asked: Grouping) -> list[MetricGroup]:
    width = len(asked.by)
    spans = question.tiling.spans()
    rows = question.snapshot.sums(declaration, measure.columns, spans, where=asked.where, by=asked.by)
    names = dict(zip(asked.by, asked.words, strict=True))
    groups = [
        MetricGroup(
            keys={names[key]: value for key, value in zip(asked.by, row[:width], strict=True)},
            figures=distribution(measure, row[width:]),
        )
        for row in rows
    ]
    if declaration.entities and declaration.entity_key("type") in asked.by:
        # Grouped by the entity's type, the entity "" (every event once) is not one of the groups.
        groups = [group for group in groups if group.keys[names[declaration.entity_key("type")]]]
    return sorted(groups, key=lambda group: -(_size(group.figures) or 0))


def _size(figures: Distribution) -> Any:
    """Return what groups are ordered by: the total, else the extreme it keeps."""
    known = (figures.total, figures.maximum, figures.minimum)
    return next((value for value in known if value is not None), None)
