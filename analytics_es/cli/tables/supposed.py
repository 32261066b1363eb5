"""What is supposed in a what-if → lines, with what it is compared to: the costs that were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from analytics_es.cli.display import Block, Line, words
from analytics_es.cli.tables.cost import in_short
from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.types import CostBreakdown


def supposed(
    was: CostBreakdown, models: Mapping[str, str], prices: Sequence[PriceEntry] | None, file: Path | None
) -> list[Block]:
    """Return lines; `was` is what it cost by model."""
    blocks: list[Block] = []
    if prices:
        number = words.plural(len(prices), "price")
        text = f"at the prices there are and {number} of {file}, for all calls: what they reported is set aside"
        blocks.append(Line(words.safe(text), "bold"))
    for model, other in models.items():
        blocks.append(Line(words.safe(f"calls of {model} as if they were of {other}, at its price"), "bold"))
    known = {row.keys["model"] for row in was.rows}
    blocks += [
        Line(words.safe(f"{model}: no such calls in this period, nothing is supposed of them"), "yellow")
        for model in models
        if model not in known
    ]
    unknown = f"; {words.count(was.unknown_calls)} of unknown cost" if was.unknown_calls else ""
    return [*blocks, Line(f"it was: {in_short(was) or 'not known'}{unknown}"), Line()]
