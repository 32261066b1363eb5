"""What is supposed in a what-if → lines, with what it is compared to: the costs that were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from analytics_es.cli.display import Block, Line, words
from analytics_es.cli.tables.cost import in_short
from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.types import CostBreakdown


def supposed(
    was: CostBreakdown, models: Mapping[str, str], prices: Sequence[PriceEntry] | None, file: Path | None
) -> Iterator[Block]:
    """Return lines; `was` is what it cost by model."""
    if prices:
        number = words.plural(len(prices), "price")
        text = f"at the prices there are and {number} of {file}, for all calls: what they reported is set aside"
        yield Line(words.safe(text), "bold")
    for model, other in models.items():
        yield Line(words.safe(f"calls of {model} as if they were of {other}, at its price"), "bold")
    called = {row.keys["model"] for row in was.rows}
    for model in (model for model in models if model not in called):
        yield Line(words.safe(f"{model}: no such calls in this period, nothing is supposed of them"), "yellow")
    unknown = f"; {words.count(was.unknown_calls)} of unknown cost" if was.unknown_calls else ""
    yield from (Line(f"it was: {in_short(was) or 'not known'}{unknown}"), Line())
