"""What units of work cost → a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analytics_es.presentation import Behind, Block, Cell, Column, Columns, Grid, Number, Styled, words
from analytics_es.presentation.tables.cost import COST
from analytics_es.presentation.tables.parts import ALARM, apart, filtered, footer, heading, nothing
from analytics_es.types import UnitCost, UnitCosts

OF_ALL = "1000_output_tokens"  # the unit that all calls are of
_TITLES = {
    "job": "job",
    "successful_task": "successful task",
    "conversation": "conversation",
    OF_ALL: "1,000 tokens of output",
}
_COLUMNS: Columns[UnitCost] = [
    Column("unit", lambda unit: _TITLES[unit.unit]),
    Number("cost of one", lambda unit: _cost_of_one(unit), exact=lambda unit: unit.each),
    Number(
        "cost",
        lambda unit: words.money(unit.cost, unit.currency, words.places([unit.cost])),
        exact=lambda unit: unit.cost,
        behind=lambda unit: _behind(unit),
    ),
    Number("units", lambda unit: words.decimal(unit.units)),
    Column("", lambda unit: _remark(unit)),
]


def unit_costs(answer: UnitCosts, where: Mapping[str, str]) -> Iterator[Block]:
    """Return a row for each unit and currency, and a line about what is not known."""
    yield from heading(f"Unit costs{filtered(where)}", answer.period, series=False)
    if not answer.units:
        yield from nothing(where)
    else:
        yield units(answer)
    if answer.units and answer.unknown_calls:
        calls = words.plural(answer.unknown_calls, "call")
        yield from apart(f"Unknown cost: {calls} of {words.count(answer.calls)}, in no sum above", ALARM)
    yield footer([answer.completeness], answer.period)


def units(answer: UnitCosts) -> Block:
    """Return what one of each unit of work costs, in each currency."""
    return Grid("", _COLUMNS, answer.units)


def _cost_of_one(unit: UnitCost) -> Cell:
    cost = words.money(unit.each, unit.currency, words.places([unit.each]))
    return Styled("unknown", ALARM) if unit.cost is None else cost


def _behind(unit: UnitCost) -> Behind | None:
    """Return the calls behind a cost of all calls; no question asks for those that name any job."""
    if unit.unit != OF_ALL or unit.cost is None:
        return None
    return Behind(metric=COST, where={"currency": unit.currency})


def _remark(unit: UnitCost) -> str:
    """Say why there is no figure, or why it is too low."""
    if not unit.units:
        return "no task ended well"
    if unit.unknown_calls and unit.cost is not None and unit.unit != OF_ALL:
        return f"or more: {words.plural(unit.unknown_calls, 'call')} of unknown cost"
    return ""
