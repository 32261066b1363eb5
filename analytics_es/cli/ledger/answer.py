"""What the ledger says of a period: by day, agent, model, project and machine, and in blocks of hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from analytics_es.cli.ledger.blocks import HOUR, HoursBlock, begins_anew, blocks
from analytics_es.cli.ledger.figures import Bucket, Figures, Named, by_name
from analytics_es.errors import NoLongerKept
from analytics_es.events.event import EARLIEST, time_of
from analytics_es.ingest.sessions.agents import every
from analytics_es.types import Completeness, CostBreakdown, Progress, TimePeriod, UnknownCost, UnpricedUsage

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService

Where = dict[str, str]

PROJECT, MACHINE = "attributes.project", "attributes.machine"
LOOK_BACK = timedelta(days=7)  # before a period: where a block begins depends on the one before


@frozen(kw_only=True)
class AgentBlocks:
    """The blocks of one agent in the period, of all its projects; `hours`: how long one is."""

    agent: str
    hours: int
    blocks: list[HoursBlock]


@frozen(kw_only=True)
class Ledger:
    """What agents used and cost in a period.

    total: of all; days: those with calls, in their order; agents, models, projects, machines: what costs most first.
    blocks: of agents whose provider counts so.
    unknown: calls of which the cost is not known, by model and reason; unpriced: usage that has no price.
    before: how many calls there are before the period; None where that was not counted, by agent and project at once.
    completeness: what each answer stands on.
    """

    period: TimePeriod
    total: Figures
    days: list[Bucket]
    agents: list[Named]
    models: list[Named]
    projects: list[Named]
    machines: list[Named]
    blocks: list[AgentBlocks]
    unknown: list[UnknownCost]
    unpriced: list[UnpricedUsage]
    before: int | None
    completeness: list[Completeness]

    @classmethod
    def empty(cls, period: TimePeriod) -> Ledger:
        """Return what is said where there is no ledger."""
        lists = ("days", "agents", "models", "projects", "machines", "blocks", "unknown", "unpriced", "completeness")
        return cls(period=period, total=Figures(), before=0, **{name: [] for name in lists})


def ledger_of(
    service: AnalyticsService,
    period: TimePeriod,
    now: datetime,
    *,
    agents: Sequence[str] = (),
    project: str = "",
    progress: Progress | None = None,
) -> Ledger:
    """Ask all that the ledger says of a period, of some agents or all, of a project or all.

    What two of these say together, such as what an agent did for each project, is derived from the log, which
    `progress` is told of.
    """
    everybody = service.get_cost_breakdown(period, by=["agent"]).unwrap()
    service.catch_up(thresholds=False)  # the first question about cost tells the log which prices are in use
    is_all = not agents or {row.keys["agent"] for row in everybody.rows} <= {*agents}
    filters: list[Where] = [{}] if is_all else [{"agent": name} for name in agents]
    if project:
        filters = [{**where, PROJECT: project} for where in filters]

    def broken_down(key: str) -> list[CostBreakdown]:
        return [
            service.get_cost_breakdown(period, by=[key], where=where, progress=progress).unwrap() for where in filters
        ]

    def named(key: str) -> list[Named]:
        return by_name((row for answer in broken_down(key) for row in answer.rows), key)

    models = broken_down("model")
    total = Figures()
    for figures in (of_models := by_name((row for answer in models for row in answer.rows), "model")):
        total.add(figures)
    return Ledger(
        period=period,
        total=total,
        days=_series(service, period, models, filters),
        agents=named("agent"),
        models=of_models,
        projects=named(PROJECT),
        machines=named(MACHINE),
        blocks=_blocks(service, period, now, agents),
        unknown=[unknown for answer in models for unknown in answer.unknown],
        unpriced=[unpriced for answer in models for unpriced in answer.unpriced],
        before=_before(service, period, agents, project),
        completeness=[answer.completeness for answer in models],
    )


def _series(
    service: AnalyticsService, period: TimePeriod, answers: Sequence[CostBreakdown], filters: Sequence[Where]
) -> list[Bucket]:
    """Return the buckets of time with calls, by the instant: as clocks are set back, two hours have one local time."""
    buckets: dict[datetime, Bucket] = {}
    for point in (point for answer in answers for point in answer.series):
        if point.calls or point.cost:
            bucket = buckets.setdefault(point.start.astimezone(UTC), Bucket(start=point.start))
            bucket.charge(point.calls, point.currency, point.cost if point.currency else None)
    for name in ("input_tokens", "output_tokens", "cache_read_tokens"):
        for where in filters:
            for entry in service.get_summary(f"cost.{name}", period, where=where).unwrap().series:
                if tokens := entry.figures.total:
                    bucket = buckets.setdefault(entry.start.astimezone(UTC), Bucket(start=entry.start))
                    setattr(bucket, name, getattr(bucket, name) + int(tokens))
    return [bucket for _, bucket in sorted(buckets.items())]


def _before(service: AnalyticsService, period: TimePeriod, agents: Sequence[str], project: str) -> int | None:
    """Return how many calls there are before a period; None where only all of the log could tell."""
    if agents and project:
        return None
    filters: list[Where] = [{PROJECT: project}] if project else [{"agent": name} for name in agents] or [{}]
    earlier = TimePeriod(EARLIEST, period.start, "total")
    counts = [service.get_summary("cost.calls", earlier, where=where).unwrap().figures.count for where in filters]
    return sum(filter(None, counts))


# ── blocks of hours ─────────────────────────────────────────────────────────────────────────────────────────────


def _blocks(service: AnalyticsService, period: TimePeriod, now: datetime, agents: Sequence[str]) -> list[AgentBlocks]:
    zone, result = period.start.tzinfo, []
    for agent in every(agents):
        if not agent.block:
            continue
        here = [
            evolve(
                block,
                start=block.start.astimezone(zone),
                end=block.end.astimezone(zone),
                first=block.first.astimezone(zone),
            )
            for block in blocks_of(service, period, now, agent.name, agent.block)
        ]
        if here:
            result.append(AgentBlocks(agent=agent.name, hours=agent.block, blocks=here))
    return result


def blocks_of(
    service: AnalyticsService, period: TimePeriod, now: datetime, agent: str, length: int
) -> list[HoursBlock]:
    """Return the blocks of an agent that reach into a period; as far before it is looked as it takes to be sure.

    Where hours are no longer kept, only those are told of which it is sure from the others where they begin.
    """
    start, now = period.start.astimezone(UTC), now.astimezone(UTC)
    end, first, back = min(period.end.astimezone(UTC), now + HOUR), _first_seen(service, now, agent), LOOK_BACK
    if first is None or start >= end:
        return []
    while True:
        since = start - back
        try:
            hours, is_kept = _hours(service, TimePeriod(since, end, "hour"), agent), True
        except NoLongerKept as error:
            since = error.details["since"].astimezone(UTC)
            hours, is_kept = _hours(service, TimePeriod(since, end, "hour"), agent) if since < end else [], False
        sure = hours if since <= first else begins_anew(hours, length)
        if since <= first or not hours or not is_kept or (sure and sure[0].start <= start):
            return [block for block in blocks(sure, length, now) if block.end > start]
        back *= 4


def _hours(service: AnalyticsService, period: TimePeriod, agent: str) -> list[Bucket]:
    where = {"agent": agent}
    answer = service.get_cost_breakdown(period, by=["agent"], where=where).unwrap()
    seen = service.get_summary("usage.first_seen", period, where=where).unwrap().series
    first = {
        entry.start.astimezone(UTC): time_of(int(entry.figures.minimum))
        for entry in seen
        if entry.figures.minimum is not None
    }
    return [
        evolve(bucket, start=(start := bucket.start.astimezone(UTC)), first=first.get(start))
        for bucket in _series(service, period, [answer], [where])
        if bucket.calls
    ]


def _first_seen(service: AnalyticsService, now: datetime, agent: str) -> datetime | None:
    everything = TimePeriod(EARLIEST, now + HOUR, "total")
    figures = service.get_summary("usage.first_seen", everything, where={"agent": agent}).unwrap().figures
    return None if figures.minimum is None else time_of(int(figures.minimum))
