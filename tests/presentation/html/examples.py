"""A page with every part, as a page about cost could be; `worded` puts one text into every place that takes one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from analytics_es.presentation.blocks import Behind, Beside, Column, Grid, Line, Number, Share, Styled
from analytics_es.presentation.html import Links
from analytics_es.presentation.parts import (
    Choice,
    Choices,
    Code,
    Link,
    Meter,
    Meters,
    Page,
    Pair,
    Part,
    Section,
    Step,
    Steps,
    Tile,
    Tiles,
)
from analytics_es.presentation.question import Question
from analytics_es.types.sentences import sentence


class Spent(NamedTuple):
    """A row: what a model cost."""

    model: str
    calls: int
    cost: Decimal | None
    share: float | None


ROWS = [
    Spent("claude-sonnet-4-5", 1744, Decimal("12.70153"), 0.67),
    Spent("gpt-4.1", 498, Decimal("2.06131"), 0.11),
    Spent("llama-3.3-70b", 367, None, None),
]


def links(words: str = "last=7d", *, page: str = "cost", root: str = "") -> Links:
    """Return the links of a page that was asked this."""
    pairs = [tuple(pair.split("=", 1)) for pair in words.split("&") if pair]
    return Links(page=page, question=Question.read(pairs, ("by", "where", "top")), root=root)  # type: ignore[arg-type]


def behind(row: Spent) -> Behind:
    """Return the calls behind what a model cost."""
    return Behind(metric="cost.cost", where={"model": row.model})


def grid(rows: list[Spent] = ROWS, title: str = "By model", remark: str = "") -> Grid[Spent]:
    """Return a table with a column of each kind."""
    return Grid(
        title,
        [
            Column("model", lambda row: row.model, link=lambda row: Link(page="usage", words={"model": row.model})),
            Number("calls", lambda row: f"{row.calls:,}"),
            Number("USD", _cost, behind=behind, exact=lambda row: row.cost),
            Column("", lambda row: Share(row.share), bar=True),
            Column("since", lambda row: Styled("yesterday", "dim")),
        ],
        rows,
        remark,
    )


def _cost(row: Spent) -> str | Styled:
    return Styled("unknown", "bold yellow") if row.cost is None else f"{row.cost:.2f}"


def tile(**changes: Any) -> Tile:
    """Return a tile with everything that one can have."""
    whole = {
        "label": "Cost",
        "figure": "19.04",
        "note": "USD and 3.43 EUR",
        "spark": [0, 0.5, 5, 2, 4],
        "behind": Behind(metric="cost.cost"),
        "exact": Decimal("19.0412"),
    }
    return Tile(**{**whole, **changes})


def meter(**changes: Any) -> Meter:
    """Return a meter of a budget that is nearly used up."""
    whole: dict[str, Any] = {"name": "acme-budget", "figure": "6.86 of 7.03 USD", "part": 0.976}
    return Meter(**{**whole, "note": "lasts the period", "link": Link(page="budgets"), **changes})


def parts() -> dict[str, Part]:
    """Return each part by its name."""
    few = [Column("tenant", lambda row: row.model), Number("events", lambda row: str(row.calls))]
    section = Section(title="Cost", parts=[grid()], answer="cost", table="rows", more=Link(text="all", page="cost"))
    budgets = Section(title="Budgets", parts=[Meters([meter(), meter(over=True, part=1.9), meter(part=None)])])
    dimensions = {"model": "model", "user": "user"}
    return {
        "tiles": Tiles([tile(), tile(label="Cost unknown", alarm=True, spark=(), link=Link(page="cost"))]),
        "pair": Pair(left=section, right=budgets),
        "grid": grid(remark=sentence("… and 12 more: --top 15 shows all")),
        "beside": Beside(Grid("Tenants", few, ROWS), Grid("Users", few, ROWS[:1])),
        "line": Line(sentence("llama-3.3-70b: 367 calls of unknown cost (`analytics-es explain`)"), "bold yellow"),
        "choices": Choices(
            [
                Choice(name="by", label="by", options=dimensions, chosen=["model"], several=True, hint="one or two"),
                Choice(name="top", label="rows", options={"10": "10", "20": "20"}, chosen=["20"]),
                Choice(name="where", label="where", hint="user=ada"),
            ]
        ),
        "steps": Steps([Step(text="See it with events that are made up:", code="analytics-es demo")]),
        "code": Code('{\n  "type": "provider.call.completed"\n}'),
    }


def page(**changes: Any) -> Page:
    """Return the whole page."""
    whole: dict[str, Any] = {
        "name": "cost",
        "title": "The last 7 days",
        "sub": "21 Nov to 28 Nov 2026, UTC",
        "parts": [
            part if isinstance(part, Tiles | Pair) else Section(title=name, parts=[part])
            for name, part in parts().items()
        ],
        "answers": {"cost": None},
        "foot": ["as of position 16,998 · up to date"],
    }
    return Page(**{**whole, **changes})


def worded(text: str) -> Page:
    """Return a page with one text in every place that takes one."""
    link, events = Link(text=text, page="cost", words={"by": text}), Behind(metric=text, where={text: text})
    columns = [
        Column(text, lambda row: text, link=lambda row: link),
        Column(text, lambda row: Styled(text, text), behind=lambda row: events),
        Number(text, lambda row: text, exact=lambda row: text),
    ]
    table = Grid(text, columns, ROWS, text)
    inside: list[Part] = [
        table,
        Beside(table, table),
        Line(text, text),
        Line(f"such as `{text}` or --last {text}"),
        Line(sentence("such as {0}, `analytics-es {0}`, {0!r}, or --last {0}, or --last 4w", text)),
        Meters([Meter(name=text, figure=text, part=0.5, note=text, link=link)]),
        Choices(
            [
                Choice(name=text, label=text, options={text: text}, chosen=[text], several=True, hint=text),
                Choice(name=text, label=text, options={text: text}, chosen=["other"], hint=text),
                Choice(name=text, label=text, chosen=[text], hint=text),
            ]
        ),
        Steps([Step(text=text, code=text)]),
        Code(text),
    ]
    tiles = [
        Tile(label=text, figure=text, note=text, behind=events, exact=text),
        Tile(label=text, figure=text, link=link),
    ]
    section = Section(title=text, parts=inside, answer=text, table=text, more=link)
    whole = [Tiles(tiles), section, Pair(left=section, right=section)]
    return page(name=text, title=text, sub=text, parts=whole, answers={text: None}, foot=[text])


MOMENT = datetime(2026, 11, 1, 12, tzinfo=UTC)
