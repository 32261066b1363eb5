"""The page of performance: how fast and how reliable operations were, all of them or one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.errors import AnalyticsError, BadWord
from analytics_es.presentation import Column, Columns, Grid, Line, Link, Number, words
from analytics_es.presentation.blocks import Behind
from analytics_es.presentation.charts.performance import durations, error_rate
from analytics_es.presentation.pages import heads
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.pages.speed import Speed, narrowed
from analytics_es.presentation.parts import Choice, Choices, Page, Pair, Part, Section, Tile
from analytics_es.presentation.tables import performance as tables
from analytics_es.presentation.tables.parts import PERCENTILES
from analytics_es.presentation.tables.performance import QUANTILES
from analytics_es.types import Explanation, PerformanceMetrics, PerformancePoint, TimePeriod
from analytics_es.types.sentences import of_error

SHOWN, LISTED = 20, 10
# Calls of which the slowest are looked for unasked: the log is read for them, a second for about 60,000.
UNASKED = 60_000
NAMES = ("operation", "subject")


def made(asking: Asking) -> Page:
    """Return the page."""
    answer = asking.answers.get_performance_metrics(asking.period).unwrap()
    where = _where(asking)
    speed = narrowed(asking, where) if where else Speed.of_all(answer)
    lists = _lists(asking, speed, where)
    return Page(
        name="performance",
        title=_title(where),
        sub=heads.about(answer.period),
        parts=[_choices(answer, where), *_parts(asking, answer, speed, lists, where)],
        answers={
            **(speed.answers if where else {"performance": answer}),
            **{name: listed for name, listed in lists.items() if isinstance(listed, Explanation)},
        },
        foot=heads.foot([answer.completeness, *speed.completeness], answer.period, PERCENTILES),
    )


def _where(asking: Asking) -> dict[str, str]:
    """Return what the page is narrowed to: an operation, and what it is done on; raises BadWord."""
    question = asking.question
    where = {name: text for name in NAMES if (text := question.text(name)) is not None}
    if not question.flag("unnamed"):
        return where
    if "subject" in where:
        raise BadWord(problem="subject and unnamed ask for different calls: leave out one of them.")
    return {**where, "subject": ""}


def _title(where: Mapping[str, str]) -> str:
    if not where:
        return "Performance"
    operation, subject = where.get("operation", "all operations"), where.get("subject")
    return words.safe(operation if subject is None else f"{operation} on {subject or '(none)'}")


def _choices(answer: PerformanceMetrics, where: Mapping[str, str]) -> Part:
    operations = dict.fromkeys(row.operation for row in answer.operations)
    operation = where.get("operation")
    kinds = {"": "all operations", **{name: name for name in operations}}
    choices = [Choice(name="operation", label="Operation", options=kinds, chosen=[operation] if operation else [])]
    subjects = [row.subject for row in answer.operations if row.operation == operation and row.subject]
    if operation and subjects:
        chosen = [where["subject"]] if where.get("subject") else []
        options = {"": "all", **{name: name for name in subjects}}
        choices.append(Choice(name="subject", label="On", options=options, chosen=chosen))
    if where.get("subject") == "":
        options = {"": "that say on what, or not", "1": "that do not say on what"}
        choices.append(Choice(name="unnamed", label="Calls", options=options, chosen=["1"]))
    return Choices(choices)


# ── what is slow, and what fails ────────────────────────────────────────────────────────────────────────────────


def _lists(asking: Asking, speed: Speed, where: Mapping[str, str]) -> dict[str, Explanation | AnalyticsError]:
    """List the slowest calls and those that failed last; nothing where that takes long and was not asked for."""
    if speed.calls > UNASKED and not asking.question.flag("slowest"):
        return {}
    lists: dict[str, Explanation | AnalyticsError] = {}
    for name, measure, number in (("slowest", "duration", speed.calls), ("failed", "failures", speed.failures)):
        if number:
            how: dict[str, Any] = {"where": where, "limit": LISTED, **_ORDERS[name]}
            try:
                lists[name] = asking.answers.explain(f"performance.{measure}", asking.period, **how).unwrap()
            except AnalyticsError as error:
                lists[name] = error
    return lists


def _position(event: Any) -> Link:
    return Link(page="event", words={"position": str(event.position)})


# What was called comes first: there is little more room on a phone.
_WHAT: Columns[Any] = [
    Column("type", lambda event: event.type, link=_position),
    Column("subject", lambda event: event.subject, drop=1),
]
_WHICH: Columns[Any] = [
    Column("time", lambda event: words.moment(event.occurred_at)),
    Column("source", lambda event: event.source, drop=4),
    Column("id", lambda event: event.id, drop=3),
    Number("position", lambda event: words.count(event.position), link=_position),
]
_ERROR: Column[Any] = Column("error", lambda event: event.error_type, drop=2)
_DURATION: Column[Any] = Number(
    "duration", lambda event: words.duration(event.value), link=_position, exact=lambda event: event.value
)
_SLOWEST: Columns[Any] = [*_WHAT, _DURATION, *_WHICH]
_FAILED: Columns[Any] = [*_WHAT, _ERROR, *_WHICH]
_ORDERS: Mapping[str, dict[str, Any]] = {"slowest": {"largest": True}, "failed": {"latest": True}}


def _listed(
    name: str, title: str, which: str, columns: Columns[Any], listed: Explanation | AnalyticsError | None, more: Link
) -> Iterator[Section]:
    if isinstance(listed, AnalyticsError):
        yield Section(title=title, parts=[Line(of_error(listed), "yellow")])
    elif listed and listed.count:
        remark = f"the {which} {len(listed.events)} of {listed.count:,}" if listed.omitted else ""
        yield Section(title=title, parts=[Grid(title, columns, listed.events, remark)], answer=name, more=more)


# ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _parts(
    asking: Asking,
    answer: PerformanceMetrics,
    speed: Speed,
    lists: Mapping[str, Explanation | AnalyticsError],
    where: Mapping[str, str],
) -> Iterator[Part]:
    if not speed.calls:
        yield from heads.nothing("calls that ended" if not where else "such calls", answer.completeness)
        return
    yield heads.leading(_tiles(speed, where))
    main = "duration" if where else "performance"
    yield from _charts(answer.period, speed)
    for grid in _by_time(answer, speed, where):
        yield Section(title=grid.title, parts=[grid], answer=main, table="series")
    rows = [row for row in answer.operations if {**tables.keys(row), **where} == tables.keys(row)]
    if len(rows) > 1 or not where:
        top = asking.question.number("top", SHOWN)
        shown = tables.operation_grid(rows, top)
        yield Section(
            title="Operations", parts=[shown], answer="" if where else main, table="" if where else "operations"
        )
    if speed.calls > UNASKED and not lists:
        ask = Link(text="look for them", words={"slowest": "1"})
        text = f"Of {speed.calls:,} calls the slowest are found by reading the log, which takes a while."
        yield Section(title="Slowest calls", parts=[Line(text)], more=ask)
    slowest, failed = (
        heads.behind(f"performance.{measure}", where, **_ORDERS[name])
        for name, measure in (("slowest", "duration"), ("failed", "failures"))
    )
    yield from _listed("slowest", "Slowest calls", "longest", _SLOWEST, lists.get("slowest"), slowest)
    yield from _listed("failed", "Failed calls", "latest", _FAILED, lists.get("failed"), failed)


def _tiles(speed: Speed, where: Mapping[str, str]) -> Iterator[Tile]:
    def behind(measure: str) -> Behind:
        return Behind(metric=f"performance.{measure}", where=where)

    yield Tile(label="Calls", figure=words.count(speed.calls), behind=behind("calls"), exact=speed.calls)
    yield Tile(
        label="Failed",
        figure=words.percent(speed.error_rate),
        note=words.plural(speed.failures, "call"),
        behind=behind("failures"),
        exact=speed.error_rate,
    )
    for name in QUANTILES:
        figure = getattr(speed.duration, name)
        note = f"longest {words.duration(speed.duration.maximum)}" if name == "p99" else ""
        yield Tile(label=name, figure=words.duration(figure), note=note, behind=behind("duration"), exact=figure)
    if speed.first_chunk and speed.first_chunk.count:
        yield Tile(
            label="First chunk p50",
            figure=words.duration(speed.first_chunk.p50),
            note=f"p95 {words.duration(speed.first_chunk.p95)}",
            behind=behind("time_to_first_chunk"),
            exact=speed.first_chunk.p50,
        )
    if speed.unknown:
        yield Tile(
            label="Outcome unknown",
            figure=words.count(speed.unknown),
            note="ended and do not say how",
            alarm=True,
            behind=behind("unknown"),
            exact=speed.unknown,
        )


def _charts(period: TimePeriod, speed: Speed) -> Iterator[Part]:
    slow, failed = durations(period, speed.points), error_rate(period, speed.points)
    if slow:
        how_long = Section(title="How long calls took", parts=[slow])
        yield Pair(left=how_long, right=Section(title="How many failed", parts=[failed])) if failed else how_long


def _by_time(answer: PerformanceMetrics, speed: Speed, where: Mapping[str, str]) -> Iterator[Grid[Any]]:
    if not where:
        yield from tables.by_time(answer)
        return
    total = PerformancePoint(
        start=answer.period.start,
        calls=speed.calls,
        failures=speed.failures,
        error_rate=speed.error_rate,
        duration_ms=speed.duration,
        unknown=speed.unknown,
    )
    yield from tables.of_time(answer.period, speed.points, total, where, goes_on=answer.completeness.open_buckets)


KIND = Kind(
    name="performance",
    title="Performance",
    words=(*NAMES, "unnamed", "slowest", "top"),
    made=heads.unless_missing("performance", "Performance", "performance", made),
)
