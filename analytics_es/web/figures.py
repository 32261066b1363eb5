"""Figures for machines: what is recorded, spent, behind and unknown, in few series, to which no event can add."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from attrs import frozen

from analytics_es import __version__
from analytics_es.cost.budgets.accounts import BUDGETS
from analytics_es.service import AnalyticsService
from analytics_es.types import BudgetStatus, CostRow, Health, ProjectionHealth
from analytics_es.web.counts import Counts

MODELS, NAMED_BUDGETS, CURRENCIES = 20, 20, 5  # that are told apart
LONGEST = 128  # characters of a label
NONE, OTHERS = "(none)", "(others)"
# Also within another name, such as user-p_…-march: rather one that is nobody's too many.
PSEUDONYM = re.compile(r"(?<![A-Za-z0-9])p_[A-Za-z0-9_-]{16,}")
# No label is a person: users, tenants and conversations are none. Whose budgets are named after nobody; all others are
# one series a scope.
NAMED_SCOPES = ("all", "model")
SUMMED = {"tenant": "(tenants)", "user": "(users)", "": "(no scope)"}

HERE = "through this process since its start"

Labels = tuple[str, ...]
Kind = Literal["counter", "gauge", "info"]
Amount = int | float | Decimal


@frozen(kw_only=True)
class Family:
    """Series of one name: of a counter it is told without its end `_total`."""

    name: str
    help: str
    kind: Kind = "gauge"
    labels: Labels = ()
    samples: Mapping[Labels, Amount]


def plain(name: str, help: str, amount: Amount | None, kind: Kind = "gauge") -> Family:
    """Return a family of one series without labels; of what is not known there is none."""
    return Family(name=name, help=help, kind=kind, samples={} if amount is None else {(): amount})


def by(label: str, name: str, help: str, amounts: Mapping[str, Amount], kind: Kind = "gauge") -> Family:
    """Return a family of a series for each text of one label."""
    samples: dict[Labels, Amount] = {(text,): amount for text, amount in amounts.items()}
    return Family(name=name, help=help, kind=kind, labels=(label,), samples=samples)


# ── of this process ─────────────────────────────────────────────────────────────────────────────────────────────


def of_build() -> Family:
    """Say which version this is."""
    return by("version", "build", "The version of analytics_es.", {__version__: 1}, "info")


def of_requests(counts: Counts) -> Family:
    """Count requests by the status of their answers; those of probes and of scrapes are not among them."""
    help = "Requests since the start of this process, by the status of the answer; without those of health and metrics."
    return by("status", "http_requests", help, dict(sorted(counts.answers().items())), "counter")


def of_recording(service: AnalyticsService) -> list[Family]:
    """Say what became of everything that this process handed in."""
    stats = service.stats()

    def counter(name: str, help: str, number: int) -> Family:
        return plain(name, f"{help}, {HERE}.", number, "counter")

    def by_code(name: str, help: str, numbers: Mapping[str, int]) -> Family:
        return by("code", name, f"{help}, by code, {HERE}.", numbers, "counter")

    unwritten = "Calls that recorded nothing because the store could not be written"
    return [
        counter("events_recorded", "Events that are new in the log", stats.recorded),
        counter("events_duplicate", "Events that were there before, and changed nothing", stats.duplicates),
        counter("events_differing", "Duplicates that told something else than what is stored", stats.differing),
        by_code("events_refused", "Events that were refused", stats.refused_by_code),
        counter("events_kept", "Messages and spans that gave no event and are kept with the reason", stats.kept),
        by_code("failed_calls", unwritten, stats.failed_by_code),
        plain("buffer_events", "Events that wait in buffers of this process to be committed.", stats.buffered),
        counter("buffer_dropped_events", "Events that found a full buffer", stats.dropped),
        counter("buffer_lost_events", "Events that buffers had accepted and gave up", stats.lost),
    ]


# ── of the store ────────────────────────────────────────────────────────────────────────────────────────────────


def of_health(health: Health) -> list[Family]:
    """Say whether the store is ready, and how far its read models are."""

    def of_each(name: str, help: str, amount: Callable[[ProjectionHealth], Amount]) -> Family:
        return by("projection", f"projection_{name}", help, {one.name: amount(one) for one in health.projections})

    stopped = "1 where something keeps the projection from going on in this process, else 0."
    failed = {check.name: int(check.state == "failed") for check in health.checks}
    return [
        plain("ready", "1 where the store is ready, as /health/ready says; else 0.", int(health.ready)),
        by("check", "check_failed", "1 where a check of health has failed, else 0.", failed),
        plain("log_position", "The last position of the log.", health.position),
        of_each("position", "Every event up to this position is in the read model.", lambda one: one.position),
        of_each("lag_events", "Events that the log holds beyond the read model.", lambda one: one.lag_events),
        of_each("lag_seconds", "How long the first of these events has been waiting.", lambda one: one.lag_seconds),
        of_each("stopped", stopped, lambda one: int(one.error is not None)),
    ]


def of_dead_letters(service: AnalyticsService) -> list[Family]:
    """Count what projections could not read and nobody has accepted."""
    with service.store.read_models.read() as snapshot:
        numbers = {name: snapshot.open_letters(name) for name in sorted(snapshot.live)}
    help = "Values that the projection could not read and nobody has accepted."
    return [by("projection", "projection_dead_letters", help, numbers)]


# ── money ───────────────────────────────────────────────────────────────────────────────────────────────────────


def of_costs(service: AnalyticsService) -> list[Family]:
    """Say what this month's calls cost, by model; money of several currencies is never added."""
    if "cost" not in service.store.read_models.declarations:
        return []
    breakdown = service.get_cost_breakdown("this-month", by=["model"]).unwrap()
    currencies = [total.currency for total in breakdown.totals]
    spend: dict[Labels, Amount] = {}
    for currency in currencies[:CURRENCIES]:
        for model, cost in _told_apart(_of(breakdown.rows, currency, lambda row: row.cost or Decimal(0)), MODELS):
            spend[model, currency] = cost
    unknown = _told_apart(_of(breakdown.rows, "", lambda row: row.calls), MODELS)
    since = breakdown.period.start.timestamp()
    return [
        plain("month_start_timestamp_seconds", "When the month began that the figures of a month are of.", since),
        Family(
            name="month_spend",
            help="What the calls of this month cost, as far as it is known: in whole units of the currency, by model.",
            labels=("model", "currency"),
            samples=spend,
        ),
        plain("month_calls", "Calls of this month.", breakdown.calls),
        by("model", "month_unknown_cost_calls", "Calls of this month of which the cost is not known.", dict(unknown)),
        plain("month_other_currencies", "Currencies that month_spend leaves out.", _left_out(currencies)),
    ]


def of_budgets(service: AnalyticsService) -> list[Family]:
    """Say what is spent of the budgets whose period it is; those of tenants and users are summed."""
    if BUDGETS not in service.store.read_models.declarations:
        return []
    budgets = service.get_budgets().unwrap().budgets
    currencies = [currency for currency, _ in Counter(budget.currency for budget in budgets).most_common()]
    groups: dict[Labels, list[BudgetStatus]] = defaultdict(list)
    named = dict.fromkeys(name for budget in budgets if (name := _named(budget)) is not None)
    told_apart = set(list(named)[:NAMED_BUDGETS])
    for budget in budgets:
        if budget.currency in currencies[:CURRENCIES]:
            groups[_series_of(budget, told_apart)].append(budget)

    def gauge(name: str, help: str, amount: Callable[[Sequence[BudgetStatus]], Amount | None]) -> Family:
        samples = {
            labels: sum_of_group for labels, group in groups.items() if (sum_of_group := amount(group)) is not None
        }
        labels = ("budget", "scope", "currency")
        return Family(name=name, help=help, labels=labels, samples=samples)

    return [
        gauge("budgets", "Budgets whose period it is.", len),
        gauge("budgets_used_up", "Budgets of which all that was allocated is spent, or more.", _used_up),
        gauge("budget_allocated", "What is allocated to them, in whole units of the currency.", _allocated),
        gauge("budget_spent", "What is spent of them: the least it can be where calls are unknown.", _spent),
        gauge("budget_unknown_calls", "Calls that count against them of which the cost is not known.", _unknown),
        gauge("budget_problems", "Budgets of which what is spent is not known, and in no other figure.", _problems),
        plain("budget_other_currencies", "Currencies that the series of budgets leave out.", _left_out(currencies)),
    ]


def _used_up(group: Sequence[BudgetStatus]) -> int:
    return sum(budget.used is not None and budget.used >= 1 for budget in group)


def _allocated(group: Sequence[BudgetStatus]) -> Decimal | None:
    return _sum(budget.allocated for budget in group)


def _spent(group: Sequence[BudgetStatus]) -> Decimal | None:
    return _sum(budget.spent for budget in group)


def _unknown(group: Sequence[BudgetStatus]) -> int:
    return sum(budget.unknown_calls for budget in group)


def _problems(group: Sequence[BudgetStatus]) -> int:
    return sum(budget.spent is None for budget in group)


def _named(budget: BudgetStatus) -> str | None:
    """Return the name of a budget that is told apart from others; None where it may be that of somebody."""
    if budget.scope not in NAMED_SCOPES or PSEUDONYM.search(budget.budget_id):
        return None
    return label(budget.budget_id)


def _series_of(budget: BudgetStatus, told_apart: set[str]) -> Labels:
    name = _named(budget)
    shown = SUMMED.get(budget.scope, OTHERS) if name not in told_apart or name is None else name
    return shown, budget.scope or NONE, budget.currency


def _of(rows: Iterable[CostRow], currency: str, amount: Callable[[CostRow], Amount]) -> Iterable[tuple[str, Amount]]:
    return ((row.keys["model"], amount(row)) for row in rows if row.currency == currency)


def _told_apart(amounts: Iterable[tuple[str, Amount]], most: int) -> list[tuple[str, Amount]]:
    """Add amounts up by label: the largest by themselves, the rest as others."""
    sums: dict[str, Amount] = defaultdict(int)
    for name, amount in amounts:
        sums[label(name)] += amount  # type: ignore[operator]  # of one kind
    rest = sums.pop(OTHERS, None)
    ranked = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    others = [amount for _, amount in ranked[most:]] + ([] if rest is None else [rest])
    return [*ranked[:most], *([(OTHERS, sum(others))] if others else [])]


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _left_out(currencies: Sequence[str]) -> int:
    return max(len(currencies) - CURRENCIES, 0)


def label(text: str) -> str:
    """Return a name of an event as a label: of a length, in one line, never empty, and without anybody's pseudonym."""
    shown = PSEUDONYM.sub("(somebody)", text)[:LONGEST]
    return "".join(sign if sign.isprintable() else "?" for sign in shown) or NONE
