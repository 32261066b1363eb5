"""The page of costs: by any dimension or two, over time, what of it is not known, at which prices, and what if."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from analytics_es.cost.cells import TOLD_APART
from analytics_es.errors import UnknownKey
from analytics_es.presentation import Behind, Column, Grid, Line, Link, Number, words
from analytics_es.presentation.charts.cost import cost_series
from analytics_es.presentation.pages import heads
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.parts import Choice, Choices, Page, Part, Section, Tiles
from analytics_es.presentation.tables import cost as tables
from analytics_es.presentation.tables import cost_details as details
from analytics_es.presentation.tables import cost_notes as notes
from analytics_es.presentation.tables.parts import filtered
from analytics_es.presentation.tables.unit_costs import units
from analytics_es.presentation.tiles import calls, money, unknown
from analytics_es.types import CostBreakdown, CostSeries, MetricSummary, UnitCosts

SHOWN = 20
CORRECTED = "provider.cost.corrected"
_SELDOM = ("pricing", *TOLD_APART)  # keys that are not offered: how a cost came about is told beside it


@frozen(kw_only=True)
class Answers:
    """What the page was asked, and its answers; of a what-if, also what `was`; units and corrections are of no such."""

    by: Sequence[str]
    where: Mapping[str, str]
    models: Mapping[str, str]
    cost: CostBreakdown
    series: CostSeries
    was: CostBreakdown | None
    units: UnitCosts | None
    corrections: MetricSummary | None

    @property
    def named(self) -> dict[str, Any]:
        """The answers by their names, the main one first."""
        answers = {name: getattr(self, name) for name in ("cost", "series", "was", "units", "corrections")}
        return {name: answer for name, answer in answers.items() if answer is not None}


def made(asking: Asking) -> Page:
    """Return the page."""
    question = asking.question
    top = question.number("top", SHOWN)
    answers = _asked(asking)
    answer = answers.cost
    title = "What if: cost" if answer.supposed else "Cost"
    return Page(
        name="cost",
        title=words.safe(f"{title}{filtered(answers.where)}"),
        sub=heads.about(answer.period, *heads.against(answer)),
        parts=[_choices(asking, answers), *_parts(answers, top)],
        answers=answers.named,
        foot=heads.foot([answer.completeness], answer.period, *notes.prices(answer)),
    )


def _asked(asking: Asking) -> Answers:
    question, ask, period = asking.question, asking.answers, asking.period
    by = [*dict.fromkeys(question.texts("by", ("model",)))]
    where, models = question.pairs("where"), question.pairs("model", "MODEL=OTHER")
    supposed: Any = {"where": where, "models": models or None}
    only: Any = {"where": {"event_type": CORRECTED}}
    return Answers(
        by=by,
        where=where,
        models=models,
        cost=ask.get_cost_breakdown(period, by=by, **supposed).unwrap(),
        series=ask.get_cost_series(period, by=by, **supposed).unwrap(),
        was=ask.get_cost_breakdown(period, where=where).unwrap() if models else None,
        units=None if models else _units(asking, where),
        corrections=None if models or where else ask.get_summary("usage.events", period, **only).unwrap(),
    )


def _units(asking: Asking, where: Mapping[str, str]) -> UnitCosts | None:
    """Return what units of work cost; None where filters choose what is no key of a call, such as a user."""
    try:
        return asking.answers.get_unit_costs(asking.period, where=where).unwrap()
    except UnknownKey:
        return None


# ── what is asked ───────────────────────────────────────────────────────────────────────────────────────────────


def _choices(asking: Asking, answers: Answers) -> Part:
    options = {name: name.removeprefix("attributes.") for name in _dimensions(asking)}
    first, second, *_ = (*answers.by, "", "")
    choices = [
        Choice(name="by", label="By", options=options, chosen=[first]),
        Choice(name="by", label="and by", options={"": "nothing else", **options}, chosen=[second] if second else []),
        Choice(
            name="where",
            label="Only",
            chosen=[f"{key}={text}" for key, text in answers.where.items()],
            several=True,
            hint="such as user=ada",
        ),
        Choice(
            name="model",
            label="What if",
            chosen=[f"{model}={other}" for model, other in answers.models.items()],
            several=True,
            hint="MODEL=OTHER, at its price",
        ),
    ]
    return Choices(choices)


def _dimensions(asking: Asking) -> list[str]:
    """Return by what costs can be told apart, as the store declares it: keys, entities and tags."""
    declaration = heads.declared(asking, "cost")
    if declaration is None:
        return []
    keys = [key.name for key in declaration.keys if not key.of_entity and key.name not in _SELDOM]
    return [*keys, *declaration.entities]


# ── what is answered ────────────────────────────────────────────────────────────────────────────────────────────


def _parts(answers: Answers, top: int) -> Iterator[Part]:
    answer = answers.cost
    if not answer.calls and not answer.totals:
        yield from heads.nothing("provider calls", answer.completeness)
        return
    if answers.was:
        yield _supposed(answer, answers.was, answers.models)
    yield Tiles([*money(answer), *unknown(answer), *calls(answer)])
    yield _by(answers, top)
    yield Section(title="All calls", parts=[tables.totals(answer)], answer="cost", table="totals")
    if answer.period.granularity != "total" and answer.series:
        yield Section(title="Over time", parts=[tables.by_time(answer)], answer="cost", table="series")
    yield from _not_known(answer, top)
    yield from _units_of_work(answers)
    yield from _prices(answers, top)


def _supposed(answer: CostBreakdown, was: CostBreakdown, models: Mapping[str, str]) -> Section:
    lines = [line for line in notes.supposed(was, models, None, None) if isinstance(line, Line) and line.text]
    without = Link(text="without it", words={"model": None})
    return Section(title="What is supposed", parts=[*lines, details.compared(answer, was)], answer="was", more=without)


def _by(answers: Answers, top: int) -> Section:
    """Return what each cost: drawn over time, and in all; a value of a key leads to what is asked of it alone."""

    def narrowed(key: str, text: str) -> Link:
        where = {**answers.where, key: text}
        by = [one for one in answers.by if one != key] or ["user" if key == "model" else "model"]
        return Link(words={"where": [f"{name}={chosen}" for name, chosen in where.items()], "by": by})

    keys = " and ".join(key for key in answers.by if key != "currency") or "currency"
    table = tables.rows(answers.cost, top, narrowed=narrowed)
    return Section(title=f"By {keys}", parts=[*cost_series(answers.series), table], answer="series")


def _not_known(answer: CostBreakdown, top: int) -> Iterator[Section]:
    if missing := [*details.unknown(answer, top), *details.unpriced(answer, top)]:
        yield Section(title="What is not known", parts=missing, answer="cost", table="unknown")
    if efforts := [*details.efforts(answer)]:
        yield Section(title="Failed and tried again, in the sums above", parts=efforts, answer="cost", table="efforts")


def _units_of_work(answers: Answers) -> Iterator[Section]:
    if answers.units and answers.units.units:
        yield Section(title="What one costs", parts=[units(answers.units)], answer="units")
    elif answers.units is None and not answers.models:
        line = Line("What a job, a task or a conversation costs is not told of calls that are narrowed to somebody.")
        yield Section(title="What one costs", parts=[line])


def _prices(answers: Answers, top: int) -> Iterator[Section]:
    """Yield at which prices costs were computed, what is doubtful about them, and what was corrected."""
    parts: list[Part] = [*details.prices(answers.cost, top)]
    parts += [Line(text, "yellow") for text in notes.warnings(answers.cost)]
    parts += _corrections(answers.corrections)
    if parts:
        edition = [Line(text) for text in notes.prices(answers.cost)]
        yield Section(title="Prices and corrections", parts=[*edition, *parts], answer="cost", table="prices")


def _corrections(summary: MetricSummary | None) -> Iterator[Part]:
    number = summary and summary.figures.total
    if number:
        behind = Behind(metric="usage.events", where={"event_type": CORRECTED})
        columns = [
            Column[int]("what", lambda _: "reported costs that were corrected, in the sums above"),
            Number[int]("corrections", words.count, behind=lambda _: behind),
        ]
        yield Grid("Corrections", columns, [int(number)])


KIND = Kind(
    name="cost",
    title="Cost",
    words=("by", "where", "model", "top"),
    made=heads.unless_missing("cost", "Cost", "", made),
)
