"""Budgets → tables. What is not known of their spending has a line of its own, and is in no sum."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from analytics_es.cli.display import Block, Cell, Column, Grid, Line, Share, Styled, words
from analytics_es.cli.tables.parts import MORE, cut, sealed, stands_on
from analytics_es.types import BudgetReport, BudgetStatus, CreditStatus

_ALARM = "bold yellow"


def budget_report(answer: BudgetReport, top: int) -> list[Block]:
    """Return the tables of get_budgets."""
    blocks: list[Block] = [Line(f"Budgets  {answer.at:%Y-%m-%d %H:%M} ({answer.at.tzinfo})", "bold cyan"), Line()]
    footer = stands_on([answer.completeness], str(answer.at.tzinfo), *sealed([answer.completeness]))
    if not answer.budgets:
        nothing = "No budget has a period that holds this time: try another one, with --at, or name a budget."
        return [*blocks, Line(nothing, "yellow"), Line(), footer]
    blocks += [budgets(answer.budgets, top), *_unknown(answer.budgets)]
    blocks += [each for each in (_course(answer.budgets, top), _thresholds(answer.budgets, top)) if each.rows]
    return [*blocks, *_credits(answer.budgets, top), footer]


def budgets(found: Sequence[BudgetStatus], top: int, more: str = MORE) -> Grid:
    """Return what is left of every budget, the fullest first."""
    columns = [
        Column("budget"),
        Column("of", drop=3),
        Column("allocated", right=True),
        Column("spent", right=True),
        Column("remaining", right=True),
        Column("used", right=True, drop=1),
        Column("", bar=True, drop=2),
    ]
    decimals = words.places_by_currency((b.currency, amount) for b in found for amount in (b.allocated, b.spent))
    return Grid("Budgets", columns, *cut([_budget(each, decimals[each.currency]) for each in found], top, more))


def _budget(each: BudgetStatus, decimals: int) -> list[Cell]:
    over = each.remaining is not None and each.remaining < 0
    remaining = words.money(each.remaining, each.currency, decimals)
    return [
        _name(each),
        f"{each.scope} {each.scope_id}".strip() or words.UNKNOWN,
        words.money(each.allocated, each.currency, decimals),
        words.money(each.spent, each.currency, decimals),
        Styled(remaining, "red") if over else remaining,
        words.percent(each.used),
        Share(each.used, "red" if over else "cyan"),
    ]


def _name(each: BudgetStatus) -> str:
    return each.budget_id or "(none)"


def _unknown(found: Sequence[BudgetStatus]) -> list[Block]:
    """Return a line for each budget of which not all spending is known, or is in its currency."""
    lines: list[Block] = []
    for each in found:
        if each.problem:
            lines.append(Line(f"{_name(each)}: spent is not known: {each.problem}", _ALARM))
        if each.unknown_calls:
            calls = words.plural(each.unknown_calls, "call")
            lines.append(Line(f"{_name(each)}: {calls} of unknown cost; at least this much is spent", _ALARM))
        if each.other_currencies:
            others = ", ".join(words.money(n, name, words.places([n])) for name, n in each.other_currencies.items())
            lines.append(Line(f"{_name(each)}: not in {each.currency}, and in no sum: {others}", _ALARM))
    return [*lines, Line()] if lines else []


def _course(found: Sequence[BudgetStatus], top: int) -> Grid:
    columns = [
        Column("budget"),
        Column("from"),
        Column("until", drop=2),
        Column("a day", right=True),
        Column("used up by", right=True, drop=1),
    ]
    rows = [
        [_name(each), _day(each.starts_at), _day(each.ends_at), rate, _day(each.exhausted_at)]
        for each in found
        if each.starts_at
        for rate in [words.money(each.burn_rate, each.currency, words.places([each.burn_rate]))]
    ]
    return Grid("Burn rate, so far, and where it leads", columns, *cut(rows, top))


def _day(instant: datetime | None) -> str:
    return words.UNKNOWN if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def _thresholds(found: Sequence[BudgetStatus], top: int) -> Grid:
    columns = [
        Column("budget"),
        Column("percent", right=True),
        Column("reached at"),
        Column("position", right=True, drop=1),
    ]
    rows = [
        [_name(each), f"{threshold.percent:f} %", words.moment(threshold.reached_at), words.count(threshold.position)]
        for each in found
        for threshold in each.thresholds
        if threshold.reached_at
    ]
    return Grid("Thresholds reached", columns, *cut(rows, top))


def _credits(found: Sequence[BudgetStatus], top: int) -> list[Block]:
    """Return the grants of each budget that has any, in the order in which they burn."""
    columns = [
        Column("grant"),
        Column("granted", right=True),
        Column("left", right=True),
        Column("from", drop=2),
        Column("until", drop=1),
        Column("", bar=True, drop=3),
    ]
    blocks: list[Block] = []
    for each in found:
        if each.credits:
            decimals = words.places([credit.amount for credit in each.credits])
            rows = [_credit(credit, each.currency, decimals) for credit in each.credits]
            over = f"beyond all credits: {words.money(each.overage, each.currency, decimals)}" if each.overage else ""
            blocks.append(Grid(f"Credits of {_name(each)}", columns, *cut(rows, top)))
            blocks += [Line(over, _ALARM), Line()] if over else []
    return blocks


def _credit(credit: CreditStatus, currency: str, decimals: int) -> list[Cell]:
    return [
        credit.grant_id or "(none)",
        words.money(credit.amount, currency, decimals),
        words.money(credit.balance, currency, decimals),
        _day(credit.starts_at),
        f"{_day(credit.ends_at)}{' (voided)' if credit.voided else ''}",
        Share(float(credit.balance / credit.amount) if credit.amount else None),
    ]
