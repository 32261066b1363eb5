"""How a budget is spent over its period: asked by buckets of time, added up, and drawn with where its rate leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from analytics_es.presentation import Behind, Line, words
from analytics_es.presentation.asked import for_a_screen
from analytics_es.presentation.charts.chart import Chart, Level, Series
from analytics_es.presentation.pages.asking import Asking
from analytics_es.presentation.parts import Part
from analytics_es.projection.calendar import Calendar
from analytics_es.types import BudgetStatus, TimePeriod

LONGEST = 32 * 86_400  # seconds, which are more than any bucket has
MOST = 150  # buckets of a chart, those to come too
NOTHING = Decimal(0)


@frozen(kw_only=True)
class Burnt:
    """What is spent of a budget, bucket by bucket.

    period: the part of the budget's own period that has passed, with the granularity of its buckets.
    starts: where each begins, in the zone that is shown.
    amounts: what is spent in each, in the currency of the budget.
    answers: from which this is, by name.
    """

    period: TimePeriod
    starts: Sequence[datetime]
    amounts: Sequence[Decimal]
    answers: Mapping[str, Any]

    @property
    def spent(self) -> Decimal:
        """What all of them come to."""
        return sum(self.amounts, NOTHING)

    def behind(self, budget: BudgetStatus) -> Behind | None:
        """Return the events behind what is spent of a budget; None where they are of two kinds, or come to less."""
        if self.spent != budget.spent or not self.spent:
            return None
        bounds = {"start": self.period.start, "end": self.period.end}
        if not budget.scope:
            return Behind(metric="budgets.spent", where=named(budget), **bounds)
        if self.answers["spent"].figures.total:
            return None
        return Behind(metric="cost.cost", where={**scope(budget), "currency": budget.currency}, **bounds)

    def unknown(self, budget: BudgetStatus) -> Behind:
        """Return the calls of which the cost is not known."""
        where = {**scope(budget), "currency": ""}
        return Behind(metric="cost.cost", where=where, start=self.period.start, end=self.period.end)


def named(budget: BudgetStatus) -> dict[str, str]:
    """Return what events of a budget are told by."""
    return {"budget_id": budget.budget_id, "currency": budget.currency}


def scope(budget: BudgetStatus) -> dict[str, str]:
    """Return whose calls count against a budget."""
    return {} if budget.scope in ("", "all") else {budget.scope: budget.scope_id}


def burnt(asking: Asking, budget: BudgetStatus, at: datetime) -> Burnt | None:
    """Ask what was spent of a budget by time, up to a time; None where its period has not begun or does not say."""
    period = _passed(asking, budget, at)
    if period is None:
        return None
    taken = asking.answers.get_summary("budgets.spent", period, where=named(budget)).unwrap()
    amounts = {point.start.astimezone(UTC): point.figures.total or NOTHING for point in taken.series}
    answers: dict[str, Any] = {"spent": taken}
    if budget.scope:
        cost = asking.answers.get_cost_breakdown(period, by=(), where=scope(budget)).unwrap()
        for point in cost.series:
            if point.currency == budget.currency:
                start = point.start.astimezone(UTC)
                amounts[start] = amounts.get(start, NOTHING) + (point.cost or NOTHING)
        answers["cost"] = cost
    starts = sorted(amounts)
    return Burnt(
        period=taken.period,
        starts=[start.astimezone(period.start.tzinfo) for start in starts],
        amounts=[amounts[start] for start in starts],
        answers=answers,
    )


def _passed(asking: Asking, budget: BudgetStatus, at: datetime) -> TimePeriod | None:
    """Return what has passed of a budget's period, in whole hours, as its spending is counted."""
    zone = asking.period.start.tzinfo
    if budget.starts_at is None or not isinstance(zone, ZoneInfo):
        return None
    hour = datetime.fromtimestamp(Calendar(str(zone)).next_hour(int(at.timestamp())), zone)
    start = budget.starts_at.astimezone(zone)
    end = hour if budget.ends_at is None else min(hour, budget.ends_at.astimezone(zone))
    if start.timestamp() >= end.timestamp():
        return None
    drawn = TimePeriod(start, max(end, budget.ends_at or budget.exhausted_at or end))  # with what is to come
    return TimePeriod(start, end, for_a_screen(drawn).granularity)


def drawn(budget: BudgetStatus, burnt: Burnt) -> Iterator[Part]:
    """Return the chart of what is spent so far, or why there is none.

    What calls cost and what `budget.spent` events took is asked apart. Only where both come to what is spent, to the
    last digit, is it drawn: nothing is spread over time that events do not tell.
    """
    if budget.spent is None:
        return
    if burnt.spent != budget.spent:
        places = words.places([budget.spent, burnt.spent])
        by_the_hour, spent = (words.money(amount, budget.currency, places) for amount in (burnt.spent, budget.spent))
        yield Line(
            f"How it was spent over time cannot be shown: by the hour it is {by_the_hour}, in all {spent}.", "yellow"
        )
        return
    yield _chart(budget, burnt)


def _chart(budget: BudgetStatus, burnt: Burnt) -> Chart:
    places = words.places([budget.allocated, budget.spent])

    def money(amount: Decimal | None) -> str:
        return words.money(amount, budget.currency, places)

    to_come = _to_come(budget, burnt)
    so_far, total = list[Decimal | None](), NOTHING
    for amount in burnt.amounts:
        total += amount
        so_far.append(total)
    so_far += [None] * len(to_come)
    starts = [*burnt.starts, *to_come]
    series = [Series(name="spent", figures=so_far, texts=[money(amount) for amount in so_far])]
    if budget.burn_rate:
        line = [_at_rate(budget, end) for end in (*starts[1:], _end(starts[-1], budget, burnt))]
        series.append(Series(name="at the rate so far", figures=line, texts=[money(amount) for amount in line]))
    allocated = budget.allocated
    levels = [] if allocated is None else [Level(name="allocated", figure=allocated, text=money(allocated))]
    return Chart(
        title=f"Spent by the end of each {burnt.period.granularity}, and where the rate so far leads",
        kind="lines",
        starts=starts,
        labels=words.starts(starts),
        series=series,
        unit=budget.currency,
        levels=levels,
    )


def _at_rate(budget: BudgetStatus, end: datetime) -> Decimal:
    """Return what would be spent by a time at the rate so far; the line goes through what is spent now."""
    begins = budget.starts_at or end
    return (budget.burn_rate or NOTHING) * Decimal(end.timestamp() - begins.timestamp()) / 86_400


def _to_come(budget: BudgetStatus, burnt: Burnt) -> list[datetime]:
    """Return the buckets that begin from now to the end of the budget's period, or to when nothing remains."""
    until, end, zone = budget.ends_at or budget.exhausted_at, burnt.period.end, burnt.period.start.tzinfo
    if until is None or end.timestamp() >= until.timestamp():
        return []
    bounds = int(end.timestamp()), int(until.timestamp())
    starts = [start for start in Calendar(str(zone)).starts(burnt.period.granularity, *bounds) if start >= bounds[0]]
    return [datetime.fromtimestamp(start, zone) for start in starts[: max(MOST - len(burnt.starts), 0)]]


def _end(start: datetime, budget: BudgetStatus, burnt: Burnt) -> datetime:
    """Return where the last bucket ends, which goes on no longer than the budget."""
    bounds = int(start.timestamp()), int(start.timestamp()) + LONGEST
    end = datetime.fromtimestamp(Calendar(str(start.tzinfo)).starts(burnt.period.granularity, *bounds)[1], UTC)
    return min(end, budget.ends_at) if budget.ends_at else end
