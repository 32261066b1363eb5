"""Budgets → tables, where what is not known of their spending has a line of its own, and is in no sum."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from analytics_es.presentation import Block, Cell, Column, Columns, Grid, Line, Link, Number, Share, Styled, words
from analytics_es.presentation.charts.budgets import overspent
from analytics_es.presentation.tables.parts import ALARM, apart, cut, sealed, stands_on
from analytics_es.types import BudgetReport, BudgetStatus, BudgetThreshold, CreditStatus
from analytics_es.types.sentences import joined, sentence


def budget_report(
    answer: BudgetReport, top: int, budget: str | None = None, *, elsewhen: bool = False
) -> Iterator[Block]:
    """Return the tables of get_budgets, asked for all or one `budget`, which may have others `elsewhen`."""
    yield from apart(f"Budgets  {answer.at:%Y-%m-%d %H:%M} ({answer.at.tzinfo})", "bold cyan")
    if answer.budgets:
        yield from (budgets(answer.budgets, top), *unknown(answer.budgets), *course(answer.budgets, top))
        yield from (*thresholds(answer.budgets, top), *credits(answer.budgets, top))
    elif budget is not None:
        yield from apart(_not_there(budget, elsewhen))
    else:
        yield from apart(
            sentence("No budget has a period that holds this time: try another one, with --at, or name a budget.")
        )
    yield stands_on([answer.completeness], str(answer.at.tzinfo), *sealed([answer.completeness]))


def _not_there(budget: str, elsewhen: bool) -> str:
    if elsewhen:
        all_of_it = sentence("`analytics-es budgets {name}` lists all it has", name=shlex.quote(budget))
        return sentence(
            "The budget {budget!r} has no period that holds this time: {all_of_it}.", budget=budget, all_of_it=all_of_it
        )
    return sentence(
        "There is no budget {budget!r}: `analytics-es budgets` lists those of now, with --at of another time.",
        budget=budget,
    )


def budgets(
    shown: Sequence[BudgetStatus], top: int, more: str | None = None, *, title: str = "Budgets", bars: bool = True
) -> Block:
    """Return what is left of every budget, the fullest first; without `bars` where they are drawn beside."""
    decimals = words.places_by_currency(
        (budget.currency, amount) for budget in shown for amount in (budget.allocated, budget.spent)
    )

    def money(amount: Decimal | None, budget: BudgetStatus) -> str:
        return words.money(amount, budget.currency, decimals[budget.currency])

    def remaining(budget: BudgetStatus) -> Cell:
        text = money(budget.remaining, budget)
        return Styled(text, "red") if overspent(budget) else text

    columns: Columns[BudgetStatus] = [
        _NAME,
        Column("of", lambda budget: f"{budget.scope} {budget.scope_id}".strip() or words.UNKNOWN, drop=3),
        Number("allocated", lambda budget: money(budget.allocated, budget), exact=lambda budget: budget.allocated),
        Number("spent", lambda budget: money(budget.spent, budget), exact=lambda budget: budget.spent),
        Number("remaining", remaining, exact=lambda budget: budget.remaining),
        Number("used", lambda budget: words.percent(budget.used), drop=1, exact=lambda budget: budget.used),
    ]
    if bars:
        share: Column[BudgetStatus] = Column("", _share, drop=2, bar=True)
        columns = [*columns, share]
    return Grid(title, columns, *cut(shown, top, more))


def _share(budget: BudgetStatus) -> Cell:
    return Share(budget.used, "red" if overspent(budget) else "cyan")


def _name(budget: BudgetStatus) -> str:
    return budget.budget_id or "(none)"


def of_budget(budget: BudgetStatus) -> Link:
    """Return the way to one budget."""
    return Link(page="budgets", words={"budget": budget.budget_id or None})


_NAME: Column[BudgetStatus] = Column("budget", _name, link=of_budget)


def unknown(budgets: Sequence[BudgetStatus]) -> Iterator[Block]:
    """Return a line for each budget of which not all spending is known, or is in its currency."""
    lines: list[str] = []
    for budget in budgets:
        if budget.problem:
            text = sentence("{name}: spent is not known: {problem}", name=_name(budget), problem=budget.problem)
            lines.append(text)
        if budget.unknown_calls:
            calls = words.plural(budget.unknown_calls, "call")
            lines.append(f"{_name(budget)}: {calls} of unknown cost; at least this much is spent")
        if budget.other_currencies:
            spent = budget.other_currencies.items()
            others = ", ".join(words.money(amount, currency, words.places([amount])) for currency, amount in spent)
            lines.append(f"{_name(budget)}: not in {budget.currency}, and in no sum: {others}")
    if lines:
        yield from (*(Line(line, ALARM) for line in lines), Line())


_COURSE: Columns[BudgetStatus] = [
    _NAME,
    Column("from", lambda budget: _time(budget.starts_at)),
    Column("until", lambda budget: _time(budget.ends_at), drop=2),
    Number(
        "a day",
        lambda budget: words.money(budget.burn_rate, budget.currency, words.places([budget.burn_rate])),
        exact=lambda budget: budget.burn_rate,
    ),
    Number("used up by", lambda budget: _time(budget.exhausted_at), drop=1),
]


def course(budgets: Sequence[BudgetStatus], top: int) -> Iterator[Block]:
    """Return how fast each is spent, and when it will be."""
    if dated := [budget for budget in budgets if budget.starts_at]:
        yield Grid("Burn rate, so far, and where it leads", _COURSE, *cut(dated, top))


def _time(instant: datetime | None) -> str:
    return words.UNKNOWN if instant is None else f"{instant:%Y-%m-%d %H:%M}"


_Reached = tuple[BudgetStatus, BudgetThreshold]


def _event(row: _Reached) -> Link | None:
    position = row[1].position
    return None if position is None else Link(page="event", words={"position": str(position)})


_THRESHOLDS: Columns[_Reached] = [
    Column("budget", lambda row: _name(row[0]), link=lambda row: of_budget(row[0])),
    Number("percent", lambda row: f"{row[1].percent:f} %"),
    Column("reached at", lambda row: words.moment(row[1].reached_at)),
    Number("position", lambda row: words.count(row[1].position), drop=1, link=_event),
]


def thresholds(budgets: Sequence[BudgetStatus], top: int, *, reached: bool = True) -> Iterator[Block]:
    """Return the thresholds that were reached; or all of them, also those that were not."""
    rows = [(budget, step) for budget in budgets for step in budget.thresholds if step.reached_at or not reached]
    if rows:
        shown, remark = cut(rows, top)
        notes = [remark, "in percent of what was allocated by then: more was since" if any(map(_raised, shown)) else ""]
        title = "Thresholds reached" if reached else "Thresholds"
        yield Grid(title, _THRESHOLDS, shown, joined(" · ", filter(None, notes)))


def _raised(row: _Reached) -> bool:
    """Say whether less is used than the threshold that was reached: more was allocated since, or less was spent."""
    budget, step = row
    return step.reached_at is not None and budget.used is not None and 100 * budget.used < step.percent


def credits(budgets: Sequence[BudgetStatus], top: int) -> Iterator[Block]:
    """Return the grants of each budget that has any, in the order in which they burn."""
    for budget in budgets:
        if budget.credits:
            decimals = words.places([credit.amount for credit in budget.credits])
            columns = _credit_columns(budget.currency, decimals)
            yield Grid(f"Credits of {_name(budget)}", columns, *cut(budget.credits, top))
            if budget.overage:
                yield from apart(f"beyond all credits: {words.money(budget.overage, budget.currency, decimals)}", ALARM)


def _credit_columns(currency: str, decimals: int) -> Columns[CreditStatus]:
    return [
        Column("grant", lambda credit: credit.grant_id or "(none)"),
        Number(
            "granted",
            lambda credit: words.money(credit.amount, currency, decimals),
            exact=lambda credit: credit.amount,
        ),
        Number(
            "left",
            lambda credit: words.money(credit.balance, currency, decimals),
            exact=lambda credit: credit.balance,
        ),
        Column("from", lambda credit: _time(credit.starts_at), drop=2),
        Column("until", lambda credit: f"{_time(credit.ends_at)}{' (voided)' if credit.voided else ''}", drop=1),
        Column(
            "", lambda credit: Share(float(credit.balance / credit.amount) if credit.amount else None), drop=3, bar=True
        ),
    ]
