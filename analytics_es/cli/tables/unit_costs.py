"""What units of work cost → a table."""

from __future__ import annotations

from analytics_es.cli.display import Block, Cell, Column, Grid, Line, Styled, words
from analytics_es.cli.tables.parts import NOTHING, footer, heading
from analytics_es.types import UnitCost, UnitCosts

_TITLES = {
    "job": "job",
    "successful_task": "successful task",
    "conversation": "conversation",
    "1000_output_tokens": "1,000 tokens of output",
}


def unit_costs(answer: UnitCosts) -> list[Block]:
    """Return a row for each unit and currency, and a line about what is not known."""
    blocks = heading("Unit costs", answer.period, series=False)
    stands_on = footer([answer.completeness], answer.period)
    if not answer.units:
        return [*blocks, Line(NOTHING, "yellow"), Line(), stands_on]
    columns = [Column("one"), *(Column(title, right=True) for title in ("costs", "that is", "by")), Column("")]
    blocks.append(Grid("", columns, [_row(each) for each in answer.units]))
    if answer.unknown_calls:
        calls = words.plural(answer.unknown_calls, "call")
        unknown = f"Unknown cost: {calls} of {words.count(answer.calls)}, in no sum above"
        blocks += [Line(unknown, "bold yellow"), Line()]
    return [*blocks, stands_on]


def _row(each: UnitCost) -> list[Cell]:
    places = words.places([each.each])
    costs: Cell = words.money(each.each, each.currency, places)
    if each.cost is None:
        costs = Styled("unknown", "bold yellow")
    return [
        _TITLES[each.unit],
        costs,
        words.money(each.cost, each.currency, words.places([each.cost])),
        words.decimal(each.units),
        _remark(each),
    ]


def _remark(each: UnitCost) -> str:
    """Say why there is no figure, or why it is too low."""
    if not each.units:
        return "no task ended well"
    if each.unknown_calls and each.cost is not None and each.unit != "1000_output_tokens":
        return f"or more: {words.plural(each.unknown_calls, 'call')} of unknown cost"
    return ""
